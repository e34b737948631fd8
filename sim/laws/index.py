"""The index price: one spot price, or several sources of it put together.

A source's deviation from spot is an Ornstein-Uhlenbeck process; in an outage its price stays where
it was. A source without news for longer than the venue waits, or too far from the median, has no
weight.

References: Binance and OKX, price index (3 % around the median; Binance: nothing new for 5 min, no
weight); Deribit, index (.5 %); Bybit, index (beyond 5 % from the median, or 15 min old: out); dYdX
v4 and Hyperliquid, oracles (weighted medians).
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import decayed_average
from perplab.sim.laws.choices import Choice

SOURCES = 16
"""Most sources of an index."""


class IndexLaw(Choice):
    """How an index is made of its sources."""

    ONE_SOURCE, CLAMPED_MEAN, WEIGHTED_MEDIAN = range(3)


INDEX_LAW = row(
    ("index_formula", "i8"),  # IndexLaw
    ("index_window", "f8"),  # seconds by which the index lags
    ("index_sources", "i8"),
    ("index_weight", "f8", (SOURCES,)),
    ("index_clamp", "f8"),  # fraction either side of the median
    ("deviation", "f8"),  # standard deviation of a source from spot, log price
    ("deviation_seconds", "f8"),  # its memory
    ("outages", "f8"),  # a second
    ("outage_seconds", "f8"),  # mean length
    ("stale_seconds", "f8"),  # without news for longer, a source has no weight
    ("exclusion", "f8"),  # fraction from the median beyond which a source has no weight
)
SOURCE_STATE = row(
    ("source_deviation", "f8", (SOURCES,)),  # log price
    ("source_price", "f8", (SOURCES,)),
    ("source_weight", "f8", (SOURCES,)),  # in force
    ("source_seconds", "f8", (SOURCES,)),  # of its last price
    ("source_back", "f8", (SOURCES,)),  # end of its outage
    ("source_index", "f8"),  # index before its lag
)


@hot_kernel
def has_sources(law):
    """Return whether the index is made of several sources."""
    return law["index_formula"] != IndexLaw.ONE_SOURCE


@hot_kernel
def lagged_index(law, index, now, elapsed):
    """Return the index after `elapsed` seconds in which its price was `now`."""
    return decayed_average(index, now, elapsed, law["index_window"])


@kernel
def source_count(law):
    """Return the number of sources."""
    return law["index_sources"]


@kernel
def deviation_step(law, dt):
    """Return the factor of the last deviation and the standard deviation of its change.

    Both are for a step of `dt` seconds.
    """
    kept = math.exp(-dt / law["deviation_seconds"])
    return kept, law["deviation"] * math.sqrt(1.0 - kept * kept)


@kernel
def has_outages(law):
    """Return whether sources ever stand still."""
    return law["outages"] > 0.0


@kernel
def is_out(law, state, k, begins, length, now, dt):
    """Return whether source k is in an outage.

    One begins at the venue's rate and lasts an exponential time.

    Parameters
    ----------
    begins, length : float
        Uniform draws.
    now, dt : float, seconds
    """
    if now >= state["source_back"][k] and begins < -math.expm1(-law["outages"] * dt):
        state["source_back"][k] = now - law["outage_seconds"] * math.log(1.0 - length)
    return now < state["source_back"][k]


@kernel
def index_of_sources(law, state, now):
    """Return the index before its lag at time `now`, and remember it.

    Where all sources with a weight agree it is their price to the bit; where none has a weight the
    last index stays.
    """
    count, prices, weights = law["index_sources"], state["source_price"], state["source_weight"]
    total = weights_in_force(
        prices,
        state["source_seconds"],
        law["index_weight"],
        count,
        now - law["stale_seconds"],
        law["exclusion"],
        weights,
    )
    lowest, highest = math.inf, 0.0
    for k in range(count):
        if weights[k] > 0.0:
            lowest, highest = min(lowest, prices[k]), max(highest, prices[k])
    if total > 0.0 and lowest == highest:
        state["source_index"] = lowest
    elif total > 0.0 and law["index_formula"] == IndexLaw.CLAMPED_MEAN:
        state["source_index"] = clamped_mean(prices, weights, count, law["index_clamp"])
    elif total > 0.0:
        state["source_index"] = weighted_median(prices, weights, count)
    return state["source_index"]


@kernel
def weights_in_force(prices, seconds, weights, count, oldest, exclusion, kept):
    """Write into `kept` the weights of the sources that count, and return their sum.

    Parameters
    ----------
    prices, weights, kept : array of float
    seconds : array of float
        When each source had its last price.
    count : int
    oldest : float, seconds
        A source whose last price is from before this has no weight.
    exclusion : float, fraction
        One further than this from the weighted median of the others and itself has none either.

    Examples
    --------
    >>> import numpy as np
    >>> prices, seconds = np.array([[100.0, 90.0, 101.0], [900.0, 900.0, 500.0]])
    >>> kept = np.zeros(3)
    >>> float(weights_in_force(prices, seconds, np.ones(3), 3, 600.0, 0.05, kept))
    1.0
    >>> kept.tolist()
    [0.0, 1.0, 0.0]
    """
    total = 0.0
    for k in range(count):
        kept[k] = weights[k] if seconds[k] >= oldest else 0.0
        total += kept[k]
    if total > 0.0 and exclusion < math.inf:
        middle, total = weighted_median(prices, kept, count), 0.0
        for k in range(count):
            if abs(prices[k] / middle - 1.0) > exclusion:
                kept[k] = 0.0
            total += kept[k]
    return total


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
