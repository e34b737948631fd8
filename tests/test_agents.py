"""Rules decide as their model cards say; compiled equals plain; a user's kind runs beside ours."""

import hashlib
import importlib.util
import itertools
import math
import pathlib
import textwrap

import numpy as np
import pytest

from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.carry.arbitrage import Arbitrage
from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LEVELS, LiquidityProvider
from perplab.agents.momentum import Momentum
from perplab.agents.noise import Noise
from perplab.agents.orders import write_close
from perplab.agents.random_rows import plausible_rows
from perplab.agents.trader import Trader, Trait, Traits, check_trader, rule
from perplab.agents.trader_check import call
from perplab.scenarios.files import kinds
from perplab.sim.errors import ParameterError, RuleError
from perplab.sim.laws.funding import funding_law
from perplab.sim.state.codes import (
    CANCEL,
    IMMEDIATE,
    LIMIT,
    MARKET_ORDER,
    REDUCE_ONLY,
    SPOT,
    TRANSFER,
)
from perplab.sim.state.market_rows import VIEW
from perplab.sim.state.trader_rows import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION
from perplab.sim.streams import generator

KINDS = tuple(kinds.KINDS.values())
ROOT = pathlib.Path(__file__).resolve().parent.parent
UNITS = 1_000_000
CALLS = itertools.count()
SPOT_PRICE = 20_000.0
LOT_UNITS = int(SPOT_PRICE * 1_000)
INTEREST, DAMPER = 1e-4, 5e-4


class Scene:
    """One trader's rows, quiet Binance-like market at 20,000, each part open to change."""

    def __init__(self, kind, **traits):
        self.kind = kind
        self.me = kind.traits.table(1, traits)
        self.accounts, self.positions = np.zeros(1, ACCOUNT), np.zeros(1, POSITION)
        self.views, self.mine = np.zeros(1, VIEW), np.zeros(kind.slots, ORDER)
        self.rng, self.orders = np.zeros(1, DRAW), np.zeros(128, ORDER_ROW)
        self.rng["key"] = 12345
        for name, value in dict(
            dt=60.0,
            best_bid=199_995,
            best_ask=200_005,
            last_tick=200_000,
            tick=0.1,
            lot=0.001,
            units_per_tick=100,
            units_per_price=1_000.0,
            mark=SPOT_PRICE,
            index=SPOT_PRICE,
            spot=SPOT_PRICE,
            interval_seconds=28_800.0,
            seconds_to_settlement=14_400.0,
            funding_law=funding_law(interest_rate=INTEREST, damper=DAMPER, cap=0.003),
            funding_on=1,
            seen=(1e-4, 0.0),
            borrow_rate=0.05,
            band=0.05,
            maximum_leverage=125.0,
        ).items():
            self.views[name] = value

    def hold(
        self, lots, collateral_usd=1e6, cash_usd=0.0, spot_lots=0, entry=SPOT_PRICE, borrow_usd=0.0
    ):
        """Set position and account."""
        self.positions["lots"], self.positions["quote"] = lots, -int(lots * entry * 1_000)
        self.accounts["collateral"], self.accounts["cash"] = (
            int(collateral_usd * UNITS),
            int(cash_usd * UNITS),
        )
        self.positions["spot_lots"], self.accounts["borrow_limit"] = (
            spot_lots,
            int(borrow_usd * UNITS),
        )
        return self

    def decide(self, seconds=None):
        """Run the rule and return a copy of what it wrote."""
        if seconds is not None:
            self.views["seconds"] = seconds
        count = call(
            self.kind.decide,
            (self.me, self.accounts, self.positions, self.views, self.mine, self.rng, self.orders),
        )
        return self.orders[:count].copy()


def of_kind(orders, kind):
    """Return the rows of one order kind."""
    return orders[orders["kind"] == kind]


# the contract


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_the_contract(kind):
    check_trader(kind, draws=300)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_equals_plain(kind):
    draw, me = generator(7, kind.kind), None
    for number in range(300):
        rows = plausible_rows(kind, draw, None if number % 20 == 0 else me)
        twin = [part.copy() for part in rows]
        count, plain_count = call(kind.decide, rows), call(kind.decide.function, twin)
        assert count == plain_count
        assert rows[6][:count].tobytes() == twin[6][:count].tobytes()
        assert rows[0].tobytes() == twin[0].tobytes()
        me = rows[0]


