"""What a run's records say beyond its summary, a row a fact with its interval, unit and estimator (`perplab.analysis.estimators.estimates`, `perplab.analysis.estimators.block_intervals`).

Means, deviations and shares leave out the warm-up, and the basis is that of hourly closes, as in the summary: the same rows, the same figure.
"""

import math

import numpy as np
import pandas as pd

from perplab.analysis.estimators.block_intervals import (
    CORRELATION,
    PLAIN,
    POSITIVE,
    SHORTEST_DAYS,
    binomial_limits,
    block_interval,
    drawn_interval,
    share_interval,
)
from perplab.analysis.estimators.discovery import price_discovery
from perplab.analysis.estimators.estimates import (
    TAIL_SHARES,
    YEAR_HOURS,
    autocorrelation_interval,
    branching,
    drawdown_of,
    effective_spread,
    follows,
    half_life_interval,
    impact_exponent,
    kurtosis,
    leads,
    sharpe,
    tail_index,
)
from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    HOUR_SECONDS,
    WARMUP_HOURS,
    basis_bps,
    forced_events,
    hourly_closes,
    known_mid,
    of_market,
    run_seconds,
    warmup,
)
from perplab.analysis.metrics.cascade import absorbed_shares, forest, notional_by_channel, trees
from perplab.analysis.metrics.episodes import ATTACKER, attacker_figures, of_shorts
from perplab.analysis.metrics.summary import liquidation_count
from perplab.sim.state.recorder import Records

MINUTE = 60.0
UNKNOWN = (math.nan, math.nan)
COLUMNS = ("fact", "value", "low", "high", "unit", "how")
SHORT = f"no limits: shorter than {SHORTEST_DAYS:g} days"


def facts(records: Records, market: int = 0) -> pd.DataFrame:
    """Return the facts of a run as a frame: fact, value, low, high, unit, how.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    market : int

    Returns
    -------
    pandas.DataFrame
    """
    groups = (
        basis_facts,
        book_facts,
        return_facts,
        discovery_facts,
        trading_facts,
        funding_facts,
        leverage_facts,
        hazard_facts,
        cascade_facts,
        attack_facts,
    )
    rows = [*(row for group in groups for row in group(records, market)), *profit_facts(records)]
    return pd.DataFrame(rows, columns=COLUMNS)


def level(records, name, found, unit, how="six blocks of time"):
    """Return the row of a figure of levels, without limits where the run is too short for them."""
    value, low, high = found
    if run_seconds(records) < SHORTEST_DAYS * DAY_SECONDS:
        return name, value, *UNKNOWN, unit, SHORT
    return (
        name,
        value,
        low,
        high,
        unit,
        how if low == low else f"{how}; no limits: few rows, or rows like a walk's",
    )


def late_rows(records, market):
    """Return the rows of a market's series after the warm-up."""
    series = records.series[market]
    return series[series["seconds"] >= warmup(records, WARMUP_HOURS)]


def root_mean_square(values):
    """Return the root of the mean of squares."""
    return float(np.sqrt(np.mean(values**2)))


def basis_facts(records, market):
    """Return facts of the basis: at hourly closes, and how it comes back from one look to the next."""
    closes = hourly_closes(records.series[market], warmup(records, WARMUP_HOURS))
    basis = basis_bps(closes["mid"], closes["spot"])
    figures = (
        ("basis, mean", np.mean, PLAIN),
        ("basis, standard deviation", np.std, POSITIVE),
        ("tracking error", root_mean_square, POSITIVE),
    )
    for name, statistic, form in figures:
        yield level(
            records,
            name,
            block_interval(statistic, basis, form),
            "bp",
            "hourly closes; six blocks of time",
        )
    series = late_rows(records, market)
    hours = (
        (series["seconds"][1] - series["seconds"][0]) / HOUR_SECONDS if len(series) > 1 else 1 / 60
    )
    every = basis_bps(known_mid(series), series["spot"])
    for minutes in (1, 10, 60):
        step = max(round(minutes / 60 / hours), 1)
        found = half_life_interval(every[np.isfinite(every)][::step])
        yield (
            f"basis, half-life at {step * hours * 60:g} min",
            *(step * hours * part for part in found),
            "h",
            "error correction; six blocks of time",
        )


def book_facts(records, market):
    """Return facts of the depth and of the quoted spread, at whole hours."""
    hourly = late_rows(records, market)
    hourly = hourly[
        np.abs(hourly["seconds"] / HOUR_SECONDS - np.round(hourly["seconds"] / HOUR_SECONDS)) < 1e-6
    ]
    depth = (
        0.5
        * (hourly["depth_bid"] + hourly["depth_ask"])
        * hourly["mark"]
        * of_market(records.meta["lot"], market)
    )
    yield level(
        records,
        "depth within 10 bp, mean of both sides",
        block_interval(np.mean, depth),
        "quote currency",
    )
    quoted = hourly[(hourly["best_bid"] > 0) & (hourly["best_ask"] > 0)]
    spread = (quoted["best_ask"] - quoted["best_bid"]) / quoted["mid"] * BPS
    yield level(records, "quoted spread, mean", block_interval(np.mean, spread), "bp")


