"""The ledger by hand, to the unit: fills, fees, margin, funding, borrowing, spot, transfers."""

import math

import pytest
from hypothesis import given, settings, strategies

from perplab.sim.clearing.conservation import total_units
from perplab.sim.clearing.ledger import fee_units, share_of
from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.state.codes import (
    DONE,
    POST_ONLY,
    REDUCE_ONLY,
    REFUSED_BAND,
    REFUSED_BORROW,
    REFUSED_CASH,
    REFUSED_MARGIN,
    REFUSED_POST_ONLY,
)
from tests.markets import LOT_UNITS, TICK, USD, World, assert_positions_are_sound, round_rules

LOT_VALUE = TICK * LOT_UNITS


def state(world, i):
    """Return lots, quote and collateral of a trader, the money in units."""
    position = world["position"][i, 0]
    return int(position["lots"]), int(position["quote"]), int(world["account"]["collateral"][i, 0])


@pytest.fixture
def world():
    """Six traders with 100,000 each, no fees, and the conserved totals before and after."""
    world = World(traits={"capital_usd": 100_000.0})
    before = total_units(world.tables)
    yield world
    assert total_units(world.tables) == before
    assert_positions_are_sound(world.tables)


# fills


def test_opening_writes_minus_the_entry_value(world):
    world.trade(0, 1, 10)
    assert state(world, 0) == (10, -10 * LOT_VALUE, 100_000 * USD)
    assert state(world, 1) == (-10, 10 * LOT_VALUE, 100_000 * USD)
    assert int(world["view"]["open_interest"][0]) == 10


def test_adding_sums_entry_values(world):
    world.trade(0, 1, 10)
    world.trade(0, 2, 5, 20_100)
    assert state(world, 0) == (15, -(10 * 20_000 + 5 * 20_100) * LOT_UNITS, 100_000 * USD)
    assert int(world["view"]["open_interest"][0]) == 15


def test_partial_close_realises_its_exact_share(world):
    world.trade(0, 1, 10)
    world.trade(0, 2, 5, 20_100)
    world.trade(3, 0, 7, 20_200)
    entry = -(10 * 20_000 + 5 * 20_100) * LOT_UNITS
    share = entry * 7 // 15
    realised = share + 7 * 20_200 * LOT_UNITS
    assert state(world, 0) == (8, entry - share, 100_000 * USD + realised)
    assert int(world["position"]["realised"][0, 0]) == realised


def test_closing_leaves_nothing_behind(world):
    world.trade(0, 1, 3)
    world.trade(0, 2, 4, 20_001)
    world.trade(3, 0, 2, 20_050)
    world.trade(3, 0, 5, 19_990)
    profit = (-3 * 20_000 - 4 * 20_001 + 2 * 20_050 + 5 * 19_990) * LOT_UNITS
    assert state(world, 0) == (0, 0, 100_000 * USD + profit)
    assert int(world["position"]["open_index"][0, 0]) == -1


def test_flip_closes_all_and_opens_the_rest(world):
    world.trade(0, 1, 10)
    world.trade(2, 0, 25, 20_300)
    assert state(world, 0) == (-15, 15 * 20_300 * LOT_UNITS, 100_000 * USD + 10 * 300 * LOT_UNITS)
    assert int(world["view"]["open_interest"][0]) == 25
    assert int(world["position"]["realised"][0, 0]) == 0, (
        "counters start anew with the new position"
    )


def test_open_interest_falls_when_both_sides_close(world):
    world.trade(0, 1, 10)
    world.trade(2, 3, 4)
    world.trade(1, 0, 10, 20_010)
    assert int(world["view"]["open_interest"][0]) == 4
    assert state(world, 0) == (0, 0, 100_000 * USD + 10 * 10 * LOT_UNITS)


