"""Liquidation by hand: orders, fees, takeovers, the fund, ADL, the twin, parents and causes."""

import math

import numpy as np
import pytest

from perplab.sim.clearing.conservation import total_units
from perplab.sim.risk.attribution import parent_of, remember_liquidation_order
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.codes import (
    ADL,
    CAUSE_COLLATERAL,
    CAUSE_FEE,
    CAUSE_FUNDING,
    CAUSE_INDEX,
    CAUSE_TRADING,
    DONE,
    ENDOGENOUS,
    FORCED_ORDER,
    TAKEOVER,
    TWIN_TAKEOVER,
)
from tests.markets import (
    LOT_UNITS,
    USD,
    World,
    assert_book_is_sound,
    assert_positions_are_sound,
    round_rules,
)
from tests.probes import find_below


@pytest.fixture
def make():
    """Return a maker of worlds that are checked for conservation at the end."""
    made = []

    def new(*rulebooks, fee=0.0, fund=1_000.0, name="binance", rules=(), **options):
        books = rulebooks or (
            round_rules(name, liquidation__fee=fee, fund__initial=fund, **dict(rules)),
        )
        world = World(*books, **options)
        world["market"]["mark_seconds"] = 100.0
        return world

    def watched(*rulebooks, **keywords):
        world = new(*rulebooks, **keywords)
        made.append(
            (world, total_units(world.tables)[0], int(world["account"]["collateral"].sum()))
        )
        return world

    yield watched
    for world, money, _ in made:
        assert_book_is_sound(world.tables)
        assert_positions_are_sound(world.tables)
        assert total_units(world.tables)[0] - money == getattr(world, "given", 0)


def give(world, i, usd):
    """Set a trader's collateral, count the money so made, and empty the safe intervals."""
    before = int(world["account"]["collateral"][i, 0])
    world.own(i, usd)
    world["market"]["safe_high"] = 0.0
    world.given = getattr(world, "given", 0) + int(world["account"]["collateral"][i, 0]) - before


def long_of_100(world, collateral_usd, seller=1):
    """Let trader 0 go long 100 lots (20,000 of quote currency) at 20,000."""
    world.trade(0, seller, 100)
    give(world, 0, collateral_usd)


def equity_units(world, i):
    return float(world.equity_usd(i) * USD)


def fund_equity_usd(world):
    return world.equity_usd(world.fund)


# the liquidation order of a venue that stops at the bankruptcy price


def test_liquidation_order_stops_at_the_bankruptcy_price_and_the_fund_takes_the_rest(make):
    world = make(fee=0.003)
    long_of_100(world, 400.0)
    world.limit(0, -1, 20_500, 10)
    for slot, (tick, lots) in enumerate(((19_700, 30), (19_600, 30), (19_500, 100))):
        world.limit(2, 1, tick, lots, slot=slot)
    world.limit(3, -1, 19_900, 10)
    world.mark(19_780.0)
    assert world.round() == 1
    order, takeover = world.events
    assert (order["kind"], order["lots"], order["value"], order["fund_change"]) == (
        FORCED_ORDER,
        -60,
        11_790 * USD,
        35_370_000,
    )
    assert (order["equity"], order["bankruptcy_price"], order["mid_shift"]) == (
        180 * USD,
        19_600.0,
        -100.0,
    )
    assert (takeover["kind"], takeover["lots"], takeover["value"]) == (
        TAKEOVER,
        -40,
        40 * 19_780 * LOT_UNITS,
    )
    assert (takeover["counterparty"], takeover["fund_change"]) == (
        world.fund,
        round((180 - 24 - 54 - 35.37) * USD),
    )
    assert (world.lots(0), world.collateral_usd(0), world.lots(world.fund)) == (0, 0.0, 40)
    assert fund_equity_usd(world) == pytest.approx(1_000 + 180 - 24 - 54)
    assert (
        int(world["view"]["best_bid"][0]) == 19_500 and int(world["view"]["best_ask"][0]) == 19_900
    )
    assert order["node"] == takeover["node"] == 0 and takeover["parent"] == -2


