"""The figures of one run of an economy: moments, activity, profit of each kind, reversion.

The first part of a run is left out: 7 days, or a fifth of a run of less than 35 days.
"""

import math

import numpy as np

from perplab.analysis.estimators.closes import (
    BP,
    FUNDING_HOURS,
    HOUR,
    HourlySeries,
    hourly_closes,
    hourly_mids,
    rows_at_hours,
)
from perplab.analysis.estimators.impulse_response import split_reversion
from perplab.analysis.estimators.moments import WEEK, autocorrelation, moments_of
from perplab.analysis.estimators.series import (
    DAY_SECONDS,
    deviation,
    funding_law_of,
    market_facts,
    mean,
    plain,
    ratio,
    run_seconds,
)
from perplab.analysis.estimators.unit_root import WALK_LEVEL, median_half_life, random_walk_share
from perplab.analysis.metrics.activity_metrics import is_ruined
from perplab.analysis.metrics.cascade import liquidated_notional, liquidation_count
from perplab.sim.laws.funding import dead_band, interest_per_interval

MONTH_HOURS = 720
LONGEST_REVERSION_HOURS = 2400
"""Longer runs have no half-life here: its random walks would take too much memory."""
YEAR_DAYS = 365.0
MID = "mid_"
REVERSION = ("half_life_hours", "reversion_inside", "reversion_outside", "hours_outside_share")


def warmup_hours(records):
    """Return the whole hours that are left out at the start of a run."""
    return int(min(WEEK, 0.2 * run_seconds(records) / HOUR))


def interest_bps(records, market=0):
    """Return the interest rate of a market, bp per 8 h."""
    interval = market_facts(records, market)["interval_seconds"] / HOUR
    return interest_per_interval(funding_law_of(records, market)) * BP * FUNDING_HOURS / interval


def measured_run(outcomes):
    """Return the figures of a run.

    Parameters
    ----------
    outcomes : dict of str to perplab.scenarios.runs.outcome.Outcome
        The run is "base".

    Returns
    -------
    dict of str to float or None
        The moments of closes by the names of `perplab.analysis.estimators.moments.MOMENTS`, those
        of mids with `MID` before; and the figures of the other functions of this module.
    """
    outcome = outcomes["base"]
    records, first = outcome.records, warmup_hours(outcome.records)
    closes, mids = hourly_closes(records, outcome.seed), hourly_mids(records)
    interest = interest_bps(records)
    return plain(
        {
            **moments_of(closes, first, interest),
            **further_moments(closes, first),
            **{MID + key: value for key, value in moments_of(mids, first, interest).items()},
            **activity_figures(records, first),
            **profit_figures(records, first),
            **reversion_figures(records, first),
            **rate_figures(records, first),
        }
    )


def further_moments(series: HourlySeries, first):
    """Return moments that have no range: longer lags, monthly means of funding."""
    basis = (series.perp / series.spot - 1.0)[first:] * BP
    returns = np.abs(np.diff(np.log(series.perp[first:])))
    kept = series.settled > first
    return {
        "basis_acf_24h": autocorrelation(basis, 24),
        "return_abs_acf_1h": autocorrelation(returns, 1),
        "funding_month_sd": monthly_sd(series.rates[kept], series.settled[kept] - first),
        "basis_gap_95": quantile(np.abs(basis - np.nanmedian(basis)), 0.95) if len(basis) else None,
    }