fills = strategies.lists(
    strategies.tuples(
        strategies.integers(0, 5),
        strategies.integers(1, 5),
        strategies.integers(1, 3_000),
        strategies.integers(19_900, 20_100),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(fills)
def test_any_fills_keep_cash_flow_accounting(trades):
    world = World(traits={"capital_usd": 1e9})
    cash, lots = [10**15] * 6, [0] * 6
    for buyer, step, size, tick in trades:
        seller = (buyer + step) % 6
        world.trade(buyer, seller, size, tick)
        for i, signed in ((buyer, size), (seller, -size)):
            cash[i] -= signed * tick * LOT_UNITS
            lots[i] += signed
    for i in range(6):
        size, quote, collateral = state(world, i)
        assert (size, quote + collateral) == (lots[i], cash[i])
    assert_positions_are_sound(world.tables)


@given(
    strategies.integers(-(2**62), 2**62),
    strategies.integers(1, 2**31),
    strategies.integers(1, 2**31),
)
@settings(max_examples=300, deadline=None)
def test_shares_are_exact_without_overflow(amount, first, second):
    part, whole = min(first, second), max(first, second)
    assert share_of(amount, part, whole) == amount * part // whole


# fees


def test_fees_round_up_for_the_payer():
    world = World(round_rules(fees__taker=0.00045, fees__maker=0.00015))
    world.trade(0, 1, 1, 20_001)
    value = 20_001 * LOT_UNITS
    assert int(world["position"]["all_fees"][0, 0]) == -math.ceil(value * 0.00045)
    assert int(world["position"]["all_fees"][1, 0]) == -math.ceil(value * 0.00015)
    assert int(world["venue"]["fees"][0]) == math.ceil(value * 0.00045) + math.ceil(value * 0.00015)


def test_a_rebate_rounds_towards_the_venue():
    world = World(round_rules(fees__taker=0.0005, fees__maker=-0.0001))
    world["market"]["units_per_tick"] = 1
    world.trade(0, 1, 1, 20_001)
    assert int(world["position"]["all_fees"][0, 0]) == -11
    assert int(world["position"]["all_fees"][1, 0]) == 2
    assert int(world["venue"]["fees"][0]) == 9


@pytest.mark.parametrize(
    ("value", "fraction", "fee"),
    [
        (1, 0.0005, 1),
        (2_000, 0.0005, 1),
        (2_001, 0.0005, 2),
        (0, 0.0005, 0),
        (10_001, -0.0001, -1),
        (9_999, -0.0001, 0),
    ],
)
def test_fee_table(value, fraction, fee):
    assert fee_units(value, fraction) == fee


# isolated pots


@pytest.fixture
def isolated():
    """Traders with isolated positions at leverage 10; trader 5's money is large."""
    world = World(traits={"capital_usd": 1_000.0, "isolated": 1.0, "leverage": 10.0})
    world.own(5, 1e6)
    before = total_units(world.tables)
    yield world
    assert total_units(world.tables) == before
    assert_positions_are_sound(world.tables)


def test_isolated_margin_is_the_initial_margin(isolated):
    isolated.trade(0, 5, 3)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == 3 * LOT_VALUE // 10
    assert isolated.collateral_usd(0) == 1_000 - 60


def test_isolated_margin_is_rounded_up(isolated):
    isolated["position"]["leverage"][0, 0] = 7.0
    isolated.trade(0, 5, 1)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == math.ceil(LOT_VALUE / 7)


def test_partial_close_realises_into_isolated_margin_and_returns_its_share(isolated):
    isolated.trade(0, 5, 10)
    isolated.trade(5, 0, 4, 20_100)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == (200 + 4) * USD * 6 // 10
    assert isolated.collateral_usd(0) == pytest.approx(800 + 204 * 0.4)
    assert state(isolated, 0)[:2] == (6, -6 * LOT_VALUE)


def test_closing_returns_all_isolated_margin(isolated):
    isolated.trade(0, 5, 10)
    isolated.trade(5, 0, 10, 19_900)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == 0
    assert isolated.collateral_usd(0) == 990


def test_a_loss_beyond_isolated_margin_stays_there_until_the_owner_acts(isolated):
    isolated.mark(17_500.0)
    isolated["market"]["band_high"] = 21_000
    isolated.trade(5, 1, 1)
    isolated["position"]["leverage"][0, 0] = 50.0
    isolated.mark(20_000.0)
    isolated.trade(0, 5, 10)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == 40 * USD
    isolated.trade(5, 0, 10, 19_500)
    assert int(isolated["position"]["isolated_margin"][0, 0]) == -10 * USD
    assert isolated.collateral_usd(0) == 960


def test_isolated_equity_does_not_reach_the_account(isolated):
    isolated.trade(0, 5, 10)
    isolated.mark(19_000.0)
    assert isolated.equity_usd(0) == 1_000 - 100
    assert isolated.collateral_usd(0) == 800


# what orders may cost


def test_isolated_orders_need_free_collateral(isolated):
    assert isolated.limit(0, 1, TICK, 51) == REFUSED_MARGIN
    assert isolated.limit(0, 1, TICK, 50) == DONE
    assert isolated.limit(0, 1, TICK, 1, slot=1) == REFUSED_MARGIN


def test_margin_is_shared_by_the_markets_of_a_venue():
    rules = round_rules()
    world = World(
        ("one", rules),
        ("one", rules),
        ("two", rules),
        traits={"capital_usd": 2_000.0, "leverage": 10.0},
    )
    world.own(0, 1_000.0)
    assert world.limit(0, 1, TICK, 40, market=0) == DONE
    assert world.limit(0, 1, TICK, 11, slot=1, market=1) == REFUSED_MARGIN
    assert world.limit(0, -1, TICK, 10, slot=1, market=1) == DONE
    assert world.limit(0, 1, TICK, 50, slot=2, market=2) == DONE
    assert world.limit(0, 1, TICK, 1, slot=3, market=2) == REFUSED_MARGIN


def test_sides_share_the_margin_of_the_larger(world):
    world["position"]["leverage"][0, 0] = 2.0
    assert world.limit(0, 1, 19_990, 1_000) == DONE
    assert world.limit(0, -1, TICK, 1_000, slot=1) == DONE
    assert world.limit(0, -1, TICK, 1, slot=2) == REFUSED_MARGIN
    assert world.limit(0, -1, 20_010, 1_000, slot=1) == REFUSED_MARGIN


def test_an_order_that_only_reduces_needs_no_margin(world):
    world.trade(0, 1, 100)
    world.own(0, 1.0)
    world["account"]["collateral"][1, 0] += 99_999 * USD
    assert world.limit(0, 1, TICK, 1) == REFUSED_MARGIN
    assert world.limit(0, -1, 20_010, 200, slot=1) == DONE
    assert world.limit(0, -1, 20_010, 201, slot=1) == REFUSED_MARGIN
    world.cancel(0, 1)
    assert world.limit(0, -1, 20_010, 100, slot=1, flags=REDUCE_ONLY) == DONE


def test_market_orders_are_checked_five_basis_points_beyond_the_best_price(world):
    world["position"]["leverage"][0, 0] = 1.0
    world.limit(1, -1, TICK, 1_000, slot=0)
    world.own(0, 10 * 200.1 + 10 * 0.1 - 1e-6)
    world["account"]["collateral"][1, 0] += 100_000 * USD - int(
        world["account"]["collateral"][0, 0]
    )
    assert world.market_order(0, 1, 10) == REFUSED_MARGIN
    world["account"]["collateral"][:2, 0] += [1, -1]
    assert world.market_order(0, 1, 10) == DONE


def test_refusals_change_nothing(world):
    world.limit(1, -1, TICK, 5)
    before = state(world, 0), state(world, 1), world["order"].tobytes()
    assert world.limit(0, 1, TICK, 1, flags=POST_ONLY) == REFUSED_POST_ONLY
    assert world.limit(0, 1, 25_000, 1) == REFUSED_BAND
    assert world.limit(0, 1, TICK, 10**8) == REFUSED_MARGIN
    assert (state(world, 0), state(world, 1), world["order"].tobytes()) == before


# funding


def test_funding_rounds_up_for_the_payer_and_down_for_the_receiver(world):
    world.trade(0, 1, 1)
    world.trade(0, 2, 2)
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        1e-3 + 1e-9 / 7,
        1.0,
    )
    before = [int(x) for x in world["account"]["collateral"][:, 0]]
    world.settle()
    rate = float(world["view"]["funding_rate"][0])
    paid = [
        old - int(new)
        for old, new in zip(before, world["account"]["collateral"][:, 0], strict=True)
    ]
    value = LOT_VALUE * rate
    assert rate == pytest.approx(5e-4, rel=1e-5)
    assert paid[:3] == [math.ceil(3 * value), -math.floor(value), -math.floor(2 * value)]
    assert 0 < -paid[world.fund] < 3
    settled = world["settlement"][0]
    assert (settled["long_paid"], settled["short_paid"], settled["residue"]) == (
        paid[0],
        paid[1] + paid[2],
        -paid[world.fund],
    )
    assert world["position"]["all_funding"][:3, 0].tolist() == [-units for units in paid[:3]]


def test_negative_funding_is_paid_by_shorts(world):
    world.trade(0, 1, 10)
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        -2e-3,
        1.0,
    )
    world.settle()
    rate = float(world["view"]["funding_rate"][0])
    assert rate == pytest.approx(-1.5e-3)
    assert int(world["position"]["all_funding"][0, 0]) == math.floor(-10 * LOT_VALUE * rate)
    assert int(world["position"]["all_funding"][1, 0]) == -math.ceil(-10 * LOT_VALUE * rate)


