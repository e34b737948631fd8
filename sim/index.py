"""The index of several sources: each a spot price with a deviation of its own, put together by the venue's law.

A source's deviation is an Ornstein-Uhlenbeck process drawn by the run's counter, so treatments of one seed share it. Laws: the mean of prices kept
within a fraction of their median (``clamped_mean``), the weighted median (``weighted_median``).

References: Binance and OKX, price index (3 % around the median); Deribit, index (.5 %); dYdX v4 and Hyperliquid, oracles (weighted medians).
"""

import math

from sim.kernel import entry, kernel
from sim.records import CLAMPED_MEAN, asset_at, draw_at, market_at, run_row
from sim.streams import key_at, normal

INDEX_DRAWS = 1 << 44


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


@entry("float64", 2)
def price_of_sources(world, m):
    """Let each source of a market deviate for another step and return the index before its lag, quote currency."""
    run, market, rng = run_row(world, 0), market_at(world, m), draw_at(world, 0)
    spot, count = asset_at(world, market["asset"])["spot"], market["index_sources"]
    kept = math.exp(-run["dt"] / market["deviation_seconds"])
    fresh = market["deviation"] * math.sqrt(1.0 - kept * kept)
    rng["key"], rng["draws"] = key_at(key_at(run["key"], INDEX_DRAWS + m), run["step"]), 0
    for k in range(count):
        market["source_deviation"][k] = kept * market["source_deviation"][k] + fresh * normal(rng)
        market["source_price"][k] = spot * math.exp(market["source_deviation"][k])
    if market["index_law"] == CLAMPED_MEAN:
        return clamped_mean(market["source_price"], market["index_weight"], count, market["index_clamp"])
    return weighted_median(market["source_price"], market["index_weight"], count)
