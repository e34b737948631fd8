"""Average prices of trading a notional against the book or the pool."""

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.amm_fills import pool_price
from perplab.sim.exchange.book import opposite
from perplab.sim.exchange.level_bitmap import far_level, nearest, outward, without
from perplab.sim.laws.amm import is_pool
from perplab.sim.state.records import depth_at, market_at, view_at, word_at


@hot_kernel
def take_levels(world, m, side, index, left, lots):
    """Take from the levels of one bitmap word, from level `index` outwards.

    Returns the notional still left (units) and the lots taken so far.
    """
    market, word = market_at(world, m), outward(word_at(world, m, index >> 6), side, index)
    while word != 0 and left > 0.0:
        level = (index & ~63) + nearest(word, side)
        unit_value = float((level + market["window_low"]) * market["units_per_tick"])
        here = float(depth_at(world, m, level))
        if here * unit_value >= left:
            return 0.0, lots + left / unit_value
        lots += here
        left -= here * unit_value
        word = without(word, level)
    return left, lots


@kernel
def average_price(world, m, side, notional):
    """Return the average price of trading a notional (units) against a side (+1: selling to bids).

    Returns
    -------
    price : float, quote currency
        Depth that the book lacks is priced at the index, so the result is continuous in the depth.
    thin : bool
        Whether the book lacked any.
    """
    market, view = market_at(world, m), view_at(world, m)
    if is_pool(market["amm_law"]):
        size = max(np.int64(notional / (view["index"] * market["units_per_price"])), 1)
        return pool_price(world, m, -side * size), False
    left, lots, best = notional, 0.0, opposite(world, m, -side)
    index = best - market["window_low"] if best > 0 else -1
    while index >= 0 and left > 0.0:
        left, lots = take_levels(world, m, side, index, left, lots)
        index = far_level(world, m, side, index >> 6)
    thin = left > 0.0
    lots += left / (view["index"] * market["units_per_price"])
    return notional / (lots * market["units_per_price"]), thin


@hot_kernel
def book_mid(world, m):
    """Return the mid price in quote currency, or 0 where a side is empty."""
    view = view_at(world, m)
    if view["best_bid"] == 0 or view["best_ask"] == 0:
        return 0.0
    return 0.5 * (view["best_bid"] + view["best_ask"]) * view["tick"]