def test_settling_starts_the_next_interval(world):
    (
        world["market"]["premium_sums"]["weighted_sum"],
        world["market"]["premium_sums"]["weights"],
        world["market"]["premium_sums"]["samples"],
    ) = (
        1e-3,
        1.0,
        5,
    )
    world.settle(seconds=28_800.0)
    market = world["market"][0]
    assert (
        market["premium_sums"]["weighted_sum"],
        market["premium_sums"]["weights"],
        market["premium_sums"]["samples"],
        market["settled_seconds"],
    ) == (0, 0, 0, 28_800)


def test_funding_of_an_isolated_position_comes_from_its_margin(isolated):
    isolated.trade(0, 5, 10)
    (
        isolated["market"]["premium_sums"]["weighted_sum"],
        isolated["market"]["premium_sums"]["weights"],
    ) = 1.5e-3, 1.0
    isolated.settle()
    rate = float(isolated["view"]["funding_rate"][0])
    assert int(isolated["position"]["isolated_margin"][0, 0]) == 200 * USD - math.ceil(
        10 * LOT_VALUE * rate
    )
    assert isolated.collateral_usd(0) == 800


def test_without_funding_nothing_is_paid_or_recorded():
    world = World(round_rules(funding__enabled=False))
    world.trade(0, 1, 10)
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        1e-2,
        1.0,
    )
    before = total_units(world.tables), state(world, 0), state(world, 1)
    world.settle()
    assert (total_units(world.tables), state(world, 0), state(world, 1)) == before
    assert int(world["run"]["settlement_count"][0]) == 0


