"""What traders do about a spot that moves with their trades: hedges, stops, bids and sizes."""

import math

import pytest

from perplab.agents.carry.carry_trader import CarryTrader, affordable_lots
from perplab.agents.orders import lots_of
from perplab.agents.providers import Provider, ValueBidder
from perplab.agents.speculator import Speculator
from perplab.sim.state.codes import CANCEL, LIMIT, SPOT, STOP
from tests.test_agents import Scene, of_kind, sides

TICKS, LOT_USD, IMPACT = 200_000, 20.0, 5e-10


# value bidders


def test_a_value_bidder_rests_away_from_spot():
    bids, asks = sides(Scene(ValueBidder, distance=0.01).hold(0).decide())
    assert bids["tick"].tolist() == [int(TICKS * math.exp(-0.01))]
    assert asks["tick"].tolist() == [int(TICKS * math.exp(0.01))]
    assert bids["lots"][0] == asks["lots"][0] == 54_000 / LOT_USD
    assert not bids["flags"].any() and not bids["expiry_seconds"].any()


@pytest.mark.parametrize("side", [1, -1])
def test_it_gives_back_nearer_to_spot_and_adds_up_to_its_limit(side):
    scene = Scene(ValueBidder, distance=0.01, exit_share=0.3).hold(side * 10_000)
    adding, closing = sides(scene.decide())[::side]
    assert adding["lots"].tolist() == [(216_000 - 200_000) / LOT_USD]
    assert closing["lots"].tolist() == [2_700]
    assert closing["tick"].tolist() == [int(TICKS * math.exp(side * 0.003))]
    scene.hold(side * 1_000)
    assert sides(scene.decide())[::side][1]["lots"].tolist() == [1_000]


def test_a_full_value_bidder_takes_its_bid_away():
    scene = Scene(ValueBidder).hold(10_800)
    assert len(of_kind(scene.decide(), CANCEL)) == 0
    scene.mine["lots"][0] = 5
    assert of_kind(scene.decide(), CANCEL)["slot"].tolist() == [0]


def test_its_orders_rest_and_a_pool_gets_none():
    scene = Scene(ValueBidder, distance=0.01).hold(0)
    scene.views["best_ask"], scene.views["best_bid"] = 190_000, 189_990
    bids, _ = sides(scene.decide())
    assert bids["tick"].tolist() == [189_999]
    scene.views["in_pool"] = 1
    assert len(scene.decide()) == 0


# stops of speculators


@pytest.mark.parametrize(("lots", "tick"), [(1_000, 190_000), (-1_000, 210_000)])
def test_a_speculator_states_its_stop_once(lots, tick):
    scene = Scene(Speculator, stop_loss=0.05).hold(lots)
    (order,) = of_kind(scene.decide(), STOP)
    assert (order["tick"], order["lots"]) == (pytest.approx(tick, abs=1), 1)
    assert len(of_kind(scene.decide(), STOP)) == 0
    scene.hold(lots, entry=20_000 * 1.001)
    assert len(of_kind(scene.decide(), STOP)) == 0
    scene.hold(lots, entry=20_000 * 1.01)
    (order,) = of_kind(scene.decide(), STOP)
    assert order["tick"] == pytest.approx(tick * 1.01, abs=1)


def test_without_a_stop_loss_or_a_position_there_is_none():
    assert len(of_kind(Scene(Speculator).hold(1_000).decide(), STOP)) == 0
    assert len(of_kind(Scene(Speculator, stop_loss=0.05).hold(0).decide(), STOP)) == 0


@pytest.mark.parametrize("goal", [50_000.0, -50_000.0])
def test_a_speculator_who_was_stopped_out_gives_up_its_goal(goal):
    """But not a goal on the other side."""
    scene = Scene(Speculator, stop_loss=0.05, review_seconds=1e12).hold(1_000)
    scene.decide()
    scene.me["goal_usd"], scene.me["working"] = goal, 1.0
    (order,) = of_kind(scene.hold(0).decide(), STOP)
    assert order["lots"] == 0
    assert scene.me["goal_usd"][0] == min(goal, 0.0)


