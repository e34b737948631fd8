"""A limit order book in plain Python, written from the rules, to check compiled books against.

Price, then time. An order has an id chosen by its sender (a slot): a limit order sent to an
occupied slot first removes the order there, whatever happens to the new one. Self-trade
prevention cancels the resting order, and the incoming one continues. Reduce-only orders are
reduced on arrival to the lots that would close the trader's position; with nothing to close they
are refused. Sizes are lots, prices ticks, sides +1 (buy) and -1 (sell).
"""

from typing import NamedTuple


class Fill(NamedTuple):
    """A trade: resting order and its trader, incoming trader and side, resting price, lots."""

    order: int
    maker: int
    taker: int
    side: int
    tick: int
    lots: int


class Resting:
    """An order in the book; ``expiry_step`` 0 means until cancelled."""

    def __init__(self, order, trader, side, tick, lots, expiry_step):
        self.order, self.trader, self.side, self.tick = order, trader, side, tick
        self.lots, self.expiry_step = lots, expiry_step


class ReferenceBook:
    """Books of both sides, the traders' positions and the orders by id.

    Parameters
    ----------
    lowest, highest : int
        Ticks outside which a limit order is refused.

    Attributes
    ----------
    positions : dict of int to int
        Signed lots of each trader; may be set from outside.
    """

    def __init__(self, lowest=1, highest=2**40):
        self.lowest, self.highest = lowest, highest
        self.queues = {1: {}, -1: {}}
        self.resting = {}
        self.positions = {}
        self.self_trades = 0

    def best(self, side):
        """Return the best tick of a side, or None where it is empty."""
        ticks = self.queues[side]
        return None if not ticks else max(ticks) if side > 0 else min(ticks)

    def depth(self, side):
        """Return ``[(tick, lots of each order in time priority)]`` of a side, best price first."""
        queues = self.queues[side]
        return [
            (tick, [one.lots for one in queues[tick]]) for tick in sorted(queues, reverse=side > 0)
        ]

    def limit(
        self,
        order,
        trader,
        side,
        tick,
        lots,
        post_only=False,
        reduce_only=False,
        immediate=False,
        expiry_step=0,
    ):
        """Enter a limit order and return ``(outcome, fills)``."""
        self.cancel(order)
        if not self.lowest <= tick <= self.highest:
            return "refused_band", []
        if post_only and self._crosses(side, tick):
            return "refused_post_only", []
        lots = self._clipped(trader, side, lots) if reduce_only else lots
        if lots <= 0:
            return "refused_reduce_only", []
        fills = self._match(trader, side, tick, lots)
        left = lots - sum(fill.lots for fill in fills)
        if left and not immediate:
            self.resting[order] = Resting(order, trader, side, tick, left, expiry_step)
            self.queues[side].setdefault(tick, []).append(self.resting[order])
        return "done", fills

    def market(self, trader, side, lots, band_tick, reduce_only=False):
        """Send an immediate-or-cancel order up to the band's tick; return ``(outcome, fills)``."""
        lots = self._clipped(trader, side, lots) if reduce_only else lots
        if lots <= 0:
            return "refused_reduce_only", []
        return "done", self._match(trader, side, band_tick, lots)

    def cancel(self, order):
        """Remove an order; return whether there was one."""
        gone = self.resting.pop(order, None)
        if gone is None:
            return False
        queue = self.queues[gone.side][gone.tick]
        queue.remove(gone)
        if not queue:
            del self.queues[gone.side][gone.tick]
        return True

    def expire(self, step):
        """Remove the orders whose expiry step has come and return their ids in ascending order."""
        due = sorted(one.order for one in self.resting.values() if 0 < one.expiry_step <= step)
        for order in due:
            self.cancel(order)
        return due

    def _crosses(self, side, tick):
        opposite = self.best(-side)
        return opposite is not None and side * (tick - opposite) >= 0

    def _clipped(self, trader, side, lots):
        return min(lots, max(0, -side * self.positions.get(trader, 0)))

    def _match(self, trader, side, tick, lots):
        fills = []
        while lots and self._crosses(side, tick):
            first = self.queues[-side][self.best(-side)][0]
            if first.trader == trader:
                self.self_trades += 1
                self.cancel(first.order)
                continue
            fills.append(
                Fill(first.order, first.trader, trader, side, first.tick, min(lots, first.lots))
            )
            lots -= fills[-1].lots
            first.lots -= fills[-1].lots
            self._book(fills[-1])
            if not first.lots:
                self.cancel(first.order)
        return fills

    def _book(self, fill):
        self.positions[fill.taker] = self.positions.get(fill.taker, 0) + fill.side * fill.lots
        self.positions[fill.maker] = self.positions.get(fill.maker, 0) - fill.side * fill.lots
