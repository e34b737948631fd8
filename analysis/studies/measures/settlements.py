"""What happens around settlements: moves of the minutes before, and changes of sign of the rate."""

import math

import numpy as np

from perplab.analysis.estimators.closes import BP, FUNDING_HOURS, HOUR
from perplab.analysis.estimators.series import market_facts, plain, ratio
from perplab.analysis.studies.measures.pulls import CARRY_KINDS
from perplab.analysis.studies.measures.run_figures import measured_run, warmup_hours

HORIZONS = (5, 15, 30, 60)
"""Minutes before a settlement."""
ELSEWHERE = (0.25, 0.375, 0.5, 0.625, 0.75)
"""Parts of an interval before a settlement that are compared with the settlement."""
EVENT_HOURS = 24


def rush_run(outcomes):
    """Return variance ratios of the basis before settlements.

    Returns
    -------
    dict of str to float or None
        ``ratio_M``: the variance of the change of the basis over the last M minutes before a
        settlement, over that of the M minutes before other times, an eighth of an interval apart
        and at least a quarter of one from a settlement.
    """
    records = outcomes["base"].records
    first = HOUR * warmup_hours(records)
    settled = records.settlements["seconds"]
    interval = market_facts(records)["interval_seconds"]
    ends = settled[settled > first + interval]
    others = (ends[:, None] - interval * np.array(ELSEWHERE)).ravel()
    return plain(
        {
            f"ratio_{minutes}": ratio(
                *(variance_of_changes(records, at, 60.0 * minutes) for at in (ends, others))
            )
            for minutes in HORIZONS
        }
    )


def variance_of_changes(records, ends, length):
    """Return the variance of the change of the basis over `length` seconds before each end, bp².

    An end takes the last row before it, so the settlement itself plays no part.
    """
    series = records.series[0]
    basis = np.where(series["mid"] > 0, series["mid"] / series["spot"] - 1.0, math.nan) * BP
    last = np.searchsorted(series["seconds"], ends, side="left") - 1
    before = np.searchsorted(series["seconds"], ends - length, side="left") - 1
    inside = (before >= 0) & (last > before)
    changes = basis[last[inside]] - basis[before[inside]]
    changes = changes[np.isfinite(changes)]
    return float(changes.var()) if len(changes) > 1 else math.nan


def flip_run(outcomes):
    """Return the figures of a run, and what changes of sign of the rate cost carry traders.

    Returns
    -------
    dict of str to float or None
        Those of `measured_run`; ``flips``: changes of sign a month; ``flip_cost_bps``: what carry
        traders lose in the day after one beyond what they lose in other days, bp of what they hold.
    """
    records = outcomes["base"].records
    found = measured_run(outcomes)
    return found | plain(flip_figures(records, warmup_hours(records)))


def flip_figures(records, first):
    """Return number and cost of the changes of sign after the first hours of a run."""
    settled = records.settlements[records.settlements["seconds"] > HOUR * first]
    flips = flip_times(settled["rate"], settled["seconds"])
    gains, positions, hours = carry_gains(records, first)
    after = np.zeros(len(hours), bool)
    for flip in flips:
        after |= (hours > flip) & (hours <= flip + HOUR * EVENT_HOURS)
    late, other = (
        ratio(gains[chosen].sum(), positions[chosen].sum()) for chosen in (after, ~after)
    )
    days = (records.kinds["seconds"][-1, 0] - HOUR * first) / 86_400.0
    return {
        "flips": 30.0 * ratio(len(flips), days),
        "flip_cost_bps": EVENT_HOURS * BP * (other - late),
    }


def flip_times(rates, seconds):
    """Return the times of settlements whose rate has the other sign than the last one not zero.

    Examples
    --------
    >>> flip_times(np.array([1.0, -1.0, 0.0, -2.0, 3.0]), np.arange(5.0)).tolist()
    [1.0, 4.0]
    """
    signed = rates != 0
    signs, times = np.sign(rates[signed]), seconds[signed]
    return times[1:][signs[1:] != signs[:-1]]


def carry_gains(records, first):
    """Return what carry traders gain in each hour, what they hold at its start, and its end.

    Gains and positions are in quote currency. A position is the sum of the sizes of theirs, long
    and short, at the first spot price.
    """
    names = [k for k, name in enumerate(records.kind_names) if name in CARRY_KINDS]
    rows = records.kinds[records.kinds["seconds"][:, 0] >= HOUR * first]
    wealth = rows["equity"][:, names].sum(axis=1) * records.meta["unit"]
    sizes = 2 * rows["long_lots"] - rows["lots"]
    lots = sizes[:-1, names].sum(axis=1)
    price = market_facts(records)["lot"] * records.series[0]["spot"][0]
    return np.diff(wealth), lots * price, rows["seconds"][1:, 0]


def paid_bps(records):
    """Return what a short paid at each settlement, bp per 8 h, and the times of settlements."""
    settled = records.settlements
    interval = market_facts(records)["interval_seconds"] / HOUR
    return -settled["rate"] * BP * FUNDING_HOURS / interval, settled["seconds"]
