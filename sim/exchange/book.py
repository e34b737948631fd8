"""The limit order book: a ladder of price levels with queues in price-time order.

Layout: market m covers the ticks ``window_low .. window_low + window - 1``; a tick has the level
``tick - window_low``. A level has its total lots in one table (`depth`) and the ends of a doubly
linked queue of orders in another (`level`). `perplab.sim.exchange.level_bitmap` finds occupied
levels. The best prices are kept in the market's view (0: side empty). An order's number is its
owner's first slot plus its slot.

Invariants: the book is never crossed; a level's lots are the sum of its queue; a set bit is a level
with lots; a position's ``buy_lots`` and ``sell_lots`` are the lots of its owner's resting orders.
Only this module writes orders, levels and best prices.
"""

import numpy as np

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.level_bitmap import clear_bit, next_price, rebuild_bitmap, set_bit
from perplab.sim.state.records import (
    depth_at,
    depths,
    level_at,
    levels,
    market_at,
    order_at,
    orders,
    position_at,
    put_depth,
    run_row,
    some_depths,
    view_at,
    word_at,
)

NO_ASK = 1 << 62


@hot_kernel
def opposite(world, m, side):
    """Return the best price opposite to an order of `side`, 0 if that side is empty.

    Branch-free select, because the side is unpredictable.
    """
    view, buys = view_at(world, m), np.int64(side > 0)
    return buys * view["best_ask"] + (1 - buys) * view["best_bid"]


@hot_kernel
def add_resting_lots(world, owner, m, side, lots):
    """Add signed `lots` to the resting buy or sell lots of a position."""
    position = position_at(world, owner, m)
    if side > 0:
        position["buy_lots"] += lots
    else:
        position["sell_lots"] += lots


@hot_kernel
def rest(world, number, owner, row, lots, expiry_step):
    """Append `lots` of the limit order in `row` to its level's queue, as order `number`.

    The order must not cross and its slot must be free.
    """
    m, side, tick = row["market"], row["side"], row["tick"]
    order, index = order_at(world, number), tick - market_at(world, m)["window_low"]
    order["lots"], order["tick"], order["owner"], order["market"] = lots, tick, owner, m
    order["side"], order["flags"], order["expiry_step"] = side, row["flags"], expiry_step
    before = depth_at(world, m, index)
    append_to_queue(world, number, level_at(world, m, index), before == 0)
    put_depth(world, m, index, before + lots)
    set_bit(world, m, index)
    add_resting_lots(world, owner, m, side, lots)
    improve_best_price(view_at(world, m), side, tick)


@hot_kernel
def append_to_queue(world, number, level, is_empty):
    """Link order `number` behind the last order of a level.

    Empty and non-empty levels share one code path, because which it is cannot be predicted: for an
    empty level the order is its own tail until its links are set.
    """
    alone, head, tail = np.int64(is_empty), np.int64(level["head"]), np.int64(level["tail"])
    order_at(world, tail + alone * (number - tail))["next"] = number
    order = order_at(world, number)
    order["next"], order["previous"] = -1, tail - alone * (tail + 1)
    level["head"], level["tail"] = head + alone * (number - head), number


@hot_kernel
def improve_best_price(view, side, tick):
    """Update the best price of a side for a new order at `tick`; branch-free."""
    view["best_bid"] = max(view["best_bid"], tick if side > 0 else 0)
    ask = view["best_ask"] if view["best_ask"] > 0 else NO_ASK
    ask = min(ask, tick if side < 0 else NO_ASK)
    view["best_ask"] = ask if ask < NO_ASK else 0


@hot_kernel
def empty_level(world, m, side, tick):
    """Clear the bit of a level that has lost its last order and update the best price."""
    index, view = tick - market_at(world, m)["window_low"], view_at(world, m)
    clear_bit(world, m, index)
    if tick == opposite(world, m, -side):
        best = next_price(world, m, side, tick - side)
        view["best_bid"] = best if side > 0 else view["best_bid"]
        view["best_ask"] = best if side < 0 else view["best_ask"]


