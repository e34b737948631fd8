"""The response of the basis to a parent order, between branches with and without it.

Branches: "sell" beside the run itself; "zero sell" beside "zero", where all rates are zero; and
"off sell" beside "off", where funding is switched off, if the arm has them.
"""

import numpy as np

from perplab.analysis.estimators.impulse_response import RESPONSE_HOURS, response
from perplab.analysis.estimators.series import HOUR_SECONDS, market_facts, plain
from perplab.sim.laws.funding import dead_band, funding_law

PAIRS = {"on": ("sell", "base"), "zero": ("zero sell", "zero"), "off": ("off sell", "off")}
WINDOW_SECONDS = 3600.0


def response_run(outcomes):
    """Return the displacement of the basis by the order, bp, by funding and hours after it.

    Returns
    -------
    dict of str to float or None
        ``on_peak``, ``on_1`` to ``on_72``, the same for ``zero`` and ``off``; ``pull_1`` to
        ``pull_72``: the displacement with funding less that at zero rates; ``order_share``: the
        order over open interest, %; ``inside``: 1 if the premium was in the dead band when it
        began, else 0.
    """
    parent = outcomes["sell"].scenario.populations["parent"].traits
    start = parent["start_hours"] * HOUR_SECONDS
    end = start + parent.get("work_seconds", HOUR_SECONDS)
    hours = ("peak", *RESPONSE_HOURS)
    found = {f"{arm}_{hour}": None for arm in PAIRS for hour in hours}
    for arm, (treated, control) in PAIRS.items():
        if treated in outcomes:
            pair = (outcomes[treated].records, outcomes[control].records)
            times = (start, end, RESPONSE_HOURS, WINDOW_SECONDS)
            found |= named_response(arm, response(*pair, *times))
    for hours in RESPONSE_HOURS:
        found[f"pull_{hours}"] = less(found[f"on_{hours}"], found[f"zero_{hours}"])
    return plain(found | state_at(outcomes["base"].records, start, abs(parent["size_usd"])))


def named_response(arm, found):
    """Return peak and remaining displacements by name."""
    return {
        f"{arm}_peak": found["peak_bps"],
        **{f"{arm}_{hours}": value for hours, value in found["bps"].items()},
    }


def less(one, other):
    """Return a difference, None if either is unknown."""
    return None if one is None or other is None else one - other


def state_at(records, seconds, size_usd, market=0):
    """Return the size of the order over open interest, and whether the premium is in the band."""
    facts, series = market_facts(records, market), records.series[market]
    row = series[max(np.searchsorted(series["seconds"], seconds, side="right") - 1, 0)]
    interest = float(row["open_interest"] * row["mark"] * facts["lot"])
    low, high = dead_band(funding_law(**facts["funding_law"]), row)
    return {
        "order_share": 100.0 * size_usd / interest if interest else None,
        "inside": float(low <= row["average_premium"] <= high),
    }
