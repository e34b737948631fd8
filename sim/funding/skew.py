"""Funding by who is crowded: rates that follow the open interest of longs and shorts, not the price.

Long open interest is L, short S, both of traders alone; a positive rate is paid by longs. Rates are fractions of the
notional per funding interval. ``imbalance_number`` of a market holds a law's numbers in the order of its parameters.

References: GMX v2, market utilities (static and adaptive funding factor); Synthetix SIP-279 (funding skew_velocity_rate).
"""

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.amm_fills import trader_skew
from perplab.sim.laws.skew_funding import (
    adapted_rate,
    floored_magnitude,
    imbalance_of,
    skew_velocity_rate,
)
from perplab.sim.state.records import ADAPTIVE_OPEN_INTEREST, OPEN_INTEREST, market_at, view_at


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
        market["imbalance_state"] = adapted_rate(
            market["imbalance_state"],
            imbalance_of(long_lots, short_lots, 1.0),
            elapsed,
            numbers[0],
            numbers[1],
            numbers[2],
            numbers[3],
            numbers[4],
        )
        return floored_magnitude(market["imbalance_state"], numbers[5])
    per_day = skew_velocity_rate(long_lots - short_lots, numbers[0] / market["lot"], numbers[1])
    market["imbalance_state"] += per_day * elapsed / 86_400.0
    return market["imbalance_state"]
