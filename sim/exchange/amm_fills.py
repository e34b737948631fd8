"""Fills by a pool instead of a book (`perplab.sim.laws.amm`).

The pool's account is the venue's fund: it holds the negative of the traders' net position, gains
what they lose, and bears what they cannot pay. An order is a swap against the pool, at once and as
far as its limit allows; the average price is rounded to a tick against the trader. Sizes are lots,
positive when the trader buys; prices are floats in quote currency.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.amm import pool_depth, pool_fill_price
from perplab.sim.state.records import market_at, position_at, venue_at, view_at


@hot_kernel
def trader_skew(world, m):
    """Return the net lots of all traders; the fund holds the other side."""
    return -position_at(world, venue_at(world, market_at(world, m)["venue"])["fund_row"], m)["lots"]


@hot_kernel
def pool_skew(world, m):
    """Return the net lots of all traders that move the price: without `twin_lots`."""
    return float(trader_skew(world, m) - market_at(world, m)["twin_lots"])


@kernel
def pool_price(world, m, lots):
    """Return the average price at which the pool of a market trades signed lots."""
    market, index = market_at(world, m), view_at(world, m)["index"]
    skew = pool_skew(world, m)
    return pool_fill_price(market["amm_law"], index, skew, float(lots), market["lot"])


@kernel
def pool_room(world, m, side, price):
    """Return the lots that the pool trades before its price passes `price`.

    Never more than a billion.
    """
    market, index = market_at(world, m), view_at(world, m)["index"]
    room = pool_depth(market["amm_law"], side, price, index, pool_skew(world, m), market["lot"])
    return np.int64(max(min(room + 1e-9, 1e9), 0.0))


@kernel
def quote_pool(world, m):
    """Set the best prices that traders see: of one lot on each side, rounded away from the mid."""
    market, view = market_at(world, m), view_at(world, m)
    view["best_bid"] = max(np.int64(math.floor(pool_price(world, m, -1) / market["tick"])), 1)
    view["best_ask"] = max(
        np.int64(math.ceil(pool_price(world, m, 1) / market["tick"])), view["best_bid"] + 1
    )


@kernel
def swap_lots(world, taker, m, side, limit, lots):
    """Return how many of `lots` the pool trades at `limit` or better; none if it is the taker."""
    market = market_at(world, m)
    if taker == venue_at(world, market["venue"])["fund_row"]:
        return np.int64(0)
    return min(lots, pool_room(world, m, side, limit * market["tick"]))


@kernel
def swap_tick(world, m, side, size, limit):
    """Return the average tick of a swap, rounded against the trader but not beyond its limit."""
    price = pool_price(world, m, side * size) / market_at(world, m)["tick"]
    if side > 0:
        return min(np.int64(math.ceil(price - 1e-9)), limit)
    return max(np.int64(math.floor(price + 1e-9)), limit)
