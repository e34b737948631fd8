"""When spot orders are carried out: standing hedges first, then what traders sent."""

import numpy as np
import pytest

from perplab.sim.spot.displacement import Displacement
from perplab.sim.state.codes import (
    DONE,
    HEDGE,
    NOTHING_TO_DO,
    OUTCOMES,
    REFUSED_BORROW,
    REFUSED_CASH,
)
from perplab.sim.state.trader_rows import ORDER_ROW
from perplab.sim.traders.order_check import fault_text
from tests.markets import USD, World
from tests.probes import finish

DEPTH, LOT_USD = 2e7, 200.0
LAW = Displacement(depth=DEPTH, curvature=0.5)


def market(displacement=LAW, **options):
    """Return three traders with money at a venue, in spot and to borrow."""
    plain = dict(half_spread_bps=0.0, permanent_impact_bps=0.0)
    world = World(traders=3, displacement=displacement, **plain, **options)
    world["account"]["cash"][:3] = world["account"]["collateral"][:3] = 10**14
    world["trader"]["borrow_limit"][:3] = 10**14
    return world


def held(world):
    return world["holding"]["lots"][:3, 0].tolist()


def price_paid(world, i):
    """Return the mean price at which a trader has bought what it holds, over the first price."""
    row = world["holding"][i, 0]
    return -int(row["quote"]) / USD / (int(row["lots"]) * LOT_USD)


def assert_one_after_the_other(world, first, second, lots):
    """Check that two bought as much: the second pays for the first's move and half of its own."""
    move = lots * LOT_USD / DEPTH
    assert held(world)[first] == held(world)[second] == lots
    assert price_paid(world, first) == pytest.approx(1 + 0.5 * move, abs=2e-4)
    assert price_paid(world, second) == pytest.approx(1 + 1.5 * move, abs=4e-4)


def test_an_order_waits_for_the_end_of_trading_under_the_law_of_displacement():
    world = market()
    assert world.spot(0, 1, 1_000) == DONE
    assert held(world) == [0, 0, 0]
    world.call(finish)
    assert held(world) == [1_000, 0, 0]
    world.call(finish)
    assert held(world) == [1_000, 0, 0]


def test_an_order_is_carried_out_at_once_under_the_linear_law():
    world = market(None)
    world.spot(0, 1, 1_000)
    assert held(world) == [1_000, 0, 0]


def test_what_a_trader_sends_in_a_step_is_one_order():
    world = market()
    for side, lots in ((1, 700), (-1, 1_000), (1, 400)):
        world.spot(0, side, lots)
    world.spot(1, 1, 5)
    world.spot(1, -1, 5)
    world.call(finish)
    assert held(world) == [100, 0, 0]
    assert world["asset"]["displacement"]["flow"][0] == pytest.approx(100 * LOT_USD)


def test_orders_are_carried_out_in_the_order_in_which_they_were_sent():
    """The second pays for the move of the first and half of its own: of D = x / q."""
    world, lots = market(), 1_000
    world.spot(2, 1, lots)
    world.spot(0, 1, lots)
    world.call(finish)
    assert_one_after_the_other(world, 2, 0, lots)


def test_a_sum_beyond_the_largest_order_is_not_taken():
    world = market(Displacement(depth=1e15, curvature=0.5))
    world["account"]["cash"][0] = 4 * 10**17
    assert world.spot(0, 1, 999_999_999) == DONE
    assert world.spot(0, 1, 1) == NOTHING_TO_DO


def test_traders_see_orders_that_wait_apart_from_trades():
    world, lots = market(), 1_000
    world.spot(0, 1, lots)
    view, move = world["view"], lots * LOT_USD / DEPTH
    assert view["spot_moved"][0] == 0.0
    assert view["spot_waiting"][0] == pytest.approx(move, rel=0.02)
    seen = float(view["spot_waiting"][0])
    world.call(finish)
    assert view["spot_moved"][0] == pytest.approx(seen, abs=1e-15)
    assert view["spot_waiting"][0] == world["asset"]["displacement"]["sent"][0] == 0.0