def decisions_digest():
    """Return a hash of what all kinds decide on random rows."""
    digest = hashlib.sha256()
    for kind in KINDS:
        draw = generator(11, kind.kind)
        for _ in range(60):
            rows = plausible_rows(kind, draw)
            count = call(kind.decide, rows)
            digest.update(rows[6][:count].tobytes() + rows[0].tobytes())
    return digest.hexdigest()


def test_without_the_compiler_the_same_decisions(plain):
    program = "from tests import test_agents as t; print(t.decisions_digest())"
    assert plain.said(program).strip() == decisions_digest()


TRAITS = Traits(
    wake_seconds=Trait(60, "s", "wake"),
    capital_usd=Trait(1, "quote currency", "money"),
    memory={"last": 0.0},
)


def broken(function, slots=0):
    """Return a kind around a faulty rule."""
    return type(
        "Broken",
        (Trader,),
        dict(kind="broken", traits=TRAITS, decide=rule(TRAITS)(function), slots=slots),
    )


def writes(**fields):
    """Return a rule that writes one row with these fields."""

    def function(me, accounts, positions, views, mine, rng, orders):
        for name in ORDER_ROW.names:
            orders[0][name] = fields.get(name, 0)
        return 1

    return function


def spends(me, accounts, positions, views, mine, rng, orders):
    accounts[0]["cash"] -= 1
    return 0


def forgets(me, accounts, positions, views, mine, rng, orders):
    orders[0]["kind"], orders[0]["lots"] = MARKET_ORDER, 1
    return 1


def retunes(me, accounts, positions, views, mine, rng, orders):
    me["wake_seconds"] = 1.0
    return 0


