"""Liquidation orders and losses beyond the fund: each law by hand, all of them in storms."""

import itertools
import math

import numpy as np
import pytest

from perplab.sim.errors import ParameterError
from perplab.sim.laws.adl import AdlPrice, AdlSelection, LossSharing
from perplab.sim.laws.liquidation import CloseFraction
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.codes import ADL, FUND_ADL, NO_ROW, TAKEOVER
from tests.markets import World, assert_positions_are_sound, round_rules, storm
from tests.probes import asked, deleverage_once, find_below, look

TIERS = [[0, 0.01, 50], [10_000, 0.02, 25]]
STEEP = [[0, 0.01, 50], [5_000, 0.02, 25], [16_000, 0.03, 20]]


def below(portion, equity_usd, lots=100, **changes):
    """Return a world whose trader 0 is long and has so much equity, on rules with a portion."""
    world = World(round_rules(liquidation__close_fraction=portion, **changes), traders=4)
    for i in range(4):
        world.own(i, 1e6)
    world.trade(0, 1, lots)
    world.own(0, equity_usd)
    world["market"]["mark_seconds"] = 100.0
    return world


@pytest.mark.parametrize(
    ("portion", "equity", "changes", "lots"),
    [
        ("tier_step", 250.0, {"margin__tiers": TIERS}, 51),
        ("tier_step", 150.0, {"margin__tiers": STEEP}, 21),
        ("tier_step", 150.0, {"margin__tiers": STEEP, "liquidation__tiers_down": 2}, 76),
        ("tier_step", 150.0, {"margin__tiers": STEEP, "liquidation__tiers_down": 3}, 100),
        ("half", 150.0, {}, 50),
        ("half", 99.0, {}, 100),
        ("half", 150.0, {"liquidation__first_notional": 30_000.0}, 100),
        ("just_enough", 150.0, {"liquidation__buffer": 0.0}, 25),
        ("just_enough", 150.0, {"liquidation__buffer": 0.1}, 35),
        ("just_enough", 150.0, {"liquidation__buffer": 0.0, "liquidation__fee": 0.005}, 50),
        ("just_enough", 150.0, {"liquidation__buffer": 0.0, "liquidation__fee": 0.02}, 100),
        ("just_enough", 150.0, {"liquidation__buffer": 0.0, "liquidation__maximum_share": 0.2}, 20),
        ("each_share", 150.0, {"liquidation__first_share": 0.25}, 25),
        ("first_share", 150.0, {}, 100),
    ],
)
def test_portions_by_hand(portion, equity, changes, lots):
    """A long of 20,000 of quote currency whose maintenance is 200."""
    assert asked_lots(below(portion, equity, **changes)) == lots


def asked_lots(world):
    found = np.zeros(2, "i8")
    world.call(asked, 0, 0, found)
    return int(found[0])


def test_the_fillable_price_falls_with_lost_margin():
    world = below(
        "first_share",
        150.0,
        liquidation__order_limit="fillable",
        liquidation__bankruptcy_adjustment=1.0,
        liquidation__spread_to_maintenance=1.5,
        contract__band=0.5,
    )
    found = np.zeros(2, "i8")
    world.call(asked, 0, 0, found)
    assert found[1] == 20_000 - round(0.25 * 1.5 * 200)


def test_just_enough_makes_the_account_safe_again():
    world = below("just_enough", 150.0, liquidation__buffer=0.0)
    world.limit(2, 1, 20_000, 100)
    assert world.round() == 1 and world.lots(0) == 75
    assert world.round(1) == 0


def test_a_slice_is_followed_by_the_rest_even_in_long_steps():
    rules = load_rulebook("hyperliquid").changed({"contract.tick": 1.0, "contract.lot": 0.01})
    world = World(rules, traders=3, dt=300.0)
    for i in range(3):
        world.own(i, 1e7)
    world.trade(0, 1, 1_000)
    world.own(0, 2_400.0)
    sold = []
    for step in range(2):
        world["market"]["mark_seconds"] = 300.0 * (step + 1)
        world["market"]["safe_high"] = 0.0
        sold.append(asked_lots(world))
    assert sold == [200, 1_000]


SWITCHES = list(itertools.product(AdlPrice.names(), AdlSelection.names(), LossSharing.names()))


