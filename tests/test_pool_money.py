"""Income and costs of a pool: fees, funding, borrowing; and storms on every pool's rulebook."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.clearing.conservation import total_units
from perplab.sim.errors import ParameterError
from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.amm import skew_price
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.markets import USD, World, assert_positions_are_sound, digest, round_rules, storm
from tests.probes import pool_adl

POOLS = [name for name in rulebook_names() if load_rulebook(name).trading.venue_type != "book"]
ORACLE = dict(
    trading__venue_type="oracle",
    trading__scale=1e9,
    trading__half_spread=0.0,
    trading__limit_usd=1e6,
    contract__band=0.5,
)


def pool(**changes):
    """Return a world at 20,000 with round rules: an oracle price that hardly moves, lots of 200."""
    world = World(round_rules(**ORACLE | changes), traders=3, prints=16)
    for i in range(3):
        world.own(i, 1e6)
    world.mark(20_000.0)
    world.call(quote_pool, 0)
    return world


def settled(world, rate):
    """Settle a rate and return what rows 0, 1 and the fund have received, in quote currency."""
    rows = (0, 1, world.fund)
    before = [world.collateral_usd(i) for i in rows]
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        rate,
        1.0,
    )
    money = total_units(world.tables)[0]
    world.settle()
    assert total_units(world.tables)[0] == money
    return [world.collateral_usd(i) - then for i, then in zip(rows, before, strict=True)]


def test_the_pool_gets_its_share_of_the_fees():
    world = pool(fees__taker=0.001, trading__fee_share=0.6)
    tick = int(world["view"]["best_ask"][0])
    world.market_order(0, 1, 100)
    value = 100 * tick * 0.01
    assert world["position"]["all_fees"][0, 0] == -round(0.001 * value * USD)
    assert round(0.0006 * value * USD) - world["position"]["all_fees"][world.fund, 0] in (0, 1)
    assert world["venue"]["fees"][0] - round(0.0004 * value * USD) in (0, 1)


def test_swaps_are_printed():
    world = pool()
    world.market_order(1, -1, 7)
    row = world["print"][0]
    assert (row["taker"], row["maker"], row["side"], row["lots"]) == (1, world.fund, -1, 7)


@pytest.mark.parametrize(
    ("fees", "received", "by_pool"), [(0.0, 20.0, 0.0), (30.0, 25.0, -5.0), (1_000.0, 40.0, -20.0)]
)
def test_receivers_get_what_payers_and_fees_carry(fees, received, by_pool):
    """100 long lots pay 20; 200 short would get 40; the pool adds a third of half its fees."""
    world = pool(
        funding__receivers="pool_fees",
        funding__fee_reserve_share=0.5,
        funding__fee_subsidy_share=1 / 3,
        funding__damper=0.0,
    )
    world.market_order(0, 1, 100)
    world.market_order(1, -1, 200)
    world["position"]["all_fees"][world.fund] = round(fees * USD)
    paid, got, pools = settled(world, 0.001)
    assert paid == pytest.approx(-20.0, abs=1e-5)
    assert got == pytest.approx(received, abs=1e-5) and pools == pytest.approx(by_pool, abs=1e-5)


def test_a_pool_that_receives_relieves_nobody():
    world = pool(
        funding__receivers="pool_fees",
        funding__fee_reserve_share=0.5,
        funding__fee_subsidy_share=1 / 3,
        funding__damper=0.0,
    )
    world.market_order(0, 1, 200)
    world.market_order(1, -1, 100)
    assert settled(world, 0.001) == pytest.approx([-40.0, 20.0, 20.0], abs=1e-5)
    assert world["position"]["all_funding"][world.fund, 0] == 20 * USD


def test_the_larger_side_pays_for_its_reserve():
    """200 lots are 4 % of a million: .04 x 10 % a year on 40,000 for eight hours, to the pool.

    An empty side gets no funding.
    """
    world = pool(
        funding__receivers="pro_rata", funding__damper=0.0, trading__borrowing=[0.1, 0.5, 1.0]
    )
    world.market_order(0, 1, 200)
    fee = 40_000 * 0.04 * 0.1 * 8 / 8_760
    assert settled(world, 0.001) == pytest.approx([-fee, 0.0, fee], abs=1e-5)


@pytest.mark.parametrize(
    "place",
    [
        ORACLE | {"trading__scale": 100.0},
        dict(trading__venue_type="vamm", trading__depth_usd=1e7, contract__band=0.5),
    ],
)
def test_the_exact_twin_leaves_the_price_alone(place):
    """The fund takes over a crowded long at the mark; the next swap price does not change."""
    world = World(round_rules(**place), traders=3)
    for i, usd in enumerate((1e6, 1_100.0, 1e6)):
        world.own(i, usd)
    world.mark(20_000.0)
    world.call(quote_pool, 0)
    world["position"]["leverage"][1] = 50
    world.market_order(1, 1, 100)
    world["venue"]["no_impact"] = 1
    quotes = [world["view"][side][0] for side in ("best_bid", "best_ask")]
    world.mark(19_000.0, index=20_000.0)
    assert world.lots(1) == 100 and world.round() == 1 and world.lots(1) == 0
    world.call(quote_pool, 0)
    assert [world["view"][side][0] for side in ("best_bid", "best_ask")] == quotes


@settings(deadline=None)
@given(
    st.floats(-50.0, 50.0),
    st.floats(-80.0, 80.0).filter(lambda size: abs(size) > 1e-3),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.01),
)
def test_a_round_trip_at_one_index_never_gains(skew, size, relief, half_spread):
    there = size * skew_price(1_000.0, skew, size, 1e4, half_spread, relief)
    back = -size * skew_price(1_000.0, skew + size, -size, 1e4, half_spread, relief)
    assert there + back >= -1e-9 * abs(there)


@settings(deadline=None)
@given(
    st.floats(-50.0, 50.0),
    st.floats(-80.0, 80.0).filter(lambda size: abs(size) > 1e-3),
    st.floats(0.05, 0.95),
    st.floats(0.0, 1.0),
)
def test_parts_cost_what_the_whole_costs(skew, size, share, relief):
    first, rest = share * size, (1 - share) * size
    parts = first * skew_price(1.0, skew, first, 1e4, 0.0, relief) + rest * skew_price(
        1.0, skew + first, rest, 1e4, 0.0, relief
    )
    assert parts == pytest.approx(size * skew_price(1.0, skew, size, 1e4, 0.0, relief), rel=1e-9)


def stormy(name):
    """Return a market of reckless traders against a rulebook's pool after two hours with a fall."""
    rules = load_rulebook(name)
    changes = {} if rules.trading.depth_usd is None else {"trading.depth_usd": 500_000.0}
    changes |= {"margin.tiers": [[0, 0.02, 30]], "margin.maximum_leverage": 30}
    return storm(
        5, [rules.changed(changes)], capital_usd=1_500.0, leverage=30.0, fall=-0.1, fund=100_000.0
    )