def return_facts(records, market):
    """Return facts of the perpetual's returns between records."""
    mid = known_mid(late_rows(records, market))
    returns = np.diff(np.log(mid))
    returns = returns[np.isfinite(returns)]
    for share in TAIL_SHARES:
        how = "Hill; inf: a fat tail is not told from a thin one; six blocks of time"
        yield f"tail index of returns, largest {share:.2%}", *tail_index(returns, share), "1", how
    yield (
        "excess kurtosis of returns",
        *block_interval(kurtosis, returns),
        "1",
        "six blocks of time",
    )
    for lag in (1, 60):
        yield (
            f"autocorrelation of absolute returns, lag {lag}",
            *autocorrelation_interval(np.abs(returns), lag),
            "1",
            "six blocks of time",
        )


def discovery_facts(records, market):
    """Return who moves first, and who finds the price."""
    series = late_rows(records, market)
    mid = known_mid(series)
    both = np.column_stack([np.diff(np.log(mid)), np.diff(np.log(series["spot"]))])
    both = both[np.isfinite(both).all(axis=1)]
    for name, statistic in (
        ("perpetual's return with spot's next", leads),
        ("perpetual's return with spot's before", follows),
    ):
        yield (
            f"correlation of the {name}",
            *block_interval(statistic, both, CORRELATION),
            "1",
            "by record interval; six blocks of time",
        )
    known = np.isfinite(mid)
    if known.sum() > 200:
        found = price_discovery(np.log(mid[known]), np.log(series["spot"][known]))
        yield (
            "perpetual's component share",
            *found.component,
            "1",
            f"Gonzalo-Granger, unrestricted; Fieller's limits{boundary(*found.component)}",
        )
        yield (
            "perpetual's information share, lowest",
            *found.information_lowest,
            "1",
            "Hasbrouck, perpetual last; six blocks of time",
        )
        yield (
            "perpetual's information share, highest",
            *found.information_highest,
            "1",
            "Hasbrouck, perpetual first; six blocks of time",
        )


def boundary(value, low, high):
    """Return in words whether a share touches 0 or 1.

    Examples
    --------
    >>> boundary(-0.02, -0.1, 0.06), boundary(0.5, 0.2, 0.8)
    ('; touches 0: spot leads alone', '')
    """
    if math.isnan(low):
        return "; no limits: the gap's closing cannot be told from none"
    if low <= 0 < 1 <= high:
        return "; between 0 and 1 anything goes"
    return (
        "; touches 0: spot leads alone"
        if low <= 0
        else "; touches 1: the perpetual leads alone"
        if high >= 1
        else ""
    )


def funding_facts(records, market):
    """Return facts of the rates settled after the warm-up and of who paid."""
    settled = records.settlements[records.settlements["market"] == market]
    settled = settled[settled["seconds"] > warmup(records, WARMUP_HOURS)]
    interval = of_market(records.meta["interval_seconds"], market)
    rates, days = (
        settled["rate"] * BPS * 28_800.0 / interval,
        max(round(len(settled) * interval / DAY_SECONDS), 1),
    )
    yield level(records, "funding, mean", block_interval(np.mean, rates), "bp per 8 h")
    yield level(
        records,
        "funding, standard deviation",
        block_interval(np.std, rates, POSITIVE),
        "bp per 8 h",
    )
    yield level(records, "funding, first autocorrelation", autocorrelation_interval(rates), "1")
    interest = of_market(records.meta["interest"], market) / of_market(
        records.meta["divisor"], market
    )
    for name, chosen in (
        ("at the interest rate", settled["rate"] == interest),
        ("below 0", settled["rate"] < 0),
    ):
        yield level(
            records,
            f"settlements {name}",
            share_interval(chosen, days),
            "fraction",
            "six blocks of time; none or all: exact, a settlement a day",
        )
    yield level(
        records,
        "funding paid by longs, a settlement",
        block_interval(np.mean, settled["long_paid"] * records.meta["unit"]),
        "quote currency",
    )


def trading_facts(records, market):
    """Return what takers pay and how flow moves the price; only of runs that record their trades."""
    trades, series = records.prints[records.prints["market"] == market], records.series[market]
    if not len(trades) or len(series) < 2:
        return
    before = (
        np.searchsorted(series["seconds"], trades["step"] * records.meta["dt"] + 1e-6, side="right")
        - 1
    )
    mid, price = known_mid(series), trades["tick"] * of_market(records.meta["tick"], market)
    rows = np.column_stack([trades["side"], price, mid[before], trades["lots"]]).astype(float)
    seen = rows[(before >= 0) & np.isfinite(mid[before])]
    yield (
        "effective spread",
        *block_interval(effective_spread, seen),
        "bp",
        "against the last recorded mid, by lots; six blocks of time",
    )
    flow = np.bincount(before + 1, trades["side"] * trades["lots"], len(series) + 1)[
        1 : len(series)
    ]
    pairs = np.column_stack([flow, np.diff(np.log(mid))])
    found = block_interval(impact_exponent, pairs[np.isfinite(pairs).all(axis=1)])
    yield (
        "impact of flow, exponent",
        *found,
        "1",
        "flow and return of each record interval, 12 groups; six blocks of time",
    )


