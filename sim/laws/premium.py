"""How far the perpetual stands from its index: the premium index, and the weight of each of its samples.

Sign: positive when the perpetual is dearer than the index, so that longs will pay. Prices are in quote currency, the
premium is a fraction of the index.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import LINEAR_RAMP


@hot_kernel
def premium_index(impact_bid, impact_ask, index):
    """Return one sample of the premium index.

    Parameters
    ----------
    impact_bid, impact_ask : float, quote currency
        Mean price of selling, and of buying, the impact notional at once; impact_bid <= impact_ask.
    index : float, quote currency, above 0

    Returns
    -------
    float, fraction of the index
        Zero while the index lies between the two impact prices.

    Notes
    -----
    P = (max(0, impact_bid - index) - max(0, index - impact_ask)) / index.

    References
    ----------
    .. [1] Binance, "Introduction to Binance Futures Funding Rates" (FAQ 360033525031).
    .. [2] Hyperliquid documentation, "Funding", with the oracle price for the index.

    Examples
    --------
    >>> premium_index(10100.0, 10110.0, 10000.0)
    0.01
    >>> premium_index(9990.0, 10010.0, 10000.0)
    0.0
    """
    return (max(0.0, impact_bid - index) - max(0.0, index - impact_ask)) / index


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
    Under the ramp a premium that appears half way through the interval counts three quarters, and the last of n samples
    weighs 2 / (n + 1).

    References
    ----------
    .. [1] Binance, FAQ 360033525031 (linear); Hyperliquid documentation, "Funding" (simple).

    Examples
    --------
    >>> sample_weight(3, 1), sample_weight(3, 0)
    (3.0, 1.0)
    """
    return float(sample_number) if average == LINEAR_RAMP else 1.0


@hot_kernel
def truncated(value, quantum):
    """Return a value cut towards zero to a multiple of `quantum`; 0 leaves it.

    Notes
    -----
    A value within 1e-9 quanta of a multiple counts as that multiple: it stands for one whose decimals a float has lost.

    Examples
    --------
    >>> truncated(-1001.999, 1.0), truncated(0.3, 0.0)
    (-1001.0, 0.3)
    """
    if quantum <= 0.0:
        return value
    whole = math.floor(abs(value) / quantum + 1e-9) * quantum
    return whole if value >= 0.0 else -whole


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
    """Return first and last (exclusive) place of what stays of `count` sorted values when the tails are cut.

    Notes
    -----
    A share `ratio` goes at each end: 2 ratio count values in all, rounded down; of an odd number the upper tail loses one more.

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
    """Return the mean of the first `count` values without their tails; the values are sorted on the way.

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
    """Return the median of votes, zeros standing in for the votes that lack; the votes are sorted on the way.

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


def impact_notional(initial_fraction, margin):
    """Return the notional at which impact prices are taken: what a given margin carries at full leverage.

    Parameters
    ----------
    initial_fraction : float
        Initial margin fraction at the contract's maximum leverage.
    margin : float, quote currency

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Binance, FAQ 360033525031: impact margin notional = 200 USDT / initial margin rate.

    Examples
    --------
    >>> impact_notional(0.008, 200.0)
    25000.0
    """
    return margin / initial_fraction
