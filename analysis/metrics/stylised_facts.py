"""Stylised facts of a run: a row per fact with its 95 % interval, unit and estimator.

Estimators are in `perplab.analysis.estimators.estimates`, intervals in
`perplab.analysis.estimators.block_intervals`. Means, deviations and shares leave out the warm-up,
and the basis is that of hourly closes, as in the summary: the same rows give the same figure.
"""

import math

import numpy as np
import pandas as pd

from perplab.analysis.estimators.block_intervals import (
    CORRELATION,
    PLAIN,
    POSITIVE,
    block_interval,
    share_interval,
)
from perplab.analysis.estimators.discovery import price_discovery
from perplab.analysis.estimators.estimates import (
    TAIL_SHARES,
    autocorrelation_interval,
    effective_spread,
    half_life_interval,
    impact_exponent,
    kurtosis,
    lag_correlation,
    lead_correlation,
    tail_index,
)
from perplab.analysis.estimators.fact_rows import Fact, exact_fact, interval_fact, level_fact
from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    HOUR_SECONDS,
    basis_bps,
    known_mid,
)
from perplab.analysis.metrics.summary import market_run
from perplab.analysis.metrics.trader_facts import (
    attack_facts,
    cascade_facts,
    hazard_facts,
    leverage_facts,
    profit_facts,
)
from perplab.sim.state.recorder import Records

QUOTE = "quote currency"
FEWEST_ROWS_OF_DISCOVERY = 200
MINUTES_OF_HALF_LIFE = (1, 10, 60)


def facts(records: Records, market: int = 0) -> pd.DataFrame:
    """Return the facts of a run as a frame: fact, value, low, high, unit, how.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    market : int

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ParameterError
        If `statsmodels` is not installed.
    """
    run = market_run(records, market)
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
        profit_facts,
    )
    return pd.DataFrame([row for group in groups for row in group(run)], columns=Fact._fields)


def root_mean_square(values):
    """Return the root of the mean of squares."""
    return float(np.sqrt(np.mean(values**2)))


def basis_facts(run):
    """Yield level and spread of the basis at hourly closes, and its half-life at three lags."""
    basis = run.closes.basis
    for name, statistic, form in (
        ("basis, mean", np.mean, PLAIN),
        ("basis, standard deviation", np.std, POSITIVE),
        ("tracking error", root_mean_square, POSITIVE),
    ):
        found = block_interval(statistic, basis, form)
        yield level_fact(run.records, name, found, "bp", "hourly closes; six blocks of time")
    seconds = run.late["seconds"]
    hours = (seconds[1] - seconds[0]) / HOUR_SECONDS if len(seconds) > 1 else 1 / 60
    rows = basis_bps(known_mid(run.late), run.late["spot"])
    rows = rows[np.isfinite(rows)]
    for minutes in MINUTES_OF_HALF_LIFE:
        yield half_life_fact(rows, hours, max(round(minutes / 60 / hours), 1))


def half_life_fact(basis, hours, step):
    """Return the half-life of every `step`-th row of a basis recorded each `hours`.

    It is NaN, with the reason, where the slope of the error correction implies none.
    """
    found = tuple(step * hours * part for part in half_life_interval(basis[::step]))
    name = f"basis, half-life at {step * hours * 60:g} min"
    if not 0 < found[0] < math.inf:
        why = "reverts within one lag" if found[0] == 0 else "no reversion found"
        return exact_fact(name, math.nan, "h", f"error correction; {why}")
    return interval_fact(name, found, "h", "error correction; six blocks of time")


def book_facts(run):
    """Yield the depth and the quoted spread at whole hours."""
    hours = run.late["seconds"] / HOUR_SECONDS
    hourly = run.late[np.abs(hours - np.round(hours)) < 1e-6]
    depth = 0.5 * (hourly["depth_bid"] + hourly["depth_ask"]) * hourly["mark"] * run.facts["lot"]
    found = block_interval(np.mean, depth)
    yield level_fact(run.records, "depth within 10 bp, mean of both sides", found, QUOTE)
    quoted = hourly[(hourly["best_bid"] > 0) & (hourly["best_ask"] > 0)]
    spread = (quoted["best_ask"] - quoted["best_bid"]) / quoted["mid"] * BPS
    yield level_fact(run.records, "quoted spread, mean", block_interval(np.mean, spread), "bp")


def return_facts(run):
    """Yield tails, kurtosis and clustering of the perpetual's returns between records."""
    returns = np.diff(np.log(known_mid(run.late)))
    returns = returns[np.isfinite(returns)]
    for share in TAIL_SHARES:
        yield interval_fact(
            f"tail index of returns, largest {share:.2%}",
            tail_index(returns, share),
            "1",
            "Hill; inf: not distinguishable from a thin tail; six blocks of time",
        )
    yield interval_fact("excess kurtosis of returns", block_interval(kurtosis, returns), "1")
    for lag in (1, 60):
        found = autocorrelation_interval(np.abs(returns), lag)
        yield interval_fact(f"autocorrelation of absolute returns, lag {lag}", found, "1")