def test_short_is_bought_back_up_to_its_bankruptcy_price(make):
    world = make(fee=0.003)
    world.trade(1, 0, 100)
    give(world, 0, 400.0)
    for slot, (tick, lots) in enumerate(((20_300, 30), (20_400, 30), (20_401, 100))):
        world.limit(2, -1, tick, lots, slot=slot)
    world.mark(20_220.0)
    assert world.round() == 1
    order, takeover = world.events
    assert (order["lots"], order["value"], order["bankruptcy_price"]) == (
        60,
        (30 * 20_300 + 30 * 20_400) * LOT_UNITS,
        20_400.0,
    )
    assert (takeover["lots"], world.lots(world.fund)) == (40, -40)
    assert fund_equity_usd(world) == pytest.approx(1_000 + 180 - 24 - 54)


def test_a_close_above_bankruptcy_leaves_equity_less_the_fee(make):
    world = make(fee=0.003)
    long_of_100(world, 400.0)
    world.limit(2, 1, 19_700, 100)
    world.mark(19_780.0)
    assert world.round() == 1
    assert (world.lots(0), world.collateral_usd(0)) == (0, 400 - 300 - 59.1)
    assert fund_equity_usd(world) == 1_059.1
    assert len(world.events) == 1 and int(world.events["fund_change"][0]) == 59_100_000


def test_fee_takes_no_more_than_there_is(make):
    world = make(fee=0.003)
    long_of_100(world, 400.0)
    world.limit(2, 1, 19_610, 100)
    world.mark(19_780.0)
    world.round()
    assert (world.lots(0), world.collateral_usd(0)) == (0, 0.0)
    assert fund_equity_usd(world) == 1_010.0


def test_fee_of_an_isolated_position_comes_from_its_margin(make):
    world = make(fee=0.003, traits={"isolated": 1.0})
    world.trade(0, 1, 100)
    give(world, 0, 1_000.0)
    world.limit(2, 1, 19_700, 100)
    world.mark(19_780.0)
    assert world.round() == 1
    assert (world.lots(0), world.collateral_usd(0)) == (0, 1_000 + 400 - 300 - 59.1)
    assert fund_equity_usd(world) == 1_059.1


def test_isolated_takeover_leaves_the_account_alone(make):
    world = make(traits={"isolated": 1.0})
    world.trade(0, 1, 100)
    give(world, 0, 1_000.0)
    world.mark(19_780.0)
    assert world.round() == 1
    assert (
        world.lots(0),
        int(world["position"]["isolated_margin"][0, 0]),
        world.collateral_usd(0),
    ) == (
        0,
        0,
        1_000.0,
    )
    assert fund_equity_usd(world) == pytest.approx(1_000 + 180)


def test_healthy_accounts_are_left_alone(make):
    world = make()
    long_of_100(world, 400.0)
    world.mark(19_799.0)
    assert world.round() == 0 and len(world.events) == 0 and world.lots(0) == 100
    world.mark(19_797.0)
    assert world.round() == 1


def test_an_arrived_transfer_prevents_liquidation(make):
    world = make(
        rules={"account__transfer_seconds": 60.0}.items(),
        traits={"margin_share": 0.5, "capital_usd": 2_000.0},
    )
    world.trade(0, 1, 100)
    give(world, 0, 400.0)
    assert world.transfer(0, 500 * USD) == DONE
    world.let_steps_go_by()
    world.mark(19_780.0)
    assert world.round() == 0
    assert world.collateral_usd(0) == 900.0


def test_orders_are_cancelled_at_that_venue_only(make):
    rules = round_rules()
    world = make(("one", rules), ("two", rules))
    world.trade(0, 1, 100)
    give(world, 0, 400.0)
    world.limit(0, -1, 20_500, 10, slot=0)
    world.limit(0, -1, 20_500, 10, slot=1, market=1)
    world.mark(19_780.0)
    world.round()
    assert world["order"]["lots"][:2].tolist() == [0, 10]