@given(
    strategies.lists(strategies.integers(-10_000, 10_000), min_size=1, max_size=30),
    strategies.floats(-0.04, 0.04),
    strategies.floats(1.0, 1e5),
)
@settings(max_examples=200, deadline=None)
def test_funding_residue_is_never_negative_and_below_the_number_of_payers(lots, rate, price):
    lots = [*lots, -sum(lots)]
    residue = sum(funding_payment(size, price, 1_000.0, rate) for size in lots)
    assert 0 <= residue < len(lots)


# spot and borrowing


@pytest.fixture
def spot_world():
    """Traders with 100,000, half of it cash; spot 20,000.3, half-spread .5 bp, fee 1 bp."""
    world = World(
        traits={"capital_usd": 100_000.0, "margin_share": 0.5, "borrow_share": 0.3},
        half_spread_bps=0.5,
        fee_bps=1.0,
        borrow_rate_per_year=0.1,
        borrow_limit_usd=40_000.0,
    )
    world["asset"]["spot"] = 20_000.3
    before = total_units(world.tables)
    yield world
    assert total_units(world.tables) == before


def cash(world, i):
    """Return the wallet in units."""
    return int(world["account"]["cash"][i, 0])


def test_spot_is_bought_at_the_ask_rounded_up_and_sold_at_the_bid_rounded_down(spot_world):
    spot_world.spot(0, 1, 7)
    bought = 7 * math.ceil(20_000.3 * 1.00005) * LOT_UNITS
    assert cash(spot_world, 0) == 50_000 * USD - bought - math.ceil(bought * 1e-4)
    spot_world.spot(0, -1, 7)
    sold = 7 * math.floor(20_000.3 * 0.99995) * LOT_UNITS
    assert cash(spot_world, 0) == 50_000 * USD - bought - math.ceil(
        bought * 1e-4
    ) + sold - math.ceil(sold * 1e-4)
    assert int(spot_world["holding"]["lots"][0, 0]) == 0
    assert int(spot_world["asset"]["outside_cash"][0]) == 50_000 * USD - cash(spot_world, 0)


