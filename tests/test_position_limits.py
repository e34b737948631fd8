"""Limits of positions and margin by concentration: by hand, at the order, in liquidation rounds."""

import numpy as np
import pytest

from perplab.sim.compiler.jit import kernel
from perplab.sim.errors import ParameterError
from perplab.sim.laws.margin import initial, largest_position, maintenance
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.codes import DONE, REFUSED_MARGIN
from perplab.sim.state.market_rows import MARKET, VENUE
from tests.markets import TICK, USD, World, round_rules

ONE_LOT_USD = 200.0
LIMITED = dict(margin__position_limit_usd=10 * ONE_LOT_USD)


def rows_of(**changes):
    """Return a MARKET row under round rules with changes."""
    rows = np.zeros(1, MARKET)
    round_rules(**changes).fill(np.zeros(1, VENUE)[0], rows[0])
    return rows


@kernel
def maintenance_of(rows, notional, size, open_lots):
    return maintenance(rows[0]["margin_law"], notional, size, open_lots)


@kernel
def initial_of(rows, notional, size, leverage, open_lots):
    return initial(rows[0]["margin_law"], notional, size, leverage, open_lots)


@kernel
def limit_of(rows, open_notional):
    return largest_position(rows[0]["margin_law"], open_notional)


def test_margin_by_concentration_by_hand():
    rows = rows_of(margin__concentration_slope=0.25, margin__concentration_free_usd=1_000.0)
    value = 5_000.0 * USD
    assert maintenance_of(rows, value, 25, 100) == pytest.approx((50 + 0.25 * 0.25 * 4_000) * USD)
    assert initial_of(rows, value, 25, 10.0, 100) == pytest.approx(
        (500 + 0.25 * 0.25 * 4_000) * USD
    )
    assert maintenance_of(rows, value, 25, 20) == pytest.approx((50 + 0.25 * 4_000) * USD)
    assert maintenance_of(rows, 900.0 * USD, 5, 5) == pytest.approx(9 * USD)


def test_without_the_keys_margins_are_those_of_the_tiers_to_the_bit():
    rows, value = rows_of(), 123_456_789.125
    assert maintenance_of(rows, value, 7, 9) == value * 0.01
    assert initial_of(rows, value, 7, 10.0, 9) == value / 10.0
    assert limit_of(rows, 1e30) == np.inf


def test_the_limit_is_an_amount_or_a_share_of_open_interest():
    rows = rows_of(**LIMITED, margin__position_limit_share=0.5)
    assert limit_of(rows, 0.0) == 2_000 * USD
    assert limit_of(rows, 10_000.0 * USD) == 5_000 * USD


def test_an_order_may_not_lead_beyond_the_limit_and_one_that_reduces_may():
    world = World(round_rules(**LIMITED), traders=4)
    assert world.limit(0, 1, TICK, 11) == REFUSED_MARGIN
    assert world.limit(0, 1, TICK, 6) == DONE
    assert world.limit(0, 1, TICK - 1, 5, slot=1) == REFUSED_MARGIN, "resting orders count"
    assert world.limit(0, 1, TICK, 10) == DONE, "it replaces the one that rests"
    world.market_order(1, -1, 10)
    assert world["position"]["lots"][:2, 0].tolist() == [10, -10]
    world.mark(20_200.0)
    assert world.limit(0, 1, 20_100, 1) == REFUSED_MARGIN
    assert world.limit(0, -1, 20_200, 21) == REFUSED_MARGIN, "it turns into too large a short"
    assert world.limit(0, -1, 20_200, 10) == DONE, "however far the position is beyond the limit"


def test_the_share_is_of_what_is_open():
    world = World(round_rules(**LIMITED, margin__position_limit_share=0.5), traders=6)
    for buyer in (0, 2):
        world.trade(buyer, buyer + 1, 10)
    assert world.limit(4, 1, TICK, 11) == REFUSED_MARGIN
    world["view"]["open_interest"] = 40
    assert world.limit(4, 1, TICK, 20) == DONE and world.limit(4, 1, TICK, 21) == REFUSED_MARGIN


@pytest.mark.parametrize(("slope", "found"), [(0.0, 0), (0.05, 1)])
def test_a_position_is_liquidated_when_others_leave_though_the_mark_stays(slope, found):
    world = World(round_rules(margin__concentration_slope=slope), traders=6)
    world.trade(0, 1, 10)
    world.trade(2, 3, 190)
    world.own(0, 50.0)
    assert world.round() == 0, "a share of a twentieth needs 20 + 5"
    world.trade(3, 2, 190)
    assert world["view"]["open_interest"][0] == 10 and world["position"]["lots"][2, 0] == 0
    assert world.round() == found, "all of open interest needs 20 + 100"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"margin.position_limit_share": 0.1}, "absent unless position_limit_usd is above 0"),
        ({"margin.concentration_free_usd": 1e5}, "absent unless concentration_slope is above 0"),
        ({"margin.position_limit_usd": 0.0}, "above 0"),
        ({"margin.concentration_slope": -0.1}, "at least 0"),
        ({"margin.concentration_slope": 1.5}, "at most 1"),
    ],
)
def test_keys_that_mean_nothing_are_refused_by_name(changes, fault):
    with pytest.raises(ParameterError, match=fault) as refused:
        load_rulebook("binance").changed(changes)
    assert next(iter(changes)) in str(refused.value)
