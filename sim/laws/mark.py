"""The mark price: what values positions and triggers liquidations, made of an index and of the book.

All prices are floats in quote currency; none of them enters a booking.
"""

import math

from perplab.sim.compiler.jit import hot_kernel


@hot_kernel
def median_of_three(a, b, c):
    """Return the middle one of three numbers.

    References
    ----------
    .. [1] Binance, "Mark Price" (FAQ); Hyperliquid documentation, "Robust price indices".

    Examples
    --------
    >>> median_of_three(3.0, 1.0, 2.0)
    2.0
    """
    return max(min(a, b), min(max(a, b), c))


@hot_kernel
def index_plus_funding(index, funding_rate, seconds_to_settlement, interval_seconds):
    """Return the index plus the part of the running funding still to be paid.

    Parameters
    ----------
    index : float, quote currency
    funding_rate : float, fraction per interval
        The last fixed rate.
    seconds_to_settlement, interval_seconds : float, seconds

    Returns
    -------
    float, quote currency

    Notes
    -----
    index * (1 + F * tau / T), tau running from T to 0.

    References
    ----------
    .. [1] Binance, "Mark Price", Price 1; BitMEX, "Fair Price Marking".

    Examples
    --------
    >>> round(index_plus_funding(97843.77, 0.00011, 16020.0, 28800.0), 2)
    97849.76
    """
    return index * (1.0 + funding_rate * seconds_to_settlement / interval_seconds)


@hot_kernel
def decayed_average(average, sample, elapsed_seconds, window_seconds):
    """Return an exponentially decaying average after one more sample.

    Parameters
    ----------
    average, sample : float
        Same unit.
    elapsed_seconds : float, seconds
        For how long the sample stood.
    window_seconds : float, seconds, at least 0
        Time constant; 0 gives the sample itself.

    Returns
    -------
    float

    Notes
    -----
    average + (1 - exp(-t / w)) * (sample - average). Hyperliquid documents num <- num * exp(-t / w) + sample * t and
    den <- den * exp(-t / w) + t: with equal t, den tends to t / (1 - exp(-t / w)) and the update becomes this one.
    A venue's simple mean over n seconds is replaced by the decaying one with the window of its rulebook.

    References
    ----------
    .. [1] Hyperliquid documentation, "Robust price indices" (150 s); Binance, "Mark Price", Price 2 (30 s mean).

    Examples
    --------
    >>> decayed_average(0.0, 1.0, 30.0, 30.0)
    0.6321205588285577
    >>> decayed_average(5.0, 1.0, 30.0, 0.0)
    1.0
    """
    if window_seconds <= 0.0:
        return sample
    return moved(average, sample, 1.0 - math.exp(-elapsed_seconds / window_seconds))


@hot_kernel
def moved(average, sample, weight):
    """Return an average moved towards a sample by its weight.

    Examples
    --------
    >>> moved(10.0, 20.0, 0.25)
    12.5
    """
    return average + weight * (sample - average)


@hot_kernel
def quotes_or_last(bid, ask, last):
    """Return the median of best bid, best ask and last price: the last price kept inside the quotes.

    Parameters
    ----------
    bid, ask : float, quote currency
        0 where that side of the book is empty; it then bounds nothing.
    last : float, quote currency

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Hyperliquid documentation, "Robust price indices", input (b).

    Examples
    --------
    >>> quotes_or_last(10005.0, 10015.0, 10010.0), quotes_or_last(10005.0, 10015.0, 10100.0)
    (10010.0, 10015.0)
    >>> quotes_or_last(10005.0, 0.0, 10100.0)
    10100.0
    """
    return median_of_three(bid, ask if ask > 0.0 else math.inf, last)


@hot_kernel
def shrunk_basis(basis, largest):
    """Return an average basis, counted the more the nearer it is to the largest: by .3 of it at least, .7 at most.

    Parameters
    ----------
    basis, largest : float, quote currency
        `largest` is above 0.

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Bybit, "Mark Price Calculation (Perpetual Contracts)", contracts listed since November 2025; another copy of it
       has the bounds .1 and .9.

    Examples
    --------
    >>> shrunk_basis(10.0, 20.0), shrunk_basis(-1.0, 20.0)
    (5.0, -0.3)
    """
    return min(max(abs(basis) / largest, 0.3), 0.7) * basis
