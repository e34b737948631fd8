"""How an index is made of its sources."""

import math

from perplab.sim.compiler.jit import kernel


@kernel
def weighted_median(prices, weights, count):
    """Return the price at which half of the weight is reached, from below.

    Parameters
    ----------
    prices, weights : array of float
        The first `count` are used; none is changed.

    Examples
    --------
    >>> import numpy as np
    >>> float(weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 3.0]), 3))
    2.0
    """
    total, best = 0.0, math.inf
    for k in range(count):
        total += weights[k]
    for k in range(count):
        below = 0.0
        for j in range(count):
            if prices[j] <= prices[k]:
                below += weights[j]
        if below >= 0.5 * total and prices[k] < best:
            best = prices[k]
    return best


@kernel
def clamped_mean(prices, weights, count, clamp):
    """Return the weighted mean of prices kept within a fraction `clamp` of their weighted median.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(clamped_mean(np.array([100.0, 100.0, 50.0]), np.ones(3), 3, 0.03)), 9)
    99.0
    """
    middle, total, weight = weighted_median(prices, weights, count), 0.0, 0.0
    for k in range(count):
        total += weights[k] * min(max(prices[k], middle * (1.0 - clamp)), middle * (1.0 + clamp))
        weight += weights[k]
    return total / weight