REFUSALS = pytest.mark.parametrize("side, refusal", [(1, REFUSED_CASH), (-1, REFUSED_BORROW)])


def make_poor(world):
    """Take a trader's cash, and let it borrow nothing."""
    world["account"]["cash"][0] = world["trader"]["borrow_limit"][0] = 0


@REFUSALS
def test_an_order_that_cannot_be_paid_for_does_not_wait(side, refusal):
    """So nobody moves what others see with an order that will be refused."""
    world = market()
    make_poor(world)
    assert world.spot(0, side, 1_000) == refusal
    assert world["view"]["spot_waiting"][0] == 0.0
    world.call(finish)
    assert held(world) == [0, 0, 0]


@REFUSALS
def test_a_refusal_at_the_end_is_counted(side, refusal):
    world = market()
    assert world.spot(0, side, 1_000) == DONE
    make_poor(world)
    world.call(finish)
    assert held(world) == [0, 0, 0]
    assert world["run"]["outcomes"][0][refusal] == 1, OUTCOMES[refusal]
    assert world["view"]["spot_moved"][0] == world["view"]["spot_waiting"][0] == 0.0


def test_orders_that_cancel_each_other_do_not_fill_the_list():
    """A trader stands in it once, however often what it sent sums to nothing."""
    world = market()
    for _ in range(40):
        assert world.spot(0, 1, 5) == world.spot(0, -1, 5) == DONE
    assert world["run"]["sent_count"][0] == 1
    world.call(finish)
    assert held(world) == [0, 0, 0]


# standing hedges


@pytest.mark.parametrize("share, band, expected", [(1, 0, -300), (0.5, 0, -150), (1, 300, 0)])
def test_a_hedge_brings_spot_to_its_share_of_the_position(share, band, expected):
    world = market()
    assert world.hedge(0, share, band) == DONE
    world.trade(0, 1, 300)
    world.call(finish)
    assert held(world) == [expected, 0, 0]


def test_a_hedge_stays_until_it_is_replaced():
    world = market()
    world.hedge(0, 1)
    for lots in (300, 200):
        world.trade(0, 1, lots)
        world.call(finish)
    assert held(world) == [-500, 0, 0]
    world.hedge(0, 0)
    world.call(finish)
    assert held(world) == [0, 0, 0]


def test_hedges_come_before_orders_that_were_sent_earlier():
    """Trader 2 cannot buy ahead of the hedge of what it has just bought of the perpetual."""
    world, lots = market(), 1_000
    world.hedge(0, 1)
    world.call(finish)
    world.trade(2, 0, lots)
    world.spot(2, 1, lots)
    world.call(finish)
    assert_one_after_the_other(world, 0, 2, lots)


def test_a_changed_hedge_comes_after_orders_and_other_hedges():
    """So nobody gets ahead of a hedge that is due by changing its own."""
    world, lots = market(), 1_000
    for i in (0, 2):
        world.hedge(i, 1)
    world.call(finish)
    world["position"]["lots"][2, 0] = -lots
    world.hedge(2, 1, 1)
    world.trade(1, 0, lots)
    world.call(finish)
    assert_one_after_the_other(world, 0, 2, lots)


@pytest.mark.parametrize("share, lots", [(0.5, 1), (0.5, 3), (0.3, 5)])
def test_hedges_of_longs_and_shorts_are_rounded_alike(share, lots):
    world = market()
    for i in (0, 1):
        world.hedge(i, share)
    world.trade(0, 1, lots)
    world.call(finish)
    assert held(world)[0] == -held(world)[1] == -int(share * lots + 0.5)


@pytest.mark.parametrize("field, value", [("tick", -1), ("tick", 1_000_001), ("lots", -1)])
def test_a_hedge_out_of_bounds_is_a_fault_of_its_rule(field, value):
    row = np.zeros(1, ORDER_ROW)[0]
    row["kind"], row[field] = HEDGE, value
    assert f"{field} was {value}" in fault_text(row, 1, 1)
