"""Reversion of the basis: response to a parent order, and speed inside and outside the dead band.

Inside the damper's dead band the funding rate does not depend on the premium, so the pull of
funding is off there and one half-life is not well defined. Two measures replace it.

(1) The difference of the bases of twin runs that share every random number, one with a fixed parent
order. (2) The regression of the hourly change of the basis on its deviation from the mean of the
last 7 days, separately for hours that begin with the premium inside and outside the dead band. A
random walk shows such slopes too, so each is compared with walks made of the same changes
(`perplab.analysis.estimators.unit_root`).
"""

import math

import numpy as np

from perplab.analysis.estimators.series import (
    BPS,
    HOUR_SECONDS,
    WARMUP_HOURS,
    basis_bps,
    funding_law_of,
    hourly_closes,
    known,
    known_mid,
    mean,
    mean_interval,
    warmup,
)
from perplab.analysis.estimators.unit_root import (
    WEEK_HOURS,
    empirical_p_value,
    random_walks_like,
    regression,
    reversion_pairs,
)
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.funding import dead_band

RESPONSE_HOURS = (1, 8, 24, 72)


def basis_difference(treated, control, market=0):
    """Return seconds and the difference of the bases of two twin runs, basis points.

    Raises
    ------
    ParameterError
        If the runs were not recorded at the same times.
    """
    with_order, without = treated.series[market], control.series[market]
    if not np.array_equal(with_order["seconds"], without["seconds"]):
        raise ParameterError(
            Fault(
                "control",
                f"{len(without)} records",
                f"recorded as treated: {len(with_order)} records",
            )
        )
    return with_order["seconds"], (
        basis_bps(known_mid(with_order), with_order["spot"])
        - basis_bps(known_mid(without), without["spot"])
    )


def response(
    treated, control, start_seconds, end_seconds, hours=RESPONSE_HOURS, window_seconds=0.0, market=0
):
    """Return the displacement of the basis by a parent order, and what is left of it later.

    Parameters
    ----------
    treated, control : Records
        Twin runs with and without the order.
    start_seconds, end_seconds : float, seconds
        When the order's first and last child were sent.
    hours : sequence of float, hours
        After `end_seconds`.
    window_seconds : float, seconds
        The difference is averaged over a window of this length before each instant; 0 takes the one
        record there.
    market : int

    Returns
    -------
    dict
        `peak_bps`: the difference of largest size from the order's start to one hour after its end;
        `bps` and `share` (of the peak) by hour. None where the run is too short, the book one-sided
        or the peak 0.
    """
    seconds, difference = basis_difference(treated, control, market)
    peak = peak_of(difference[(seconds >= start_seconds) & (seconds <= end_seconds + HOUR_SECONDS)])
    bps = {
        hour: value_at(seconds, difference, end_seconds + HOUR_SECONDS * hour, window_seconds)
        for hour in hours
    }
    shares = {
        hour: known(value / peak) if value is not None and peak else None
        for hour, value in bps.items()
    }
    return {"peak_bps": known(peak), "bps": bps, "share": shares}


def peak_of(difference):
    """Return the value of largest size, NaN of nothing."""
    seen = difference[np.isfinite(difference)]
    return float(seen[np.abs(seen).argmax()]) if len(seen) else float("nan")


def value_at(seconds, values, instant, window_seconds):
    """Return the mean of the values in a window that ends at an instant, None after the run."""
    if instant > seconds[-1]:
        return None
    last = np.searchsorted(seconds, instant, side="right") - 1
    inside = values[
        min(np.searchsorted(seconds, instant - window_seconds, side="right"), last) : last + 1
    ]
    return known(mean(inside[np.isfinite(inside)]))


def mean_response(responses):
    """Return mean and 95 % interval over seeds of the peak and of the share left after each hour.

    Parameters
    ----------
    responses : sequence of dict
        From `response`, one per seed, for the same hours.
    """
    return {
        "peak_bps": mean_interval(each["peak_bps"] for each in responses),
        "share": {
            hour: mean_interval(each["share"][hour] for each in responses)
            for hour in responses[0]["share"]
        },
    }


def reversion_speed(records, market=0, warmup_hours=WARMUP_HOURS):
    """Return the hourly reversion of a market's basis inside and outside the dead band.

    Returns
    -------
    dict
        `inside` and `outside`, as `split_reversion` returns.
    """
    closes = hourly_closes(records.series[market], warmup(records, warmup_hours))
    basis = basis_bps(closes["mid"], closes["spot"])
    band = dead_band(funding_law_of(records, market), closes)
    return split_reversion(basis, closes["premium"], *band)


def split_reversion(basis, premium, low, high):
    """Return the reversion of an hourly basis by premium: inside [low, high] and outside.

    Parameters
    ----------
    basis : numpy.ndarray, basis points
    premium : numpy.ndarray, fraction
    low, high : float or numpy.ndarray, fraction

    Returns
    -------
    dict
        `inside` and `outside`, each: `hours`, the number of changes; `speed`, the share of the
        deviation from the mean of the last 7 days that an hour undoes; `standard_error` of it;
        `half_life_hours`; `random_walk_share`, the share of random walks made of the same changes,
        with the run's gap between premium and basis, that revert as clearly in this regime: below
        .05 the reversion is significant at the 5 % level. None with fewer than 24 hours.

    Notes
    -----
    The walks are needed because an hour outside follows hours inside, so changes and regime are
    dependent. On 800 random walks of 696 hours the share is below .05 in 3 % of samples outside the
    dead band and in 5 % inside; by the deviation from a centred mean and the regression's own error
    it was in 9 of 10. The speed is not corrected for the 7-day mean, which follows a slow basis: a
    half-life of 23 h is estimated as about 26.
    """
    gap, walks = (
        premium * BPS - basis,
        random_walks_like(basis) if len(basis) > WEEK_HOURS + 1 else basis[None],
    )
    edges = low * BPS, high * BPS
    return {
        "inside": regime(basis, walks, gap, edges, True),
        "outside": regime(basis, walks, gap, edges, False),
    }


def regime(basis, walks, gap, edges, inside):
    """Return the reversion of one regime of a basis beside that of walks; see `split_reversion`."""
    slope, error, hours = regime_slopes(basis, gap, edges, inside)
    drawn, drawn_error, _ = regime_slopes(walks, gap, edges, inside)
    reverting = -1 < slope < 0
    return {
        "hours": int(hours),
        "speed": known(-float(slope)),
        "standard_error": known(float(error)),
        "half_life_hours": known(math.log(0.5) / math.log1p(float(slope))) if reverting else None,
        "random_walk_share": known(empirical_p_value(float(slope / error), drawn / drawn_error)),
    }


def regime_slopes(basis, gap, edges, inside):
    """Return slope, standard error and number of changes of the hours of one regime.

    `edges` are those of the dead band, basis points, one each or one an hour; `inside` chooses the
    hours that begin with the premium within or beyond them.
    """
    shift, change = reversion_pairs(basis)
    premium = (basis + gap)[..., WEEK_HOURS - 1 : -1]
    low, high = (np.broadcast_to(edge, basis.shape)[..., WEEK_HOURS - 1 : -1] for edge in edges)
    chosen = ((premium >= low) & (premium <= high)) == inside
    return *regression(shift, change, chosen), chosen.sum(axis=-1)
