"""The ladder: queues, bitmaps, search across empty levels, expiry, and the moving window."""

import numpy as np
import pytest

from perplab.sim.exchange.book import cancel_expired, depth_to, shift_window
from tests.markets import SLOTS, TICK, World, assert_book_is_sound, queue
from tests.probes import nearest


def wide_world(traders=40):
    """Return a world whose band is its whole window, with money for any order."""
    world = World(traders=traders, traits={"capital_usd": 1e9})
    low = int(world["market"]["window_low"][0])
    world["market"]["band_low"], world["market"]["band_high"] = (
        low,
        low + int(world["market"]["window"][0]) - 1,
    )
    return world


def scatter(world, generator, middle=TICK):
    """Rest an order in every slot: bids below the middle, asks above, all over the band."""
    market = world["market"][0]
    for i in range(len(world["position"]) - 1):
        for slot in range(SLOTS):
            side = 1 if slot < SLOTS // 2 else -1
            first, last = (
                (market["band_low"], middle - 1) if side > 0 else (middle + 1, market["band_high"])
            )
            tick = generator.integers(first, last + 1)
            assert world.limit(i, side, tick, int(generator.integers(1, 9)), slot=slot) == 0


def book_of(world):
    """Return the resting orders as ``{tick: [(order, lots), ...]}`` in time priority."""
    ticks = np.unique(world["order"]["tick"][world["order"]["lots"] > 0])
    return {
        int(tick): [
            (number, int(world["order"]["lots"][number])) for number in queue(world.tables, 0, tick)
        ]
        for tick in ticks
    }


@pytest.mark.parametrize("seed", range(3))
def test_search_finds_the_nearest_level_however_far(seed):
    world, generator = wide_world(), np.random.default_rng(seed)
    scatter(world, generator)
    assert_book_is_sound(world.tables)
    ticks, low, found = (
        sorted(book_of(world)),
        int(world["market"]["window_low"][0]),
        np.zeros(2, "i8"),
    )
    for tick in generator.integers(low, low + int(world["market"]["window"][0]), 300):
        world.call(nearest, int(tick), found)
        assert found.tolist() == [
            max((t for t in ticks if t <= tick), default=0),
            min((t for t in ticks if t >= tick), default=0),
        ]


def test_search_at_the_edges_of_the_window():
    world, found = wide_world(), np.zeros(2, "i8")
    low, high = int(world["market"]["band_low"][0]), int(world["market"]["band_high"][0])
    world.call(nearest, low, found)
    assert found.tolist() == [0, 0]
    world.limit(0, 1, low, 1, slot=0)
    world.limit(0, -1, high, 1, slot=1)
    assert (world["view"]["best_bid"][0], world["view"]["best_ask"][0]) == (low, high)
    world.call(nearest, high, found)
    assert found.tolist() == [high, high]
    world.call(nearest, low, found)
    assert found.tolist() == [low, low]
    world.cancel(0, 0)
    world.cancel(0, 1)
    assert (world["view"]["best_bid"][0], world["view"]["best_ask"][0]) == (0, 0)


def test_queue_keeps_time_priority_when_the_middle_leaves():
    world = World()
    for i in range(4):
        world.limit(i, 1, 19_900, 10 + i)
    assert queue(world.tables, 0, 19_900) == [0, SLOTS, 2 * SLOTS, 3 * SLOTS]
    for gone, left in ((1, [0, 2, 3]), (0, [2, 3]), (3, [2]), (2, [])):
        world.cancel(gone, 0)
        assert queue(world.tables, 0, 19_900) == [SLOTS * i for i in left]
        assert_book_is_sound(world.tables)


def test_replacing_loses_time_priority_and_the_old_order_even_if_refused():
    world = World()
    world.limit(0, 1, 19_900, 5)
    world.limit(1, 1, 19_900, 5)
    world.limit(0, 1, 19_900, 4)
    assert queue(world.tables, 0, 19_900) == [SLOTS, 0]
    world.limit(1, 1, 1, 5)
    assert queue(world.tables, 0, 19_900) == [0]
    assert_book_is_sound(world.tables)


