"""Places to trade other than a book: a virtual automated market maker and a pool that fills at the oracle's price.

The pool's account is the venue's fund: it holds the other side of what traders hold in all, gains what they lose, and bears
what they cannot pay. An order is a swap against the pool, at once and as far as its limit allows; the average price is
rounded to a tick against the trader. Sizes are lots, positive when the trader buys; prices are floats in quote currency.

==========  ============================================================================================
``vamm``    constant product of virtual reserves: buying d of the base x costs k / (x - d) - k / x
``oracle``  index * (1 + (skew before + skew after) / (2 scale)) and half a spread; skew: net lots of traders
==========  ============================================================================================

References: Perpetual Protocol v1 (vAMM); Synthetix SIP-279 (fill price by skew); GMX v2 (fills at the oracle's price).
"""

import math

import numpy as np

from sim.kernel import entry, hot_kernel, kernel
from sim.ledger import exchange
from sim.records import VAMM, asset_at, market_at, position_at, run_row, venue_at, view_at


@hot_kernel
def product_price(reserve, product, size):
    """Return the average price of buying `size` (negative: selling) from reserves of constant product.

    Parameters
    ----------
    reserve : float, asset
        Base in the pool, above `size`.
    product : float
        Base times quote.
    size : float, asset, not 0

    Examples
    --------
    >>> product_price(100.0, 100_000.0, 37.5), product_price(100.0, 100_000.0, -25.0)
    (16.0, 8.0)
    """
    return product / (reserve * (reserve - size))


@hot_kernel
def product_room(reserve, product, price):
    """Return the size that brings reserves of constant product to a price: bought if positive, sold if negative.

    Examples
    --------
    >>> round(product_room(100.0, 100_000.0, 11.025), 9)
    4.761904762
    """
    return reserve - math.sqrt(product / price)


@hot_kernel
def skew_price(index, skew, size, scale, half_spread):
    """Return the average price of `size` at an oracle's price, moved by the mean of the skew before and after.

    Parameters
    ----------
    index : float, quote currency
    skew, size : float, lots
        `size` is signed and not 0.
    scale : float, lots
        Skew at which the price is moved by the index itself; infinite: no impact.
    half_spread : float, fraction

    Examples
    --------
    >>> round(skew_price(1200.0, 0.0, 100.0, 1e6, 0.0), 9), round(skew_price(2025.0, 20.0, 5.0, 1e4, 0.0), 9)
    (1200.06, 2029.55625)
    """
    side = 1.0 if size > 0.0 else -1.0
    return index * (1.0 + side * half_spread + (skew + 0.5 * size) / scale)


@hot_kernel
def trader_skew(world, m):
    """Return the net lots of all traders: what the fund holds the other side of."""
    return -position_at(world, venue_at(world, market_at(world, m)["venue"])["fund_row"], m)["lots"]


@kernel
def pool_price(world, m, lots):
    """Return the average price at which the pool of a market trades signed lots."""
    market = market_at(world, m)
    if market["place"] == VAMM:
        return product_price(market["reserve"], market["reserve_product"], lots * market["lot"])
    return skew_price(view_at(world, m)["index"], float(trader_skew(world, m)), float(lots), market["pool_scale"],
                      market["pool_half_spread"])


@kernel
def pool_room(world, m, side, price):
    """Return the lots that the pool trades before its price passes `price`; never more than a billion."""
    market, index = market_at(world, m), view_at(world, m)["index"]
    if market["place"] == VAMM:
        room = side * product_room(market["reserve"], market["reserve_product"], price) / market["lot"]
    else:
        distance = side * (price / index - 1.0) - market["pool_half_spread"]
        skew = side * float(trader_skew(world, m))
        room = 1e9
        if market["pool_scale"] < 1e300:
            room = market["pool_scale"] * distance - skew
        elif distance < 0.0:
            room = 0.0
        room = min(room, market["pool_largest"] - skew)
    return np.int64(max(min(math.floor(room + 1e-9), 1e9), 0.0))


@kernel
def quote_pool(world, m):
    """Set the best prices that traders see: those of a lot on each side, rounded away from the middle."""
    market, view = market_at(world, m), view_at(world, m)
    view["best_bid"] = max(np.int64(math.floor(pool_price(world, m, -1) / market["tick"])), 1)
    view["best_ask"] = max(np.int64(math.ceil(pool_price(world, m, 1) / market["tick"])), view["best_bid"] + 1)


@entry("int64", 6, "float64")
def swap(world, taker, m, side, limit, lots, taker_fee):
    """Trade up to `lots` with the pool at `limit` or better; return the lots left."""
    market, view, run = market_at(world, m), view_at(world, m), run_row(world, 0)
    fund = venue_at(world, market["venue"])["fund_row"]
    size = min(lots, pool_room(world, m, side, limit * market["tick"]))
    if size <= 0 or taker == fund:
        return lots
    price = pool_price(world, m, side * size) / market["tick"]
    tick = min(np.int64(math.ceil(price - 1e-9)), limit) if side > 0 else max(np.int64(math.floor(price + 1e-9)), limit)
    exchange(world, m, fund, taker, side * size, tick, taker_fee, 0.0)
    market["reserve"] -= side * size * market["lot"]
    view["last_tick"] = tick
    view["volume"] += size
    run["trades"] += 1
    asset_at(world, market["asset"])["perp_flow"] += side * size * tick * market["tick"] * market["lot"]
    quote_pool(world, m)
    return lots - size
