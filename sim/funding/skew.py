"""Funding by who is crowded: rates that follow the open interest of longs and shorts, not the price.

Long open interest is L, short S, both of traders alone; a positive rate is paid by longs. Rates are fractions of the
notional per funding interval. ``imbalance_number`` of a market holds a law's numbers in the order of its parameters.

References: GMX v2, market utilities (static and adaptive funding factor); Synthetix SIP-279 (funding velocity).
"""

import math

from perplab.sim.compiler.jit import entry, hot_kernel
from perplab.sim.exchange.amm import trader_skew
from perplab.sim.state.records import ADAPTIVE_OPEN_INTEREST, OPEN_INTEREST, market_at, view_at


@hot_kernel
def imbalance_of(long_lots, short_lots, exponent):
    """Return sign(L - S) |L - S|**exponent / (L + S), 0 while a side is empty.

    Examples
    --------
    >>> imbalance_of(106.0, 94.0, 1.0), imbalance_of(5.0, 0.0, 1.0)
    (0.06, 0.0)
    """
    if long_lots <= 0.0 or short_lots <= 0.0 or long_lots == short_lots:
        return 0.0
    size = abs(long_lots - short_lots)
    raised = size if exponent == 1.0 else math.exp(exponent * math.log(size))
    return (raised if long_lots > short_lots else -raised) / (long_lots + short_lots)


@hot_kernel
def adapted(state, imbalance, elapsed, increase, decrease, stable, decreasing, largest):
    """Return the rate of an adaptive venue after `elapsed` seconds of an imbalance.

    Parameters
    ----------
    state : float
        Rate before; its sign says who pays.
    imbalance : float
        Signed, of `imbalance_of`.
    elapsed : float, seconds
    increase, decrease : float, per second
        Growth at full imbalance; decline in the quiet zone.
    stable, decreasing : float
        Imbalance above which the rate grows, and below which it declines; between the two it stays.
    largest : float
        Bound of the rate.

    Notes
    -----
    An imbalance against the rate's sign moves it back through zero whatever its size.

    Examples
    --------
    >>> round(adapted(0.0, 0.06, 600.0, 1e-6, 2e-8, 0.05, 0.03, 1.0), 12)
    3.6e-05
    """
    size = abs(imbalance)
    if imbalance * state < 0.0 or size > stable:
        state += imbalance * increase * elapsed
    elif size < decreasing:
        decline = decrease * elapsed
        state = max(state - decline, 0.0) if state > 0.0 else min(state + decline, 0.0)
    return min(max(state, -largest), largest)


@hot_kernel
def at_least(rate, least):
    """Return a rate that is not 0 with at least this size.

    Examples
    --------
    >>> at_least(-0.001, 0.01), at_least(0.02, 0.01), at_least(0.0, 0.01)
    (-0.01, 0.02, 0.0)
    """
    if rate == 0.0 or abs(rate) >= least:
        return rate
    return least if rate > 0.0 else -least


@hot_kernel
def velocity(skew, scale, largest):
    """Return the change of the rate per day: the skew over its scale, kept within one, times the largest.

    Examples
    --------
    >>> round(velocity(-60.0, 10_000.0, 3.0), 12), velocity(2e4, 1e4, 3.0)
    (-0.018, 3.0)
    """
    return min(max(skew / scale, -1.0), 1.0) * largest


@hot_kernel
def trader_interest(world, m):
    """Return the long and the short lots of traders, floats."""
    longs, skew = view_at(world, m)["open_interest"], trader_skew(world, m)
    both = longs - max(-skew, 0)
    return float(both), float(both - skew)


@entry("float64", 2, "float64")
def imbalance_rate(world, m, elapsed):
    """Return the rate of a market whose law looks at open interest, after `elapsed` more seconds."""
    market = market_at(world, m)
    numbers, law = market["imbalance_number"], market["premium_law"]
    long_lots, short_lots = trader_interest(world, m)
    if law == OPEN_INTEREST:
        return imbalance_of(long_lots, short_lots, numbers[1]) * numbers[0]
    if law == ADAPTIVE_OPEN_INTEREST:
        market["imbalance_state"] = adapted(market["imbalance_state"], imbalance_of(long_lots, short_lots, 1.0), elapsed, numbers[0],
                                            numbers[1], numbers[2], numbers[3], numbers[4])
        return at_least(market["imbalance_state"], numbers[5])
    per_day = velocity(long_lots - short_lots, numbers[0] / market["lot"], numbers[1])
    market["imbalance_state"] += per_day * elapsed / 86_400.0
    return market["imbalance_state"]
