"""How the premium samples of an interval are averaged."""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import decayed_average
from perplab.sim.laws.choices import Choice
from perplab.sim.laws.premium import truncated

VOTES = 64
"""Most votes of a minute, and most minutes of an interval whose tails are cut."""
MINUTE = 60.0


class PremiumAverage(Choice):
    """The average of an interval's samples.

    LAST is the last sample, RECURSIVE decays over a window.
    """

    SIMPLE, LINEAR_RAMP, MEDIAN_OF_VOTES, RECURSIVE, LAST = range(5)


AVERAGE_LAW = row(
    ("average_formula", "i8"),  # PremiumAverage
    ("average_window", "f8"),  # seconds, of RECURSIVE
    ("minimum_votes", "i8"),  # of a minute's median: zeros stand in for those that lack
    ("trim", "f8"),  # share of the minutes cut at each end
    ("average_quantum", "f8"),  # fraction; 0: medians and means are not cut to multiples
)
PREMIUM_SUMS = row(  # of the running interval
    ("samples", "i8"),
    ("weighted_sum", "f8"),
    ("weights", "f8"),
    ("minutes", "f8", (VOTES,)),
    ("votes", "f8", (VOTES,)),
    ("vote_count", "i8"),
    ("vote_seconds", "f8"),
)


@hot_kernel
def sample_weight(sample_number, average):
    """Return the weight of the n-th sample of an interval in its average premium.

    Parameters
    ----------
    sample_number : int
        Counted from 1 at the start of the interval.
    average : int
        LINEAR_RAMP: weights rise linearly (1, 2, 3, ...); otherwise all weigh the same.

    Returns
    -------
    float

    Notes
    -----
    Under the ramp a premium that appears half way through the interval counts three quarters, and
    the last of n samples weighs 2 / (n + 1).

    References
    ----------
    .. [1] Binance, FAQ 360033525031 (linear); Hyperliquid documentation, "Funding" (simple).

    Examples
    --------
    >>> sample_weight(3, 1), sample_weight(3, 0)
    (3.0, 1.0)
    """
    return float(sample_number) if average == PremiumAverage.LINEAR_RAMP else 1.0


@hot_kernel
def is_weighted(law):
    """Return whether the average is a weighted mean of samples: two sums suffice."""
    formula = law["average_formula"]
    return formula == PremiumAverage.SIMPLE or formula == PremiumAverage.LINEAR_RAMP


@hot_kernel
def add_weighted(law, sums, premium):
    """Add a sample to the sums of a weighted mean; return the mean so far."""
    weight = sample_weight(sums["samples"], law["average_formula"])
    sums["weighted_sum"] += weight * premium
    sums["weights"] += weight
    return sums["weighted_sum"] / sums["weights"]


@kernel
def update_average(law, sums, average, premium, elapsed):
    """Return the average after a sample where it is no weighted mean.

    Parameters
    ----------
    law : AVERAGE_LAW record
    sums : PREMIUM_SUMS record
        Changed: votes and minutes of the interval.
    average, premium : float, fraction
        Average so far; the sample.
    elapsed : float, seconds
        Since the last sample.
    """
    if law["average_formula"] == PremiumAverage.RECURSIVE:
        return decayed_average(average, premium, elapsed, law["average_window"])
    if law["average_formula"] == PremiumAverage.LAST:
        return premium
    sums["votes"][min(sums["vote_count"], VOTES - 1)] = premium
    sums["vote_count"] = min(sums["vote_count"] + 1, VOTES)
    sums["vote_seconds"] += elapsed
    if sums["vote_seconds"] <= MINUTE - 1e-6:
        return average
    median = median_of_votes(
        sums["votes"], sums["vote_count"], law["minimum_votes"], law["average_quantum"]
    )
    add_minute(law, sums, median)
    sums["vote_count"], sums["vote_seconds"] = 0, 0.0
    return truncated(sums["weighted_sum"] / sums["weights"], law["average_quantum"])