# the fund and ADL


@pytest.mark.parametrize(("fund", "left"), [(150.0, 50.0), (100.0, 0.0)])
def test_fund_takes_over_while_it_can_carry_the_loss(make, fund, left):
    world = make(fund=fund)
    long_of_100(world, 400.0)
    world.mark(19_500.0)
    world.round()
    assert [int(kind) for kind in world.events["kind"]] == [TAKEOVER], (
        "beyond bankruptcy no order is sent"
    )
    assert (world.lots(0), world.lots(world.fund), world.collateral_usd(0)) == (0, 100, 0.0)
    assert fund_equity_usd(world) == pytest.approx(left)


def adl_world(make, collateral_usd):
    """Return a world after a round of ADL; the fund has 50.

    Trader 0 is long 100; traders 1, 2, 3 are short 80, 30, 20 with much, little, some collateral.
    """
    world = make(fund=50.0)
    for seller, lots in ((1, 50), (2, 30), (3, 20)):
        world.trade(0, seller, lots)
    world.trade(5, 1, 30)
    for i, usd in ((0, collateral_usd), (1, 10_000.0), (2, 500.0), (3, 2_000.0)):
        give(world, i, usd)
    world.limit(4, 1, 19_500, 100)
    world.mark(19_500.0)
    assert world.round() == 1
    return world


def test_adl_at_the_bankruptcy_price_by_rank(make):
    world = adl_world(make, 400.0)
    assert [(e["kind"], e["counterparty"], e["lots"], e["value"]) for e in world.events] == [
        (ADL, i, -lots, lots * 19_600 * LOT_UNITS) for i, lots in ((2, 30), (3, 20), (1, 50))
    ]
    assert [world.lots(i) for i in range(6)] == [0, -30, 0, 0, 0, 30]
    assert [world.collateral_usd(i) for i in range(4)] == [
        0.0,
        10_000 + 50 * 4,
        500 + 30 * 4,
        2_000 + 20 * 4,
    ]
    assert fund_equity_usd(world) == 50.0
    assert world["position"]["adl_lots"][:4, 0].tolist() == [0, 50, 30, 20]
    assert int(world["position"]["forced_lots"][0, 0]) == 100


def test_adl_price_is_rounded_against_the_counterparty(make):
    world = adl_world(make, 400.5)
    assert world.events["bankruptcy_price"][0] == 19_599.5
    assert [world.collateral_usd(i) for i in range(4)] == [0.5, 10_200.0, 620.0, 2_080.0]


def test_losers_rank_after_winners(make):
    world = make(fund=0.0)
    for buyer, seller, lots, tick in (
        (0, 4, 10, 19_900),
        (1, 2, 10, 19_300),
        (1, 3, 10, 19_300),
        (0, 1, 20, 19_300),
    ):
        world.mark(float(tick))
        world.trade(buyer, seller, lots, tick=tick)
    for i, usd in ((0, 20.0), (2, 100.0), (3, 10_000.0), (4, 10_000.0)):
        give(world, i, usd)
    world.mark(19_400.0)
    assert world.round() == 1
    score = [-0.1 / (19.4 / 90), -0.001 / (19.4 / 9_990)]
    assert score[0] > score[1]
    assert world.events["counterparty"].tolist() == [4, 2, 3]
    assert set(world.events["value"].tolist()) == {10 * math.ceil(583_000 / 30) * LOT_UNITS}


