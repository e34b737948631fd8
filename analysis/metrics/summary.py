"""Figures of one recorded run, each estimated the one way that ``docs/estimators.md`` states.

The simulation knows no metric: everything here is computed afterwards from `Records`. Basis and premium are in basis
points at hourly closes, funding in basis points per 8 h, shares of settlements, amounts in quote currency. Means,
standard deviations and shares leave out the warm-up; totals (volume, liquidations, profits) are of the whole run.
Standard deviations divide by n. A figure that a run cannot give is None, never NaN and never 0.
"""

import math

import numpy as np

from perplab.analysis.metrics.cascade import amplification, between, liquidated_notional, liquidation_count, rounds_max, shock_window
from perplab.analysis.estimators.unit_root import WALK_LEVEL, median_half_life, walk_share
from perplab.sim.state.records import DELEVERAGED, OUTCOMES

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86400.0
FUNDING_SECONDS = 8 * HOUR_SECONDS
BPS = 1e4
WARMUP_HOURS = 24.0
ROUND_SECONDS = 5.0
SHORTEST_WITH_WARMUP_SECONDS = 3 * DAY_SECONDS


def summarize(records, twin=None, market=0, warmup_hours=WARMUP_HOURS):
    """Return every figure of a run that ``--json`` prints.

    Parameters
    ----------
    records : Records
    twin : Records, optional
        The same run with forced positions taken at the mark; without it, or without a shock, `amplification` is None.
    market : int
    warmup_hours : float, hours
        Left out of means, standard deviations and shares; nothing is left out of a run shorter than 3 days.

    Returns
    -------
    dict of str to (int, float, None or dict)
        Keys, units and estimators: ``docs/estimators.md``.
    """
    warmup_seconds = warmup(records, warmup_hours)
    return plain({
        **run_figures(records),
        **close_figures(hourly_closes(records.series[market], warmup_seconds)),
        **settlement_figures(records, market, warmup_seconds),
        **activity_figures(records, market, warmup_seconds),
        **forced_figures(records, twin, market),
        **kind_figures(records),
    })


def run_figures(records):
    """Return what identifies a run and what it counted: figures that are exact and need no estimator."""
    meta = records.meta
    counted = ("seed", "steps", "decisions", "trades", "wall_seconds", "conservation_error_units")
    return {**{key: meta[key] for key in counted}, "orders": meta["order_messages"]}


def run_seconds(records):
    """Return the length of a run."""
    return records.meta["dt"] * records.meta["steps"]


def warmup(records, warmup_hours):
    """Return the seconds to leave out at the start of a run: none of one shorter than 3 days."""
    return HOUR_SECONDS * warmup_hours if run_seconds(records) >= SHORTEST_WITH_WARMUP_SECONDS else 0.0


def left_out(days):
    """Return in words what means, standard deviations and shares of a run leave out.

    Examples
    --------
    >>> left_out(2.0), left_out(30.0)
    ('nothing is left out of a run shorter than 3 days', 'means, deviations and shares leave out the first 24 h')
    """
    if days * DAY_SECONDS < SHORTEST_WITH_WARMUP_SECONDS:
        return f"nothing is left out of a run shorter than {SHORTEST_WITH_WARMUP_SECONDS / DAY_SECONDS:g} days"
    return f"means, deviations and shares leave out the first {WARMUP_HOURS:g} h"


def hourly_closes(series, warmup_seconds=0.0):
    """Return the rows at whole hours from `warmup_seconds` on: of each hour the last row not after its end.

    Hours in which no row was recorded, and closes with an empty side of the book (mid unknown), are left out.
    """
    seconds = series["seconds"]
    if not len(seconds):
        return series
    first = math.ceil((warmup_seconds - 1e-6) / HOUR_SECONDS)
    hours = HOUR_SECONDS * np.arange(first, math.floor((seconds[-1] + 1e-6) / HOUR_SECONDS) + 1)
    rows = np.searchsorted(seconds, hours + 1e-6, side="right") - 1
    closes = series[rows[(rows >= 0) & (seconds[rows] > hours - HOUR_SECONDS)]]
    return closes[closes["mid"] > 0]


