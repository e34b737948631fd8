"""The law of displacement: its formulas, a second reading of whole runs, and its ledger."""

import functools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.noise import Noise
from perplab.agents.providers import Provider
from perplab.sim.impact.displacement import (
    DISPLACEMENT,
    RECOVERY,
    displaced_by,
    mean_factor,
    thin_out,
)
from perplab.sim.impact.ledger import LEDGER, relax
from perplab.sim.model import PerpetualMarket
from perplab.sim.setup import Population
from perplab.sim.spot.displacement import Displacement
from perplab.sim.spot.shocks import PathShock, SellProgramme
from tests.displacement_reference import Spot, book, mean_price
from tests.markets import SPOT_PRICE, USD, World, digest, setup_of

Q, CURVATURE, SECONDS = 1e8, 0.02, 400.0
LOT_USD = 200.0
SLOPE = 2e-11


def law_of(**numbers):
    """Return a law of depth 100 million and curvature .02, and a ledger of no limits."""
    law, ledger = np.zeros(1, DISPLACEMENT)[0], np.zeros(1, LEDGER)[0]
    Displacement(depth=Q, curvature=CURVATURE, seconds=SECONDS).fill(law, ledger)
    for name, number in numbers.items():
        record = law if name in law.dtype.names else ledger
        record[name] = number
    return law, ledger


# formulas


@pytest.mark.parametrize(
    ("start", "flow", "thinness", "end"),
    [
        (0.0, 3e6, 0.0, 0.02),  # .02 + .02^2 / .04 = .03 of the depth
        (0.0, 8e6, 0.0, 0.04),
        (0.0, -35e6, 0.0, -0.10),
        (0.02, 5e6, 0.0, 0.04),  # a flow in two parts ends where one does
        (-0.02, 6e6, 0.0, 0.02),
        (0.04, -8e6, 0.0, 0.0),
        (0.0, 4e6, math.log(2), 0.04),  # half the depth
    ],
)
def test_a_flow_moves_along_the_book(start, flow, thinness, end):
    law, _ = law_of(thinness=thinness)
    assert displaced_by(law, start, flow) == pytest.approx(end, abs=1e-15)


def test_impact_is_linear_when_small_and_a_square_root_when_large():
    law, _ = law_of()
    assert displaced_by(law, 0.0, 1e3) == pytest.approx(1e3 / Q, rel=1e-3)
    large = displaced_by(law, 0.0, 4e10) / displaced_by(law, 0.0, 1e10)
    assert large == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("slope", [0.0, SLOPE, 1e-9])
@pytest.mark.parametrize(
    ("start", "flow"), [(0.0, 1e5), (0.01, 5e6), (-0.03, 2e7), (0.05, -4e7), (0.0, 1e9)]
)
def test_a_trade_pays_the_mean_price_along_its_way(start, flow, slope):
    law, _ = law_of()
    paid = mean_factor(law, start, displaced_by(law, start, flow), slope)
    expected = mean_price(Q, CURVATURE, slope, start, flow)
    assert paid == pytest.approx(expected, rel=3e-12)


@pytest.mark.parametrize(("curvature", "slope"), [(1e-3, 2e-7), (1e-3, 1e-6), (1e-4, 2e-7)])
def test_a_trade_pays_the_mean_price_where_permanent_impact_is_large(curvature, slope):
    law, _ = law_of(curvature=curvature)
    for flow in (5e6, -5e6):
        paid = mean_factor(law, 0.0, displaced_by(law, 0.0, flow), slope)
        assert paid == pytest.approx(mean_price(Q, curvature, slope, 0.0, flow), rel=3e-12)


def test_the_displacement_decays_to_latent_traders():
    law, ledger = law_of(displaced=0.05)
    relax(law, ledger, 1.0, 100.0)
    assert law["displaced"] == pytest.approx(0.05 * math.exp(-0.25), rel=1e-14)
    sold = Q * (book(0.05, CURVATURE) - book(0.05 * math.exp(-0.25), CURVATURE))
    assert ledger["makers_held"] == pytest.approx(sold) == -ledger["makers_cash"]


def test_late_buyers_hasten_the_decay():
    """At a known displacement of `late_displacement` the rate is twice the plain one."""
    law, ledger = law_of(displaced=-0.05, late_seconds=60.0, late_displacement=0.05)
    ledger["late_capital"], ledger["late_attention"] = 1e9, 0.05
    relax(law, ledger, 1.0, 1.0)
    left = law["displaced"]
    assert left == pytest.approx(-0.05 * math.exp(-2 / SECONDS), rel=1e-4)
    assert ledger["late_held"] > 0 > ledger["late_cash"]


