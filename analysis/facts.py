"""What a run's records say beyond its summary, a row a fact with its interval, unit and estimator (`analysis.estimates`)."""

import math

import numpy as np
import pandas as pd

from analysis.cascade import absorbed_shares, forest, notional_by_channel, trees
from analysis.estimates import (
    YEAR_HOURS,
    autocorrelation_of,
    bootstrapped,
    branching,
    drawdown_of,
    effective_spread,
    follows,
    half_life,
    hill,
    impact_exponent,
    kurtosis,
    leads,
    price_discovery,
    rate_interval,
    sharpe,
)
from analysis.forced import ATTACKER, attacker_figures, of_shorts
from analysis.metrics import BPS, basis_bps, forced_events, known_mid, liquidation_count, of_market

DAY_MINUTES, MINUTE = 1_440.0, 60.0
UNKNOWN = (math.nan, math.nan)
DAYS_A_YEAR = YEAR_HOURS / 24


def facts(records, market=0):
    """Return the facts of a run as a frame: fact, value, low, high, unit, how.

    Parameters
    ----------
    records : sim.recorder.Records
    market : int

    Returns
    -------
    pandas.DataFrame
    """
    groups = (basis_facts, return_facts, trading_facts, funding_facts, leverage_facts, hazard_facts, cascade_facts, attack_facts)
    rows = [*(row for group in groups for row in group(records, market)), *profit_facts(records)]
    return pd.DataFrame(rows, columns=["fact", "value", "low", "high", "unit", "how"])


def basis_facts(records, market):
    """Return facts of the basis and of the quoted spread."""
    series = records.series[market]
    minutes = (series["seconds"][1] - series["seconds"][0]) / 60.0 if len(series) > 1 else 1.0
    basis = basis_bps(known_mid(series), series["spot"])
    basis = basis[np.isfinite(basis)]
    day = DAY_MINUTES / minutes
    yield "basis, mean", *bootstrapped(np.mean, basis, day), "bp", "block bootstrap"
    yield "basis, standard deviation", *bootstrapped(np.std, basis, day), "bp", "block bootstrap"
    yield "tracking error", *bootstrapped(lambda values: np.sqrt(np.mean(values**2)), basis, day), "bp", "root mean square; block bootstrap"
    for scale in (1, 10, 60):
        step = max(round(scale / minutes), 1)
        kept = basis[::step]
        pairs = np.column_stack([kept[:-1], np.diff(kept)]) if len(kept) > 8 else np.zeros((0, 2))
        value, low, high = bootstrapped(half_life, pairs, day / step)
        hours = step * minutes / 60.0
        yield f"basis, half-life at {step * minutes:g} min", value * hours, low * hours, high * hours, "h", "error correction; block bootstrap"
    lot = of_market(records.meta["lot"], market)
    yield (
        "depth within 10 bp, mean of both sides",
        *bootstrapped(np.mean, 0.5 * (series["depth_bid"] + series["depth_ask"]) * series["mark"] * lot, day),
        "quote currency",
        "block bootstrap",
    )
    quoted = (series["best_ask"] - series["best_bid"]) / series["mid"] * BPS
    quoted = quoted[(series["best_bid"] > 0) & (series["best_ask"] > 0)]
    yield "quoted spread, mean", *bootstrapped(np.mean, quoted, day), "bp", "block bootstrap"


def return_facts(records, market):
    """Return facts of the perpetual's returns, and who finds the price."""
    series = records.series[market]
    mid = known_mid(series)
    returns = np.diff(np.log(mid))
    returns = returns[np.isfinite(returns)]
    yield "tail index of returns", *hill(returns), "1", "Hill, largest 5 %; closed form"
    yield "excess kurtosis of returns", *bootstrapped(kurtosis, returns, 60.0), "1", "block bootstrap"
    for lag in (1, 60):
        yield f"autocorrelation of absolute returns, lag {lag}", *bootstrapped(autocorrelation_of(lag), np.abs(returns), 240.0), "1", "block bootstrap"
    both = np.column_stack([np.diff(np.log(mid)), np.diff(np.log(series["spot"]))])
    both = both[np.isfinite(both).all(axis=1)]
    for name, statistic in (("perpetual's return with spot's next", leads), ("perpetual's return with spot's before", follows)):
        yield f"correlation of the {name}", *bootstrapped(statistic, both, 240.0), "1", "by record interval; block bootstrap"
    known = np.isfinite(mid)
    if known.sum() > 200:
        found = price_discovery(np.log(mid[known]), np.log(series["spot"][known]))
        yield "perpetual's component share", *found[:3], "1", "Gonzalo-Granger; error correction, draws of the adjustments"
        low, high = found.information_low, found.information_high
        yield "perpetual's information share", 0.5 * (low + high), low, high, "1", "Hasbrouck; error correction, bounds over both orders"


def funding_facts(records, market):
    """Return facts of the settled rates and of who paid."""
    settled = records.settlements[records.settlements["market"] == market]
    interval = of_market(records.meta["interval_seconds"], market)
    rates, day = settled["rate"] * BPS * 28_800.0 / interval, 86_400.0 / interval
    yield "funding, mean", *bootstrapped(np.mean, rates, day), "bp per 8 h", "block bootstrap"
    yield "funding, standard deviation", *bootstrapped(np.std, rates, day), "bp per 8 h", "block bootstrap"
    yield "funding, first autocorrelation", *bootstrapped(autocorrelation_of(1), rates, 3 * day), "1", "block bootstrap"
    interest = of_market(records.meta["interest"], market) / of_market(records.meta["divisor"], market)
    for name, chosen in (("at the interest rate", settled["rate"] == interest), ("below 0", settled["rate"] < 0)):
        yield f"settlements {name}", *bootstrapped(np.mean, chosen.astype(float), day), "fraction", "block bootstrap"
    paid = settled["long_paid"] * records.meta["unit"]
    yield "funding paid by longs, a settlement", *bootstrapped(np.mean, paid, day), "quote currency", "block bootstrap"