def test_hyperliquid_adl_at_the_previous_mark_by_price_ratio_times_leverage(make):
    world = make(name="hyperliquid", fund=50.0)
    for seller, lots in ((1, 40), (2, 40), (3, 20)):
        world.trade(0, seller, lots)
    for i, usd in ((0, 400.0), (1, 5_000.0), (2, 800.0), (3, 10_000.0)):
        give(world, i, usd)
    world.mark(19_700.0)
    world.mark(19_500.0)
    assert world.round() == 1
    assert [(e["kind"], e["counterparty"], e["value"]) for e in world.events] == [
        (ADL, 2, 40 * 19_700 * LOT_UNITS),
        (ADL, 1, 40 * 19_700 * LOT_UNITS),
        (ADL, 3, 20 * 19_700 * LOT_UNITS),
    ]
    assert [world.collateral_usd(i) for i in range(4)] == [100.0, 5_120.0, 920.0, 10_060.0]
    assert fund_equity_usd(world) == 50.0


def test_fund_is_last_in_the_queue(make):
    world = make(fund=150.0)
    long_of_100(world, 400.0)
    world.mark(19_500.0)
    world.round()
    world.trade(2, 5, 100, tick=19_500)
    world.trade(1, 2, 40, tick=19_500)
    give(world, 5, 195.0)
    give(world, world.fund, world.collateral_usd(world.fund) - 300.0)
    world.mark(19_800.0)
    assert world.round() == 1
    closed = world.events[1:]
    assert [(e["kind"], e["counterparty"], e["lots"], e["value"]) for e in closed] == [
        (ADL, 2, 60, 60 * 19_695 * LOT_UNITS),
        (ADL, world.fund, 40, 40 * 19_695 * LOT_UNITS),
    ]
    assert (world.lots(5), world.lots(2), world.lots(world.fund), world.lots(1)) == (0, 0, 60, -60)


def test_fund_covers_the_deficit_after_adl(make):
    world = make(name="hyperliquid", fund=50.0)
    long_of_100(world, 400.0)
    world.mark(19_550.0)
    world.mark(19_500.0)
    assert world.round() == 1
    assert (world.collateral_usd(0), world.collateral_usd(world.fund)) == (0.0, 0.0)
    assert world.collateral_usd(1) == 1_000_000 + 450


# partial liquidation of Hyperliquid


def large_long(make, equity_usd, **keywords):
    """Trader 0 is long 1,000 lots at 20,000; at 19,900 it needs 1,990 and has `equity_usd`."""
    world = make(name="hyperliquid", **keywords)
    world.trade(0, 1, 1_000)
    give(world, 0, equity_usd + 1_000.0)
    world.limit(2, 1, 19_900, 5_000)
    world.mark(19_900.0)
    return world


def test_first_fifth_then_a_pause_then_all(make):
    world = large_long(make, 1_500.0)
    assert world.round() == 1
    assert (world.lots(0), float(world["account"]["pause_until"][0, 0])) == (800, 130.0)
    assert world.round(1) == 0
    world["market"]["mark_seconds"] = 129.0
    assert world.round() == 0
    world["market"]["mark_seconds"] = 130.0
    assert world.round() == 1
    assert world.events["lots"].tolist() == [-200, -800] and world.events["node"].tolist() == [0, 0]
    assert world.events["parent"].tolist() == [-1, -2]
    assert (world.lots(0), world.collateral_usd(0), fund_equity_usd(world)) == (0, 1_500.0, 1_000.0)


def test_a_new_episode_starts_with_a_fifth_again(make):
    world = large_long(make, 1_500.0)
    world.round()
    give(world, 0, 1_500 + 800 + 200)
    world["market"]["mark_seconds"] = 200.0
    assert world.round() == 0 and world["position"]["node"][0, 0] == -1
    give(world, 0, 1_500 + 800 - 200)
    world.limit(2, 1, 19_900, 5_000)
    assert world.round() == 1
    assert world.events["lots"].tolist() == [-200, -160] and world.events["node"].tolist() == [0, 1]


