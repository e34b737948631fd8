"""(d) the zero-intelligence market in pure Mesa: ``shuffle_do`` and a Python order book."""

import functools
import heapq

import mesa

from benchmarks.clock import measure_steps, warm_up
from benchmarks.zero_intelligence import (
    ACTING_SHARE,
    MOST_LOTS,
    REACH_TICKS,
    REFERENCE_TICK,
    SLOTS,
)


class PlainBook:
    """A price-time book of dictionaries, with heaps of the ticks that may be occupied.

    An order is ``[lots, side, tick, trader, slot]`` or None; a level is a dictionary of orders in
    order of arrival.
    """

    def __init__(self):
        self.levels = {1: {}, -1: {}}
        self.heaps = {1: [], -1: []}
        self.messages = 0
        self.traded_lots = 0

    def best(self, side):
        """Return the best tick of a side, 0 where it is empty."""
        levels, heap = self.levels[side], self.heaps[side]
        while heap:
            tick = -side * heap[0]
            if tick in levels:
                return tick
            heapq.heappop(heap)
        return 0

    def stand(self, order):
        """Append an order to its level."""
        _, side, tick, _, _ = order
        level = self.levels[side].get(tick)
        if level is None:
            level = self.levels[side][tick] = {}
            heapq.heappush(self.heaps[side], -side * tick)
        level[id(order)] = order

    def leave(self, order):
        """Remove an order from its level and from its trader's slot."""
        _, side, tick, trader, slot = order
        level = self.levels[side][tick]
        del level[id(order)]
        if not level:
            del self.levels[side][tick]
        trader.slots[slot] = None

    def match(self, trader, side, lots):
        """Fill a market order against the opposite side, cancelling the trader's own orders."""
        while lots and (tick := self.best(-side)):
            first = next(iter(self.levels[-side][tick].values()))
            if first[3] is trader:
                self.leave(first)
                continue
            filled = min(lots, first[0])
            self.traded_lots += filled
            lots -= filled
            first[0] -= filled
            if not first[0]:
                self.leave(first)


class MesaTrader(mesa.Agent):
    """A zero-intelligence trader with four order slots."""

    def __init__(self, model):
        super().__init__(model)
        self.slots = [None] * SLOTS

    def step(self):
        """Wake one time in ten and send one message."""
        random = self.random.random
        if random() < ACTING_SHARE:
            self.act(random, self.model.book)

    def act(self, random, book):
        """Send a limit order, a cancel or a market order."""
        book.messages += 1
        quarter, side = int(random() * 4), 1 if random() < 0.5 else -1
        if quarter == 3:
            return book.match(self, side, 1 + int(random() * MOST_LOTS))
        slot = int(random() * SLOTS)
        if quarter == 2:
            for order in self.slots[slot:] + self.slots[:slot]:
                if order is not None:
                    return book.leave(order)
        self.send_limit(random, book, side, slot)

    def send_limit(self, random, book, side, slot):
        """Replace the order in a slot with one at a drawn distance from the opposite best."""
        tick = (book.best(-side) or REFERENCE_TICK) - side * (1 + int(random() * REACH_TICKS))
        if self.slots[slot] is not None:
            book.leave(self.slots[slot])
        self.slots[slot] = [1 + int(random() * MOST_LOTS), side, tick, self, slot]
        book.stand(self.slots[slot])


class MesaMarket(mesa.Model):
    """The zero-intelligence market as a Mesa model."""

    def __init__(self, traders, seed=1):
        super().__init__(rng=seed)
        self.book = PlainBook()
        MesaTrader.create_agents(self, traders)

    def step(self):
        """Let every trader act in random order."""
        self.agents.shuffle_do("step")

    def messages(self):
        """Return the number of messages so far."""
        return self.book.messages


@functools.cache
def settled(traders):
    """Return this process's Mesa market with that many traders and a settled book."""
    market = MesaMarket(traders)
    warm_up(market.step, market.messages, traders)
    return market


def measure(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of ``shuffle_do`` over all traders."""
    market = settled(traders)
    return measure_steps(market.step, market.messages, seconds)