def monthly_sd(rates, settled):
    """Return the standard deviation of the means of full 30-day months; NaN below two.

    Examples
    --------
    >>> monthly_sd(np.array([1.0, 3.0, 3.0, 5.0]), np.array([360, 720, 1080, 1440]))
    1.4142135623730951
    """
    months = (settled - 1) // MONTH_HOURS
    full = int(settled[-1] // MONTH_HOURS) if len(settled) else 0
    means = [rates[months == month].mean() for month in range(full) if (months == month).any()]
    return float(np.std(means, ddof=1)) if len(means) > 1 else math.nan


def quantile(values, share):
    """Return a quantile of the known values, NaN of nothing."""
    return float(np.nanquantile(values, share)) if len(values) else math.nan


def activity_figures(records, first, market=0):
    """Return volume and liquidations against open interest, depth, and one-sided books."""
    facts, series = market_facts(records, market), records.series[market]
    late = series[series["seconds"] >= first * HOUR]
    days = (run_seconds(records) - first * HOUR) / DAY_SECONDS
    interest_usd = mean(late["open_interest"] * late["mark"]) * facts["lot"]
    traded = np.diff(late["volume"], prepend=late["volume"][:1]) * late["mark"] * facts["lot"]
    depth = (late["depth_bid"] + late["depth_ask"]) * 0.5 * late["mark"] * facts["lot"]
    events = records.events[records.events["seconds"] >= first * HOUR]
    return {
        "open_interest_usd": interest_usd,
        "volume_per_open_interest": ratio(float(traded.sum()), interest_usd * days),
        "liquidated_per_open_interest": ratio(
            100.0 * liquidated_notional(events, facts["lot"]), interest_usd * days
        ),
        "depth_10bp_usd": mean(depth),
        "open_interest_per_depth": ratio(interest_usd, mean(depth)),
        "liquidations": liquidation_count(events),
        "fund_change_usd": float(late["fund"][-1] - late["fund"][0]) * records.meta["unit"]
        if len(late)
        else None,
        "one_sided_share": mean(~((late["best_bid"] > 0) & (late["best_ask"] > 0))),
    }


def profit_figures(records, first):
    """Return the return of each kind on its capital, % a year, and the share of kinds ruined.

    A kind is ruined if its wealth was ever below half of its initial wealth.
    """
    kinds, names = records.kinds, records.kind_names
    wealth = kinds["equity"].astype(float)
    late = wealth[kinds["seconds"][:, 0] >= first * HOUR]
    if len(late) < 2:
        return {"ruined_share": 0.0}
    years = (len(late) - 1) / 24 / YEAR_DAYS
    found = {
        f"return_{name}": 100.0 * ratio(late[-1, k] - late[0, k], wealth[0, k] * years)
        for k, name in enumerate(names)
    }
    owners = wealth[0] > 0
    return {**found, "ruined_share": mean(is_ruined(wealth)[owners])}


def reversion_figures(records, first, market=0):
    """Return the half-life of the basis, and its hourly reversion in and out of the dead band."""
    series = records.series[market]
    closes = series[rows_at_hours(series["seconds"])][first:]
    closes = closes[closes["mid"] > 0]
    basis = (closes["mid"] / closes["spot"] - 1.0) * BP
    if not WEEK + 26 <= len(basis) <= LONGEST_REVERSION_HOURS:
        return dict.fromkeys(REVERSION)
    reverting = random_walk_share(basis) <= WALK_LEVEL
    split = split_reversion(basis, closes["premium"], *dead_band(funding_law_of(records), closes))
    inside, outside = split["inside"], split["outside"]
    values = (
        median_half_life(basis) if reverting else None,
        inside["speed"],
        outside["speed"],
        ratio(outside["hours"], outside["hours"] + inside["hours"]),
    )
    return dict(zip(REVERSION, values, strict=True))


def rate_figures(records, first, market=0):
    """Return mean and standard deviation of the rate in force at each hour, and tracking error.

    The rate in force is defined for funding that accrues continuously too.
    """
    facts, series = market_facts(records, market), records.series[market]
    late = series[series["seconds"] >= first * HOUR]
    hourly = late[rows_at_hours(late["seconds"])]
    rate = hourly["funding_rate"] * BP * FUNDING_HOURS * HOUR / facts["interval_seconds"]
    known = late[late["mid"] > 0]
    basis = (known["mid"] / known["spot"] - 1.0) * BP
    return {
        "rate_mean": mean(rate),
        "rate_sd": deviation(rate),
        "premium_mean": mean(hourly["premium"]) * BP,
        "return_sd_over_spot": ratio(return_sd(hourly["mark"]), return_sd(hourly["spot"])),
        "tracking_error": math.sqrt(mean(basis**2)) if len(basis) else None,
        "conservation_error_units": records.meta["conservation_error_units"],
    }


def return_sd(prices):
    """Return the standard deviation of log returns."""
    return deviation(np.diff(np.log(prices)))
