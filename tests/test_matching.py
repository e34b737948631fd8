"""The compiled book and margin check against a reference in plain Python, message by message."""

from fractions import Fraction

import numpy as np
import pytest

from perplab.sim.state.codes import (
    CANCEL,
    DONE,
    IMMEDIATE,
    LIMIT,
    MARKET_ORDER,
    NOTHING_TO_DO,
    OUTCOMES,
    POST_ONLY,
    REDUCE_ONLY,
    REFUSED_MARGIN,
    SELF_TRADE,
)
from perplab.sim.state.trader_rows import ORDER_ROW
from tests.markets import (
    SLOTS,
    STEP_GOES_BY,
    TICK,
    World,
    assert_book_is_sound,
    assert_positions_are_sound,
    queue,
    round_rules,
)
from tests.reference_book import Fill, ReferenceBook

CODES = {name: number for number, name in enumerate(OUTCOMES)}
FEES = {"fees.taker": 2.0**-11, "fees.maker": 2.0**-13}
LOT_TICK_UNITS = 10_000


class ReducingBook(ReferenceBook):
    """The reference book with resting reduce-only orders.

    Such an order fills what it can reduce at the time and is cancelled when that is nothing. An
    order with nothing to reduce that is also post-only is refused as reduce-only.
    """

    def __init__(self, *bounds):
        super().__init__(*bounds)
        self.reducing, self.step = set(), 0

    def limit(self, order, trader, side, tick, lots, reduce_only=False, **options):
        self.reducing.discard(order)
        if reduce_only:
            self.reducing.add(order)
            self.cancel(order)
            if self.lowest <= tick <= self.highest and not self._clipped(trader, side, lots):
                return "refused_reduce_only", []
        return super().limit(order, trader, side, tick, lots, reduce_only=reduce_only, **options)

    def _match(self, trader, side, tick, lots):
        fills = []
        while lots and self._crosses(side, tick):
            first = self.queues[-side][self.best(-side)][0]
            if first.trader == trader:
                self.self_trades += 1
                self.cancel(first.order)
                continue
            size = min(lots, first.lots)
            if first.order in self.reducing:
                size = self._clipped(first.trader, -side, size)
            if not size:
                self.cancel(first.order)
                continue
            fills.append(Fill(first.order, first.trader, trader, side, first.tick, size))
            lots -= size
            first.lots -= size
            self._book(fills[-1])
            if not first.lots:
                self.cancel(first.order)
        return fills