def test_a_small_position_goes_at_once(make):
    world = make(name="hyperliquid")
    world.trade(0, 1, 500)
    give(world, 0, 1_400.0)
    world.limit(2, 1, 19_900, 5_000)
    world.mark(19_900.0)
    assert world.round() == 1 and world.lots(0) == 0


def test_the_first_fifth_holds_from_the_first_second(make):
    world = large_long(make, 1_500.0)
    world["market"]["mark_seconds"] = 5.0
    assert world.round() == 1 and world.lots(0) == 800


def test_below_two_thirds_the_vault_takes_position_and_margin(make):
    world = large_long(make, 1_326.0)
    assert world.round() == 1
    assert [int(kind) for kind in world.events["kind"]] == [TAKEOVER]
    assert (world.lots(0), world.lots(world.fund), world.collateral_usd(0)) == (0, 1_000, 0.0)
    assert fund_equity_usd(world) == pytest.approx(1_000 + 1_326)
    assert int(world["view"]["volume"][0]) == 1_000


def test_the_vault_does_not_wait_for_the_pause(make):
    world = large_long(make, 1_500.0)
    world.round()
    world.mark(19_840.0)
    assert world.round() == 1
    assert int(world.events["kind"][1]) == TAKEOVER and world.lots(world.fund) == 800


def test_liquidation_orders_of_hyperliquid_stop_at_the_band(make):
    world = make(name="hyperliquid")
    world.trade(0, 1, 100)
    give(world, 0, 350.0)
    world.limit(2, 1, 19_001, 10)
    world.mark(19_815.0)
    assert world.round() == 1
    assert (world.lots(0), world.events["lots"].tolist()) == (90, [-10])
    low = int(world["market"]["band_low"][0])
    assert low == math.ceil(19_815 * 0.95) <= 19_001


# accounts over several markets


def test_cross_takeover_takes_every_position_of_the_venue(make):
    rules = round_rules()
    world = make(("one", rules), ("one", rules))
    world.trade(0, 1, 100)
    world.trade(1, 0, 50, market=1)
    give(world, 0, 400.0)
    for m in (0, 1):
        world.mark(19_500.0 if m == 0 else 20_000.0, m)
    assert world.round() == 1
    assert [(int(e["kind"]), int(e["market"]), int(e["lots"])) for e in world.events] == [
        (TAKEOVER, 0, -100),
        (TAKEOVER, 1, 50),
    ]
    assert world["position"]["lots"][world.fund].tolist() == [100, -50]
    assert world.collateral_usd(0) == 0.0 and world["position"]["lots"][0].tolist() == [0, 0]


def test_profit_in_one_market_carries_the_other(make):
    rules = round_rules()
    world = make(("one", rules), ("one", rules))
    world.trade(0, 1, 100)
    world.trade(1, 0, 100, market=1)
    give(world, 0, 400.0)
    for m in (0, 1):
        world.mark(19_000.0, m)
    assert world.round() == 0


# the schedule of the fund


def test_fund_unwinds_a_share_a_step(make):
    world = make(rules={"fund__unwind_seconds": 3_600.0}.items())
    long_of_100(world, 400.0)
    world.mark(19_780.0)
    world.round()
    world.limit(2, 1, 19_700, 1_000)
    lots = []
    for _ in range(200):
        world.unwind(60.0)
        lots.append(world.lots(world.fund))
    expected, left = [], 100
    for _ in range(200):
        left -= math.ceil(left * (1.0 - math.exp(-60.0 / 3_600.0))) if left else 0
        expected.append(left)
    assert lots == expected and lots[0] == 98 and lots[-1] == 0
    assert fund_equity_usd(world) == pytest.approx(1_000 + 180 - 80)
    assert len(world.events) == 1, "unwinding is no liquidation order, nor is what trades nothing"


def test_fund_unwinds_within_the_band_only(make):
    world = make()
    long_of_100(world, 400.0)
    world.mark(19_780.0)
    world.round()
    world.limit(2, 1, int(world["market"]["band_low"][0]), 1_000)
    world["market"]["band_low"] += 1
    world.unwind(60.0)
    assert world.lots(world.fund) == 100