@pytest.mark.parametrize(("price", "picking", "sharing"), SWITCHES)
def test_every_switch_accounts_for_everything(price, picking, sharing):
    rules = load_rulebook("binance").changed(
        {
            "adl.price": price,
            "adl.selection": picking,
            "adl.loss_sharing": sharing,
            "liquidation.takeover_share": 0.5,
        }
    )
    market = storm(3, [rules], capital_usd=40_000.0, isolated=1.0, fund=0.0, fall=-0.15)
    for _ in range(40):
        market.step()
        assert market.conservation_error_units == 0
    assert_positions_are_sound(market.tables)
    kinds = set(market.records().events["kind"])
    assert (2 in kinds) == (sharing == "adl")
    shared = int(market.tables["venue"]["shared_loss"][0])
    assert shared > 0 if sharing in ("winners", "open_interest") else shared == 0


@pytest.mark.parametrize(
    ("surplus", "below_zero", "leverage", "isolated"),
    list(itertools.product(("trader", "fund"), (False, True), (1.0, 40.0, math.inf), (0.0, 1.0))),
)
def test_whatever_the_fund_takes_and_keeps_is_accounted_for(
    surplus, below_zero, leverage, isolated
):
    rules = load_rulebook("binance").changed(
        {
            "liquidation.surplus_owner": surplus,
            "adl.below_zero": below_zero,
            "fund.leverage": leverage,
            "liquidation.takeover_share": 0.5,
        }
    )
    market = storm(3, [rules], capital_usd=5_000.0, isolated=isolated, fund=20_000.0, fall=-0.1)
    for _ in range(40):
        market.step()
        assert market.conservation_error_units == 0
    assert_positions_are_sound(market.tables)
    assert {TAKEOVER, ADL} & set(market.records().events["kind"].tolist())


@pytest.mark.parametrize("portion", CloseFraction.names())
def test_every_portion_accounts_for_everything(portion):
    changes = {"liquidation.close_fraction": portion} | (
        {"liquidation.buffer": 0.02} if portion == "just_enough" else {}
    )
    market = storm(5, [load_rulebook("binance").changed(changes)], capital_usd=1_500.0)
    for _ in range(50):
        market.step()
        assert market.conservation_error_units == 0
    assert len(market.records().events) > 0


def hole(picking):
    """Return a world in which trader 0 has a deficit of 1,000 and the fund nothing.

    Traders 1 to 3 are short 60, 30 and 10 lots.
    """
    world = World(
        round_rules(
            adl__selection=picking,
            adl__price="mark",
            liquidation__takeover_share=1.0,
            fund__initial=0.0,
        ),
        traders=5,
    )
    for i in range(5):
        world.own(i, 1e6)
    for i, lots in ((1, 60), (2, 30), (3, 10)):
        world.trade(0, i, lots)
    world.trade(0, 4, 20)
    world.own(0, -1_000.0)
    world["market"]["safe_high"] = 0.0
    return world


def test_pro_rata_takes_from_all_in_proportion():
    world = hole("pro_rata")
    world["position"]["lots"][0, 0] -= 60
    world["position"]["lots"][4, 0] += 60
    world.round()
    assert world.lots(0) == 0
    left = [-world.lots(i) for i in (1, 2, 3)]
    assert sum(left) == 40 and all(
        abs(kept - 0.4 * had) <= 1 for kept, had in zip(left, (60, 30, 10))
    )


def test_random_picking_is_drawn_anew_each_step_and_repeats():
    def first(step):
        world = hole("random")
        world["run"]["step"] = step
        world.round()
        return int(world.events["counterparty"][0])

    picked = [first(step) for step in range(24)]
    assert len(set(picked)) > 1 and picked == [first(step) for step in range(24)]


def test_the_peak_of_the_fund_is_noted_each_step_and_forgotten_after_eight_hours():
    market = storm(
        3,
        [load_rulebook("binance").changed({"adl.fund_drawdown": 0.3})],
        traders=2,
        fall=0.0,
    )
    venue, fund = market.tables["venue"][0], int(market.tables["venue"]["fund_row"][0])
    market.step()
    first = venue["fund_peak"]
    market.tables["account"]["collateral"][fund, 0] -= 50 * 1_000_000
    market.step()
    assert venue["fund_peak"] == first
    market.run(8 * 60 + 1)
    assert venue["fund_peak"] < first


