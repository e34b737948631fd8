"""Metrics of forced trading in one market: liquidations, cascades, insurance fund, ADL."""

import functools
import math

import numpy as np

from perplab.analysis.estimators import price_moves
from perplab.analysis.estimators.series import forced_events
from perplab.analysis.metrics import cascade
from perplab.analysis.metrics.catalogue import metric
from perplab.sim.state.codes import ADL, FUND_ADL

forced_metric = functools.partial(metric, group="forced")


def amplification_unknown(summary, hours, twin):
    """Return why a run has no amplification."""
    return "no liquidation" if twin else "no twin"


@forced_metric("accounts liquidated", "accounts", sweep_table="forced")
def liquidations(run):
    """Return the number of liquidations, one per (account, market, episode)."""
    return cascade.liquidation_count(run.events)


@forced_metric("liquidated notional", "USD", sweep_table="forced")
def liquidated_notional(run):
    """Return the notional of all forced lots at the mark, each lot once."""
    return cascade.liquidated_notional(run.events, run.facts["lot"])


@forced_metric("consecutive liquidation rounds, max", "rounds")
def liquidation_rounds_max(run):
    """Return the most successive liquidation rounds with a forced event, across steps."""
    return cascade.rounds_max(run.events, run.rounds_per_step)


@forced_metric(
    "amplification, to 6 h after the shock",
    "share",
    signed=True,
    sweep_table="forced",
    unknown=amplification_unknown,
)
def amplification(run):
    """Return 1 - L_twin / L around the shocks (`cascade.shock_window`); NaN without either."""
    window = cascade.shock_window(run.meta.get("shock_seconds", ()))
    if run.twin is None or window is None:
        return math.nan
    both = run.events, forced_events(run.twin, run.market)
    return cascade.amplification(*(cascade.between(events, *window) for events in both))


def price_amplification_unknown(summary, hours, twin):
    """Return why a run has no price amplification."""
    return "no shock, or no fall" if twin else "no twin"


@forced_metric(
    "price amplification, to 3 h after the shock",
    "share",
    signed=True,
    sweep_table="forced",
    unknown=price_amplification_unknown,
)
def price_amplification(run):
    """Return 1 - twin's fall / fall within 35 minutes, after the first shock; NaN without one."""
    window = cascade.shock_window(run.meta.get("shock_seconds", ()))
    if run.twin is None or window is None:
        return math.nan
    return price_moves.price_amplification(run.series, run.twin.series[run.market], window[0])


@forced_metric("insurance fund, change", "USD", signed=True, sweep_table="losses")
def insurance_fund_change(run):
    """Return the change of the equity of the venue's fund, at the mark."""
    return (run.venue["fund_equity"] - run.venue["fund_initial"]) * run.meta["unit"]


@forced_metric("maximum fund deficit", "USD")
def fund_deficit_max(run):
    """Return the most by which the equity of the venue's fund was below 0, over rows and end."""
    lowest = min(0, int(run.series["fund"].min(initial=0)), run.venue["fund_equity"])
    return -lowest * run.meta["unit"]


@forced_metric("ADL events", "events", sweep_table="losses")
def adl_events(run):
    """Return the number of counterparties closed by auto-deleveraging."""
    return int(np.isin(run.events["kind"], (ADL, FUND_ADL)).sum())
