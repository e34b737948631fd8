"""The step: exact accounts, the order of events, wakes, faults of rules, Mesa's names."""

import functools
import gc
import math
import weakref

import mesa
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from perplab.agents.directional import DirectionalLong
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.noise import Noise
from perplab.agents.trader import Trader, Trait, Traits, rule, write_limit
from perplab.sim.errors import InvariantError, ParameterError, RuleError
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.setup import Population
from perplab.sim.spot.shocks import PathShock, SellProgramme
from perplab.sim.state.codes import (
    ADL,
    CAUSES,
    DONE,
    ENDOGENOUS,
    FORCED_ORDER,
    FUND_ADL,
    LARGEST_NOTIONAL,
    REFUSED_MARGIN,
    TAKEOVER,
    TRANSFER,
    TWIN_TAKEOVER,
)
from perplab.sim.state.widen import widened
from perplab.sim.streams import uniform
from tests.markets import (
    USD,
    Idle,
    World,
    assert_book_is_sound,
    assert_positions_are_sound,
    queue,
    round_rules,
    small_market,
    storm,
    zoo,
)
from tests.probes import find_below


def events_at(market, step):
    """Return the forced events of one step."""
    events = market.recorder.gathered("event", market.tables)
    return events[events["step"] == step]


def assert_nobody_is_overlooked(market):
    """Check that after the last round no position is below maintenance, except in a pause."""
    tables = market.tables
    found = np.zeros((int(tables["run"]["traders"][0]), len(tables["market"])), "i8")
    with market._plain_arithmetic():
        find_below(market._world, found)
    events = events_at(market, market.step_number - 1)
    for i, m in np.argwhere(found * (tables["position"]["lots"][: len(found)] != 0)):
        venue = int(tables["market"]["venue"][m])
        rounds = max(int(market.setup.dt / tables["venue"]["round_seconds"][venue]), 1)
        here = events["round"][tables["market"]["venue"][events["market"]] == venue]
        used_up = len(here) > 0 and here.max() + 1 == rounds
        paused = tables["market"]["mark_seconds"][m] < tables["account"]["pause_until"][i, venue]
        later = tables["position"]["changed"][i, m] and len(tables["venue"]) > 1
        assert used_up or paused or later, (
            f"trader {i} in market {m} was overlooked in step {market.step_number - 1}"
        )


def assert_step_is_sound(market):
    """Check all that must hold after a step."""
    assert market.conservation_error_units == 0
    assert_book_is_sound(market.tables)
    assert_positions_are_sound(market.tables)
    assert_nobody_is_overlooked(market)


LAYOUTS = {
    "one": ["binance"],
    "other": ["hyperliquid"],
    "one venue": ["binance", "binance"],
    "two venues": ["binance", "hyperliquid"],
}


def layout(name, **changes):
    """Return the rulebooks of a layout as ``(venue, rulebook)`` pairs."""
    return [(book, load_rulebook(book).changed(changes)) for book in LAYOUTS[name]]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    strategies.integers(0, 2**31),
    strategies.sampled_from(sorted(LAYOUTS)),
    strategies.sampled_from([0.0, 1.0]),
    strategies.sampled_from([10.0, 50.0]),
    strategies.sampled_from([1.0, 300.0, 10_000.0]),
    strategies.sampled_from([-0.12, -0.05, 0.08]),
    strategies.sampled_from([5.0, 60.0]),
)
def test_every_step_of_any_small_market_accounts_for_everything(
    seed, name, isolated, leverage, fund, fall, dt
):
    rulebooks = layout(name, **{"funding.interval_hours": 0.25})
    market = storm(
        seed,
        rulebooks,
        isolated=isolated,
        leverage=leverage,
        fund=fund,
        fall=fall,
        dt=dt,
        capital_usd=1_500.0,
    )
    for _ in range(60):
        market.step()
        assert_step_is_sound(market)
    market.check()


