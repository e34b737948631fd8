"""The benchmark's yardstick has a correct book: the reference book reaches the same state."""

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


class Packed:
    """The quantities of a message, all from one word."""

    run, word, number = (
        staticmethod(
            lambda market: bare.run_packed(
                market.nodes, market.words, market.states, market.traders, 1
            )
        ),
        0,
        0,
    )

    def begin(self, traders):
        """Return trader, quarter and side of the next message."""
        self.number += 1
        self.word = drawn_word(42, self.number)
        return (
            ((self.word >> 40) * traders) >> 24,
            (self.word >> 36) & 3,
            1 if (self.word >> 35) & 1 else -1,
        )

    def place(self):
        return (self.word >> 38) & 3

    def distance(self):
        return 1 + (((self.word & 0xFFFF) * REACH_TICKS) >> 16)

    def lots(self):
        return 1 + ((((self.word >> 16) & 0xFFFF) * MOST_LOTS) >> 16)


class Apart:
    """The quantities of a message, a word each: the yardstick's."""

    run, number = (
        staticmethod(
            lambda market: bare.run_apart(
                market.nodes, market.words, market.states, market.draws, market.traders, 1
            )
        ),
        0,
    )

    def below(self, count):
        self.number += 1
        return int((drawn_word(42, self.number) >> 11) * 2.0**-53 * count)

    def begin(self, traders):
        """Return trader, quarter and side of the next message."""
        trader, quarter = self.below(traders), self.below(4)
        return trader, quarter, 1 if self.below(2) == 0 else -1

    def place(self):
        return self.below(SLOTS)

    def distance(self):
        return 1 + self.below(REACH_TICKS)

    def lots(self):
        return 1 + self.below(MOST_LOTS)


def repeat_in(book, draw, traders):
    """Carry out in the reference book the next message that is drawn; return the fills."""
    trader, quarter, side = draw.begin(traders)
    if quarter == 3:
        return book.market(trader, side, draw.lots(), bare.TOP - 1 if side > 0 else 1)[1]
    place = draw.place()
    slots = [trader * SLOTS + (place + step) % SLOTS for step in range(SLOTS)]
    live = [order for order in slots if order in book.resting]
    if quarter == 2 and live:
        return [] if book.cancel(live[0]) else None
    tick = (book.best(-side) or bare.REFERENCE) - side * draw.distance()
    outcome, fills = book.limit(slots[0], trader, side, tick, draw.lots())
    assert outcome == "done"
    return fills


def depth(market, side):
    """Return the market's side as the reference book returns its own, read from the rings."""
    first_level = market.traders * SLOTS
    places = [
        place for place in range(1, bare.TOP) if int(market.words[place >> 6]) >> (place & 63) & 1
    ]
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


@pytest.mark.parametrize("draws", [Packed, Apart])
@pytest.mark.parametrize(
    "traders, messages", [(1, 300), (3, 3_000), (100, 20_000), (1_000, 20_000)]
)
def test_same_messages_give_the_reference_book(traders, messages, draws):
    market, book, draw = (
        BareMarket(traders, seed=42, apart=draws is Apart),
        ReferenceBook(1, bare.TOP - 1),
        draws(),
    )
    traded = 0
    for number in range(1, messages + 1):
        draws.run(market)
        fills = repeat_in(book, draw, traders)
        traded += sum(fill.lots for fill in fills)
        assert int(market.states["traded_lots"][0]) == traded
        assert int(market.states["best_bid"][0]) == (book.best(1) or 0)
        assert int(market.states["best_ask"][0]) == (book.best(-1) or bare.TOP)
        if number % (messages // 10) == 0:
            assert depth(market, 1) == book.depth(1) and depth(market, -1) == book.depth(-1)
    assert int(market.states["self_trades"][0]) == book.self_trades
    assert sum(book.positions.values()) == 0


@pytest.mark.parametrize("apart", [False, True])
def test_lots_in_the_rings_are_the_lots_of_the_live_slots(apart):
    market = BareMarket(1_000, apart=apart)
    market.run(2_000)
    in_rings = sum(sum(queue) for side in (1, -1) for _, queue in depth(market, side))
    assert in_rings == int(market.nodes["lots"][: market.traders * SLOTS].sum())
    assert int(market.states["draws"][0]) == (0 if apart else 200_000)


@pytest.mark.parametrize("apart", [False, True])
def test_steps_one_by_one_are_the_run_in_one_call(apart):
    single, whole = BareMarket(100, apart=apart), BareMarket(100, apart=apart)
    for _ in range(50):
        single.step()
    whole.run(50)
    assert np.array_equal(single.nodes, whole.nodes) and single.states[0] == whole.states[0]
