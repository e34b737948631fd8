"""The benchmark's yardstick keeps a true price-time book: the same messages in the reference book give the same state."""

import numpy as np
import pytest

from benchmarks import bare
from benchmarks.bare import BareMarket
from benchmarks.zero_intelligence import MOST_LOTS, REACH_TICKS, SLOTS
from tests.reference_book import ReferenceBook

MASK = 2**64 - 1


def drawn_word(key, number):
    """Return SplitMix64's `number`-th word, in Python integers."""
    word = (key + 0x9E3779B97F4A7C15 * number) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def repeat_in(book, word, traders):
    """Carry out in the reference book the message that a word stands for; return the fills."""
    trader, place, quarter = ((word >> 40) * traders) >> 24, (word >> 38) & 3, (word >> 36) & 3
    side = 1 if (word >> 35) & 1 else -1
    lots = 1 + ((((word >> 16) & 0xFFFF) * MOST_LOTS) >> 16)
    if quarter == 3:
        return book.market(trader, side, lots, bare.TOP - 1 if side > 0 else 1)[1]
    slots = [trader * SLOTS + (place + step) % SLOTS for step in range(SLOTS)]
    live = [order for order in slots if order in book.resting]
    if quarter == 2 and live:
        return [] if book.cancel(live[0]) else None
    tick = (book.best(-side) or bare.REFERENCE) - side * (1 + (((word & 0xFFFF) * REACH_TICKS) >> 16))
    outcome, fills = book.limit(slots[0], trader, side, tick, lots)
    assert outcome == "done"
    return fills


def depth(market, side):
    """Return the market's side as the reference book returns its own, read from the rings."""
    first_level = market.traders * SLOTS
    places = [place for place in range(1, bare.TOP) if int(market.words[place >> 6]) >> (place & 63) & 1]
    best_bid = int(market.states["best_bid"][0])
    levels = []
    for place in places if side < 0 else reversed(places):
        if (place <= best_bid) == (side > 0):
            queue, order = [], market.nodes["next"][first_level + place]
            while order < first_level:
                queue.append(int(market.nodes["lots"][order]))
                order = market.nodes["next"][order]
            levels.append((place, queue))
    return levels


@pytest.mark.parametrize("traders, messages", [(1, 300), (3, 3_000), (100, 20_000), (1_000, 20_000)])
def test_same_messages_give_the_reference_book(traders, messages):
    market, book = BareMarket(traders, seed=42), ReferenceBook(1, bare.TOP - 1)
    traded = 0
    for number in range(1, messages + 1):
        bare.run_packed(market.nodes, market.words, market.states, traders, 1)
        fills = repeat_in(book, drawn_word(42, number), traders)
        traded += sum(fill.lots for fill in fills)
        assert int(market.states["traded_lots"][0]) == traded
        assert int(market.states["best_bid"][0]) == (book.best(1) or 0)
        assert int(market.states["best_ask"][0]) == (book.best(-1) or bare.TOP)
        if number % (messages // 10) == 0:
            assert depth(market, 1) == book.depth(1) and depth(market, -1) == book.depth(-1)
    assert int(market.states["self_trades"][0]) == book.self_trades
    assert sum(book.positions.values()) == 0


def test_lots_in_the_rings_are_the_lots_of_the_live_slots():
    market = BareMarket(1_000)
    market.run(2_000)
    in_rings = sum(sum(queue) for side in (1, -1) for _, queue in depth(market, side))
    assert in_rings == int(market.nodes["lots"][:market.traders * SLOTS].sum())
    assert int(market.states["draws"][0]) == 200_000


def test_steps_one_by_one_are_the_run_in_one_call():
    single, whole = BareMarket(100), BareMarket(100)
    for _ in range(50):
        single.step()
    whole.run(50)
    assert np.array_equal(single.nodes, whole.nodes) and single.states[0] == whole.states[0]