def discovery_facts(run):
    """Yield lead and lag of perpetual and spot, and the perpetual's shares of price discovery."""
    mid, spot = known_mid(run.late), run.late["spot"]
    both = np.column_stack([np.diff(np.log(mid)), np.diff(np.log(spot))])
    both = both[np.isfinite(both).all(axis=1)]
    for name, statistic in (("next", lead_correlation), ("before", lag_correlation)):
        yield interval_fact(
            f"correlation of the perpetual's return with spot's {name}",
            block_interval(statistic, both, CORRELATION),
            "1",
            "by record interval; six blocks of time",
        )
    known = np.isfinite(mid)
    if known.sum() > FEWEST_ROWS_OF_DISCOVERY:
        yield from share_facts(price_discovery(np.log(mid[known]), np.log(spot[known])))


def share_facts(found):
    """Yield the shares of a `Discovery`; NaN is a component share that cannot be estimated."""
    how = f"Gonzalo-Granger, unrestricted; Fieller's limits{boundary(*found.component)}"
    estimated = not math.isnan(found.component[1])
    component = found.component if estimated else (math.nan,) * 3
    yield interval_fact("perpetual's component share", component, "1", how)
    for name, place, share in (
        ("lowest", "last", found.information_lowest),
        ("highest", "first", found.information_highest),
    ):
        how = f"Hasbrouck, perpetual {place}; six blocks of time"
        yield interval_fact(f"perpetual's information share, {name}", share, "1", how)


def boundary(value, low, high):
    """Return in words whether the interval of a share reaches 0 or 1.

    Examples
    --------
    >>> boundary(-0.02, -0.1, 0.06), boundary(0.5, 0.2, 0.8)
    ('; reaches 0: spot leads alone', '')
    """
    if math.isnan(low):
        return "; not estimated: error correction not significant"
    if low <= 0 < 1 <= high:
        return "; reaches 0 and 1: uninformative"
    if low <= 0:
        return "; reaches 0: spot leads alone"
    return "; reaches 1: the perpetual leads alone" if high >= 1 else ""


def trading_facts(run):
    """Yield effective spread and price impact; only of runs that record their trades."""
    trades = run.records.prints[run.records.prints["market"] == run.market]
    if not len(trades) or len(run.series) < 2:
        return
    mid, times = known_mid(run.series), trades["step"] * run.meta["dt"]
    before = np.searchsorted(run.series["seconds"], times + 1e-6, side="right") - 1
    price = trades["tick"] * run.facts["tick"]
    rows = np.column_stack([trades["side"], price, mid[before], trades["lots"]]).astype(float)
    found = block_interval(effective_spread, rows[(before >= 0) & np.isfinite(mid[before])])
    how = "against the last recorded mid, weighted by lots; six blocks of time"
    yield interval_fact("effective spread", found, "bp", how)
    yield impact_fact(trades["side"] * trades["lots"], before, mid)


def impact_fact(signed_lots, before, mid):
    """Return the exponent of the impact of flow; `before` is the row recorded before a trade."""
    flow = np.bincount(before + 1, signed_lots, len(mid) + 1)[1 : len(mid)]
    pairs = np.column_stack([flow, np.diff(np.log(mid))])
    found = block_interval(impact_exponent, pairs[np.isfinite(pairs).all(axis=1)])
    how = "flow and return of each record interval, 12 groups; six blocks of time"
    return interval_fact("impact of flow, exponent", found, "1", how)


def funding_facts(run):
    """Yield level, spread and persistence of the settled rates, and what longs paid."""
    funding, records = run.funding, run.records
    bps, rates = funding.bps_8h, funding.rates
    for name, found, unit in (
        ("funding, mean", block_interval(np.mean, bps), "bp per 8 h"),
        ("funding, standard deviation", block_interval(np.std, bps, POSITIVE), "bp per 8 h"),
        ("funding, first autocorrelation", autocorrelation_interval(bps), "1"),
    ):
        yield level_fact(records, name, found, unit)
    days = max(round(len(rates) * funding.interval_seconds / DAY_SECONDS), 1)
    for name, chosen in (
        ("settlements at the interest rate", rates == funding.interest),
        ("settlements below 0", rates < 0),
    ):
        how = "six blocks of time; none or all: exact, one settlement per day"
        yield level_fact(records, name, share_interval(chosen, days), "fraction", how)
    paid = block_interval(np.mean, run.settled["long_paid"] * run.meta["unit"])
    yield level_fact(records, "funding paid by longs, per settlement", paid, QUOTE)