@pytest.mark.parametrize(("held", "cash"), [(0.0, 0.0), (3e5, -3e5), (9e5, -11e5)])
def test_late_buyers_spend_what_they_have(held, cash):
    """Of a million: what they hold and what they lost is no longer there to spend."""
    law, ledger = law_of(displaced=-0.1, late_seconds=0.1, late_displacement=1e-3)
    ledger["late_capital"], ledger["late_held"], ledger["late_cash"] = 1e6, held, cash
    relax(law, ledger, 1.0, 10.0)
    assert ledger["late_held"] == pytest.approx(max(1e6 + min(held + cash, 0), held))


def thinness_after(law, health=1.0, away=0.0, dt=10.0):
    law["mean_log_spot"] = 10.0
    thin_out(law, 10.0 + away, health, dt)
    return float(law["thinness"])


def test_depth_falls_at_once_and_returns_at_twice_the_resilience():
    law, _ = law_of(
        thin_power=1.5, spot_sight_seconds=900.0, calm_volatility=1e-4, least_depth=0.01
    )
    fallen = thinness_after(law, away=-0.03)  # .03 / 30 = ten times calm
    assert fallen == pytest.approx(1.5 * math.log(10))
    law["seen_volatility"] = 0.0
    for n in range(1, 4):
        assert thinness_after(law) == pytest.approx(fallen - n * 2 * 10 / SECONDS)
        law["seen_volatility"] = 0.0
    assert RECOVERY == 2.0


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        ({"away": 1.0}, 0.2),
        ({"health": -3.0}, 0.2),
        ({"health": 0.5}, 0.5),
        ({"health": 0.5, "away": 1.0}, 0.2),
        ({"health": 2.0}, 1.0),
    ],
)
def test_depth_follows_volatility_and_the_makers_down_to_a_floor(seen, left):
    law, _ = law_of(thin_power=4.0, spot_sight_seconds=900.0, calm_volatility=1e-4, least_depth=0.2)
    assert thinness_after(law, **seen) == pytest.approx(-math.log(left))


@pytest.mark.parametrize("curvature", [1e-4, 0.02, 0.5])
def test_a_displacement_loses_twice_its_cost_as_it_decays(curvature):
    """D (exp(D) - 1) Y' >= 2 G: what the bound on the return of depth rests on."""

    def marginal(u):
        return (math.exp(u) - 1) * (1 + abs(u) / curvature)

    for displaced in (*np.linspace(-5, 3, 60), 1e-3, -1e-3):
        cost, _ = quad(marginal, 0, displaced)
        assert displaced * marginal(displaced) >= 2 * cost * (1 - 1e-9)


# trades


def displaced_world(**numbers):
    """Return two rich traders beside a spot market that is displaced already."""
    world = World(
        traders=2,
        half_spread_bps=0.0,
        permanent_impact_bps=0.02,
        displacement=Displacement(depth=Q, curvature=CURVATURE),
    )
    world["account"]["cash"][:2] = 10**14
    world["trader"]["borrow_limit"][:2] = 10**14
    for name, number in numbers.items():
        world["asset"]["displacement"][name] = number
    return world


def paid_by(world, i, side, lots):
    before = int(world["account"]["cash"][i, 0])
    assert world.trade_spot(i, side, lots) == 0
    return (before - int(world["account"]["cash"][i, 0])) / USD


@pytest.mark.parametrize("displaced", [-0.03, 0.0, 0.02])
def test_orders_of_a_step_go_on_along_the_curve(displaced):
    world, before = displaced_world(displaced=displaced), 0.0
    for side, lots in ((1, 20_000), (1, 5_000), (-1, 60_000), (1, 1_000)):
        flow = side * lots * LOT_USD
        first = displaced_by(law_of()[0], displaced, before)
        mean = mean_price(Q, CURVATURE, SLOPE, first, flow)
        mean *= math.exp(SLOPE * before - displaced)
        assert paid_by(world, 0, side, lots) == pytest.approx(flow * mean, abs=lots * 0.01)
        before += flow
        moved = displaced_by(law_of()[0], displaced, before) - displaced
        assert world["view"]["spot_moved"][0] == pytest.approx(moved, abs=1e-14)
    assert world["asset"]["displacement"]["flow"][0] == pytest.approx(before)


