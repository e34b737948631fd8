"""Fills against a pool: a virtual automated market maker, or a pool at the oracle's price.

The pool's account is the venue's fund: it holds the other side of the traders' net position, gains
what they lose, and bears their bad debt. An order is a swap against the pool, filled at once as far
as its limit allows; the average price is rounded to a tick against the trader. Sizes are lots,
positive when the trader buys; prices are floats in quote currency.

==========  ========================================================================================
``vamm``    constant product of virtual reserves: buying d of the base x costs k / (x - d) - k / x
``oracle``  index * (1 + (skew before + skew after) / (2 scale)) and half a spread; skew: net lots
            of traders; a trade that reduces the skew may receive less than one that adds to it pays
==========  ========================================================================================

References: Perpetual Protocol v1 (vAMM); Synthetix SIP-279 (fill price by skew); GMX v2 (fills at
the oracle's price).
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.amm import product_price, product_room, skew_price
from perplab.sim.state.records import VAMM, market_at, position_at, venue_at, view_at


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
    market = market_at(world, m)
    if market["venue_type"] == VAMM:
        return product_price(market["reserve"], market["reserve_product"], lots * market["lot"])
    return skew_price(
        view_at(world, m)["index"],
        pool_skew(world, m),
        float(lots),
        market["pool_scale"],
        market["pool_half_spread"],
        market["pool_relief"],
    )


@kernel
def pool_room(world, m, side, price):
    """Return the lots that the pool trades before its price passes `price`, at most a billion."""
    market, index = market_at(world, m), view_at(world, m)["index"]
    if market["venue_type"] == VAMM:
        room = (
            side * product_room(market["reserve"], market["reserve_product"], price) / market["lot"]
        )
    else:
        distance = side * (price / index - 1.0) - market["pool_half_spread"]
        skew = side * pool_skew(world, m)
        room = 1e9
        if distance < 0.0:
            distance = (
                distance / market["pool_relief"] if market["pool_relief"] > 0.0 else -math.inf
            )
        if market["pool_scale"] < 1e300:
            room = market["pool_scale"] * distance - skew
        elif distance < 0.0:
            room = 0.0
        room = min(room, market["pool_largest"] - skew)
    return np.int64(max(min(math.floor(room + 1e-9), 1e9), 0.0))


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
