"""Stop orders at the venue: triggered by the mark, filled at market, gone with the position."""

import numpy as np
import pytest

from perplab.agents.speculator import Speculator
from perplab.sim.exchange.stop_orders import trigger_stops
from perplab.sim.model import PerpetualMarket
from perplab.sim.setup import Population
from perplab.sim.state.codes import DONE, NOTHING_TO_DO, STOP
from perplab.sim.state.trader_rows import ORDER_ROW
from perplab.sim.traders.order_check import TICK as WRONG_TICK
from perplab.sim.traders.order_check import VALID, order_fault
from tests.markets import TICK, World, digest, round_rules, zoo


def stop(world, i, tick, market=0):
    """Set a trigger, or remove it: tick 0."""
    return world.submit(i, STOP, tick=tick, lots=int(tick > 0), market=market)


def opened(*rulebooks, side=1, lots=10, market=0, **options):
    """Return a world in which trader 0 holds a position against trader 1."""
    world = World(*rulebooks, **options)
    for i in range(6):
        for v in range(len(world["venue"])):
            world.own(i, 100_000, v)
    world.trade(*((0, 1) if side > 0 else (1, 0)), lots, market=market)
    return world


def look(world, mark, m=0, v=0):
    """Let the venue look at its stops at a mark."""
    world.mark(mark, m)
    world.call(trigger_stops, v)


@pytest.mark.parametrize("side", [1, -1])
def test_a_position_is_closed_when_the_mark_reaches_its_trigger(side):
    world, tick = opened(side=side), TICK - side * 100
    assert stop(world, 0, tick) == DONE
    world.limit(2, side, tick - side * 20, 50)
    look(world, tick + side)
    assert world.lots(0) == side * 10
    look(world, tick)
    assert (world.lots(0), world.lots(2)) == (0, side * 10)
    assert world["view"]["last_tick"][0] == tick - side * 20


@pytest.mark.parametrize("side", [1, -1])
def test_what_is_not_filled_is_tried_again(side):
    world, tick = opened(side=side), TICK - side * 100
    stop(world, 0, tick)
    world.limit(2, side, tick, 3)
    look(world, tick)
    assert world.lots(0) == side * 7
    look(world, tick + side * 50)
    assert world.lots(0) == side * 7, "the mark is back"
    world.limit(3, side, tick, 20)
    look(world, tick - side * 5)
    assert (world.lots(0), world.lots(3)) == (0, side * 7)


def test_it_does_not_trade_beyond_the_price_band():
    world = opened()
    stop(world, 0, TICK - 100)
    world.limit(2, 1, TICK - 950, 50)
    world["market"]["band"][0] = 0.01
    look(world, TICK - 100)
    assert world.lots(0) == 10


def test_it_pays_the_taker_fee_of_its_account():
    world = opened(round_rules(fees__taker=0.001))
    world["account"]["taker_discount"][0, 0] = 0.0004
    stop(world, 0, TICK - 100)
    world.limit(2, 1, TICK - 100, 50)
    before = world.collateral_usd(0)
    look(world, TICK - 100)
    value = 10 * 0.01 * (TICK - 100)
    assert world.collateral_usd(0) - before == pytest.approx(-10 - 0.0006 * value)


def test_the_last_trigger_counts_and_none_removes_it():
    world = opened()
    world.limit(2, 1, TICK - 500, 50)
    for tick in (TICK - 100, TICK - 200):
        stop(world, 0, tick)
    look(world, TICK - 150)
    assert world.lots(0) == 10
    assert stop(world, 0, 0) == DONE
    look(world, TICK - 300)
    assert world.lots(0) == 10


def test_without_a_position_there_is_no_stop():
    """Nor is there one for the position opened later."""
    world = opened()
    assert stop(world, 2, TICK - 10) == NOTHING_TO_DO
    world.trade(2, 3, 5)
    world.limit(4, 1, TICK - 100, 50)
    look(world, TICK - 50)
    assert world.lots(2) == 5 and not world["stop_tick"].any()