@pytest.mark.parametrize("parts", [(1, 1), (1, 7), (7, 1)])
def test_there_and_back_in_a_step_costs_the_rounding(parts):
    world, lots = displaced_world(displaced=0.01), 70_000
    costs = [
        paid_by(world, 0, side, lots // n) for side, n in zip((1, -1), parts) for _ in range(n)
    ]
    assert 0 <= sum(costs) <= 0.02 * lots


@pytest.mark.parametrize("lots", [10**6, 999_999_999])
@pytest.mark.parametrize("side", [1, -1])
def test_a_trade_beyond_all_depth_has_a_price(side, lots):
    world = displaced_world(calm_depth=1.0, thinness=4.0)
    outcome = world.trade_spot(0, side, lots)
    assert outcome != 0 or (side < 0 and world["asset"]["outside_cash"][0] < 0)


# whole runs

LAW = Displacement(
    depth=3e6,
    curvature=0.02,
    seconds=300.0,
    thin_power=1.0,
    sight_seconds=600.0,
    calm_volatility=2e-4,
    makers_capital=20_000.0,
    least_depth=0.1,
    late_seconds=240.0,
    late_displacement=0.01,
    late_capital=30_000.0,
)
STEPS = 240


def crowded(**options):
    """Return a market whose traders, a fall and a programme move spot by several per cent."""
    push = dict(attack_hours=1.0, build_seconds=600.0, unwind_seconds=2_400.0, borrow_share=1.0)
    kinds = [
        (Provider, 2, dict(latency_seconds=60, hedge_band=0.001, level_usd=20_000.0)),
        (Noise, 12, dict(wake_seconds=120.0, size_usd=8_000.0)),
        (Manipulator, 1, push | dict(attack_start_hours=0.5, spot_push_usd=-6_000.0)),
        (Manipulator, 2, push | dict(attack_start_hours=1.2, spot_push_usd=4_000.0)),
    ]
    populations = [
        Population(name=f"{kind.kind} {k}", kind=kind, number=number, traits=traits)
        for k, (kind, number, traits) in enumerate(kinds)
    ]
    shocks = [
        PathShock(at_hours=1.0, minutes=20, move=-0.03),
        SellProgramme(at_hours=2.0, minutes=30, notional_usd=-100_000),
    ]
    terms = dict(displacement=LAW, permanent_impact_bps=1.0, volatility=0.5, shocks=shocks)
    return PerpetualMarket(setup_of(populations, **(terms | options)), 3)


@functools.cache
def two_readings():
    """Return the rows of the asset after each step, and those of the second reading."""
    market = crowded()
    slope = 1.0 * 1e-4 / 1e5
    second, rows, found = Spot(LAW.model_dump(), SPOT_PRICE, slope), [], []
    rows.append(market.tables["asset"][0].copy())
    units = paid = 0
    lots_before = 0
    for step in range(STEPS):
        market.step()
        row = market.tables["asset"][0].copy()
        hours = np.clip([step / 60, (step + 1) / 60], 2.0, 2.5)
        second.step(
            float(row["exogenous"]),
            lots_before * LOT_USD,
            paid / USD,
            -100_000 * float(hours[1] - hours[0]) / 0.5,
            60.0,
        )
        before = rows[-1]
        paid = int(row["outside_cash"] - row["outside_interest"])
        paid -= int(before["outside_cash"] - before["outside_interest"])
        lots_before = int(before["outside_lots"] - row["outside_lots"])
        units += paid
        rows.append(row)
        found.append(
            (
                second.spot,
                second.displaced,
                second.thinness,
                second.late.held,
                second.late.cash,
                second.makers.held - lots_before * LOT_USD,
                second.makers.cash + paid / USD,
            )
        )
    return market, np.array(rows[1:]), np.array(found), second, units


def test_every_step_is_what_the_formulas_give():
    _, rows, found, _, _ = two_readings()
    law, ledger = rows["displacement"], rows["ledger"]
    columns = (
        (rows["spot"], 1e-10),
        (law["displaced"], 1e-9),
        (law["thinness"], 1e-9),
        (ledger["late_held"], 1e-7),
        (ledger["late_cash"], 1e-7),
        (ledger["makers_held"], 1e-7),
        (ledger["makers_cash"], 1e-7),
    )
    for k, (column, part) in enumerate(columns):
        most = part * max(np.abs(column).max(), 1e-3)
        assert np.abs(column - found[:, k]).max() <= most, k


def test_the_run_visits_every_branch():
    _, rows, _, _, _ = two_readings()
    law, ledger = rows["displacement"], rows["ledger"]
    assert np.abs(law["displaced"]).max() > 0.02
    assert law["displaced"].min() < 0 < law["displaced"].max()
    fallen = np.diff(law["thinness"])
    least = -RECOVERY * 60 / LAW.seconds
    assert fallen.min() == pytest.approx(least) and fallen.max() > 0.3
    assert ledger["late_held"].max() > 20_000
    assert ledger["makers_cash"].min() < 0 < ledger["makers_cash"].max()


def test_what_some_gain_others_lose():
    market, rows, _, second, units = two_readings()
    parties = (second.traders, second.makers, second.late, second.latent)
    price = second.spot / SPOT_PRICE
    turnover = sum(abs(one.cash) for one in parties)
    assert abs(sum(one.worth(price) for one in parties)) < 1e-9 * turnover
    last, lots = rows[-1], int(rows[-1]["outside_lots"])
    assert int(last["outside_cash"] - last["outside_interest"]) == units
    assert int(market.tables["holding"]["lots"].sum()) == -lots
    assert market.conservation_error_units == 0


def test_late_buyers_never_hold_more_than_their_money():
    _, rows, _, _, _ = two_readings()
    ledger, price = rows["ledger"], rows["spot"] / SPOT_PRICE
    lost = np.minimum(ledger["late_cash"] + ledger["late_held"] * price, 0.0)
    assert np.abs(ledger["late_held"]).max() <= LAW.late_capital + 1e-6
    assert lost.min() > -LAW.late_capital


def test_permanent_impact_has_one_slope_at_any_depth():
    _, rows, _, _, _ = two_readings()
    shift, thinness = rows["permanent"], rows["displacement"]["thinness"]
    bought = -rows["outside_lots"] * LOT_USD
    still = np.arange(1, 110)  # before the programme
    expected = 1e-9 * bought[still - 1]
    assert thinness[still].max() > 1 and np.abs(expected).max() > 1e-5
    assert shift[still] == pytest.approx(expected, abs=1e-15)


def test_columns_of_the_series():
    market, rows, _, _, _ = two_readings()
    series, ledger, last = market.records().series[0], rows["ledger"][-1], rows[-1]
    price = last["spot"] / SPOT_PRICE
    assert series["displacement"][-1] == last["displacement"]["displaced"]
    assert series["late_value"][-1] == pytest.approx(ledger["late_held"] * price)
    profit = ledger["makers_cash"] + ledger["makers_held"] * price
    assert series["makers_profit"][-1] == pytest.approx(profit)
    depth = LAW.depth * math.exp(-last["displacement"]["thinness"])
    slope = 1 / (depth * (1 + abs(last["displacement"]["displaced"]) / LAW.curvature))
    assert series["spot_impact"][-1] == pytest.approx((slope + 1e-9) / price)


def test_makers_who_lose_thin_the_book():
    deep, poor = (
        crowded(displacement=LAW.model_copy(update={"makers_capital": capital, "thin_power": 0.0}))
        for capital in (math.inf, 2_000.0)
    )
    for market in (deep, poor):
        market.run(STEPS)
    thinness = [m.records().series[0]["spot_impact"].max() for m in (deep, poor)]
    assert thinness[1] > 3 * thinness[0]


def test_small_late_capital_leaves_more_of_a_fall():
    rows = {}
    for capital in (0.0, 1e6):
        market = crowded(displacement=LAW.model_copy(update={"late_capital": capital}))
        market.run(STEPS)
        rows[capital] = market.records().series[0]
    assert not rows[0.0]["late_value"].any() and rows[1e6]["late_value"].any()
    size = {c: np.abs(series["displacement"]).mean() for c, series in rows.items()}
    assert size[1e6] < 0.95 * size[0.0]


def run_digest():
    """Return a hash of the state after the run."""
    market = crowded()
    market.run(STEPS)
    return digest(market)


def test_without_the_compiler_the_same_bytes(plain):
    program = "from tests import test_displacement as t; print(t.run_digest())"
    assert plain.said(program).strip() == run_digest()