def test_the_fund_stops_at_its_fall_from_the_peak():
    world = World(
        round_rules(adl__fund_drawdown=0.3, liquidation__takeover_share=1.0, fund__initial=1_000.0),
        traders=3,
    )
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    for equity, taken in ((-200.0, True), (-200.0, False)):
        world.own(0, equity)
        world["market"]["safe_high"] = 0.0
        world.round()
        kinds = world.events["kind"].tolist()
        assert (1 in kinds[-1:]) == taken
        if taken:
            world.own(0, 1e6)
            world.trade(0, 2, 100)


@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_the_safe_interval_is_exact_where_margins_rise_with_size(slope):
    world = World(round_rules(margin__size_slope=slope, margin__tiers=TIERS), traders=4)
    for i in range(4):
        world.own(i, 5e4)
    for i, lots in ((0, 30), (2, 90)):
        world.trade(i, 1, lots)
        world.own(i, 400.0 if lots == 30 else 700.0)
    for mark in range(19_000, 21_001, 25):
        world.mark(float(mark))
        found = np.zeros((4, 1), "i8")
        world.call(find_below, found)
        world.call(look, 0)
        market = world["market"][0]
        held = world["position"]["lots"][:4, 0] != 0
        assert (market["safe_low"] < mark < market["safe_high"]) == (
            not (found[:, 0].astype(bool) & held).any()
        )


def test_liquidators_get_their_part_of_the_fee_and_no_unit_is_lost():
    earned = {}
    for share in (1.0, 0.5):
        market = storm(
            3,
            [
                load_rulebook("binance").changed(
                    {"liquidation.fund_share": share, "liquidation.fee": 0.005}
                )
            ],
        )
        market.run(200)
        assert market.conservation_error_units == 0
        venue, events = market.tables["venue"][0], market.records().events
        earned[share] = (
            int(venue["liquidators"]),
            int(events["fund_change"][events["kind"] == 0].sum()),
            len(events),
        )
    assert (
        earned[1.0][0] == 0
        and earned[0.5][2] > 0
        and 0 <= earned[0.5][1] - earned[0.5][0] <= earned[0.5][2]
    )


def queue_of(name, *shorts):
    """Return the ADL queue against a bankrupt long: shorts of ten lots, ``(entry, leverage)``.

    The mark is 19,000. Trader 0 is bankrupt, the shorts are traders 1, 2, ..., the last row takes
    the other side of their entries.
    """
    world, other = (
        World(round_rules(name, fund__initial=0.0), traders=len(shorts) + 2),
        len(shorts) + 1,
    )
    for i in range(other + 1):
        world.own(i, 1e6)
    for i, (entry, _) in enumerate(shorts, 1):
        world.mark(float(entry))
        world.trade(other, i, 10, tick=entry)
    world.trade(0, other, 10 * len(shorts), tick=19_010)
    world.mark(19_000.0)
    for i, (entry, leverage) in enumerate(shorts, 1):
        world.own(i, 10 * 190 / leverage - 10 * (entry - 19_000) * 0.01)
    world.own(0, 0.0)
    world.round()
    return world.events["counterparty"].tolist()


@pytest.mark.parametrize("name", ["bitmex", "bybit"])
def test_a_winner_goes_before_a_loser_of_ten_times_its_leverage(name):
    """Scores by profit over entry value and effective leverage.

    A 2x short from 19,500: .0256 x 2 = .051; a 20x short from 18,950: -.0026 / 20 = -.00013; a 2x
    short from 18,950: -.0026 / 2 = -.0013; a 10x short from 19,100: .0052 x 10 = .052.
    """
    assert queue_of(name, (18_950, 20), (19_500, 2)) == [2, 1]
    assert queue_of(name, (18_950, 2), (18_950, 20), (19_500, 2), (19_100, 10)) == [4, 3, 2, 1]


def test_the_ratio_of_prices_puts_leverage_first_as_hyperliquid_s_page_has_it():
    """1.026 x 2 = 2.05 for the winner, .997 x 20 = 19.9 for the loser."""
    assert queue_of("hyperliquid", (18_950, 20), (19_500, 2)) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"adl.rank": None}, True),
        ({"adl.rank": None, "adl.selection": "random"}, False),
        ({"adl.rank": None, "adl.loss_sharing": "fund"}, False),
    ],
)
def test_a_rank_is_asked_for_where_there_is_a_queue(changes, refused):
    if refused:
        with pytest.raises(ParameterError, match="rank"):
            load_rulebook("binance").changed(changes)
    else:
        assert load_rulebook("binance").changed(changes).adl.rank is None