@pytest.mark.parametrize("no_impact", [False, True])
def test_storms_show_every_kind_of_forced_event(no_impact):
    kinds, causes = set(), set()
    for seed in range(6):
        name = ("one", "other")[seed % 2]
        market = storm(
            seed,
            layout(name),
            isolated=float(seed // 2 % 2),
            capital_usd=(1_500.0, 40_000.0)[seed % 2],
            fund=(20.0, 1_000.0)[seed // 3],
            fall=-0.1,
            no_impact=no_impact,
        )
        market.run(120)
        events = market.records().events
        kinds |= set(events["kind"].tolist())
        causes |= set(events["cause"].tolist())
        assert_forest(events)
    assert kinds == ({TWIN_TAKEOVER} if no_impact else {FORCED_ORDER, TAKEOVER, ADL, FUND_ADL})
    assert causes <= {-1, *range(len(CAUSES))} and len(causes) >= 3


def assert_forest(events):
    """Check that sequences rise, every node has one first event, and parents are earlier nodes.

    ADL of the fund belongs to no node.
    """
    assert np.all(np.diff(events["sequence"]) > 0)
    assert np.all((events["node"] < 0) == (events["kind"] == FUND_ADL))
    first = {}
    for event in events[events["kind"] != FUND_ADL]:
        if event["parent"] != -2:
            assert int(event["node"]) not in first
            assert (event["parent"] >= 0) == (event["cause"] == ENDOGENOUS)
            assert event["parent"] < 0 or int(event["parent"]) in first
            first[int(event["node"])] = event
        assert (
            int(event["node"]) in first and first[int(event["node"])]["trader"] == event["trader"]
        )


def test_a_lost_unit_is_noticed():
    market = storm()
    market.run(5)
    market.tables["account"]["collateral"][0, 0] += 1
    assert market.conservation_error_units == 1
    with pytest.raises(InvariantError):
        market.check()


def test_the_ladder_follows_the_price():
    market = storm(fall=-0.6, traders=4, capital_usd=1e6, leverage=2.0)
    low = int(market.tables["market"]["window_low"][0])
    for _ in range(40):
        market.step()
        assert_book_is_sound(market.tables)
    moved = int(market.tables["market"]["window_low"][0])
    assert moved < low and 0 < market.mark - moved < int(market.tables["market"]["window"][0])


@pytest.mark.parametrize("rise", [4.0, 100.0])
def test_the_ladder_grows_until_the_venues_whole_band_fits(rise):
    market = storm(fall=rise, traders=4, capital_usd=1e6, leverage=2.0)
    first = int(market.tables["market"]["window"][0])
    for _ in range(30):
        market.step()
        assert_step_is_sound(market)
    here = market.tables["market"][0]
    top, centre = here["window_low"] + here["window"] - 1, market.mark / here["tick"]
    assert (
        here["window"] > first and here["window_low"] < here["band_low"] < here["band_high"] <= top
    )
    assert here["band_high"] - here["band_low"] == pytest.approx(2 * here["band"] * centre, abs=2)


def test_growing_leaves_every_order_in_its_place():
    market = zoo()
    market.run(30)
    before, after = market.tables, widened(market.tables, 5 * market.tables["level"].shape[1])
    assert_book_is_sound(after)
    low, wide_low = (int(tables["market"]["window_low"][0]) for tables in (before, after))
    resting = [
        tick
        for tick in range(low, low + before["level"].shape[1])
        if before["depth"][0, tick - low] > 0
    ]
    assert len(resting) > 5 and after["level"].shape[1] == 8 * before["level"].shape[1]
    assert [queue(before, 0, tick) for tick in resting] == [
        queue(after, 0, tick) for tick in resting
    ]
    assert np.array_equal(np.flatnonzero(after["depth"][0]) + wide_low, resting)


@pytest.mark.parametrize(
    "spot",
    [
        dict(shocks=[PathShock(at_hours=0.01, minutes=1.0, move=-0.99999)]),
        dict(
            shocks=[SellProgramme(at_hours=0.01, minutes=0.1, notional_usd=1e12)],
            permanent_impact_bps=10.0,
        ),
    ],
)
def test_a_price_that_no_tick_can_hold_ends_the_run(spot):
    market = small_market([Population(name="i", kind=Idle, number=1)], **spot)
    with pytest.raises(ParameterError, match="spot.btc .* between 10 and 1.07374e"):
        market.run(10)


def test_an_order_whose_value_64_bits_cannot_hold_is_refused():
    world = World(
        round_rules(
            contract__lot=100.0, margin__tiers=[[0, 1e-4, 1e3]], margin__maximum_leverage=1e3
        )
    )
    world["account"]["collateral"][0, 0], world["position"]["leverage"][0] = 10**17, 1e3
    most = int(LARGEST_NOTIONAL / (20_000 * 100 * 10**6))
    assert world.limit(0, 1, 20_000, most + 1) == REFUSED_MARGIN
    assert world.limit(0, 1, 20_000, most) == DONE


# funding and premium samples


def test_settlements_come_on_time_and_sum_to_their_residue():
    market = storm(rulebooks=layout("one", **{"funding.interval_hours": 0.5}))
    market.run(180)
    settled = market.records().settlements
    assert settled["seconds"].tolist() == [1_800.0 * k for k in range(1, 7)]
    assert np.array_equal(settled["long_paid"] + settled["short_paid"], settled["residue"])
    assert np.all(settled["residue"] >= 0) and settled["open_interest"].max() > 0
    assert float(market.tables["view"]["seconds_to_settlement"][0]) == 1_800.0


@pytest.mark.parametrize("samples", [1, 3])
def test_every_step_takes_its_premium_samples(samples):
    market = storm(rulebooks=layout("two venues"), premium_samples=samples)
    market.run(50)
    assert market.tables["market"]["all_samples"].tolist() == [50 * samples] * 2


def test_without_funding_nobody_pays():
    market = storm(rulebooks=layout("one", **{"funding.enabled": False}))
    market.run(600)
    assert (
        len(market.records().settlements) == 0
        and not market.tables["position"]["all_funding"].any()
    )


# waking

DIARY = Traits(
    wake_seconds=Trait(0, "s", "wake"),
    capital_usd=Trait(1, "quote currency", "money"),
    memory={"wakes": 0.0, "last_seconds": -1.0, "draws": 0.0, "spot": 0.0},
)
FAST_DIARY = Traits(
    latency_seconds=Trait(1, "s", "latency"),
    capital_usd=Trait(1, "quote currency", "money"),
    memory={"wakes": 0.0, "last_seconds": -1.0, "draws": 0.0, "spot": 0.0},
)


def keep_diary(me, accounts, positions, views, mine, rng, orders):
    """Note when it woke, what it saw and what it drew."""
    me["wakes"] += 1.0
    me["last_seconds"], me["spot"] = views[0]["seconds"], views[0]["spot"]
    me["draws"] += uniform(rng)
    return 0


class Diarist(Trader):
    """Writes down its wakes."""

    kind, traits, decide, slots = "diarist", DIARY, rule(DIARY)(keep_diary), 0


class FastDiarist(Trader):
    """The same in the fast class."""

    kind, traits, decide, slots = "fast_diarist", FAST_DIARY, rule(FAST_DIARY)(keep_diary), 0


@pytest.mark.parametrize(
    ("wake_seconds", "dt"), [(60.0, 60.0), (600.0, 60.0), (6_000.0, 10.0), (10.0, 60.0)]
)
def test_a_step_wakes_a_trader_with_the_probability_of_its_rate(wake_seconds, dt):
    market = small_market(
        [Population(name="d", kind=Diarist, number=400, traits={"wake_seconds": wake_seconds})],
        dt=dt,
    )
    market.run(500)
    chance, trials = 1.0 - math.exp(-dt / wake_seconds), 400 * 500
    deviation = math.sqrt(trials * chance * (1.0 - chance))
    assert abs(market.traits[0]["wakes"].sum() - trials * chance) < 4 * deviation
    assert market.records().meta["decisions"] == market.traits[0]["wakes"].sum()


RESTLESS = Traits(
    wake_seconds=Trait(60, "s", "wake"),
    capital_usd=Trait(1, "quote currency", "money"),
    scale=Trait(1, "1", "what it writes at its first wake"),
    memory={"wake_scale": 1.0, "wakes": 0.0, "first": 0.0, "second": 0.0},
)


@rule(RESTLESS)
def hasten(me, accounts, positions, views, mine, rng, orders):
    """Scale its waiting times at the first wake, and note when it woke twice."""
    me["wakes"] += 1.0
    if me["wakes"] == 1.0:
        me["first"], me["wake_scale"] = views[0]["seconds"], me["scale"]
    elif me["wakes"] == 2.0:
        me["second"] = views[0]["seconds"]
    return 0


class Restless(Trader):
    """Wakes at another rate from its first wake on."""

    kind, traits, decide, slots = "restless", RESTLESS, hasten, 0


def restless(scale, steps, number=400):
    """Return the memories of traders who scale their waiting times."""
    traits = {"wake_seconds": 600.0, "scale": scale}
    market = small_market(
        [Population(name="r", kind=Restless, number=number, traits=traits)], dt=1.0
    )
    market.run(steps)
    assert market.records().meta["decisions"] == market.traits[0]["wakes"].sum()
    return market.traits[0]


def test_a_rule_scales_its_next_wait_by_the_same_draw():
    """The wait after the first wake is in proportion, to the step; later ones have the new mean."""
    plain, slow = restless(1.0, 40_000), restless(4.0, 40_000)
    assert np.array_equal(plain["first"], slow["first"])
    both = (plain["second"] > 0.0) & (slow["second"] > 0.0)
    waits = [memory["second"][both] - memory["first"][both] for memory in (plain, slow)]
    assert both.sum() > 390 and np.all(np.abs(waits[1] - 4.0 * waits[0]) <= 4.0)
    assert np.any(waits[1] != waits[0])
    expected = 400 * (1 + (40_000 - 600) / 2_400)
    assert abs(slow["wakes"].sum() - expected) < 5 * math.sqrt(expected)


def test_scaled_waits_are_the_same_without_the_compiler(plain):
    program = "from tests.test_engine import restless; print(restless(0.2, 900, 4).tobytes().hex())"
    assert plain.said(program).strip() == restless(0.2, 900, 4).tobytes().hex()


def test_a_rule_that_scales_its_waits_to_nothing_never_wakes_again():
    assert restless(0.0, 10_000, number=20)["wakes"].tolist() == [1.0] * 20


@pytest.mark.parametrize("wake_seconds", [0.0, math.inf, 1e15])
def test_who_has_no_rate_never_wakes(wake_seconds):
    market = small_market(
        [Population(name="d", kind=Diarist, number=5, traits={"wake_seconds": wake_seconds})]
    )
    market.run(5_000)
    assert not market.traits[0]["wakes"].any()


@pytest.mark.parametrize(
    ("latency", "dt", "period"),
    [(1.0, 60.0, 1), (60.0, 60.0, 1), (61.0, 60.0, 2), (30.0, 5.0, 6), (0.0, 5.0, 1)],
)
def test_fast_class_acts_every_so_many_steps_on_the_new_spot(latency, dt, period):
    fast = [Population(name="f", kind=FastDiarist, number=7, traits={"latency_seconds": latency})]
    market = small_market(fast, dt=dt, volatility=1.0)
    seen = []
    for _ in range(60):
        market.step()
        diary = market.traits[0]
        now = diary["last_seconds"] == (market.step_number - 1) * dt
        assert np.all(diary["spot"][now] == market.spot)
        seen.append(int(now.sum()))
    assert market.traits[0]["wakes"].tolist() == [60 // period] * 7
    assert sum(seen) == 7 * 60 // period


def test_treatments_share_the_draws_of_a_trader_whatever_others_do():
    diaries = []
    for others in (2, 30):
        populations = [
            Population(name="d", kind=Diarist, number=20, traits={"wake_seconds": 90.0}),
            Population(name="n", kind=Noise, number=others, traits={"wake_seconds": 60.0}),
        ]
        market = small_market(populations, volatility=0.5)
        market.run(200)
        diaries.append(market.traits[0].tobytes())
    assert diaries[0] == diaries[1]


def record_of(market):
    """Return all that a run recorded but for its clock, and each kind's series by name."""
    records = market.records()
    prints = [records.prints[name].tobytes() for name in ("step", "tick", "lots", "side", "forced")]
    events = [
        records.events[name].tobytes()
        for name in records.events.dtype.names
        if name not in ("trader", "counterparty")
    ]
    return (
        [rows.tobytes() for rows in records.series],
        records.settlements.tobytes(),
        prints,
        events,
        {
            name: records.kinds[:, k].tobytes()
            for k, name in enumerate(records.kind_names)
            if name != "idle"
        },
    )


@pytest.mark.parametrize("first", [False, True])
def test_an_idle_population_changes_nothing_for_the_others(first):
    def market(idle):
        providers = {"level_usd": 3_000.0, "latency_seconds": 180.0}
        longs = {"wake_seconds": 120.0, "leverage": 40.0, "entry_probability": 0.5}
        own = [
            Population(
                name="n", kind=Noise, number=20, traits={"wake_seconds": 120.0, "size_usd": 5_000.0}
            ),
            Population(name="p", kind=LiquidityProvider, number=3, traits=providers),
            Population(name="l", kind=DirectionalLong, number=10, traits=longs),
        ]
        sleepers = [Population(name="idle", kind=Idle, number=7)] if idle else []
        populations = [*sleepers, *own] if first else [*own, *sleepers]
        return small_market(
            populations,
            rulebooks=[load_rulebook("binance")],
            volatility=0.8,
            print_trades=True,
            shocks=[PathShock(at_hours=1.5, minutes=10, move=-0.1)],
        )

    alone, together = market(False), market(True)
    alone.run(240)
    together.run(240)
    assert record_of(alone) == record_of(together)
    assert len(alone.records().events) > 0 and len(alone.records().prints) > 0


# cutting a run into pieces


def test_stepping_running_and_running_in_blocks_are_the_same():
    by_step, at_once, in_blocks = storm(3), storm(3), storm(3)
    for _ in range(150):
        by_step.step()
    at_once.run(150)
    for steps in (1, 49, 0, 100):
        in_blocks.run(steps)
    assert record_of(by_step) == record_of(at_once) == record_of(in_blocks)
    for name in (
        "account",
        "position",
        "order",
        "level",
        "depth",
        "view",
        "market",
        "venue",
        "asset",
    ):
        assert (
            by_step.tables[name].tobytes()
            == at_once.tables[name].tobytes()
            == in_blocks.tables[name].tobytes()
        )


def test_progress_adds_up():
    market, done = storm(), []
    market.run(5_000, progress=done.append)
    assert sum(done) == 5_000 == market.step_number and len(done) > 1


def test_recorded_rows_come_at_their_interval():
    market = storm(record_seconds=300.0)
    market.run(125)
    records = market.records()
    assert records.series[0]["seconds"].tolist() == [300.0 * k for k in range(1, 26)]
    assert records.kinds["seconds"][:, 0].tolist() == [0.0, 3_600.0, 7_200.0, 7_500.0], (
        "hourly, and now"
    )
    assert records.kinds["equity"][0].tolist() == [12 * 400 * USD, 2 * 20_000 * USD]
    market.run(60)
    assert market.records().kinds["seconds"][:, 0].tolist() == [
        0.0,
        3_600.0,
        7_200.0,
        10_800.0,
        11_100.0,
    ]
    assert market.records().series[0]["seconds"].tolist() == [300.0 * k for k in range(1, 38)]


def test_looking_at_the_records_changes_nothing():
    looked_at, left_alone = storm(4), storm(4)
    for _ in range(100):
        looked_at.step()
        looked_at.records()
    left_alone.run(100)
    assert record_of(looked_at) == record_of(left_alone)
    for name in (
        "account",
        "position",
        "holding",
        "order",
        "level",
        "depth",
        "view",
        "market",
        "venue",
        "asset",
    ):
        assert looked_at.tables[name].tobytes() == left_alone.tables[name].tobytes()


def test_prints_are_the_trades():
    market = storm(print_trades=True)
    market.run(120)
    records = market.records()
    assert len(records.prints) == records.meta["trades"] > 100
    assert records.prints["lots"].sum() == market.volume
    assert set(records.prints["side"].tolist()) == {1, -1} and records.prints["lots"].min() > 0


def test_spot_trades_move_spot_in_the_next_step():
    market = storm(
        fall=0.0,
        traders=30,
        permanent_impact_bps=50.0,
        transient_impact_bps=0.0,
        capital_usd=100_000.0,
    )
    asset = market.tables["asset"]
    for _ in range(80):
        flow, permanent = float(asset["flow"][0]), float(asset["permanent"][0])
        market.step()
        assert float(asset["permanent"][0]) == pytest.approx(
            permanent + 50e-4 * flow / 100_000, abs=1e-15
        )
    assert permanent != 0.0
    assert market.spot == pytest.approx(
        math.exp(float(asset["exogenous"][0] + asset["permanent"][0])), rel=1e-12
    )


# rules that break the contract

FAULTS = Traits(
    wake_seconds=Trait(60, "s", "wake"),
    capital_usd=Trait(1, "quote currency", "money"),
    fault=Trait(0, "number", "which"),
    memory={"wakes": 0.0},
)


@rule(FAULTS)
def break_contract(me, accounts, positions, views, mine, rng, orders):
    """Break the contract in one way at the third wake."""
    fault = int(me["fault"])
    me["wakes"] += 1.0
    count = write_limit(orders, 0, 0, 0, 1, 19_000, 1, 0, 0.0)
    if me["wakes"] < 3.0 or fault == 0:
        return count
    if fault == 1:
        raise ValueError("no")
    if fault == 2:
        return int(1 // (me["wakes"] - 3.0))
    if fault < 6:
        return (129, -2, -7)[fault - 3]
    order = orders[0]
    if fault < 9:
        order["slot"] = (-1, 2, 1 << 40)[fault - 6]
    elif fault < 12:
        order["lots"] = (0, -1, 1 << 60)[fault - 9]
    elif fault < 14:
        order["side"] = (0, 2)[fault - 12]
    elif fault < 16:
        order["market"] = (-1, 1)[fault - 14]
    elif fault == 16:
        order["kind"] = 9
    elif fault == 17:
        order["tick"] = 0
    elif fault < 21:
        order["expiry_seconds"] = (math.nan, -1.0, math.inf)[fault - 18]
    elif fault == 21:
        order["flags"] = 8
    else:
        order["kind"], order["lots"] = TRANSFER, (0, -(1 << 63))[fault - 22]
    return count


class Breaker(Trader):
    """Breaks the contract as its trait says."""

    kind, traits, decide, slots = "breaker", FAULTS, break_contract, 2


@pytest.mark.parametrize("fault", range(1, 24))
def test_a_broken_contract_is_a_rule_error_that_names_it(fault):
    traits = {"wake_seconds": 1e-9, "fault": np.array([0.0, float(fault)])}
    breakers = Population(name="b", kind=Breaker, number=2, traits=traits)
    market = small_market([Population(name="idle", kind=Idle, number=3), breakers])
    market.run(2)
    what = "raised" if fault < 3 else "count" if fault < 6 else "order"
    with pytest.raises(RuleError, match=rf"Breaker \(trader 4, step 2\) .*{what}"):
        market.run(5)


def test_the_sound_ones_do_as_they_say():
    traits = {"wake_seconds": 1e-9}
    market = small_market([Population(name="b", kind=Breaker, number=2, traits=traits)])
    market.run(20)
    assert (
        market.records().meta["outcomes"]["done"]
        + market.records().meta["outcomes"]["refused_margin"]
        == 40
    )


# Mesa's face


def test_it_is_a_mesa_model_with_its_traders_as_agents():
    market = storm()
    assert isinstance(market, mesa.Model)
    assert len(market.agents) == 14 and set(market.agents_by_type) == set(market.kinds)
    assert [agent.row for agent in market.agents] == list(range(14))
    assert len(market.agents_by_type[LiquidityProvider]) == 2
    market.run(60)
    longs = market.agents.select(lambda agent: agent.lots() > 0)
    assert sum(agent.lots() for agent in longs) == market.open_interest - max(
        int(market.tables["position"]["lots"][14, 0]), 0
    )
    assert market.agents.select(agent_type=LiquidityProvider).agg("equity", sum) > 0


def test_equity_of_all_is_what_there_is():
    market = storm()
    market.run(60)
    tables, asset = market.tables, market.tables["asset"][0]
    outside = int(asset["outside_cash"]) / USD + int(asset["outside_lots"]) * float(
        asset["lot"] * asset["spot"]
    )
    venue = (market.fund_equity + int(tables["venue"]["fees"][0])) / USD
    assert sum(agent.equity for agent in market.agents) + venue + outside == pytest.approx(
        market.total[0] / USD, abs=1e-3
    )


def test_data_collector_reports_by_attribute_name():
    market = storm()
    names = ["mark", "index", "spot", "open_interest", "funding_rate", "step_number"]
    collector = mesa.DataCollector(
        model_reporters={name: name for name in names},
        agent_reporters={"equity": "equity", "row": "row"},
    )
    for _ in range(10):
        market.step()
        collector.collect(market)
    frame = collector.get_model_vars_dataframe()
    assert list(frame.columns) == names and frame["step_number"].tolist() == list(range(1, 11))
    assert frame["mark"].iloc[-1] == market.mark == float(market.tables["view"]["mark"][0])
    assert collector.get_agent_vars_dataframe().shape == (140, 2)


def test_attributes_are_plain_numbers_and_unknown_ones_are_errors():
    market = storm()
    assert type(market.mark) is float and type(market.open_interest) is int
    with pytest.raises(AttributeError, match="marc"):
        _ = market.marc


def test_steps_are_counted_once():
    market = storm()
    market.step()
    market.run(9)
    assert market.step_number == 10 == int(market.tables["run"]["step"][0])


def test_a_finished_market_can_be_freed():
    gone = []
    for seed in range(3):
        market = storm(seed)
        market.run(10)
        market.records()
        gone.append(weakref.ref(market))
        del market
        gc.collect()
    assert [reference() for reference in gone] == [None] * 3


def test_a_branch_does_not_keep_its_origin_alive():
    market = storm()
    branch = market.branch()
    origin = weakref.ref(market)
    del market
    gc.collect()
    assert origin() is None
    branch.run(5)


@functools.cache
def zoo_records():
    """Return the records of a run of the zoo."""
    market = zoo()
    market.run(240)
    return market.records()


def test_the_zoo_has_all_that_the_determinism_tests_need():
    records = zoo_records()
    assert records.meta["conservation_error_units"] == 0
    assert {FORCED_ORDER, TAKEOVER, ADL} <= set(records.events["kind"].tolist())
    assert records.meta["trades"] > 500 and len(records.settlements) == 8
    changed = [
        name
        for k, name in enumerate(records.kind_names)
        if records.kinds["equity"][-1, k] != records.kinds["equity"][0, k]
    ]
    assert changed == records.kind_names


def test_kind_series_hold_every_lot():
    records = zoo_records()
    fund = records.series[0]["fund_lots"][records.series[0]["seconds"] % 3_600 == 0]
    assert np.array_equal(records.kinds["lots"][1:].sum(axis=1), -fund)