# the twin


def test_twin_takes_over_lots_at_the_mark_without_touching_the_book(make):
    world = make(fee=0.003, no_impact=True)
    long_of_100(world, 400.0)
    world.limit(2, 1, 19_700, 1_000)
    book = world["depth"].tobytes(), int(world["run"]["trades"][0])
    world.mark(19_780.0)
    assert world.round() == 1
    (event,) = world.events
    assert (event["kind"], event["lots"], event["value"]) == (
        TWIN_TAKEOVER,
        -100,
        100 * 19_780 * LOT_UNITS,
    )
    assert (world.lots(0), world.lots(world.fund)) == (0, 100)
    assert world.collateral_usd(0) == pytest.approx(180 - 59.34)
    assert (world["depth"].tobytes(), int(world["run"]["trades"][0])) == book
    world.unwind(60.0)
    assert world.lots(world.fund) == 100, "the twin's fund never trades"
    assert fund_equity_usd(world) == pytest.approx(1_000 + 59.34)


def test_twin_loss_beyond_the_account_is_the_funds(make):
    world = make(no_impact=True, fund=50.0)
    long_of_100(world, 400.0)
    world.mark(19_500.0)
    world.round()
    assert (world.collateral_usd(0), world.lots(world.fund)) == (0.0, 100)
    assert fund_equity_usd(world) == pytest.approx(50 - 100)


# parents and causes


def history(make, *shifts):
    """Return a world in which nodes 7, 8, ... have just displaced the mid by `shifts`.

    Trader 0 is long 100 lots at 20,000.
    """
    world = make()
    long_of_100(world, 400.0)
    world["market"]["mark_law"]["mark_window"] = 0.0
    for node, shift in enumerate(shifts, 7):
        world.call(remember_liquidation_order, 0, node, float(shift))
    world.mark(19_900.0)
    world["market"]["counterfactual_mark"] = 20_000.0
    return world


@pytest.mark.parametrize(
    ("collateral", "parent", "cause"),
    [
        (240.0, 7, ENDOGENOUS),
        (270.0, 8, ENDOGENOUS),
        (295.0, 9, ENDOGENOUS),
        (180.0, -1, CAUSE_INDEX),
    ],
)
def test_parent_is_the_first_order_below_maintenance(make, collateral, parent, cause):
    world = history(make, -50, -30, -20)
    give(world, 0, collateral)
    assert world.call(parent_of, 0, 0, equity_units(world, 0), 199.0 * USD) == (parent, cause)


def test_old_displacement_counts_less(make):
    world = history(make, -50, -30, -20)
    give(world, 0, 240.0)
    world["market"]["mark_law"]["mark_window"][0] = [30.0, 0.0, 0.0]
    world["forced"]["seconds"][0] = 100.0 - 300.0
    assert world.call(parent_of, 0, 0, equity_units(world, 0), 199.0 * USD) == (8, ENDOGENOUS)


def test_a_favourable_displacement_makes_no_parent(make):
    world = history(make, 50)
    world["market"]["counterfactual_mark"] = 19_850.0
    give(world, 0, 290.0)
    assert world.call(parent_of, 0, 0, equity_units(world, 0), 199.0 * USD)[0] == -1


def test_one_liquidation_pushes_the_next(make):
    world = make(rules={"mark.inputs": [{"input": "last_price"}]}.items())
    for i, collateral in ((0, 400.0), (2, 450.0)):
        world.trade(i, 1, 100)
        give(world, i, collateral)
    world.limit(3, 1, 19_790, 60)
    world.limit(3, 1, 19_700, 500, slot=1)
    world.limit(4, -1, 19_810, 500)
    world.mark(19_790.0)
    assert world.round(0) == 1
    first = world.events[0]
    assert (first["trader"], first["parent"], first["cause"], first["mid_shift"]) == (
        0,
        -1,
        CAUSE_INDEX,
        -45.0,
    )
    world["market"]["mark_seconds"] += 5.0
    world.mark(19_740.0, index=19_790.0)
    world["market"]["counterfactual_mark"] = 19_785.0
    assert world.round(1) == 1
    second = world.events[-1]
    assert (second["trader"], second["parent"], second["cause"], second["round"]) == (
        2,
        int(first["node"]),
        ENDOGENOUS,
        1,
    )