def left_open(fund, leverage, name="binance", equity=180.0, **changes):
    """Return a world after a round in which a long of 100 lots at 19,780 found no bid.

    It is worth 19,780 and has some equity below its maintenance.
    """
    world = World(
        round_rules(name, fund__initial=fund, fund__leverage=leverage, **changes), traders=3
    )
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.own(0, equity + 220.0)
    world.mark(19_780.0)
    assert world.round() == 1 and world.lots(0) == 0
    return world


@pytest.mark.parametrize(
    ("fund", "leverage", "taken"),
    [
        (19_600.0, 1.0, True),
        (19_599.0, 1.0, False),
        (1_798.0, 10.0, True),
        (1_797.0, 10.0, False),
        (1.0, 1.0, False),
        (0.0, math.inf, True),
    ],
)
def test_the_fund_takes_what_its_equity_carries(fund, leverage, taken):
    """A fund of 19,600 with the account's 180 equals the 19,780 that it would hold.

    ADL takes the rest at 19,600, the bankruptcy price.
    """
    world = left_open(fund, leverage)
    assert world.events["kind"].tolist()[-1] == (TAKEOVER if taken else ADL)
    assert (world.lots(world.fund), world.lots(1)) == ((100, -100) if taken else (0, 0))
    if not taken:
        assert world.events["value"][-1] == 100 * 19_600 * 10_000
        assert (world.collateral_usd(0), world.collateral_usd(1), world.equity_usd(world.fund)) == (
            0.0,
            1e6 + 400,
            fund,
        )


def test_a_fund_of_one_dollar_owes_nothing_after_a_fall_of_a_tenth():
    world, unlimited = left_open(1.0, 1.0), left_open(1.0, math.inf)
    for each in (world, unlimited):
        each.mark(19_780.0 * 0.9)
    assert world.equity_usd(world.fund) == 1.0
    assert unlimited.equity_usd(unlimited.fund) == pytest.approx(1 + 180 - 1_978)


def test_what_the_fund_holds_already_counts_and_what_offsets_it_does_not():
    """A fund of 20,000 has 50 lots, then 100 more: 29,700 on the same side, else 9,900."""
    for lots, taken in ((50, False), (-50, True)):
        world = World(round_rules(fund__initial=20_000.0, fund__leverage=1.0), traders=4)
        for i in range(4):
            world.own(i, 1e6)
        world.trade(*((3, 1) if lots > 0 else (1, 3)), 50)
        world.own(3, 50.0)
        world.round()
        assert world.lots(world.fund) == lots
        world.trade(0, 2, 100)
        world.own(0, 320.0)
        world.mark(19_800.0)
        world.round()
        assert world.events["kind"].tolist()[-1] == (TAKEOVER if taken else ADL)


def test_without_adl_the_fund_takes_all():
    world = left_open(1.0, 1.0, adl__loss_sharing="winners")
    assert world.lots(world.fund) == 100


@pytest.mark.parametrize(
    ("below_zero", "equity", "kind"),
    [(True, -1.0, ADL), (True, 1.0, TAKEOVER), (False, -1.0, TAKEOVER)],
)
def test_an_account_below_zero_goes_to_adl_whatever_hyperliquid_s_vault_has(
    below_zero, equity, kind
):
    world = left_open(1e9, 40.0, "hyperliquid", equity, adl__below_zero=below_zero)
    assert world.events["kind"].tolist() == [kind]
    assert load_rulebook("hyperliquid").adl.below_zero


@pytest.mark.parametrize(("mark", "closed"), [(19_779.5, False), (19_700.0, True)])
def test_a_vault_below_zero_is_closed_at_the_previous_mark(mark, closed):
    """The vault took a long of 1 at 19,780 with 1 of equity, so it is spent at 19,779.

    A short closed at the mark of the takeover leaves it that 1.
    """
    world = left_open(0.0, math.inf, "hyperliquid", 1.0)
    assert (world.lots(world.fund), world.events["kind"].tolist()) == (100, [TAKEOVER])
    world.mark(mark)
    world.call(deleverage_once, 0)
    assert (world.lots(world.fund), world.lots(1)) == ((0, 0) if closed else (100, -100))
    assert world.equity_usd(world.fund) == (1.0 if closed else 0.5)
    if closed:
        event = world.events[-1]
        assert (event["kind"], event["trader"], event["counterparty"]) == (FUND_ADL, world.fund, 1)
        assert (event["lots"], event["node"], event["fund_change"]) == (-100, NO_ROW, 0)
        assert world.collateral_usd(1) == 1e6 + 220.0


