"""What traders do about a spot that moves with their trades: hedges, stops, bids and sizes."""

import math

import pytest

from perplab.agents.carry.carry_trader import CarryTrader, affordable_lots, carry_beyond
from perplab.agents.orders import lots_of
from perplab.agents.providers import Provider, ValueBidder
from perplab.agents.speculator import Speculator
from perplab.sim.state.codes import CANCEL, HEDGE, LIMIT, SPOT, STOP
from tests.test_agents import Scene, of_kind, sides

TICKS, LOT_USD, SPOT_USD, IMPACT = 200_000, 20.0, 20_000.0, 5e-10


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


def test_providers_share_the_market_equally_by_default():
    """So four times as many with a quarter of the money each charge the same for the hedge."""
    few, many = (Provider.traits.table(number, {}) for number in (8, 32))
    assert set(few["market_share"]) == {1 / 8}
    assert set(many["market_share"]) == {1 / 32}


def quotes(impact, lots=0, spot_lots=0, **traits):
    """Return a provider's bids and asks, the nearest first, and its standing hedge."""
    plain = dict(level_usd=16_000, skew_bps=0, reference_volatility=1e-4, market_share=1 / 8)
    scene = Scene(Provider, **(plain | traits)).hold(lots, 3e6, 1e6, spot_lots, borrow_usd=1e9)
    scene.views["best_bid"] = scene.views["best_ask"] = 0
    scene.views["spot_impact"], scene.views["funding_on"] = impact, 0
    orders = scene.decide()
    return *sides(orders), of_kind(orders, HEDGE)


@pytest.mark.parametrize("ratio", [1.0, 0.4])
def test_each_quote_pays_for_the_hedge_of_all_quotes_before_it(ratio):
    """The market's hedge is eight times its own: 16,000, then 16,000 * 1.25 more, and so on.

    A quote's own size counts by half: the mean price on the hedge's way.
    """
    (plain, plain_asks, _), (bids, asks, _) = quotes(0.0), quotes(IMPACT, hedge_ratio=ratio)
    filled = 0.0
    for k in range(len(bids)):
        own = 16_000 * (1 + 0.25 * k)
        cost = ratio * IMPACT * (filled + own / 2) * 8 * TICKS
        filled += own
        assert plain["tick"][k] - bids["tick"][k] == pytest.approx(cost, abs=1.01)
        assert asks["tick"][k] - plain_asks["tick"][k] == pytest.approx(cost, abs=1.01)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_quotes_do_not_lean_against_a_hedge_that_is_complete(ratio):
    hedged = quotes(IMPACT, 1_000, round(-1_000 * ratio), hedge_ratio=ratio)
    flat = quotes(IMPACT, hedge_ratio=ratio)
    for side in (0, 1):
        assert hedged[side]["tick"][0] == flat[side]["tick"][0]


def test_quotes_lean_against_what_is_not_hedged_yet():
    centre = [
        0.5 * (bids["tick"][0] + asks["tick"][0])
        for bids, asks, _ in (quotes(IMPACT), quotes(IMPACT, 5_000), quotes(IMPACT, 5_000, -5_000))
    ]
    shift = IMPACT * 5_000 * LOT_USD * 8 * TICKS
    assert centre[0] - centre[1] == pytest.approx(shift, abs=1.01)
    assert centre[0] - centre[2] == pytest.approx(0, abs=1.01)


def test_a_provider_leaves_a_standing_hedge_with_its_band():
    for ratio, band, millionths in ((1.0, 0.01, 1_000_000), (0.4, 0.2, 400_000)):
        (order,) = quotes(0.0, 5_000, hedge_ratio=ratio, hedge_band=band)[2]
        assert order["tick"] == millionths
        assert order["lots"] == pytest.approx(band * 750_000 / LOT_USD, abs=1)


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


# capital that arrives


def rich(bid=202_000, cash_usd=1e6, lots=0, **traits):
    """Return a carry trader who has seen the market once, at a premium of 1 % if not stated."""
    scene = Scene(CarryTrader, **traits).hold(lots, 1e6, cash_usd, spot_lots=-lots)
    scene.views["best_bid"], scene.views["best_ask"] = bid, bid + 10
    scene.decide(seconds=0.0)
    return scene


def sold_after(days, scene):
    """Return the lots that it sells in the perpetual so much later."""
    return int(of_kind(scene.decide(seconds=days * 86_400.0), LIMIT)["lots"].sum())


def test_capital_arrives_slowly_up_to_its_multiple_while_carry_is_rich():
    for days in (1.0, 30.0, 3_000.0):
        scene = rich(arrival_multiple=3, arrival_days=30)
        sold_after(days, scene)
        assert scene.me["arrived"][0] == pytest.approx(3.0 - 2.0 * math.exp(-days / 30))


def test_it_arrives_in_proportion_to_what_carry_earns_beyond_hurdle_and_cost():
    scene = rich(arrival_multiple=3, arrival_days=1)
    beyond = carry_beyond(scene.me[0], scene.accounts[0], scene.views[0], -1)
    scene.me["full_arrival_per_year"] = 4.0 * beyond
    sold_after(100.0, scene)
    assert beyond > 0.1 and scene.me["arrived"][0] == pytest.approx(1.5)


def test_what_carry_earns_beyond_is_the_receipt_less_hurdle_and_round_trip():
    """Bid 1 % above spot, no forecast: funding of half of it less the damper, capped at .3 %."""
    scene = rich(hold_hours=8, hurdle_per_year=0.05, convergence_share=1, bid=202_000)
    scene.me["forecast"] = 0.0
    cost = 2 * 0.5 * 10 * 0.1 / SPOT_USD
    expected = (0.003 + 0.01 - cost) * 1095 - 0.05
    beyond = carry_beyond(scene.me[0], scene.accounts[0], scene.views[0], -1)
    assert beyond == pytest.approx(expected)


def test_capital_leaves_again_where_carry_is_poor_and_none_comes_by_default():
    scene = rich(bid=199_840, arrival_multiple=3)
    scene.me["arrived"] = 3.0
    sold_after(30.0, scene)
    assert scene.me["arrived"][0] == pytest.approx(1.0 + 2.0 * math.exp(-1.0))
    scene = rich()
    sold_after(3_000.0, scene)
    assert scene.me["arrived"][0] == 1.0


def test_a_full_trader_opens_more_with_capital_that_arrived_but_no_more_than_it_can_pay():
    full = -int(0.65 * 1_500_000 / LOT_USD)
    assert sold_after(0.01, rich(lots=full, arrival_multiple=1)) == 0
    free, poor = (
        rich(lots=full, cash_usd=cash, arrival_multiple=3, clip_share=0.1) for cash in (1e6, 4e3)
    )
    for scene in (free, poor):
        scene.me["arrived"] = 2.0
    assert sold_after(0.01, free) > 1_000
    assert 0 < sold_after(0.01, poor) * LOT_USD <= 4e3
