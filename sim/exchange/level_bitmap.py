"""The bitmap of occupied price levels, and the search for the next one.

Bit k of a market's bitmap is set if its level k has resting lots. One bitmap serves both sides,
since bids are below asks. A summary bitmap has one bit per non-zero word, so the next level is
found in a few instructions however far away it is. `side` is +1 for bids, whose search goes down,
and -1 for asks.
"""

import numpy as np

from perplab.sim.compiler.hints import highest_bit, lowest_bit
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import (
    depth_at,
    levels,
    market_at,
    put_summary_word,
    put_word,
    summary_word_at,
    summary_words,
    word_at,
    words,
)

_ONE, _ZERO, _LAST, _ALL = np.uint64(1), np.uint64(0), np.uint64(63), np.uint64(0xFFFFFFFFFFFFFFFF)


@hot_kernel
def outward(word, side, index):
    """Return the bits of a word from `index` on, away from the touch (bids: downwards)."""
    bit = np.uint64(index & 63)
    return word & (_ALL >> (_LAST - bit) if side > 0 else _ALL << bit)


@hot_kernel
def nearest(word, side):
    """Return the position in a non-zero word of the bit nearest to the touch."""
    return highest_bit(word) if side > 0 else lowest_bit(word)


@hot_kernel
def without(word, index):
    """Return a word with the bit of `index` cleared."""
    return word & (_ALL ^ (_ONE << np.uint64(index & 63)))


@hot_kernel
def set_bit(world, m, index):
    """Set the bit of a level, and the summary bit of its word if that was zero."""
    word = index >> 6
    before = word_at(world, m, word)
    put_word(world, m, word, before | _ONE << np.uint64(index & 63))
    if before == _ZERO:
        summary = summary_word_at(world, m, word >> 6)
        put_summary_word(world, m, word >> 6, summary | _ONE << np.uint64(word & 63))


@hot_kernel
def clear_bit(world, m, index):
    """Clear the bit of a level, and the summary bit of its word if that is now zero."""
    word = index >> 6
    left = without(word_at(world, m, word), index)
    put_word(world, m, word, left)
    if left == _ZERO:
        put_summary_word(world, m, word >> 6, without(summary_word_at(world, m, word >> 6), word))


@kernel
def far_level(world, m, side, word):
    """Return the first occupied level of a side in the words beyond word number `word`, or -1."""
    index = word - side
    while 0 <= index < words(world).shape[1]:
        here = outward(summary_word_at(world, m, index >> 6), side, index)
        if here != _ZERO:
            found = (index & ~63) + nearest(here, side)
            return (found << 6) + nearest(word_at(world, m, found), side)
        index = (index & ~63) - 1 if side > 0 else (index | 63) + 1
    return -1


@hot_kernel
def next_price(world, m, side, tick):
    """Return the first occupied tick of a side from `tick` on, away from the touch, 0 if none.

    `tick` must be on this side of the other side's best price.
    """
    low = market_at(world, m)["window_low"]
    index = tick - low
    if index < 0 or index >= levels(world).shape[1]:
        return 0
    here = outward(word_at(world, m, index >> 6), side, index)
    level = (
        (index & ~63) + nearest(here, side)
        if here != _ZERO
        else far_level(world, m, side, index >> 6)
    )
    return level + low if level >= 0 else 0


@kernel
def rebuild_bitmap(world, m):
    """Rebuild both bitmaps of a market from its levels."""
    for index in range(words(world).shape[1]):
        words(world)[m, index] = _ZERO
    for index in range(summary_words(world).shape[1]):
        summary_words(world)[m, index] = _ZERO
    for index in range(levels(world).shape[1]):
        if depth_at(world, m, index) > 0:
            set_bit(world, m, index)