def test_a_fund_is_deleveraged_only_where_there_is_adl():
    changes = {"adl__loss_sharing": "winners"}
    world = left_open(0.0, math.inf, "hyperliquid", 1.0, **changes)
    world.mark(19_700.0)
    world.call(deleverage_once, 0)
    assert (world.lots(world.fund), world.equity_usd(world.fund)) == (100, -79.0)


def test_a_vault_below_zero_still_takes_an_account_above_zero():
    world = World(round_rules("hyperliquid", fund__initial=0.0), traders=3)
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.own(0, 221.0)
    world.own(world.fund, -50.0)
    world.mark(19_780.0)
    assert world.round() == 1 and world.events["kind"].tolist() == [TAKEOVER]
    assert world.equity_usd(world.fund) == -49.0


def closed_whole(name="binance", fee=0.001, isolated=0.0, no_impact=False, **changes):
    """Return a world after a long of 100 lots from 20,000 with 400 was sold at 19,700.

    The mark is 19,780.
    """
    world = World(
        round_rules(name, liquidation__fee=fee, **changes),
        traders=3,
        traits={"isolated": isolated},
        no_impact=no_impact,
    )
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.own(0, 0.0 if isolated else 400.0)
    world.limit(2, 1, 19_700, 100)
    world.mark(19_780.0)
    assert world.round() == 1 and world.lots(0) == 0
    return world


@pytest.mark.parametrize("isolated", [0.0, 1.0])
@pytest.mark.parametrize(("surplus", "kept"), [("trader", 100 - 19.7), ("fund", 0.0)])
def test_the_surplus_of_a_full_close_goes_where_the_venue_says(surplus, kept, isolated):
    """A hundred above bankruptcy, a fee of 19.70: the rest is the account's or the fund's."""
    world = closed_whole(liquidation__surplus_owner=surplus, isolated=isolated)
    assert (world.collateral_usd(0), int(world["position"]["isolated_margin"][0, 0])) == (
        pytest.approx(kept, abs=1e-9),
        0,
    )
    assert world.equity_usd(world.fund) == pytest.approx(1_100 - kept, abs=1e-9)
    assert (
        world.events["fund_change"].tolist() == [round((100 - kept) * 1e6)]
        and world["position"]["all_fees"][0, 0] == -19_700_000
    )


def test_the_twin_treats_the_surplus_alike():
    world = closed_whole(liquidation__surplus_owner="fund", no_impact=True)
    assert (world.collateral_usd(0), world.lots(world.fund), world.equity_usd(world.fund)) == (
        0.0,
        100,
        pytest.approx(1_180),
    )


@pytest.mark.parametrize(
    ("name", "surplus"), [("bitmex", 0.0), ("bybit", 0.0), ("binance", 100.0), ("okx", 100.0)]
)
def test_the_surplus_of_each_venue(name, surplus):
    assert closed_whole(name, fee=0.0).collateral_usd(0) == surplus


def test_profit_of_a_partial_close_stays_in_the_account():
    world = World(round_rules("bitmex", margin__tiers=TIERS), traders=3)
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.own(0, 250.0)
    world["market"]["safe_high"] = 0.0
    world.limit(2, 1, 20_000, 100)
    assert world.round() == 1 and (world.lots(0), world.collateral_usd(0)) == (49, 250.0)


def test_a_surplus_leaves_the_maintenance_of_other_positions():
    rules = round_rules(liquidation__surplus_owner="fund")
    world = World(("one", rules), ("one", rules), traders=4)
    for i in range(4):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.trade(0, 1, 50, market=1)
    world.own(0, 290.0)
    world["market"]["safe_high"] = 0.0
    world.limit(2, 1, 20_000, 100)
    assert world.round() == 1 and [world.lots(0, m) for m in (0, 1)] == [0, 50]
    assert (world.collateral_usd(0), world.collateral_usd(world.fund)) == (100.0, 1_190.0)