@pytest.mark.parametrize(
    ("mark", "index", "cause"),
    [
        (19_780.0, 19_780.0, CAUSE_INDEX),
        (19_780.0, 20_000.0, CAUSE_TRADING),
        (19_780.0, 19_895.0, CAUSE_TRADING),
        (19_780.0, 19_800.0, CAUSE_INDEX),
    ],
)
def test_immigrants_name_what_took_most(make, mark, index, cause):
    world = make()
    long_of_100(world, 400.0)
    world.mark(mark, index=index)
    world.round()
    event = world.events[0]
    assert (event["parent"], event["cause"]) == (-1, cause)
    assert event["index_pnl"] == pytest.approx((index - 20_000) * USD)
    assert event["basis_pnl"] == pytest.approx((mark - index) * USD)


def test_funding_as_a_cause(make):
    world = make()
    long_of_100(world, 250.0)
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        0.01,
        1.0,
    )
    world.settle()
    assert world.collateral_usd(0) == pytest.approx(190.0)
    assert world.round() == 1
    assert (world.events["cause"][0], world.events["funding"][0]) == (CAUSE_FUNDING, -60 * USD)


def test_fees_as_a_cause(make):
    world = make(rules={"fees__taker": 0.0005}.items())
    long_of_100(world, 199.0)
    assert world.round() == 1
    assert (world.events["cause"][0], world.events["fees"][0]) == (CAUSE_FEE, -10 * USD)


def test_collateral_as_a_cause(make):
    world = make()
    long_of_100(world, 199.0)
    assert world.round() == 1
    assert world.events["cause"][0] == CAUSE_COLLATERAL


# the interval of safe marks


@pytest.mark.parametrize("seed", range(12))
def test_no_one_is_below_maintenance_inside_the_safe_interval(seed):
    generator = np.random.default_rng(seed)
    isolated = float(seed % 2)
    world = World(
        load_rulebook("binance"),
        traders=8,
        traits={"capital_usd": 5e7, "isolated": isolated, "leverage": 20.0},
    )
    for _ in range(30):
        buyer, step = int(generator.integers(8)), int(generator.integers(1, 8))
        tick = 200_000 + int(generator.integers(-500, 500))
        world.trade(buyer, (buyer + step) % 8, int(generator.integers(1, 20_000)), tick=tick)
    found = np.zeros((8, 1), "i8")
    for _ in range(20):
        world.mark(20_000.0 * math.exp(generator.normal(0, 0.01)))
        world.call(find_below, found)
        if world.round() == 0 and not found.any():
            low, high = (
                float(world["market"]["safe_low"][0]),
                min(float(world["market"]["safe_high"][0]), 40_000.0),
            )
            assert low < world["view"]["mark"][0] < high
            for mark in np.linspace(low, high, 60)[1:-1]:
                world.mark(float(mark))
                world.call(find_below, found)
                assert not found.any()


def test_safe_interval_ends_at_the_liquidation_price(make):
    world = make()
    long_of_100(world, 400.0)
    world.round()
    assert float(world["market"]["safe_low"][0]) == pytest.approx((20_000 - 400) / 0.99)
    give(world, 1, 400.0)
    world.trade(2, 3, 1)
    world.trade(1, 2, 1)
    world.round()
    assert float(world["market"]["safe_high"][0]) == pytest.approx(
        (20_000 + 400 / 0.99) / 1.01, rel=1e-6
    )
