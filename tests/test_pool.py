"""Pools: prices by hand, round trips, limits, exact accounts, and traders of every kind."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.clearing.conservation import total_units
from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.amm import product_price, product_room, skew_price
from perplab.sim.laws.skew_funding import adapted_rate, imbalance_of, skew_velocity_rate
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.codes import DONE, NOTHING_TO_DO, POST_ONLY, REFUSED_POST_ONLY
from tests.markets import USD, World, assert_positions_are_sound, round_rules, storm

VENUE_TYPES = {
    "vamm": dict(trading__venue_type="vamm", trading__depth_usd=2e6),
    "oracle": dict(
        trading__venue_type="oracle",
        trading__scale=1_000.0,
        trading__half_spread=0.0005,
        trading__limit_usd=1e6,
    ),
}
PLACE = pytest.mark.parametrize("place", sorted(VENUE_TYPES))


def pool(place, **changes):
    world = World(round_rules(**VENUE_TYPES[place], **changes), traders=3)
    for i in range(3):
        world.own(i, 1e6)
    world.mark(20_000.0)
    world.call(quote_pool, 0)
    return world


@pytest.mark.parametrize(
    ("place", "lots", "tick"),
    [
        ("vamm", 1_000, 22_223),
        ("vamm", -1_000, 18_181),
        ("oracle", 1_000, 20_110),
        ("oracle", -1_000, 19_890),
    ],
)
def test_fills_by_hand(place, lots, tick):
    """Ten of a hundred in the pool; ten of a scale of a thousand, and 5 bp."""
    world = pool(place, contract__band=0.3)
    assert world.market_order(0, 1 if lots > 0 else -1, abs(lots)) == DONE
    assert (
        world.lots(0) == lots == -world.lots(world.fund) and world["view"]["last_tick"][0] == tick
    )
    assert world["view"]["open_interest"][0] == abs(lots)


@PLACE
def test_a_limit_order_takes_what_its_price_allows_and_never_rests(place):
    world = pool(place)
    outcome = world.limit(0, 1, 20_050, 100_000)
    taken = world.lots(0)
    assert outcome == DONE and 0 < taken < 100_000
    assert world["view"]["last_tick"][0] <= 20_050 and world["view"]["best_ask"][0] >= 20_050
    assert world.limit(0, 1, 20_040, 5) == NOTHING_TO_DO and world.lots(0) == taken
    assert world.limit(0, 1, 20_900, 5, flags=POST_ONLY) == REFUSED_POST_ONLY
    assert not world["order"]["lots"].any()


@PLACE
@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(-800, 800).filter(bool), min_size=1, max_size=8))
def test_nobody_gains_by_a_round_trip_and_no_unit_is_lost(place, sizes):
    world = pool(place, contract__band=0.5)
    money = total_units(world.tables)[0]
    for size in sizes:
        world.market_order(0, 1 if size > 0 else -1, abs(size))
    while world.lots(0):
        before = world.lots(0)
        world.market_order(0, -1 if before > 0 else 1, abs(before))
        assert abs(world.lots(0)) < abs(before)
    assert world.collateral_usd(0) <= 1e6
    assert total_units(world.tables)[0] == money
    assert_positions_are_sound(world.tables)


@settings(deadline=None)
@given(st.floats(-50.0, 50.0).filter(lambda size: abs(size) > 1e-3), st.floats(0.1, 0.9))
def test_a_swap_in_two_parts_costs_the_same(size, share):
    product, first = 2e8, share * size
    whole = product_price(100.0, product, size) * size
    parts = product_price(100.0, product, first) * first + product_price(
        100.0 - first, product, size - first
    ) * (size - first)
    assert parts == pytest.approx(whole, rel=1e-9)
    marginal = product / (100.0 - size) ** 2
    assert product_room(100.0, product, marginal) == pytest.approx(size, rel=1e-9)
    halves = [
        skew_price(1.0, 7.0, first, 1e4, 0.0) * first,
        skew_price(1.0, 7.0 + first, size - first, 1e4, 0.0) * (size - first),
    ]
    assert sum(halves) == pytest.approx(skew_price(1.0, 7.0, size, 1e4, 0.0) * size, rel=1e-9)


def test_the_pool_backs_no_more_than_it_may():
    world = pool("oracle", contract__band=0.5)
    world.own(0, 1e9)
    world.market_order(0, 1, 10_000)
    assert world.lots(0) == 5_000
    assert world.market_order(1, -1, 10_000) == DONE and world.lots(1) == -10_000


@pytest.mark.parametrize("name", ["gmx-v2", "synthetix-v3"])
def test_liquidation_orders_trade_with_the_pool(name):
    market = storm(
        3,
        [
            load_rulebook(name).changed(
                {"margin.tiers": [[0, 0.01, 50]], "margin.maximum_leverage": 50}
            )
        ],
        capital_usd=1_500.0,
        fall=-0.12,
    )
    for _ in range(80):
        market.step()
        assert market.conservation_error_units == 0
    events = market.records().events
    assert len(events) > 0 and (events["lots"] != 0).any()
    assert_positions_are_sound(market.tables)


def test_receivers_share_what_payers_pay_and_the_pool_stands_aside():
    world = pool("oracle", funding__receivers="pro_rata", funding__damper=0.0, contract__band=0.5)
    world.market_order(0, 1, 300)
    world.market_order(1, -1, 100)
    before = [world["account"]["collateral"][i, 0].item() for i in (0, 1, world.fund)]
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        0.001,
        1.0,
    )
    world.settle()
    paid = [
        then - world["account"]["collateral"][i, 0].item()
        for then, i in zip(before, (0, 1, world.fund))
    ]
    assert (
        paid[0] == round(300 * 200 * 0.001 * USD)
        and -paid[1] in (paid[0], paid[0] - 1)
        and sum(paid) == 0
    )


@pytest.mark.parametrize(
    ("state", "imbalance", "expected"),
    [
        (0.0, 0.06, 3.6e-5),
        (5e-5, 0.04, 5e-5),
        (5e-5, 0.02, 5e-5 - 1.2e-5),
        (1e-6, 0.0, 0.0),
        (5e-5, -0.01, 4.4e-5),
        (1e-6, -0.06, -3.5e-5),
        (9e-4, 0.5, 1e-3),
    ],
)
def test_the_adaptive_rate_by_hand(state, imbalance, expected):
    assert adapted_rate(state, imbalance, 600.0, 1e-6, 2e-8, 0.05, 0.03, 1e-3) == pytest.approx(
        expected, abs=1e-15
    )


def test_imbalance_and_velocity_by_hand():
    assert imbalance_of(3.0, 1.0, 2.0) == pytest.approx(1.0) and imbalance_of(1.0, 3.0, 1.0) == -0.5
    assert imbalance_of(1.0, 0.0, 1.0) == 0.0 == imbalance_of(2.0, 2.0, 1.5)
    assert (
        skew_velocity_rate(50.0, 100.0, 9.0) == 4.5
        and math.copysign(1.0, skew_velocity_rate(-1e9, 1.0, 9.0)) == -1.0
    )