def test_spot_flow_is_signed_value(spot_world):
    spot_world.spot(0, 1, 7)
    spot_world.spot(1, -1, 2)
    assert float(spot_world["asset"]["flow"][0]) == pytest.approx(7 * 200.02 - 2 * 199.99)


def test_spot_beyond_the_wallet_is_refused(spot_world):
    lots = 50_000 * USD // math.ceil(20_002 * LOT_UNITS * 1.0001)
    assert spot_world.spot(0, 1, lots + 1) == REFUSED_CASH
    assert spot_world.spot(0, 1, lots) == DONE
    assert cash(spot_world, 0) >= 0


def test_short_spot_is_limited_by_trader_and_by_lender(spot_world):
    assert spot_world.spot(0, -1, 151) == REFUSED_BORROW
    assert spot_world.spot(0, -1, 150) == DONE
    assert int(spot_world["asset"]["borrow_lots"][0]) == 150
    assert spot_world.spot(1, -1, 51) == REFUSED_BORROW
    assert spot_world.spot(1, -1, 50) == DONE
    assert int(spot_world["position"]["spot_lots"][0, 0]) == -150
    spot_world.spot(0, 1, 100)
    assert int(spot_world["asset"]["borrow_lots"][0]) == 100


def test_borrow_interest_accrues_and_goes_to_the_lender(spot_world):
    spot_world.spot(0, -1, 100)
    before, outside = cash(spot_world, 0), int(spot_world["asset"]["outside_cash"][0])
    spot_world["asset"]["borrow_index"] += 20_000.3 * 0.1 / 365 * LOT_UNITS
    spot_world.accrue(0)
    interest = math.ceil(100 * 20_000.3 * 0.1 / 365 * LOT_UNITS)
    assert (
        before - cash(spot_world, 0)
        == interest
        == int(spot_world["asset"]["outside_cash"][0]) - outside
    )
    assert interest / USD == pytest.approx(20_000.3 * 0.1 / 365)
    spot_world.accrue(0)
    assert before - cash(spot_world, 0) == interest, "charged once"
    assert (
        int(spot_world["holding"]["interest"][0, 0])
        == -interest
        == -int(spot_world["asset"]["outside_interest"][0])
    )


def test_interest_is_charged_before_the_loan_changes(spot_world):
    spot_world.spot(0, -1, 100)
    spot_world["asset"]["borrow_index"] += 1_000.5
    spot_world.spot(0, 1, 100)
    spot_world["asset"]["borrow_index"] += 1_000.5
    spot_world.accrue(0)
    assert int(spot_world["holding"]["interest"][0, 0]) == -100_050


