"""A panic in spot whose holders short the perpetual: how far the basis falls, and for how long.

The basis is that of mids, in means over hours: the mid of a nearly empty book means nothing for
minutes. It is measured from the first shock of the scenario on.
"""

import math

import numpy as np

from perplab.analysis.estimators.series import (
    DAY_SECONDS,
    HOUR_SECONDS,
    basis_bps,
    known_mid,
    mean,
    plain,
    ratio,
)

QUIET_HOURS, BEFORE_HOURS = 24.0, 12.0
DEEP_BPS, BACK_BPS = -500.0, -150.0


def panic_run(outcomes):
    """Return the figures of a panic.

    Returns
    -------
    dict of str to float or None
        ``basis_before``: mean from `QUIET_HOURS` to the news; ``lowest_hour`` and, in the branch
        with all rates zero, ``zero_lowest_hour``; ``hours_deep``: hours below `DEEP_BPS`;
        ``hours_back``: from the lowest hour to the first above `BACK_BPS`, None if none is;
        hours without a mid are not counted; ``at_cap``: settlements at the cap, downwards;
        ``shorts_paid``: sum of the rates settled, per cent; ``open_interest_multiple``: largest
        open interest (coins) over its mean of twelve hours before the news;
        ``open_interest_day_after``: a day after that, over it; ``spot_fall``.
    """
    outcome = outcomes["base"]
    news, (hours, basis) = outcome.scenario.shocks[0].at_hours, hourly_basis(outcome.records)
    late = basis[hours >= news]
    lowest = int(np.argmin(late))
    above = np.flatnonzero(late[lowest:] > BACK_BPS)
    return plain(
        {
            "basis_before": mean(basis[(hours >= QUIET_HOURS) & (hours < int(news))]),
            "lowest_hour": late[lowest],
            "zero_lowest_hour": lowest_hour(outcomes["zero"].records, news)
            if "zero" in outcomes
            else math.nan,
            "hours_deep": int((late < DEEP_BPS).sum()),
            "hours_back": above[0] if len(above) else math.nan,
            **settled_rates(outcome.records, news),
            **open_interest(outcome.records, news),
        }
    )


def lowest_hour(records, news):
    """Return the lowest hourly basis after the news, bp."""
    hours, basis = hourly_basis(records)
    return basis[hours >= news].min()


def hourly_basis(records):
    """Return the hours of a run with a known mid, from 0, and the mean basis in each, bp."""
    series = records.series[0]
    basis = basis_bps(known_mid(series), series["spot"])
    known = np.isfinite(basis)
    hours = (series["seconds"][known] // HOUR_SECONDS).astype(int)
    there, place = np.unique(hours, return_inverse=True)
    return there, np.bincount(place, basis[known]) / np.bincount(place)


def settled_rates(records, news):
    """Return settlements at the lower cap and what shorts paid after the news, per cent."""
    settled = records.settlements[records.settlements["seconds"] > news * HOUR_SECONDS]
    return {
        "at_cap": int((settled["capped"] & (settled["rate"] < 0)).sum()),
        "shorts_paid": -100.0 * float(settled["rate"].sum()),
    }


def open_interest(records, news):
    """Return open interest after the news against before, and the fall of spot, per cent."""
    series = records.series[0]
    hours = series["seconds"] / HOUR_SECONDS
    late, before = series[hours >= news], series[(hours < news) & (hours >= news - BEFORE_HOURS)]
    top = late[np.argmax(late["open_interest"])]
    day_after = late[late["seconds"] >= top["seconds"] + DAY_SECONDS]["open_interest"]
    return {
        "open_interest_multiple": ratio(top["open_interest"], mean(before["open_interest"])),
        "open_interest_day_after": day_after[0] / top["open_interest"]
        if len(day_after)
        else math.nan,
        "spot_fall": 100.0 * (late["spot"].min() / before["spot"][-1] - 1.0),
    }