def leverage_facts(records, market):
    """Return the leverage of the positions that were open at the end of the run."""
    held = records.positions[
        (records.positions["market"] == market) & (records.positions["equity"] > 0)
    ]
    leverage = held["notional"] / held["equity"]
    for name, share in (("median", 0.5), ("upper decile", 0.9)):
        found = drawn_interval(lambda values, share=share: np.quantile(values, share), leverage)
        yield f"leverage at the end, {name}", *found, "1", "of open positions; bootstrap over them"


def cascade_facts(records, market):
    """Return size and reach of the trees of liquidations, and who took what they sold."""
    lot, events = of_market(records.meta["lot"], market), forced_events(records, market)
    rows = trees(forest(events, lot))
    if not rows:
        return
    sizes = np.array([[row["size"], row["endogenous"]] for row in rows], float)
    yield (
        "branching ratio of liquidations",
        *branching_interval(sizes),
        "1",
        "endogenous accounts over all; of these trees: bootstrap over them, exact if none",
    )
    yield (
        "liquidations, a tree",
        *drawn_interval(lambda kept: kept[:, 0].mean(), sizes),
        "1",
        "of these trees: bootstrap over them",
    )
    yield "largest tree", max(row["size"] for row in rows), *UNKNOWN, "liquidations", "count"
    yield "deepest tree", max(row["depth"] for row in rows), *UNKNOWN, "generations", "count"
    yield (
        "longest tree",
        max(row["seconds"] for row in rows) / MINUTE,
        *UNKNOWN,
        "min",
        "first to last forced trade",
    )
    for name, share in absorbed_shares(events, lot).items():
        yield (
            f"liquidated notional, {name.replace('_', ' of ')}",
            share,
            *UNKNOWN,
            "fraction",
            "exact",
        )


def branching_interval(sizes):
    """Return the branching ratio of trees with its limits; without any endogenous node those of a share that none of so many trees has.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (trees, 2)
        Nodes, endogenous nodes.

    Examples
    --------
    >>> [round(x, 3) for x in branching_interval(np.array([[1.0, 0.0]] * 42))]
    [0.0, 0.0, 0.084]
    """
    if not sizes[:, 1].any():
        return 0.0, *binomial_limits(False, len(sizes))
    return drawn_interval(branching, sizes)


def profit_facts(records):
    """Return profit, Sharpe ratio and drawdown of each kind's wealth."""
    for k, name in enumerate(records.kind_names):
        profits = np.diff(records.kinds["equity"][:, k] * records.meta["unit"])
        yield level(
            records, f"{name}: profit, an hour", block_interval(np.mean, profits), "quote currency"
        )
        yield level(
            records,
            f"{name}: Sharpe ratio",
            block_interval(sharpe, profits),
            "per square root of a year",
            "hourly profits; six blocks of time",
        )
        yield (
            f"{name}: largest drawdown",
            drawdown_of(profits),
            *UNKNOWN,
            "quote currency",
            "exact, of hourly wealth in this run",
        )


def attack_facts(records, market):
    """Return what an attacker, if there is one, gained and from where, and what took the equity of the shorts that were liquidated."""
    if ATTACKER not in records.kind_names:
        return
    found = attacker_figures(records, records.series[market])
    profit, funding = found["attacker_profit_usd"], found["attacker_funding_usd"]
    for name, amount in (
        ("profit", profit),
        ("of it funding", funding),
        ("of it trading, fees and spot", profit - funding),
        ("largest spot holding", found["attacker_spot_peak_usd"]),
        ("still held at the end", found["attacker_left_usd"]),
    ):
        yield (
            f"attacker: {name}",
            amount,
            *UNKNOWN,
            "quote currency",
            "exact, of this run; against a control: perplab.analysis.metrics.episodes",
        )
    shorts = notional_by_channel(
        forest(of_shorts(forced_events(records, market)), of_market(records.meta["lot"], market))
    )
    for channel, amount in shorts.items():
        yield (
            f"liquidated shorts, equity taken by {channel}",
            amount,
            *UNKNOWN,
            "quote currency",
            "exact",
        )


def hazard_facts(records, market):
    """Return how often a trader is liquidated, all traders of the run counted, those without a position too.

    Liquidations come in falls and in trees, and one run sees few falls: their count varies over seeds far more than a Poisson's (variance over
    mean 5 to 8 in the story `calm`), so that one run gives no honest limits.
    """
    count, days = (
        liquidation_count(forced_events(records, market)),
        run_seconds(records) / DAY_SECONDS,
    )
    rate = count / (days * records.meta["traders"]) * YEAR_HOURS / 24
    yield (
        "liquidations, a trader and year",
        rate,
        *UNKNOWN,
        "1",
        "over all traders of the run; clustered: limits only over seeds",
    )