@hot_kernel
def reduce_order(world, number, owner, m, side, tick, lots):
    """Reduce a resting order of `owner` by `lots`; at zero it leaves the book."""
    order = order_at(world, number)
    index = tick - market_at(world, m)["window_low"]
    add_resting_lots(world, owner, m, side, -lots)
    left, depth = np.int64(order["lots"]) - lots, depth_at(world, m, index) - lots
    order["lots"] = left
    put_depth(world, m, index, depth)
    if left == 0:
        unlink(world, number, level_at(world, m, index))
        if depth == 0:
            empty_level(world, m, side, tick)


@hot_kernel
def unlink(world, number, level):
    """Remove an order from its level's queue."""
    order = order_at(world, number)
    before, after = np.int64(order["previous"]), np.int64(order["next"])
    if before >= 0:
        order_at(world, before)["next"] = after
    else:
        level["head"] = after
    if after >= 0:
        order_at(world, after)["previous"] = before
    else:
        level["tail"] = before


@entry("int64", 2)
def cancel(world, number):
    """Cancel a resting order; return 1 if there was one, else 0."""
    order = order_at(world, number)
    lots = np.int64(order["lots"])
    if lots > 0:
        m, side, tick = np.int64(order["market"]), np.int64(order["side"]), np.int64(order["tick"])
        reduce_order(world, number, np.int64(order["owner"]), m, side, tick, lots)
    return np.int64(lots > 0)


@kernel
def cancel_expired(world):
    """Cancel every expired order.

    It looks at all slots, so it is called only in steps in which an order expires.
    """
    run, queue = run_row(world, 0), orders(world)
    soonest = np.int64(1) << 62
    for number in range(queue.shape[0]):
        if queue[number]["lots"] > 0 and queue[number]["expiry_step"] > 0:
            if queue[number]["expiry_step"] <= run["step"]:
                cancel(world, number)
            else:
                soonest = min(soonest, queue[number]["expiry_step"])
    run["next_expiry_step"] = soonest


@kernel
def depth_to(world, m, side, limit):
    """Return the lots resting on a side (+1: bids) up to and including tick `limit`."""
    view, low = view_at(world, m), market_at(world, m)["window_low"]
    if side > 0:
        return lots_between(world, m, max(limit - low, 0), view["best_bid"] - low)
    if view["best_ask"] == 0:
        return np.int64(0)
    return lots_between(
        world, m, view["best_ask"] - low, min(limit - low, levels(world).shape[1] - 1)
    )


@hot_kernel
def lots_between(world, m, first, last):
    """Return the lots at the levels `first` to `last`, skipping zero words of the bitmap."""
    total, index = np.int64(0), first
    while index <= last:
        count = min(index | 63, last) + 1 - index
        if word_at(world, m, index >> 6) != np.uint64(0):
            here = some_depths(world, m * depths(world).shape[1] + index, count)
            for k in range(count):
                total += here[k]
        index += count
    return total


@kernel
def shift_window(world, m, new_low):
    """Move the ladder's window to start at `new_low`.

    Returns the number of orders cancelled because their ticks are outside the new window.
    """
    market, view, cancelled = market_at(world, m), view_at(world, m), 0
    old_low, window = market["window_low"], market["window"]
    shift = new_low - old_low
    for outside in range(min(abs(shift), window)):
        index = outside if shift > 0 else window - 1 - outside
        while depth_at(world, m, index) > 0:
            cancelled += cancel(world, np.int64(level_at(world, m, index)["head"]))
    for k in range(max(window - abs(shift), 0)):
        target = k if shift > 0 else window - 1 - k
        levels(world)[m, target] = level_at(world, m, target + shift)
        put_depth(world, m, target, depth_at(world, m, target + shift))
        put_depth(world, m, target + shift, 0)
    market["window_low"] = new_low
    rebuild_bitmap(world, m)
    view["best_bid"] = next_price(world, m, 1, view["best_bid"]) if view["best_bid"] > 0 else 0
    view["best_ask"] = next_price(world, m, -1, view["best_ask"]) if view["best_ask"] > 0 else 0
    return cancelled