class MarginAccount:
    """A margin account in plain Python: collateral, signed lots, minus their entry value."""

    def __init__(self, collateral, leverage):
        self.collateral, self.leverage, self.lots, self.quote = collateral, leverage, 0, 0

    def fill(self, lots, tick, fee):
        value, closing = lots * tick * LOT_TICK_UNITS, 0
        self.collateral -= -(-abs(value) * fee.numerator // fee.denominator)
        if self.lots * lots < 0:
            closing = min(abs(lots), abs(self.lots))
            entry = self.quote * closing // abs(self.lots)
            self.collateral += entry - value * closing // abs(lots)
            self.quote -= entry
        self.quote -= value * (abs(lots) - closing) // abs(lots)
        self.lots += lots


class MarginBook(ReducingBook):
    """A reference book with margin accounts that refuses orders beyond their initial margin."""

    def __init__(self, accounts, *bounds):
        super().__init__(*bounds)
        self.accounts, self.mark = accounts, TICK

    def has_initial_margin(self, trader, side, tick, lots):
        """Return whether equity covers the initial margin of an order and its loss at once.

        The margin is that of the larger one-sided position at the worse price.
        """
        account, resting = self.accounts[trader], {1: 0, -1: 0}
        for one in self.resting.values():
            if one.trader == trader:
                resting[one.side] += one.lots
        resting[side] += lots
        after = max(abs(account.lots + resting[1]), abs(account.lots - resting[-1]))
        if after <= abs(account.lots):
            return True
        equity = account.collateral + account.quote + account.lots * self.mark * LOT_TICK_UNITS
        adverse = max((tick - self.mark) * side, 0) * lots * LOT_TICK_UNITS
        return equity - adverse >= Fraction(
            after * max(tick, self.mark) * LOT_TICK_UNITS, account.leverage
        )

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
        self.cancel(order)
        wanted = self._clipped(trader, side, lots) if reduce_only else lots
        refused = (
            not self.lowest <= tick <= self.highest
            or wanted == 0
            or post_only
            and self._crosses(side, tick)
        )
        if not refused and not self.has_initial_margin(trader, side, tick, wanted):
            return "refused_margin", []
        return super().limit(
            order,
            trader,
            side,
            tick,
            lots,
            post_only=post_only,
            reduce_only=reduce_only,
            immediate=immediate,
            expiry_step=expiry_step,
        )

    def market(self, trader, side, lots, band_tick, reduce_only=False):
        wanted, best = self._clipped(trader, side, lots) if reduce_only else lots, self.best(-side)
        price = band_tick if best is None else int(best * (1.0 + side * 0.0005))
        if wanted and not self.has_initial_margin(trader, side, price, wanted):
            return "refused_margin", []
        return super().market(trader, side, lots, band_tick, reduce_only)

    def _book(self, fill):
        super()._book(fill)
        self.accounts[fill.maker].fill(-fill.side * fill.lots, fill.tick, Fraction(1, 2**13))
        self.accounts[fill.taker].fill(fill.side * fill.lots, fill.tick, Fraction(1, 2**11))


def random_messages(generator, count, traders, reach, most_lots, slots=SLOTS):
    """Return senders and messages: limit orders with every flag, market orders and cancels.

    Sender -1 lets a step go by.
    """
    messages = np.zeros(count, ORDER_ROW)
    choice = generator.random(count)
    messages["kind"] = np.select([choice < 0.62, choice < 0.80], [LIMIT, MARKET_ORDER], CANCEL)
    senders = np.where(choice < 0.99, generator.integers(0, traders, count), STEP_GOES_BY)
    messages["slot"] = generator.integers(0, slots, count)
    messages["side"] = generator.integers(0, 2, count) * 2 - 1
    messages["tick"] = (
        TICK + generator.integers(-reach, reach + 1, count) - messages["side"] * (reach // 4)
    )
    messages["lots"] = generator.integers(1, most_lots + 1, count)
    flags = generator.choice(
        [0, POST_ONLY, REDUCE_ONLY, IMMEDIATE, POST_ONLY | REDUCE_ONLY, IMMEDIATE | REDUCE_ONLY],
        count,
        p=[0.7, 0.1, 0.1, 0.04, 0.03, 0.03],
    )
    messages["flags"] = np.where(messages["kind"] == LIMIT, flags, flags & REDUCE_ONLY)
    messages["expiry_seconds"] = np.where(
        generator.random(count) < 0.15, 60.0 * generator.integers(1, 4, count), 0.0
    )
    return senders, messages


def replay(book, senders, messages, band):
    """Play messages to a reference book; return outcomes, best prices after each, and all fills."""
    outcomes, bests, fills = [], [], []
    for sender, (kind, _, slot, side, tick, lots, flags, seconds) in zip(
        senders.tolist(), messages.tolist(), strict=True
    ):
        outcome, new = 0, []
        if sender == STEP_GOES_BY:
            book.step += 1
            book.expire(book.step)
        elif kind == LIMIT:
            name, new = book.limit(
                sender * SLOTS + slot,
                sender,
                side,
                tick,
                lots,
                post_only=bool(flags & POST_ONLY),
                reduce_only=bool(flags & REDUCE_ONLY),
                immediate=bool(flags & IMMEDIATE),
                expiry_step=book.step + int(seconds // 60) if seconds else 0,
            )
            outcome = CODES[name]
        elif kind == MARKET_ORDER:
            name, new = book.market(
                sender, side, lots, band[1] if side > 0 else band[0], bool(flags & REDUCE_ONLY)
            )
            outcome = CODES[name] if new or name != "done" else NOTHING_TO_DO
        else:
            outcome = DONE if book.cancel(sender * SLOTS + slot) else NOTHING_TO_DO
        outcomes.append(outcome)
        bests.append((book.best(1) or 0, book.best(-1) or 0))
        fills += new
    return np.array(outcomes), np.array(bests), fills


def assert_same_queues(world, book):
    """Check that each level of the compiled book has the same queue of orders and lots."""
    for side in (1, -1):
        ours = [
            (tick, [int(world["order"]["lots"][number]) for number in queue(world.tables, 0, tick)])
            for tick in sorted(book.queues[side], reverse=side > 0)
        ]
        assert ours == book.depth(side)
        for tick, resting in book.queues[side].items():
            assert queue(world.tables, 0, tick) == [one.order for one in resting]


def assert_same_fills(world, fills):
    """Check the prints against the reference's fills."""
    prints = world["print"][: int(world["run"]["print_count"][0])]
    assert len(prints) == len(fills) == int(world["run"]["trades"][0])
    ours = np.stack([prints[name] for name in ("maker", "taker", "side", "tick", "lots")], axis=1)
    assert np.array_equal(
        ours, np.array([(f.maker, f.taker, f.side, f.tick, f.lots) for f in fills])
    )


def assert_same_run(world, book, senders, messages, band, part):
    """Play the messages to both in parts and compare everything that can be seen."""
    everything = []
    for first in range(0, len(senders), part):
        some = slice(first, first + part)
        outcomes, bests = world.drive(senders[some], messages[some])
        book_outcomes, book_bests, fills = replay(book, senders[some], messages[some], band)
        assert np.array_equal(outcomes, book_outcomes)
        assert np.array_equal(bests, book_bests)
        everything += fills
        assert_same_queues(world, book)
        assert_book_is_sound(world.tables)
        assert_positions_are_sound(world.tables)
    assert_same_fills(world, everything)
    assert int(world["run"]["outcomes"][0][SELF_TRADE]) == book.self_trades > 0
    return everything


@pytest.mark.parametrize("seed", range(8))
def test_a_million_messages_agree_with_the_reference_book(seed):
    count, traders = 125_000, (30, 6)[seed % 2]
    generator = np.random.default_rng(seed)
    senders, messages = random_messages(
        generator, count, traders, reach=(24, 90, 6, 40)[seed % 4], most_lots=(9, 40)[seed % 2]
    )
    world = World(traders=traders, prints=200_000, traits={"capital_usd": 1e11})
    band = TICK - 60, TICK + 60
    world["market"]["band_low"], world["market"]["band_high"] = band
    book = ReducingBook(*band)
    assert_same_run(world, book, senders, messages, band, count)
    assert {i: lots for i, lots in book.positions.items() if lots} == {
        i: int(lots) for i, lots in enumerate(world["position"]["lots"][:, 0]) if lots
    }


def margin_world(generator, traders, leverages):
    """Return a world and its reference book with money for a few positions each."""
    rules = round_rules(**{"fees.taker": 2.0**-11, "fees.maker": 2.0**-13})
    world = World(
        rules, traders=traders, prints=200_000, traits={"leverage": leverages.astype(float)}
    )
    collateral = generator.integers(50, 3_000, traders) * 1_000_000 + generator.integers(
        0, 1_000_000, traders
    )
    world["account"]["collateral"][:traders, 0] = collateral
    accounts = [
        MarginAccount(int(money), int(leverage))
        for money, leverage in zip(collateral, leverages, strict=True)
    ]
    return world, MarginBook(accounts, TICK - 100, TICK + 100)


@pytest.mark.parametrize("seed", range(5))
def test_tight_margin_refuses_what_integers_refuse(seed):
    generator, traders, part = np.random.default_rng(100 + seed), 12, 2_500
    world, book = margin_world(generator, traders, generator.choice([1, 2, 4, 8, 16, 32], traders))
    band, refused = (TICK - 100, TICK + 100), 0
    for _ in range(8):
        book.mark = TICK + int(generator.integers(-40, 41))
        world.mark(float(book.mark))
        world["market"]["band_low"], world["market"]["band_high"] = band
        senders, messages = random_messages(generator, part, traders, reach=40, most_lots=30)
        outcomes, bests = world.drive(senders, messages)
        expected, expected_bests, _ = replay(book, senders, messages, band)
        assert (
            np.bincount(outcomes, minlength=9).tolist()
            == np.bincount(expected, minlength=9).tolist()
        )
        assert np.array_equal(outcomes, expected) and np.array_equal(bests, expected_bests)
        assert [int(x) for x in world["account"]["collateral"][:traders, 0]] == [
            account.collateral for account in book.accounts
        ]
        assert [int(x) for x in world["position"]["quote"][:traders, 0]] == [
            account.quote for account in book.accounts
        ]
        assert_same_queues(world, book)
        refused += int((outcomes == REFUSED_MARGIN).sum())
    assert 0.05 < refused / (8 * part) < 0.6
