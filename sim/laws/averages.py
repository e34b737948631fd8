"""Numbers that several laws share: clamps, medians and decaying averages."""

import math

from perplab.sim.compiler.jit import hot_kernel


@hot_kernel
def clamp(value, low, high):
    """Return the number of [low, high] nearest to `value`.

    Examples
    --------
    >>> clamp(0.7, -0.5, 0.5)
    0.5
    """
    return min(max(value, low), high)


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
    average + (1 - exp(-t / w)) * (sample - average). Hyperliquid documents num <- num * exp(-t / w)
    + sample * t and den <- den * exp(-t / w) + t: with equal t, den tends to t / (1 - exp(-t / w))
    and the update becomes this one. A venue's simple mean over n seconds is replaced by the
    decaying one with the window of its rulebook.

    References
    ----------
    .. [1] Hyperliquid documentation, "Robust price indices" (150 s); Binance, "Mark Price", Price 2
           (30 s mean).

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
