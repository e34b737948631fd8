"""The limit order book: a ladder of price levels with a bitmap, and queues in price-time order.

Layout: market m covers the ticks ``window_low .. window_low + window - 1``; level ``tick - window_low`` has its total lots in one
table and the ends of a doubly linked queue of order numbers in another. One bitmap serves both sides, since bids lie below asks; a
second bitmap of its words lets the next level be found in a few instructions however far it is. The best prices
are kept in the market's view (0: side empty). An order's number is its owner's first slot plus its slot.

Invariants: the book is never crossed; a level's lots are the sum of its queue; a set bit is a level with lots; a
position's ``buy_lots`` and ``sell_lots`` are the lots of its owner's resting orders. Only this module writes orders,
levels and best prices.
"""

import numpy as np

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import highest_bit, lowest_bit
from perplab.sim.compiler.jit import hot_kernel, kernel
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
    put_summary_word,
    put_word,
    run_row,
    some_depths,
    summary_word_at,
    summary_words,
    view_at,
    word_at,
    words,
)

NO_ASK = 1 << 62
_ONE, _ZERO, _LAST, _ALL = np.uint64(1), np.uint64(0), np.uint64(63), np.uint64(0xFFFFFFFFFFFFFFFF)


@hot_kernel
def outward(word, side, place):
    """Return the bits of a word from `place` on, away from the touch: downwards on the side of the bids (+1), else upwards."""
    bit = np.uint64(place & 63)
    return word & (_ALL >> (_LAST - bit) if side > 0 else _ALL << bit)


@hot_kernel
def nearest(word, side):
    """Return the place within a non-zero word of the bit that is nearest to the touch."""
    return highest_bit(word) if side > 0 else lowest_bit(word)


@hot_kernel
def without(word, place):
    """Return a word without the bit of `place`."""
    return word & (_ALL ^ (_ONE << np.uint64(place & 63)))


@hot_kernel
def set_bit(world, m, place):
    """Set the bit of a level, and that of its word if that was empty."""
    word = place >> 6
    before = word_at(world, m, word)
    put_word(world, m, word, before | _ONE << np.uint64(place & 63))
    if before == _ZERO:
        put_summary_word(
            world, m, word >> 6, summary_word_at(world, m, word >> 6) | _ONE << np.uint64(word & 63)
        )


@hot_kernel
def clear_bit(world, m, place):
    """Clear the bit of a level, and that of its word if that is now empty."""
    word = place >> 6
    left = without(word_at(world, m, word), place)
    put_word(world, m, word, left)
    if left == _ZERO:
        put_summary_word(world, m, word >> 6, without(summary_word_at(world, m, word >> 6), word))


@kernel
def far_level(world, m, side, word):
    """Return the first occupied level of a side in the words beyond `word`, or -1."""
    place = word - side
    while 0 <= place < words(world).shape[1]:
        here = outward(summary_word_at(world, m, place >> 6), side, place)
        if here != _ZERO:
            found = (place & ~63) + nearest(here, side)
            return (found << 6) + nearest(word_at(world, m, found), side)
        place = (place & ~63) - 1 if side > 0 else (place | 63) + 1
    return -1


@hot_kernel
def next_price(world, m, side, tick):
    """Return the first occupied tick of a side (+1: bids) from `tick` on, away from the touch, 0 if none.

    One bitmap holds both sides: `tick` must not reach to the other one's best.
    """
    low = market_at(world, m)["window_low"]
    place = tick - low
    if place < 0 or place >= levels(world).shape[1]:
        return 0
    here = outward(word_at(world, m, place >> 6), side, place)
    level = (
        (place & ~63) + nearest(here, side)
        if here != _ZERO
        else far_level(world, m, side, place >> 6)
    )
    return level + low if level >= 0 else 0


@hot_kernel
def opposite(world, m, side):
    """Return the best price that an order of `side` would meet, 0 if there is none; without a jump, since the side is chance."""
    view, buys = view_at(world, m), np.int64(side > 0)
    return buys * view["best_ask"] + (1 - buys) * view["best_bid"]


@hot_kernel
def add_resting_lots(world, owner, m, side, lots):
    """Add signed `lots` to the resting buy or sell lots of an owner's position."""
    position = position_at(world, owner, m)
    if side > 0:
        position["buy_lots"] += lots
    else:
        position["sell_lots"] += lots


