"""Matching by price and then time, against the book or the pool.

Self-trade prevention cancels the resting order. A resting reduce-only order fills no more than it
can reduce.
"""

import numpy as np

from perplab.sim.clearing.ledger import book_trade
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.amm_fills import quote_pool, swap_lots, swap_tick
from perplab.sim.exchange.book import cancel, opposite, reduce_order
from perplab.sim.laws.amm import is_pool, move_reserve
from perplab.sim.state.codes import REDUCE_ONLY, SELF_TRADE
from perplab.sim.state.records import (
    account_at,
    asset_at,
    level_at,
    market_at,
    order_at,
    position_at,
    print_at,
    prints,
    run_row,
    venue_at,
    view_at,
)


@hot_kernel
def after_discount(fee, discount):
    """Return a taker fee less an account's discount; no fee becomes a rebate.

    Examples
    --------
    >>> after_discount(4.0, 1.0), after_discount(0.5, 1.0), after_discount(-0.1, 1.0)
    (3.0, 0.0, -0.1)
    """
    return max(fee - discount, min(fee, 0.0))


@hot_kernel
def reducible(world, i, m, side):
    """Return the lots by which an order of `side` can reduce position (i, m)."""
    return max(-position_at(world, i, m)["lots"] * side, 0)


@kernel
def record_print(world, m, maker, taker, lots, tick, is_liquidation):
    """Record the print of a trade while the buffer has room."""
    run = run_row(world, 0)
    if run["print_count"] < prints(world).shape[0]:
        row, side = print_at(world, run["print_count"]), (1 if lots > 0 else -1)
        row["step"], row["market"], row["tick"], row["lots"] = run["step"], m, tick, abs(lots)
        row["side"], row["taker"], row["maker"], row["forced"] = side, taker, maker, is_liquidation
        run["print_count"] += 1


@hot_kernel
def trade(world, m, maker, taker, lots, tick, taker_fee, maker_fee, is_liquidation):
    """Book a trade of `lots` (the taker's sign) and publish it."""
    run, view, market = run_row(world, 0), view_at(world, m), market_at(world, m)
    book_trade(world, m, maker, taker, lots, tick, taker_fee, maker_fee)
    view["last_tick"] = tick
    view["volume"] += abs(lots)
    run["trades"] += 1
    asset_at(world, market["asset"])["perp_flow"] += lots * tick * market["tick"] * market["lot"]
    if rarely(run["print_trades"] == 1):
        record_print(world, m, maker, taker, lots, tick, is_liquidation)


@hot_kernel
def fillable(world, number, maker, m, side, lots):
    """Return how many of `lots` a resting order can fill; reduce-only: at most what it reduces."""
    order = order_at(world, number)
    size = min(lots, np.int64(order["lots"]))
    if rarely(order["flags"] & REDUCE_ONLY != 0):
        size = min(size, reducible(world, maker, m, -side))
    return size


@entry("int64", 7, "float64")
def swap(world, taker, m, side, limit, lots, is_liquidation, taker_fee):
    """Trade up to `lots` with the pool, on average at `limit` or better; return the lots left."""
    market = market_at(world, m)
    fund = venue_at(world, market["venue"])["fund_row"]
    size = swap_lots(world, taker, m, side, limit, lots)
    if size > 0:
        tick = swap_tick(world, m, side, size, limit)
        rebate = -market["fee_share"] * taker_fee
        trade(world, m, fund, taker, side * size, tick, taker_fee, rebate, is_liquidation)
        move_reserve(market["amm_law"], side * size * market["lot"])
        quote_pool(world, m)
    return lots - size


@entry("int64", 7, "float64")
def match(world, taker, m, side, limit, lots, is_liquidation, taker_fee):
    """Fill up to `lots` at `limit` or better and return the lots left.

    Resting orders fill by best price, then by age; at a pool venue the pool fills.
    """
    market, run = market_at(world, m), run_row(world, 0)
    if rarely(is_pool(market["amm_law"])):
        return swap(world, taker, m, side, limit, lots, is_liquidation, taker_fee)
    venue, base_fee = market["venue"], venue_at(world, market["venue"])["maker_fee"]
    while lots > 0:
        tick = opposite(world, m, side)
        if tick == 0 or (tick - limit) * side > 0:
            break
        number = np.int64(level_at(world, m, tick - market["window_low"])["head"])
        order = order_at(world, number)
        maker = np.int64(order["owner"])
        expired = order["expiry_step"] > 0 and order["expiry_step"] <= run["step"]
        size = fillable(world, number, maker, m, side, lots)
        if rarely(maker == taker or expired or size == 0):
            run["outcomes"][SELF_TRADE] += maker == taker
            cancel(world, number)
            continue
        reduce_order(world, number, maker, m, -side, tick, size)
        maker_fee = base_fee - account_at(world, maker, venue)["maker_discount"]
        trade(world, m, maker, taker, size * side, tick, taker_fee, maker_fee, is_liquidation)
        lots -= size
    return lots