@pytest.mark.parametrize("closing", [10, 25])
def test_it_ends_with_its_position(closing):
    """By a close, and by a trade that turns a long into a short."""
    world = opened()
    stop(world, 0, TICK - 100)
    world.trade(2, 0, closing)
    assert world["stop_tick"][0, 0] == 0
    world.limit(3, 1, TICK - 400, 50)
    world.limit(4, -1, TICK + 400, 50)
    for mark in (TICK - 200, TICK + 200):
        look(world, mark)
    assert world.lots(0) == 10 - closing


def test_each_market_has_its_own():
    world = opened(("here", round_rules()), ("there", round_rules()), market=1)
    world.trade(0, 1, 4)
    stop(world, 0, TICK - 100, market=1)
    for m in (0, 1):
        world.limit(2, 1, TICK - 200, 50, slot=m, market=m)
    look(world, TICK - 150, m=0, v=0)
    assert (world.lots(0, 0), world.lots(0, 1)) == (4, 10)
    look(world, TICK - 150, m=1, v=1)
    assert (world.lots(0, 0), world.lots(0, 1)) == (4, 0)


def test_all_triggers_are_watched_on_both_sides():
    """Each mark closes those it has reached and no others, however far apart they are."""
    world = opened()
    world.trade(2, 1, 7)
    world.trade(3, 1, 5)
    for i, tick in ((0, TICK - 300), (2, TICK - 100), (3, TICK - 200), (1, TICK + 150)):
        stop(world, i, tick)
    world.limit(4, 1, TICK - 600, 90)
    world.limit(5, -1, TICK + 400, 90)
    for mark, held in (
        (TICK - 100, [10, -22, 0, 5]),
        (TICK - 199, [10, -22, 0, 5]),
        (TICK - 250, [10, -22, 0, 0]),
        (TICK + 149, [10, -22, 0, 0]),
        (TICK + 150, [10, 0, 0, 0]),
        (TICK - 300, [0, 0, 0, 0]),
    ):
        look(world, mark)
        assert [world.lots(i) for i in range(4)] == held, mark
    assert not world["stop_tick"].any()


@pytest.mark.parametrize(
    ("tick", "lots", "fault"),
    [(100, 1, VALID), (0, 0, VALID), (0, 1, WRONG_TICK), (-5, 1, WRONG_TICK)],
)
def test_a_rule_may_only_write_a_trigger_or_none(tick, lots, fault):
    row = np.zeros(1, ORDER_ROW)[0]
    row["kind"], row["tick"], row["lots"] = STOP, tick, lots
    assert order_fault(row, 0, 1) == fault


# whole markets


def stopped_crowd():
    """Return a market whose speculators have stops, before a fall."""
    eager = dict(
        wake_seconds=60.0,
        review_seconds=600.0,
        child_probability=1.0,
        child_share=0.5,
        bias=2.0,
        stop_loss=0.03,
        target_leverage=3.0,
    )
    crowd = Population(name="crowd", kind=Speculator, number=6, traits=eager)
    return zoo(populations=[crowd])


def test_copies_keep_the_stops(tmp_path):
    market = stopped_crowd()
    market.run(50)
    assert market.tables["stop_tick"].any()
    market.save(tmp_path / "state")
    copies = market.branch(), PerpetualMarket.load(tmp_path / "state")
    for one in (market, *copies):
        one.run(60)
    assert digest(market) == digest(copies[0]) == digest(copies[1])


def test_in_a_fall_every_triggered_stop_ends_its_position():
    market = stopped_crowd()
    market.run(50)
    stopped = market.tables["stop_tick"] > 0
    lowest, closed = market.tables["stop_tick"][stopped].min(), np.zeros_like(stopped)
    for _ in range(40):
        market.step()
        closed |= market.tables["position"]["lots"] == 0
    assert market.tables["view"]["mark"][0] < 0.99 * lowest and stopped.sum() >= 4
    assert closed[stopped].all()
    assert not ((market.tables["stop_tick"] > 0) & (market.tables["position"]["lots"] == 0)).any()