def known_mid(series):
    """Return the mid price with NaN where a side of the book was empty."""
    return np.where(series["mid"] > 0, series["mid"], math.nan)


def basis_bps(perpetual, spot):
    """Return the basis in basis points of spot.

    Examples
    --------
    >>> basis_bps(np.array([100.05]), np.array([100.0])).round(6)
    array([5.])
    """
    return (perpetual / spot - 1) * BPS


def close_figures(closes):
    """Return the figures of hourly closes: basis, premium, and the perpetual's returns against spot's."""
    return {**basis_figures(closes["mid"], closes["spot"]), "premium_mean_bps": mean(closes["premium"]) * BPS}


def basis_figures(perpetual, spot):
    """Return mean, sd and half-life of the basis and the ratio of return sds of two hourly price series."""
    basis = basis_bps(perpetual, spot)
    return {
        "basis_mean_bps": mean(basis), "basis_sd_bps": deviation(basis),
        "basis_half_life_hours": half_life_hours(basis),
        "perp_to_spot_return_sd": ratio(deviation(np.diff(np.log(perpetual))), deviation(np.diff(np.log(spot)))),
    }


def half_life_hours(basis):
    """Return the half-life of the basis' deviation from its 7-day mean, NaN where a random walk explains the basis as well.

    Parameters
    ----------
    basis : numpy.ndarray
        Hourly. See `perplab.analysis.estimators.unit_root`.
    """
    return median_half_life(basis) if walk_share(basis) <= WALK_LEVEL else math.nan


def autocorrelation(values, lag=1):
    """Return the autocorrelation at a lag: products of deviations from the one mean over their sum of squares.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, 2.0, 3.0, 4.0]))
    0.25
    """
    if len(values) < lag + 2 or np.ptp(values) == 0:
        return math.nan
    shift = values - mean(values)
    return float((shift[lag:] * shift[:-lag]).sum() / (shift * shift).sum())


def settlement_figures(records, market, warmup_seconds):
    """Return the figures of a market's settlements after the warm-up."""
    meta, settled = records.meta, records.settlements
    rows = settled[(settled["market"] == market) & (settled["seconds"] > warmup_seconds)]
    divisor = of_market(meta["divisor"], market)
    interest = of_market(meta["interest"], market) / divisor
    return funding_figures(rows["rate"], interest, of_market(meta["interval_seconds"], market))


def funding_figures(rates, interest, interval_seconds):
    """Return the figures of funding rates.

    Parameters
    ----------
    rates : numpy.ndarray, fraction per interval
    interest : float, fraction per interval
        The rate that the law gives inside the damper's plateau; *pinned* is exactly this rate (the law computes it so).
    interval_seconds : float, seconds

    Notes
    -----
    Below 0 is negative; from 0 to below the interest is between; the rest lies above and is not reported.
    """
    bps_8h = rates * (FUNDING_SECONDS / interval_seconds) * BPS
    pinned = rates == interest
    return {
        "funding_mean_bps_8h": mean(bps_8h), "funding_sd_bps_8h": deviation(bps_8h),
        "funding_acf1": autocorrelation(rates),
        "funding_pinned_share": mean(pinned), "funding_negative_share": mean(rates < 0),
        "funding_between_share": mean((rates >= 0) & (rates < interest)),
    }