@kernel
def add_minute(law, sums, sample):
    """Add a minute's sample to the sum of the interval.

    With trimmed tails the sum is the count times the trimmed mean.
    """
    sums["weights"] += 1.0
    if law["trim"] == 0.0:
        sums["weighted_sum"] += sample
        return
    count = min(int(sums["weights"]), VOTES)
    sums["minutes"][count - 1] = sample
    sums["weighted_sum"] = sums["weights"] * trimmed_mean(sums["minutes"], count, law["trim"])


@hot_kernel
def interval_average(law, sums, running):
    """Return the average of the interval at its end; 0 where there was no sample.

    `running`: the average after the last sample.
    """
    of_votes = law["average_formula"] == PremiumAverage.MEDIAN_OF_VOTES
    if not (is_weighted(law) or of_votes):
        return running
    if sums["weights"] <= 0.0:
        return 0.0
    average = sums["weighted_sum"] / sums["weights"]
    return truncated(average, law["average_quantum"]) if of_votes else average


@hot_kernel
def start_interval(sums):
    """Empty the sums at the start of an interval."""
    sums["samples"], sums["weighted_sum"], sums["weights"] = 0, 0.0, 0.0


@kernel
def sort_first(values, count):
    """Sort the first `count` values in place, by insertion: they are few."""
    for k in range(1, count):
        value, place = values[k], k
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@kernel
def trim_bounds(count, ratio):
    """Return the first and the last (exclusive) index of `count` sorted values without tails.

    Notes
    -----
    A share `ratio` goes at each end: 2 ratio count values in all, rounded down; of an odd number
    the upper tail loses one more.

    References
    ----------
    .. [1] dYdX v4 chain, perpetuals module: removal of the tails of the premium samples.

    Examples
    --------
    >>> trim_bounds(3, 0.25), trim_bounds(4, 0.25), trim_bounds(6, 0.25)
    ((0, 2), (1, 3), (1, 4))
    """
    removed = int(2.0 * ratio * count + 1e-9)
    return removed // 2, count - (removed - removed // 2)


@kernel
def trimmed_mean(values, count, ratio):
    """Return the mean of the first `count` values without their tails.

    The values are sorted on the way.

    Examples
    --------
    >>> import numpy as np
    >>> trimmed_mean(np.array([5.0, -1.0, -3.0, 0.0]), 4, 0.25)
    -0.5
    """
    sort_first(values, count)
    first, last = trim_bounds(count, ratio)
    total = 0.0
    for k in range(first, last):
        total += values[k]
    return total / max(last - first, 1)


@kernel
def median_of_votes(votes, count, least, quantum):
    """Return the median of votes, zeros standing in for the votes that lack.

    The votes are sorted on the way.

    Parameters
    ----------
    votes : array[VOTES] of float
        Changed: filled up with zeros and sorted.
    count, least : int
        Votes cast, and how many there must be; both at most VOTES.
    quantum : float
        The mean of two middle votes is rounded away from zero to a multiple of it; 0 leaves it.

    References
    ----------
    .. [1] dYdX v4 chain, perpetuals module: samples are medians of the minute's votes.

    Examples
    --------
    >>> import numpy as np
    >>> votes = np.zeros(64)
    >>> votes[:4] = 51, 51, -100, -100
    >>> float(median_of_votes(votes, 4, 0, 1.0))
    -25.0
    """
    for k in range(count, least):
        votes[k] = 0.0
    total = max(count, least)
    sort_first(votes, total)
    if total == 0:
        return 0.0
    if total % 2 == 1:
        return votes[total // 2]
    middle = 0.5 * (votes[total // 2 - 1] + votes[total // 2])
    if quantum <= 0.0:
        return middle
    away = math.ceil(abs(middle) / quantum - 1e-9) * quantum
    return away if middle >= 0.0 else -away