@pytest.mark.parametrize(
    "function, part",
    [
        (lambda *rows: -1, "count of -1"),
        (lambda *rows: 129, "count of 129"),
        (lambda *rows: 1.0, "integer"),
        (lambda *rows: 1 // 0, "ZeroDivisionError"),
        (lambda *rows: write_close(rows[6], 0, 0, 0, 5), "argument of a wrong type.*getitem"),
        (lambda *rows: next(CALLS) % 2, "two different answers"),
        (spends, r"changed cash of accounts.*test_agents.py:\d+"),
        (forgets, "market was"),
        (retunes, "trait wake_seconds"),
        (writes(kind=9), "kind was 9"),
        (writes(kind=MARKET_ORDER, lots=0, side=1), "lots was 0"),
        (writes(kind=MARKET_ORDER, lots=1, side=2), "side was 2"),
        (writes(kind=LIMIT, lots=1, side=1, tick=1, slot=3), "slot was 3"),
        (
            writes(kind=LIMIT, lots=1, side=1, tick=1, expiry_seconds=math.inf),
            "expiry_seconds was inf",
        ),
    ],
)
def test_check_trader_names_what_is_broken(function, part):
    with pytest.raises(RuleError, match=part):
        check_trader(broken(function, slots=2), draws=20)


def test_traits_are_checked_at_the_door():
    with pytest.raises(ParameterError) as caught:
        Noise.traits.table(2, {"size_uds": 3, "leverage": [5, 0.5], "wake_seconds": math.nan})
    assert [fault.key for fault in caught.value.faults] == ["size_uds", "leverage", "wake_seconds"]
    assert "size_uds is not one of" in str(caught.value)


def test_a_kind_cannot_borrow_another_kinds_rule():
    with pytest.raises(RuleError, match="fields"):
        type("Mixed", (Trader,), dict(kind="mixed", traits=TRAITS, decide=Noise.decide))


USER_KIND = '''
    """Contrarian: sells what stands above spot."""
    from perplab.agents.trader import Trader, Trait, Traits, rule, write_market
    from perplab.sim.streams import uniform

    TRAITS = Traits(wake_seconds=Trait(600, "s", "mean time between decisions", low=0),
                    threshold_bps=Trait(5, "bp", "basis at which it acts", low=0),
                    size_lots=Trait(100, "lots", "order size", low=1),
                    capital_usd=Trait(10_000, "quote currency", "money at the start", low=0))

    @rule(TRAITS)
    def fade(me, accounts, positions, views, mine, rng, orders):
        basis = views[0]["basis_mid"]
        if abs(basis) * 1e4 < me["threshold_bps"] or uniform(rng) < 0.5:
            return 0
        return write_market(orders, 0, 0, -1 if basis > 0.0 else 1, int(me["size_lots"]), 0)

    class Contrarian(Trader):
        kind, traits, decide, slots = "contrarian", TRAITS, fade, 0
'''


def test_a_users_kind_outside_the_project_compiles(tmp_path):
    path = tmp_path / "contrarian.py"
    path.write_text(textwrap.dedent(USER_KIND))
    spec = importlib.util.spec_from_file_location("contrarian", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check_trader(module.Contrarian, draws=200)
    assert not module.Contrarian.decide.cached and Noise.decide.cached
    scene = Scene(module.Contrarian, threshold_bps=3)
    scene.views["basis_mid"] = 1e-3
    sides = [order["side"] for _ in range(40) for order in scene.decide()]
    assert 5 < len(sides) < 35 and set(sides) == {-1}


# noise, momentum


def test_noise_is_pulled_back_to_flat_and_has_its_mean_size():
    scene = Scene(Noise).hold(0)
    flat = np.concatenate([scene.decide() for _ in range(4_000)])
    assert abs(np.mean(flat["side"])) < 0.05
    assert np.mean(flat["lots"]) * 20.0 == pytest.approx(15_000, rel=0.1)
    scene.hold(int(80_000 / 20))
    long = np.concatenate([scene.decide() for _ in range(500)])
    assert np.mean(long["side"] < 0) > 0.95


def test_momentum_enters_with_the_trend_and_leaves_when_it_fades():
    scene = Scene(Momentum, day_share=0).hold(0)
    scene.views["trend_1h"] = -0.0080
    order = scene.decide()[0]
    assert (order["kind"], order["side"], order["lots"]) == (MARKET_ORDER, -1, 1_000)
    scene.hold(-1_000)
    assert len(scene.decide()) == 0
    scene.views["trend_1h"] = -0.0010
    order = scene.decide()[0]
    assert (order["side"], order["lots"], order["flags"]) == (1, 1_000, REDUCE_ONLY)


# directional


def test_directional_margin_makes_leverage_real():
    scene = Scene(DirectionalLong, leverage=10, entry_probability=1).hold(
        0, collateral_usd=0, cash_usd=50_000
    )
    transfer = scene.decide()
    assert len(transfer) == 1 and transfer["kind"][0] == TRANSFER
    assert transfer["lots"][0] == pytest.approx(4_600 * UNITS, rel=1e-9)
    scene.accounts["incoming"] = transfer["lots"][0]
    assert len(scene.decide()) == 0
    scene.hold(0, collateral_usd=4_600, cash_usd=45_400).accounts["incoming"] = 0
    entry = scene.decide()
    assert (entry["kind"][0], entry["side"][0], entry["lots"][0]) == (MARKET_ORDER, 1, 2_000)
    scene.hold(0, collateral_usd=9_000)
    assert scene.decide()["lots"][0] == -int(4_400 * UNITS)


@pytest.mark.parametrize("kind, side", [(DirectionalLong, 1), (DirectionalShort, -1)])
def test_directional_leaves_when_funding_exceeds_its_tolerance(kind, side):
    scene = Scene(kind, hold_seconds=1e12).hold(side * 2_000, collateral_usd=5_000)
    scene.views["predicted_funding"] = side * 5.9e-4
    assert len(scene.decide()) == 0
    scene.views["predicted_funding"] = side * 6.1e-4
    close = scene.decide()[0]
    assert (close["kind"], close["side"], close["lots"], close["flags"]) == (
        MARKET_ORDER,
        -side,
        2_000,
        REDUCE_ONLY,
    )
    scene.me["tolerance_bps"] = math.inf
    assert len(scene.decide()) == 0


def test_directional_tolerance_is_per_eight_hours():
    scene = Scene(DirectionalLong, hold_seconds=1e12).hold(2_000)
    scene.views["interval_seconds"], scene.views["predicted_funding"] = 3_600.0, 1e-4
    assert len(scene.decide()) == 1


def test_directional_does_not_enter_against_its_tolerance():
    scene = Scene(DirectionalShort, entry_probability=1, leverage=10).hold(0, collateral_usd=4_600)
    assert len(scene.decide()) == 1
    scene.views["predicted_funding"] = -7e-4
    assert len(scene.decide()) == 0


@pytest.mark.parametrize(
    "traits, mark, orders",
    [
        (dict(stop_loss=0.05), 19_100.0, 0),
        (dict(stop_loss=0.05), 18_900.0, 1),
        (dict(), 15_000.0, 0),
        (dict(take_profit=0.05), 20_900.0, 0),
        (dict(take_profit=0.05), 21_100.0, 1),
    ],
)
def test_directional_stop_and_target(traits, mark, orders):
    scene = Scene(DirectionalLong, hold_seconds=1e12, **traits).hold(2_000)
    scene.views["mark"] = mark
    assert len(scene.decide()) == orders


def test_directional_holding_time_is_exponential():
    scene = Scene(DirectionalLong, hold_seconds=100_000).hold(2_000)
    left = sum(len(scene.decide(seconds=10_000.0 * (k + 1))) for k in range(4_000))
    assert left / 4_000 == pytest.approx(1 - math.exp(-0.1), rel=0.15)


def test_directional_entry_follows_sentiment_by_side():
    share = {}
    for kind in (DirectionalLong, DirectionalShort):
        scene = Scene(kind, leverage=10).hold(0, collateral_usd=4_600)
        scene.views["sentiment"] = 2.0
        share[kind] = sum(len(scene.decide()) for _ in range(4_000)) / 4_000
    assert share[DirectionalLong] == pytest.approx(0.08 * math.exp(1.2), rel=0.15)
    assert share[DirectionalShort] == pytest.approx(0.08 * math.exp(-1.2), rel=0.3)


# arbitrage


def patient(**traits):
    """Return a costless arbitrageur with one net carry both ways."""
    free = dict(
        round_trip_bps=0,
        inventory_hurdle_per_year=0,
        reverse_hurdle_share=-1,
        forecast_weight=0,
        margin_share=0.4,
    )
    scene = Scene(Arbitrage, **free | traits)
    scene.views["borrow_rate"] = 0.0
    return scene.hold(0, collateral_usd=100_000, cash_usd=150_000, borrow_usd=125_000)


def basis_bps(order):
    """Return the basis of a limit order, bp of spot."""
    return (order["tick"] * 0.1 / SPOT_PRICE - 1) * 1e4


@pytest.mark.parametrize("carry, premium", [(0.0, -5.00), (0.05, -4.543), (0.20, 6.826)])
def test_costless_arbitrage_quotes_around_the_theoretical_premium(carry, premium):
    sell, buy = patient(hurdle_per_year=carry).decide()
    assert (sell["side"], buy["side"]) == (-1, 1)
    assert premium - 1e-3 <= basis_bps(sell) <= premium + 0.05
    assert premium - 0.05 <= basis_bps(buy) <= premium + 1e-3
    assert sell["lots"] == buy["lots"] == 1_250


@pytest.mark.parametrize("spot_lots", [5_000, -5_000])
def test_costless_arbitrage_closes_at_the_same_premium(spot_lots):
    scene = patient(hurdle_per_year=0.05).hold(
        -spot_lots, 100_000, 250_000, spot_lots, borrow_usd=125_000
    )
    quotes = of_kind(scene.decide(), LIMIT)
    assert quotes["side"].tolist() == [-1, 1] and np.ptp(quotes["tick"]) <= 1
    assert basis_bps(quotes[0]) == pytest.approx(-4.543, abs=0.06)


def test_costs_open_a_no_trade_region_and_inventory_raises_the_hurdle():
    costly = patient(
        hurdle_per_year=0.02,
        round_trip_bps=4,
        hold_hours=160,
        unwind_share=0.5,
        inventory_hurdle_per_year=0.01,
    )
    sell, _ = costly.decide()
    assert basis_bps(sell) == pytest.approx(0.02 / 1095 * 1e4 + 0.2 - 5.0, abs=0.06)
    costly.hold(-3_437, 100_000, 150_000, 3_437)
    sell, buy = of_kind(costly.decide(), LIMIT)
    assert basis_bps(sell) == pytest.approx(0.025 / 1095 * 1e4 + 0.2 - 5.0, abs=0.06)
    assert basis_bps(buy) == pytest.approx(0.025 / 1095 * 1e4 - 0.1 - 5.0, abs=0.06)


def test_reverse_side_pays_the_lender_and_needs_something_to_borrow():
    scene = patient(hurdle_per_year=0.05, reverse_hurdle_share=1)
    scene.views["borrow_rate"] = 0.10
    _, buy = scene.decide()
    assert basis_bps(buy) == pytest.approx(-0.15 / 1095 * 1e4 - 5.0, abs=0.06)
    scene.accounts["borrow_limit"] = 0
    assert [order["side"] for order in scene.decide()] == [-1]


def test_forecast_below_the_quote_asks_for_more():
    scene = patient(hurdle_per_year=0.05, forecast_weight=0.5)
    scene.views["premium_30m"] = scene.views["premium_90m"] = -8e-4
    sell, _ = scene.decide()
    assert basis_bps(sell) == pytest.approx(2 * -4.543 + 8, abs=0.06)


def test_convergence_slopes_the_plateau():
    scene = patient(hurdle_per_year=0.0, round_trip_bps=16, hold_hours=64, convergence_share=1)
    assert basis_bps(scene.decide()[0]) == pytest.approx(3, abs=0.06)
    scene.me["convergence_share"] = 0
    assert basis_bps(scene.decide()[0]) == pytest.approx(7, abs=0.06)


@pytest.mark.parametrize("traits", [{"unwind_share": 0.5}, {"convergence_share": 0.3}])
def test_the_holding_time_is_time_and_not_a_number_of_settlements(traits):
    scene = patient(hurdle_per_year=0.02, round_trip_bps=8, hold_hours=160, **traits)
    by_eight_hours = [basis_bps(order) for order in scene.decide()]
    scene.views["interval_seconds"], scene.views["funding_law"]["divisor"] = 3_600.0, 8.0
    assert [basis_bps(order) for order in scene.decide()] == pytest.approx(by_eight_hours, abs=1e-6)


def test_no_premium_pays_a_carry_beyond_the_cap():
    orders = patient(hurdle_per_year=0.003 * 1095 * 1.01, basis_limit_bps=80).decide()
    assert orders["side"].tolist() == [1] and basis_bps(orders[0]) == pytest.approx(80)


def test_arbitrage_hedges_fills_in_spot():
    order = patient().hold(-1_000, 100_000, 150_000, 0).decide()[0]
    assert (order["kind"], order["side"], order["lots"]) == (SPOT, 1, 1_000)
    order = patient().hold(1_000, 100_000, 150_000, 0, borrow_usd=125_000).decide()[0]
    assert (order["kind"], order["side"], order["lots"]) == (SPOT, -1, 1_000)
    assert len(of_kind(patient().hold(-1_000, 100_000, 130_000, 1_000).decide(), SPOT)) == 0


def test_naked_spot_leg_is_unwound_in_parts():
    order = patient(naked_share=0.25).hold(0, 0, 50_000, 6_000).decide()[0]
    assert (order["kind"], order["side"], order["lots"]) == (SPOT, -1, 1_500)
    order = patient(naked_share=0.1).hold(0, 0, 50_000, 6_000).decide()[0]
    assert order["lots"] == 1_250


def test_refused_hedge_is_retried_smaller_while_the_perpetual_is_cut():
    scene = patient().hold(2_000, 100_000, 150_000, 0, borrow_usd=125_000)
    assert scene.decide()[0]["lots"] == 2_000
    spot, cut = scene.decide()[:2]
    assert (spot["kind"], spot["lots"]) == (SPOT, 1_000)
    assert (cut["kind"], cut["side"], cut["lots"], cut["flags"]) == (
        MARKET_ORDER,
        -1,
        1_000,
        REDUCE_ONLY,
    )
    assert not [order for order in of_kind(scene.decide(), LIMIT) if order["side"] > 0]


def test_thin_margin_is_topped_up_or_the_position_cut():
    scene = patient().hold(-7_000, 10_000, 40_000, 7_000)
    transfer = of_kind(scene.decide(), TRANSFER)
    assert len(transfer) == 1 and transfer["lots"][0] == 40_000 * UNITS
    scene.accounts["incoming"] = 1
    assert len(of_kind(scene.decide(), TRANSFER)) == 0
    cut = of_kind(scene.hold(-7_000, 10_000, 0, 7_000).decide(), MARKET_ORDER)
    assert (cut["side"][0], cut["flags"][0], cut["lots"][0]) == (1, REDUCE_ONLY, 1_250)


def test_excess_margin_goes_home():
    transfer = of_kind(patient().hold(0, 200_000, 50_000, 0).decide(), TRANSFER)
    assert transfer["lots"][0] == -100_000 * UNITS
    assert len(of_kind(patient().hold(0, 120_000, 130_000, 0).decide(), TRANSFER)) == 0


def test_arbitrage_respects_its_limits():
    room = patient(position_share=0.55).hold(-6_800, 100_000, 150_000, 6_800).decide()
    assert room[room["side"] == -1]["lots"].tolist() == [75]
    poor = patient(leverage_limit=1).hold(-4_900, 100_000, 150_000, 4_900).decide()
    assert of_kind(poor, LIMIT)[of_kind(poor, LIMIT)["side"] == -1]["lots"].tolist() == [100]


def test_arbitrage_orders_live_as_declared_and_stop_with_funding():
    scene = patient(rest_seconds=0)
    assert (scene.decide()["flags"] == IMMEDIATE).all()
    scene.mine["lots"] = 5
    scene.views["funding_on"] = 0
    assert (scene.decide()["kind"] == CANCEL).all()


# liquidity


def sides(orders):
    """Return bids and asks among limit orders."""
    quotes = of_kind(orders, LIMIT)
    return quotes[quotes["side"] > 0], quotes[quotes["side"] < 0]


def test_provider_quotes_a_ladder_around_spot_times_its_anchor():
    bids, asks = sides(Scene(LiquidityProvider).hold(0).decide())
    assert len(bids) == len(asks) == LEVELS
    assert bids["tick"][0] == math.floor(200_000 * (1 - 0.3e-4)) and asks["tick"][0] == math.ceil(
        200_000 * (1 + 0.3e-4)
    )
    assert bids["lots"].tolist() == [350 * (k + 1) for k in range(LEVELS)]
    assert len(set(bids["slot"]) | set(asks["slot"])) == 2 * LEVELS
    assert bids["tick"][0] - bids["tick"][-1] == pytest.approx(11 * 0.5e-4 * 200_000, abs=1)


def centre_bps(scene, **keywords):
    """Return the middle of the provider's best quotes over spot, bp."""
    bids, asks = sides(scene.decide(**keywords))
    return (0.5 * (bids["tick"].max() + asks["tick"].min()) / 200_000 - 1) * 1e4


def test_provider_leans_against_its_inventory():
    assert centre_bps(Scene(LiquidityProvider).hold(37_500)) == pytest.approx(-7.5, abs=0.1)
    assert centre_bps(Scene(LiquidityProvider).hold(-37_500)) == pytest.approx(7.5, abs=0.1)


def test_provider_stops_buying_at_its_limit():
    bids, asks = sides(Scene(LiquidityProvider).hold(75_000).decide())
    assert len(bids) == 0 and len(asks) == LEVELS
    bids, _ = sides(Scene(LiquidityProvider).hold(74_000).decide())
    assert bids["lots"].sum() == 1_000


def test_provider_shifts_for_funding_near_settlement():
    scene = Scene(LiquidityProvider, funding_weight=1).hold(0)
    scene.views["predicted_funding"], scene.views["seconds_to_settlement"] = 1e-3, 0.0
    assert centre_bps(scene) == pytest.approx(-10, abs=0.1)
    scene.views["seconds_to_settlement"] = 28_800.0
    scene.mine["lots"] = 0
    assert centre_bps(scene) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    "spot_anchor, expected",
    [(0.0, 10 * (1 - math.exp(-1))), (1.0, 0.0), (0.5, 5 * (1 - math.exp(-1)))],
)
def test_provider_follows_its_own_average_unless_tied_to_spot(spot_anchor, expected):
    scene = Scene(LiquidityProvider, spot_anchor=spot_anchor, anchor_seconds=600).hold(0)
    scene.views["basis_mid"] = 1e-3
    assert centre_bps(scene, seconds=600.0) == pytest.approx(expected, abs=0.1)


def test_provider_widens_and_withdraws_with_volatility():
    scene = Scene(LiquidityProvider, reference_volatility=1e-4, withdraw_multiple=4).hold(0)
    scene.views["seen"]["volatility"] = 3e-4
    bids, asks = sides(scene.decide())
    assert asks["tick"].min() - bids["tick"].max() == pytest.approx(200_000 * 6 * 0.3e-4, abs=2)
    scene.mine["lots"][3:5] = 7
    scene.views["seen"]["volatility"] = 5e-4
    orders = scene.decide()
    assert orders["kind"].tolist() == [CANCEL, CANCEL] and orders["slot"].tolist() == [3, 4]


def test_provider_leaves_good_quotes_alone():
    scene = Scene(LiquidityProvider).hold(0)
    for order in scene.decide():
        for name in ("lots", "tick", "side"):
            scene.mine[name][order["slot"]] = order[name]
    assert len(scene.decide()) == 0
    scene.mine["lots"][2] -= 1
    assert scene.decide()["slot"].tolist() == [2]
    scene.views["spot"] *= 1.001
    moved = scene.decide()
    assert len(moved) == 2 * LEVELS and moved["side"].tolist() == [-1] * LEVELS + [1] * LEVELS


def test_provider_quotes_into_an_empty_book_and_lets_quotes_lapse():
    scene = Scene(LiquidityProvider).hold(0)
    scene.views["best_bid"] = scene.views["best_ask"] = 0
    orders = scene.decide()
    assert len(orders) == 2 * LEVELS and (orders["expiry_seconds"] == 60.0).all()


def test_post_only_provider_gives_way():
    scene = Scene(LiquidityProvider, post_only=1).hold(-75_000 // 2)
    bids, _ = sides(scene.decide())
    assert bids["tick"].max() == 200_004


# manipulation


def attacker(**traits):
    """Return a manipulator's scene with one hour each of building and attack."""
    plan = dict(
        build_seconds=3_600,
        attack_start_hours=2,
        attack_hours=1,
        unwind_seconds=3_600,
        wake_seconds=60,
        size_usd=1_200_000,
        perp_push_usd=50_000,
        spot_push_usd=-20_000,
    )
    return Scene(Manipulator, **plan | traits).hold(0, 2_500_000, 2_500_000, 0)


def test_manipulator_runs_through_its_phases():
    scene = attacker()
    assert len(scene.decide(seconds=0.0)) == 0
    built = scene.decide(seconds=3_600.0)[0]
    assert (built["kind"], built["side"], built["lots"]) == (MARKET_ORDER, 1, 1_000)
    scene.hold(60_000, 2_500_000, 2_500_000, 0)
    spot, perp = scene.decide(seconds=7_200.0)
    assert (spot["kind"], spot["side"], spot["lots"]) == (SPOT, -1, 1_000)
    assert (perp["kind"], perp["side"], perp["lots"]) == (MARKET_ORDER, 1, 2_500)
    scene.hold(60_000, 2_500_000, 2_500_000, -600)
    perp, spot = scene.decide(seconds=10_800.0)
    assert (perp["side"], perp["lots"], perp["flags"]) == (-1, 1_000, REDUCE_ONLY)
    assert (spot["kind"], spot["side"], spot["lots"]) == (SPOT, 1, 10)
    perp, spot = scene.decide(seconds=1e6)
    assert (perp["lots"], spot["lots"]) == (60_000, 600)
    assert len(scene.hold(0).decide(seconds=1e6)) == 0


def test_manipulator_pushes_only_late_in_the_interval():
    scene = attacker(attack_seconds=600, spot_push_usd=0)
    assert len(scene.decide(seconds=7_200.0)) == 0
    scene.views["seconds_to_settlement"] = 500.0
    assert len(scene.decide(seconds=7_200.0)) == 1


def test_manipulator_gives_up_beyond_its_loss_limit():
    scene = attacker(loss_limit_usd=100_000)
    scene.decide(seconds=0.0)
    scene.hold(60_000, 2_500_000, 2_300_000, 0)
    order = scene.decide(seconds=7_200.0)[0]
    assert (order["side"], order["flags"]) == (-1, REDUCE_ONLY)
