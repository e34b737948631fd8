"""How often shorts of the crowd cut their positions, against the rate that they pay.

Positions follow from the recorded trades (``record.trades``), so each account is seen by itself.
Lots that the insurance fund or winners take over do not count as leaving.
"""

import math

import numpy as np

from perplab.analysis.estimators.series import mean, plain
from perplab.analysis.studies.measures.pulls import CROWD_KINDS
from perplab.analysis.studies.measures.settlements import paid_bps

SMALLER = 0.9
"""An account leaves if its short is at most this share of what it was a settlement before."""
FEWEST_SHORTS = 5


def leaving_run(outcomes):
    """Return the hazard of shorts against the rate that they pay.

    Returns
    -------
    dict of str to float or None
        ``hazard``: % of shorts that are cut until the next settlement; ``slope``: its change per bp
        per 8 h paid, percentage points; ``zero_slope``: the same in the branch "zero", whose shorts
        pay nothing, against the rates of the run itself: what other reasons make of it;
        ``slope_difference``.
    """
    base = outcomes["base"]
    rates, times = paid_bps(base.records)
    hazard = hazards(base.records, times)
    found = {"hazard": mean(hazard[np.isfinite(hazard)]), "slope": slope_of(rates[:-1], hazard)}
    if "zero" in outcomes:
        zero = hazards(outcomes["zero"].records, times)
        since = times[:-1] >= outcomes_apart(base.records, outcomes["zero"].records)
        found["slope"] = slope_of(rates[:-1][since], hazard[since])
        found["zero_slope"] = slope_of(rates[:-1][since], zero[since])
        found["slope_difference"] = found["slope"] - found["zero_slope"]
    return plain(found)


def outcomes_apart(base, zero):
    """Return the time of the first settlement at which two runs differ; infinite without one."""
    count = min(len(base.settlements), len(zero.settlements))
    apart = np.flatnonzero(base.settlements["rate"][:count] != zero.settlements["rate"][:count])
    return float(base.settlements["seconds"][apart[0]]) if len(apart) else math.inf


def hazards(records, times):
    """Return the share of the crowd's shorts, %, that are cut between successive times.

    NaN where there are fewer than `FEWEST_SHORTS`.
    """
    held = positions_at(records, times)[:, trader_rows(records, CROWD_KINDS)]
    before, after = held[:-1], held[1:]
    short = before < 0
    cut = short & (after >= SMALLER * before)
    count = short.sum(axis=1)
    return np.where(
        count >= FEWEST_SHORTS, 100.0 * cut.sum(axis=1) / np.maximum(count, 1), math.nan
    )


def trader_rows(records, names):
    """Return the rows of traders who are of one of some kinds."""
    kinds = np.repeat(*np.array(records.meta["trader_kinds"]).T)
    names = np.array([name in names for name in records.kind_names])
    return np.flatnonzero(names[kinds])


def positions_at(records, times):
    """Return the lots of each trader at some times, by its trades, shape (times, traders)."""
    prints, count = records.prints, records.meta["traders"]
    steps = np.rint(np.asarray(times) / records.meta["dt"])
    place = np.searchsorted(steps, prints["step"], side="left")
    flows = np.zeros((len(times) + 1, count + 1), np.int64)
    for who, sign in (("taker", 1), ("maker", -1)):
        rows = np.clip(prints[who], 0, count)
        np.add.at(flows, (place, rows), sign * prints["side"] * prints["lots"])
    return np.cumsum(flows, axis=0)[: len(times), :count]


def slope_of(paid, hazard):
    """Return the least-squares slope of a hazard on what is paid; NaN below 6 known pairs.

    Examples
    --------
    >>> round(slope_of(np.arange(6.0), 3.0 + 2.0 * np.arange(6.0)), 9)
    2.0
    """
    known = np.isfinite(paid) & np.isfinite(hazard)
    if known.sum() < 6 or np.ptp(paid[known]) == 0:
        return math.nan
    return float(np.polyfit(paid[known], hazard[known], 1)[0])