# hedges of providers


def quotes(impact, lots=0, spot_lots=0, **traits):
    """Return a provider's bids and asks, the nearest first, and its trade in spot."""
    plain = dict(level_usd=16_000, skew_bps=0, reference_volatility=1e-4)
    scene = Scene(Provider, **(plain | traits)).hold(lots, 3e6, 1e6, spot_lots, borrow_usd=1e9)
    scene.views["best_bid"] = scene.views["best_ask"] = 0
    scene.views["spot_impact"], scene.views["funding_on"] = impact, 0
    orders = scene.decide()
    return *sides(orders), of_kind(orders, SPOT)


@pytest.mark.parametrize("ratio", [1.0, 0.4])
def test_each_quote_pays_for_the_hedge_of_all_quotes_before_it(ratio):
    """The market's hedge is eight times its own: 16,000, then 16,000 * 1.25 more, and so on."""
    (plain, plain_asks, _), (bids, asks, _) = quotes(0.0), quotes(IMPACT, hedge_ratio=ratio)
    filled = 0.0
    for k in range(len(bids)):
        filled += 16_000 * (1 + 0.25 * k)
        cost = ratio * IMPACT * filled * 8 * TICKS
        assert plain["tick"][k] - bids["tick"][k] == pytest.approx(cost, abs=1.01)
        assert asks["tick"][k] - plain_asks["tick"][k] == pytest.approx(cost, abs=1.01)


def test_quotes_lean_against_what_is_not_hedged_yet():
    centre = [
        0.5 * (bids["tick"][0] + asks["tick"][0])
        for bids, asks, _ in (quotes(IMPACT), quotes(IMPACT, 5_000), quotes(IMPACT, 5_000, -5_000))
    ]
    shift = IMPACT * 5_000 * LOT_USD * 8 * TICKS
    assert centre[0] - centre[1] == pytest.approx(shift, abs=1.01)
    assert centre[0] - centre[2] == pytest.approx(0, abs=1.01)


def test_a_provider_hedges_at_once_beyond_its_band():
    for band, expected in ((0.01, [(-1, 5_000)]), (0.2, [])):
        trades = quotes(0.0, 5_000, hedge_band=band)[2]
        assert [(t["side"], t["lots"]) for t in trades] == expected


# sizes of carry


def test_carry_takes_what_its_spot_leg_can_afford():
    view = Scene(CarryTrader).views[0]
    view["spot_impact"] = IMPACT
    assert affordable_lots(view, 1e-3) == lots_of(view, 2e6) == 100_000
    assert affordable_lots(view, -1e-3) == 0
    view["spot_impact"] = 0.0
    assert affordable_lots(view, 1e-3) > 10**10


def dealt(impact, moved=0.0):
    """Return the lots that a carry trader sells in the perpetual at a premium of 1 %."""
    scene = Scene(CarryTrader).hold(0, 1e6, 1e6)
    scene.views["best_bid"], scene.views["best_ask"] = 202_000, 202_010
    scene.views["spot_impact"], scene.views["spot_moved"] = impact, moved
    orders = scene.decide()
    sold, bought = of_kind(orders, LIMIT), of_kind(orders, SPOT)
    assert sold["lots"].tolist() == bought["lots"].tolist()
    return int(sold["lots"].sum())


def test_carry_trades_less_in_a_thinner_spot_and_not_after_others():
    free, some, thin = dealt(0.0), dealt(2e-7), dealt(2e-6)
    assert free > some > thin > 0
    assert some == pytest.approx(10 * thin, rel=0.01)
    assert dealt(2e-7, moved=0.005) < some
    assert dealt(2e-7, moved=0.02) == 0
