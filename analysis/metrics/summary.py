"""Figures of one recorded run, each estimated the one way that ``docs/estimators.md`` states.

The simulation knows no metric: everything here is computed afterwards from `Records`. Basis and premium are in basis
points at hourly closes, funding in basis points per 8 h, shares of settlements, amounts in quote currency. Means,
standard deviations and shares leave out the warm-up; totals (volume, liquidations, profits) are of the whole run.
Standard deviations divide by n. A figure that a run cannot give is None, never NaN and never 0.
"""

import math
from typing import Any

import numpy as np

from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    FUNDING_SECONDS,
    SHORTEST_WITH_WARMUP_SECONDS,
    WARMUP_HOURS,
    autocorrelation,
    basis_bps,
    deviation,
    forced_events,
    hourly_closes,
    mean,
    of_market,
    plain,
    ratio,
    warmup,
)
from perplab.analysis.estimators.unit_root import WALK_LEVEL, median_half_life, random_walk_share
from perplab.analysis.metrics.cascade import (
    amplification,
    between,
    liquidated_notional,
    liquidation_count,
    rounds_max,
    shock_window,
)
from perplab.sim.state.recorder import Records
from perplab.sim.state.records import ADL, OUTCOMES

ROUND_SECONDS = 5.0


def summarize(
    records: Records,
    twin: Records | None = None,
    market: int = 0,
    warmup_hours: float = WARMUP_HOURS,
) -> dict[str, Any]:
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
    return plain(
        {
            **run_figures(records),
            **close_figures(hourly_closes(records.series[market], warmup_seconds)),
            **settlement_figures(records, market, warmup_seconds),
            **activity_figures(records, market, warmup_seconds),
            **forced_figures(records, twin, market),
            **kind_figures(records),
        }
    )


def run_figures(records):
    """Return what identifies a run and what it counted: figures that are exact and need no estimator."""
    meta = records.meta
    counted = ("seed", "steps", "decisions", "trades", "wall_seconds", "conservation_error_units")
    return {**{key: meta[key] for key in counted}, "orders": meta["order_messages"]}


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


def close_figures(closes):
    """Return the figures of hourly closes: basis, premium, and the perpetual's returns against spot's."""
    return {
        **basis_figures(closes["mid"], closes["spot"]),
        "premium_mean_bps": mean(closes["premium"]) * BPS,
    }


def basis_figures(perpetual, spot):
    """Return mean, sd and half-life of the basis and the ratio of return sds of two hourly price series."""
    basis = basis_bps(perpetual, spot)
    return {
        "basis_mean_bps": mean(basis),
        "basis_sd_bps": deviation(basis),
        "basis_half_life_hours": half_life_hours(basis),
        "perp_to_spot_return_sd": ratio(
            deviation(np.diff(np.log(perpetual))), deviation(np.diff(np.log(spot)))
        ),
    }


def half_life_hours(basis):
    """Return the half-life of the basis' deviation from its 7-day mean, NaN where a random walk explains the basis as well.

    Parameters
    ----------
    basis : numpy.ndarray
        Hourly. See `perplab.analysis.estimators.unit_root`.
    """
    return median_half_life(basis) if random_walk_share(basis) <= WALK_LEVEL else math.nan


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
        "funding_mean_bps_8h": mean(bps_8h),
        "funding_sd_bps_8h": deviation(bps_8h),
        "funding_acf1": autocorrelation(rates),
        "funding_pinned_share": mean(pinned),
        "funding_negative_share": mean(rates < 0),
        "funding_between_share": mean((rates >= 0) & (rates < interest)),
    }


def activity_figures(records, market, warmup_seconds):
    """Return open interest, volume and the state of the book: how much market there was."""
    meta, series = records.meta, records.series[market]
    thin, samples = (
        of_market(meta["thin_samples"], market),
        of_market(meta["premium_samples"], market),
    )
    lot = of_market(meta["lot"], market)
    late = series[series["seconds"] >= warmup_seconds]
    return {
        "open_interest_mean": mean(late["open_interest"] * late["mark"]) * lot,
        "volume": float((np.diff(series["volume"], prepend=0) * series["mark"]).sum() * lot),
        "book_empty_share": mean(~((late["best_bid"] > 0) & (late["best_ask"] > 0))),
        "thin_premium_share": ratio(thin, samples),
        "order_refusals": {
            name: count for name, count in meta["outcomes"].items() if name != OUTCOMES[0]
        },
    }


def forced_figures(records, twin, market):
    """Return liquidations, cascade, insurance fund and deleveraging of a market."""
    meta, events = records.meta, forced_events(records, market)
    fund_gain = of_market(meta["fund_equity"], market) - of_market(meta["fund_initial"], market)
    rounds_a_step = max(
        int(meta["dt"] / of_market(meta.get("round_seconds", ROUND_SECONDS), market)), 1
    )
    return {
        "liquidations": liquidation_count(events),
        "liquidated_notional": liquidated_notional(events, of_market(meta["lot"], market)),
        "cascade_rounds_max": rounds_max(events, rounds_a_step),
        "amplification": None
        if twin is None
        else shock_amplification(meta, events, forced_events(twin, market)),
        "insurance_fund_change": fund_gain * meta["unit"],
        "bad_debt": meta["unit"]
        * max(
            0,
            -int(records.series[market]["fund"].min(initial=0)),
            -of_market(meta["fund_equity"], market),
        ),
        "adl_events": int((events["kind"] == ADL).sum()),
    }


def shock_amplification(meta, events, twin_events):
    """Return the amplification of what the run's shocks set off, NaN of a run without a shock: see `perplab.analysis.metrics.cascade.shock_window`."""
    window = shock_window(meta.get("shock_seconds", ()))
    return (
        amplification(between(events, *window), between(twin_events, *window))
        if window
        else math.nan
    )


def kind_figures(records):
    """Return profit and funding received by kind of trader over the whole run, in quote currency."""
    kinds, unit = records.kinds, records.meta["unit"]
    return {
        key: {
            kind: int(kinds[field][-1, k] - kinds[field][0, k]) * unit
            for k, kind in enumerate(records.kind_names)
        }
        for key, field in (("pnl_by_kind", "equity"), ("funding_by_kind", "funding"))
    }