def storm_digests():
    found = []
    for name in POOLS:
        market = stormy(name)
        market.run(90)
        assert market.conservation_error_units == 0
        found.append(digest(market))
    return found


@pytest.mark.parametrize("name", POOLS)
def test_every_step_of_a_storm_accounts_for_everything(name):
    market = stormy(name)
    for _ in range(90):
        market.step()
        assert market.conservation_error_units == 0
    assert market.tables["run"]["trades"][0] > 50 and len(market.records().events) > 0
    assert_positions_are_sound(market.tables)
    assert not market.tables["order"]["lots"].any()


def test_without_the_compiler_the_same_bytes_on_every_pool(plain):
    program = "from tests import test_pool_money as t; print(*t.storm_digests())"
    assert plain.said(program).split() == storm_digests()


def test_pool_adl_closes_the_most_profitable_until_the_target():
    """A pool of 30,000 owes two longs two thirds of it, until the first one goes.

    They have 100 lots each, bought at 20,000 and 24,000, with profits of 12,000 and 8,000 at
    32,000. The second's 8,000 are four ninths of what is left.
    """
    for target, left in ((0.4, 0), (0.5, 100)):
        world = pool(
            adl__pool_trigger=0.6,
            adl__pool_target=target,
            trading__limit_usd=1e9,
            contract__band=0.9,
        )
        world.own(world.fund, 30_000.0)
        world.market_order(0, 1, 100)
        world.mark(24_000.0)
        world.call(quote_pool, 0)
        world.market_order(1, 1, 100)
        world.mark(32_000.0)
        before, money = world.collateral_usd(0), total_units(world.tables)[0]
        world.call(pool_adl, 0)
        assert (
            total_units(world.tables)[0] == money and world.lots(0) == 0 and world.lots(1) == left
        )
        assert world.collateral_usd(0) - before == pytest.approx(12_000.0, rel=1e-3)
        assert int(world["run"]["event_count"][0]) == (2 if left == 0 else 1)


def test_a_pool_that_owes_less_than_the_trigger_closes_nothing():
    world = pool(adl__pool_trigger=0.85, adl__pool_target=0.77, contract__band=0.9)
    world.own(world.fund, 20_000.0)
    world.market_order(0, 1, 100)
    world.mark(36_000.0)
    world.call(pool_adl, 0)
    assert world.lots(0) == 100


def test_pool_adl_needs_an_oracle_pool():
    with pytest.raises(ParameterError) as caught:
        load_rulebook("binance").changed({"adl.pool_trigger": 0.85, "adl.pool_target": 0.77})
    assert [fault.key for fault in caught.value.faults] == ["adl.pool_trigger"]
    with pytest.raises(ParameterError):
        load_rulebook("gmx-v2").changed({"adl.pool_target": 0.9})