@hot_kernel
def rest(world, number, owner, m, side, tick, lots, flags, expiry_step):
    """Append order `number` to the queue of its level; it must not cross and its slot must be free.

    Notes
    -----
    Whether the level is empty is chance, so both ways are one: the first of a queue links itself to itself before its link is set.
    """
    order = order_at(world, number)
    place = tick - market_at(world, m)["window_low"]
    level, view = level_at(world, m, place), view_at(world, m)
    order["lots"], order["tick"], order["owner"], order["market"] = lots, tick, owner, m
    order["side"], order["flags"], order["expiry_step"] = side, flags, expiry_step
    before = depth_at(world, m, place)
    alone, head, tail = np.int64(before == 0), np.int64(level["head"]), np.int64(level["tail"])
    order_at(world, tail + alone * (number - tail))["next"] = number
    order["next"], order["previous"] = -1, tail - alone * (tail + 1)
    level["head"], level["tail"] = head + alone * (number - head), number
    put_depth(world, m, place, before + lots)
    set_bit(world, m, place)
    add_resting_lots(world, owner, m, side, lots)
    view["best_bid"] = max(view["best_bid"], tick if side > 0 else 0)
    ask = view["best_ask"] if view["best_ask"] > 0 else NO_ASK
    ask = min(ask, tick if side < 0 else NO_ASK)
    view["best_ask"] = ask if ask < NO_ASK else 0


@hot_kernel
def empty_level(world, m, side, tick):
    """Clear the bit of a level that has lost its last order and move the best price on."""
    place, view = tick - market_at(world, m)["window_low"], view_at(world, m)
    clear_bit(world, m, place)
    if tick == opposite(world, m, -side):
        best = next_price(world, m, side, tick - side)
        view["best_bid"] = best if side > 0 else view["best_bid"]
        view["best_ask"] = best if side < 0 else view["best_ask"]


@hot_kernel
def reduce_order(world, number, owner, m, side, tick, lots):
    """Take `lots` off a resting order of `owner`; at zero it leaves the book."""
    order = order_at(world, number)
    place = tick - market_at(world, m)["window_low"]
    add_resting_lots(world, owner, m, side, -lots)
    left, depth = np.int64(order["lots"]) - lots, depth_at(world, m, place) - lots
    order["lots"] = left
    put_depth(world, m, place, depth)
    if left == 0:
        unlink(world, number, level_at(world, m, place))
        if depth == 0:
            empty_level(world, m, side, tick)


@hot_kernel
def unlink(world, number, level):
    """Take an order out of its level's queue."""
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
    """Take a resting order off the book; return 1 if there was one, else 0."""
    order = order_at(world, number)
    lots = np.int64(order["lots"])
    if lots > 0:
        m, side, tick = np.int64(order["market"]), np.int64(order["side"]), np.int64(order["tick"])
        reduce_order(world, number, np.int64(order["owner"]), m, side, tick, lots)
    return np.int64(lots > 0)


@kernel
def cancel_expired(world):
    """Cancel every order whose time is over; cost: one look at each slot, in steps in which one expires."""
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
    """Return the lots resting on a side up to and including tick `limit` (bids: side +1)."""
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
    """Return the lots at the levels `first` to `last`; words of the bitmap without a level are passed over."""
    total, place = np.int64(0), first
    while place <= last:
        count = min(place | 63, last) + 1 - place
        if word_at(world, m, place >> 6) != _ZERO:
            here = some_depths(world, m * depths(world).shape[1] + place, count)
            for k in range(count):
                total += here[k]
        place += count
    return total


@kernel
def shift_window(world, m, new_low):
    """Move the ladder's window; orders at ticks outside the new one are cancelled. Return their number."""
    market, view, cancelled = market_at(world, m), view_at(world, m), 0
    old_low, window = market["window_low"], market["window"]
    shift = new_low - old_low
    for outside in range(min(abs(shift), window)):
        place = outside if shift > 0 else window - 1 - outside
        while depth_at(world, m, place) > 0:
            cancelled += cancel(world, np.int64(level_at(world, m, place)["head"]))
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


@kernel
def rebuild_bitmap(world, m):
    """Set both bitmaps of a market anew from its levels."""
    for place in range(words(world).shape[1]):
        words(world)[m, place] = _ZERO
    for place in range(summary_words(world).shape[1]):
        summary_words(world)[m, place] = _ZERO
    for place in range(levels(world).shape[1]):
        if depth_at(world, m, place) > 0:
            set_bit(world, m, place)