def trading_facts(records, market):
    """Return what takers pay and how flow moves the price; only of runs that record their trades."""
    trades, series = records.prints[records.prints["market"] == market], records.series[market]
    if not len(trades) or len(series) < 2:
        return
    before = np.searchsorted(series["seconds"], trades["step"] * records.meta["dt"] + 1e-6, side="right") - 1
    mid, price = known_mid(series), trades["tick"] * of_market(records.meta["tick"], market)
    rows = np.column_stack([trades["side"], price, mid[before], trades["lots"]]).astype(float)
    day = len(trades) / max(records.meta["steps"] * records.meta["dt"] / 86_400.0, 1e-9)
    yield (
        "effective spread",
        *bootstrapped(effective_spread, rows[(before >= 0) & np.isfinite(mid[before])], day / 24),
        "bp",
        "against the last recorded mid, by lots; block bootstrap",
    )
    flow = np.bincount(before + 1, trades["side"] * trades["lots"], len(series) + 1)[1 : len(series)]
    pairs = np.column_stack([flow, np.diff(np.log(mid))])
    yield (
        "impact of flow, exponent",
        *bootstrapped(impact_exponent, pairs[np.isfinite(pairs).all(axis=1)], 60.0),
        "1",
        "flow and return of each record interval, 12 groups; block bootstrap",
    )


def leverage_facts(records, market):
    """Return the leverage of the positions that were open at the end of the run."""
    held = records.positions[(records.positions["market"] == market) & (records.positions["equity"] > 0)]
    leverage = held["notional"] / held["equity"]
    for name, share in (("median", 0.5), ("upper decile", 0.9)):
        yield (
            f"leverage at the end, {name}",
            *bootstrapped(lambda values, share=share: np.quantile(values, share), leverage, 2.0),
            "1",
            "of open positions; bootstrap",
        )


def cascade_facts(records, market):
    """Return size and reach of the trees of liquidations, and who took what they sold."""
    lot, events = of_market(records.meta["lot"], market), forced_events(records, market)
    graph = forest(events, lot)
    rows = trees(graph)
    if not rows:
        return
    sizes = np.array([[row["size"], row["endogenous"]] for row in rows], float)
    yield "branching ratio of liquidations", *bootstrapped(branching, sizes, 2.0), "1", "endogenous over all; bootstrap of trees"
    yield "liquidations, a tree", *bootstrapped(np.mean, sizes[:, 0], 2.0), "1", "bootstrap of trees"
    yield "largest tree", max(row["size"] for row in rows), *UNKNOWN, "liquidations", "count"
    yield "deepest tree", max(row["depth"] for row in rows), *UNKNOWN, "generations", "count"
    yield "longest tree", max(row["seconds"] for row in rows) / MINUTE, *UNKNOWN, "min", "first to last forced trade"
    for name, share in absorbed_shares(events, lot).items():
        yield f"liquidated notional, {name.replace('_', ' of ')}", share, *UNKNOWN, "fraction", "exact"


def profit_facts(records):
    """Return profit, Sharpe ratio and drawdown of each kind's wealth."""
    for k, name in enumerate(records.kind_names):
        profits = np.diff(records.kinds["equity"][:, k] * records.meta["unit"])
        yield f"{name}: profit, an hour", *bootstrapped(np.mean, profits, 24.0), "quote currency", "block bootstrap"
        yield f"{name}: Sharpe ratio", *bootstrapped(sharpe, profits, 24.0), "per square root of a year", "hourly profits; block bootstrap"
        yield f"{name}: largest drawdown", *bootstrapped(drawdown_of, profits, 24.0), "quote currency", "hourly profits; block bootstrap"


def attack_facts(records, market):
    """Return what an attacker, if there is one, gained and from where, and what took the equity of the shorts that were liquidated."""
    if ATTACKER not in records.kind_names:
        return
    found = attacker_figures(records, records.series[market])
    profit, funding = found["attacker_profit_usd"], found["attacker_funding_usd"]
    for name, amount in (("profit", profit), ("of it funding", funding), ("of it trading, fees and spot", profit - funding),
                         ("largest spot holding", found["attacker_spot_peak_usd"]), ("still held at the end", found["attacker_left_usd"])):
        yield f"attacker: {name}", amount, *UNKNOWN, "quote currency", "exact, of this run; against a control: analysis.forced"
    shorts = notional_by_channel(forest(of_shorts(forced_events(records, market)), of_market(records.meta["lot"], market)))
    for channel, amount in shorts.items():
        yield f"liquidated shorts, equity taken by {channel}", amount, *UNKNOWN, "quote currency", "exact"


def hazard_facts(records, market):
    """Return how often a trader is liquidated."""
    count, days = liquidation_count(forced_events(records, market)), records.meta["steps"] * records.meta["dt"] / 86_400.0
    yield "liquidations, a trader and year", *(DAYS_A_YEAR * x for x in rate_interval(count, days * records.meta["traders"])), "1", "Poisson, exact limits"