def test_orders_expire_when_their_time_is_over():
    world = World(dt=60.0)
    for slot, seconds in enumerate((0.0, 1.0, 60.0, 61.0, 600.0)):
        world.limit(0, 1, 19_900, 1, slot=slot, expiry_seconds=seconds)
    assert world["order"]["expiry_step"][:5].tolist() == [0, 1, 1, 2, 10]
    assert int(world["run"]["next_expiry_step"][0]) == 1
    left = []
    for _ in range(10):
        world.let_steps_go_by()
        left.append(len(queue(world.tables, 0, 19_900)))
    assert left == [3, 2, 2, 2, 2, 2, 2, 2, 2, 1]
    assert int(world["run"]["next_expiry_step"][0]) > 1 << 60
    assert_book_is_sound(world.tables)


def test_depth_counts_up_to_the_limit():
    world = wide_world(traders=8)
    scatter(world, np.random.default_rng(5))
    book = {tick: sum(lots for _, lots in orders) for tick, orders in book_of(world).items()}
    for limit in (TICK - 4_000, TICK - 900, TICK - 1):
        assert world.call(depth_to, 0, 1, limit) == sum(
            lots for tick, lots in book.items() if limit <= tick < TICK
        )
    for limit in (TICK + 1, TICK + 777, TICK + 4_000):
        assert world.call(depth_to, 0, -1, limit) == sum(
            lots for tick, lots in book.items() if TICK < tick <= limit
        )


@pytest.mark.parametrize(
    "shift", [1, -1, 63, -64, 1_000, -1_001, 4_095, -4_096, 8_191, 8_192, -8_192, 11_000, -11_000]
)
def test_window_moves_with_its_queues(shift):
    world = wide_world()
    scatter(world, np.random.default_rng(abs(shift)))
    before, low, window = (
        book_of(world),
        int(world["market"]["window_low"][0]),
        int(world["market"]["window"][0]),
    )
    kept = {
        tick: orders
        for tick, orders in before.items()
        if low + shift <= tick < low + shift + window
    }
    lost = sum(len(orders) for tick, orders in before.items() if tick not in kept)
    assert world.call(shift_window, 0, low + shift) == lost
    assert book_of(world) == kept
    assert_book_is_sound(world.tables)


def test_window_moves_there_and_back_and_trades_on():
    world = wide_world()
    scatter(world, np.random.default_rng(9))
    low = int(world["market"]["window_low"][0])
    for shift in (700, 1_300, 40):
        world.call(shift_window, 0, low + shift)
        assert_book_is_sound(world.tables)
    asks = int(world["order"]["lots"][world["order"]["side"] < 0].sum())
    world["market"]["band_high"] = low + 40 + int(world["market"]["window"][0]) - 1
    world.market_order(0, 1, 10_000)
    assert int(world["view"]["best_ask"][0]) == 0
    assert_book_is_sound(world.tables)
    assert int(world["view"]["volume"][0]) <= asks


def test_cancelling_nothing_is_nothing():
    world = World()
    assert world.cancel(0, 0) == 7
    world.limit(0, 1, 19_900, 1)
    assert world.cancel(0, 0) == 0 and world.cancel(0, 0) == 7
    world.call(cancel_expired)
    assert_book_is_sound(world.tables)


def test_window_of_a_real_contract_is_a_power_of_two_around_the_price():
    for world in (World(), wide_world()):
        window, low = int(world["market"]["window"][0]), int(world["market"]["window_low"][0])
        assert (
            window & (window - 1) == 0
            and window >= 4_096
            and window // 64 == world["word"].shape[1]
        )
        assert low <= TICK - window // 2 < low + 2