def activity_figures(records, market, warmup_seconds):
    """Return open interest, volume and the state of the book: how much market there was."""
    meta, series = records.meta, records.series[market]
    thin, samples = of_market(meta["thin_samples"], market), of_market(meta["premium_samples"], market)
    lot = of_market(meta["lot"], market)
    late = series[series["seconds"] >= warmup_seconds]
    return {
        "open_interest_mean": mean(late["open_interest"] * late["mark"]) * lot,
        "volume": float((np.diff(series["volume"], prepend=0) * series["mark"]).sum() * lot),
        "book_empty_share": mean(~((late["best_bid"] > 0) & (late["best_ask"] > 0))),
        "thin_premium_share": ratio(thin, samples),
        "order_refusals": {name: count for name, count in meta["outcomes"].items() if name != OUTCOMES[0]},
    }


def forced_figures(records, twin, market):
    """Return liquidations, cascade, insurance fund and deleveraging of a market."""
    meta, events = records.meta, forced_events(records, market)
    fund_gain = of_market(meta["fund_equity"], market) - of_market(meta["fund_initial"], market)
    rounds_a_step = max(int(meta["dt"] / of_market(meta.get("round_seconds", ROUND_SECONDS), market)), 1)
    return {
        "liquidations": liquidation_count(events),
        "liquidated_notional": liquidated_notional(events, of_market(meta["lot"], market)),
        "cascade_rounds_max": rounds_max(events, rounds_a_step),
        "amplification": None if twin is None else shock_amplification(meta, events, forced_events(twin, market)),
        "insurance_fund_change": fund_gain * meta["unit"],
        "bad_debt": meta["unit"] * max(0, -int(records.series[market]["fund"].min(initial=0)), -of_market(meta["fund_equity"], market)),
        "adl_events": int((events["kind"] == DELEVERAGED).sum()),
    }


def shock_amplification(meta, events, twin_events):
    """Return the amplification of what the run's shocks set off, NaN of a run without a shock: see `perplab.analysis.metrics.cascade.shock_window`."""
    window = shock_window(meta.get("shock_seconds", ()))
    return amplification(between(events, *window), between(twin_events, *window)) if window else math.nan


def forced_events(records, market):
    """Return the forced events of one market."""
    return records.events[records.events["market"] == market]


def kind_figures(records):
    """Return profit and funding received by kind of trader over the whole run, in quote currency."""
    kinds, unit = records.kinds, records.meta["unit"]
    return {key: {kind: int(kinds[field][-1, k] - kinds[field][0, k]) * unit
                  for k, kind in enumerate(records.kind_names)}
            for key, field in (("pnl_by_kind", "equity"), ("funding_by_kind", "funding"))}


def mean_interval(values, confidence=0.95):
    """Return mean and confidence interval (Student's t) of one figure over seeds.

    Parameters
    ----------
    values : iterable of float or None
        One a seed; None and NaN are left out.

    Returns
    -------
    tuple of (float or None, float or None, float or None)
        Mean, low, high; low and high are None with fewer than two values.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0, None])]
    [2.0, -0.484, 4.484]
    """
    from scipy.special import stdtrit

    kept = np.array([value for value in values if value is not None and math.isfinite(value)], float)
    if len(kept) < 2:
        return known(mean(kept)), None, None
    half = stdtrit(len(kept) - 1, (1 + confidence) / 2) * kept.std(ddof=1) / math.sqrt(len(kept))
    return float(kept.mean()), float(kept.mean() - half), float(kept.mean() + half)


def mean(values):
    """Return the mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else math.nan


def deviation(values):
    """Return the standard deviation (dividing by n), NaN of fewer than two values."""
    return float(np.std(values)) if len(values) > 1 else math.nan


def ratio(part, whole):
    """Return part / whole, NaN where the whole is nothing or unknown."""
    return float(part / whole) if whole and math.isfinite(whole) else math.nan


def of_market(value, market):
    """Return a market's own of values that are one for all markets or one a market."""
    return value if np.ndim(value) == 0 else value[market]


def known(value):
    """Return a value as JSON can say it: a plain number, None for what is not finite."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(figures):
    """Return figures, and those by kind inside them, as `known` says them."""
    return {key: plain(value) if isinstance(value, dict) else known(value) for key, value in figures.items()}