def test_proceeds_of_borrowed_spot_cannot_buy_or_leave(spot_world):
    spot_world.spot(0, -1, 150)
    free = 50_000 * USD
    wallet = cash(spot_world, 0)
    backing = 150 * 20_000.3 * LOT_UNITS
    assert spot_world.transfer(0, int(wallet - backing) + 1) == REFUSED_CASH
    assert spot_world.transfer(0, int(wallet - backing)) == DONE
    assert wallet - backing == pytest.approx(free, rel=2e-3)


# transfers


def test_transfer_to_the_venue_takes_its_time(spot_world):
    assert spot_world.transfer(0, 1_000 * USD) == DONE
    account = spot_world["account"][0, 0]
    assert (cash(spot_world, 0), int(account["incoming"]), int(account["incoming_step"])) == (
        49_000 * USD,
        1_000 * USD,
        10,
    )
    for _ in range(10):
        spot_world.receive(0)
        assert int(spot_world["account"]["collateral"][0, 0]) == 50_000 * USD
        spot_world.let_steps_go_by()
    spot_world.receive(0)
    assert int(spot_world["account"]["collateral"][0, 0]) == 51_000 * USD
    assert int(spot_world["account"]["incoming"][0, 0]) == 0


def test_one_transfer_at_a_time(spot_world):
    assert spot_world.transfer(0, 1) == DONE
    assert spot_world.transfer(0, 1) == REFUSED_CASH


def test_transfer_without_delay_arrives_at_once():
    world = World(
        round_rules(account__transfer_seconds=0.0),
        traits={"margin_share": 0.0, "capital_usd": 10.0},
    )
    assert world.transfer(0, 10 * USD + 1) == REFUSED_CASH
    assert world.transfer(0, 10 * USD) == DONE
    assert (world.collateral_usd(0), cash(world, 0)) == (10.0, 0)


def test_withdrawal_is_limited_to_free_collateral(world):
    world["position"]["leverage"][0, 0] = 10.0
    world.trade(0, 1, 1_000)
    world.limit(0, 1, 19_990, 500, slot=0)
    free = 100_000 - 1_500 * 20
    assert int(world["position"]["buy_lots"][0, 0]) == 500
    assert world.transfer(0, -free * USD - 1) == REFUSED_MARGIN
    assert world.transfer(0, -free * USD) == DONE
    assert (world.collateral_usd(0), cash(world, 0)) == (100_000 - free, free * USD)
    assert world.transfer(0, -1) == REFUSED_MARGIN


@pytest.mark.parametrize("mark", [19_900.0, 20_100.0])
def test_withdrawal_leaves_unrealised_profit_and_covers_loss(world, mark):
    world["position"]["leverage"][0, 0] = 10.0
    world.trade(0, 1, 1_000)
    world.mark(mark)
    free = 100_000 - 1_000 * mark * 0.01 / 10 + min((mark - 20_000) * 10, 0)
    assert world.transfer(0, -round(free * USD) - 1) == REFUSED_MARGIN
    assert world.transfer(0, -round(free * USD)) == DONE


def test_withdrawal_leaves_the_margin_of_resting_isolated_orders(isolated):
    assert isolated.limit(0, 1, 19_990, 50) == DONE
    assert isolated.transfer(0, -1_000 * USD) == REFUSED_MARGIN


def test_venues_keep_separate_accounts():
    rules = round_rules()
    world = World(("one", rules), ("two", rules), traits={"capital_usd": 1_000.0})
    assert world["account"]["collateral"][0].tolist() == [500 * USD, 500 * USD]
    world.trade(0, 1, 10, market=1)
    world.mark(20_100.0, m=1)
    world["position"]["leverage"][:] = 10.0
    assert world.transfer(0, -500 * USD, market=0) == DONE
    assert world.transfer(0, -500 * USD, market=1) == REFUSED_MARGIN
    assert cash(world, 0) == 500 * USD
