"""Handles on traders: traits read and written, traders retired, runs that end, invalid rules."""

import hashlib
import math
import re
import textwrap

import mesa
import numpy as np
import pytest

from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.noise import Noise
from perplab.agents.providers.provider import Provider
from perplab.agents.trader import Trader, Trait, Traits, check_trader, rule
from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.loader import build, load
from perplab.sim.compiler.jit import COMPILED
from perplab.sim.errors import ParameterError, RuleError
from perplab.sim.model import PerpetualMarket
from perplab.sim.setup import Population
from perplab.sim.traders.decision import act
from tests.markets import assert_book_is_sound, small_market
from tests.test_engine import Diarist, FastDiarist

NEVER = Traits(capital_usd=Trait(1, "quote currency", "money"))


def diarists(wake_seconds=600.0, number=40, kind=Diarist, **traits):
    """Return a market of traders that note their wakes."""
    return small_market(
        [
            Population(
                name="d", kind=kind, number=number, traits={"wake_seconds": wake_seconds} | traits
            )
        ]
    )


def half_day():
    """Return half a day of the scenario small."""
    return build(load("small", {"days": 0.5, "populations.noise.number": 30}), 1)


def test_traits_are_attributes_that_write_through():
    market = half_day()
    longs = market.agents_by_type[DirectionalLong]
    longs.set("entry_probability", 0.0)
    first = next(iter(longs))
    first.size_usd = 123
    assert longs.get("entry_probability") == [0.0] * len(longs) and first.size_usd == 123.0
    assert market.traits[market.kinds.index(DirectionalLong)]["size_usd"][0] == 123.0
    assert market.branch().agents_by_type[DirectionalLong].get("entry_probability") == [0.0] * len(
        longs
    )
    assert longs.select(lambda agent: agent.size_usd == 123.0).get("row") == [first.row]


def test_a_written_trait_changes_the_run():
    def shorts_of(changed):
        market = build(load("small", {"days": 0.5}), 1)
        if changed:
            market.agents_by_type[DirectionalShort].set("entry_probability", 0.0)
        market.run(720)
        return [agent.lots() for agent in market.agents_by_type[DirectionalShort]]

    assert any(shorts_of(False)) and not any(shorts_of(True))


@pytest.mark.parametrize(
    ("trait", "value", "words"),
    [
        ("entry_probability", 1.5, "at most 1"),
        ("size_usd", math.nan, "at least 0"),
        ("size_usd", "big", "at least 0"),
        ("size_usd", [1, 2], "one number"),
        ("size_us", 5, "did you mean 'size_usd'"),
        ("capital_usd", 5, "opened with it"),
        ("leverage", 5, "opened with it"),
        ("market", 7, "from 0 to 0"),
        ("side", -1, "must be 1"),
        ("equity", 5, "setter|can't set"),
    ],
)
def test_what_cannot_be_written_is_refused(trait, value, words):
    trader = next(iter(half_day().agents_by_type[DirectionalLong]))
    with pytest.raises((ParameterError, AttributeError), match=words):
        setattr(trader, trait, value)


def test_traits_of_other_kinds_are_refused_and_do_nothing():
    market = half_day()
    with pytest.raises(ParameterError, match="agents_by_type"):
        market.agents_by_type[LiquidityProvider].set("entry_probability", 0.0)


def test_a_new_rate_of_waking_counts_at_once():
    market = diarists(wake_seconds=1e9)
    market.run(200)
    assert not market.traits[0]["wakes"].any()
    market.agents.set("wake_seconds", 60.0)
    market.run(200)
    assert abs(market.traits[0]["wakes"].sum() - 40 * 200 * (1 - math.exp(-1))) < 5 * math.sqrt(
        8_000 * 0.25
    )
    market.agents.set("wake_seconds", 0.0)
    before = market.traits[0]["wakes"].copy()
    market.run(300)
    assert np.array_equal(before, market.traits[0]["wakes"])


def test_a_rate_written_as_it_was_leaves_the_law_of_waking():
    market = diarists()
    for _ in range(50):
        market.run(10)
        market.agents.set("wake_seconds", 600.0)
    trials, chance = 40 * 500, 1 - math.exp(-0.1)
    assert abs(market.traits[0]["wakes"].sum() - trials * chance) < 5 * math.sqrt(trials * chance)


def test_a_new_latency_changes_the_turns_of_the_fast_class():
    market = small_market([Population(name="f", kind=FastDiarist, number=6)])
    market.agents.set("latency_seconds", 600.0)
    market.run(100)
    assert market.traits[0]["wakes"].tolist() == [10.0] * 6


def test_who_is_removed_never_acts_again_in_any_copy(tmp_path):
    market = half_day()
    market.run(30)
    everybody = len(market.agents)
    gone = (
        list(market.agents_by_type[LiquidityProvider])[:1]
        + list(market.agents_by_type[DirectionalLong])[:3]
    )
    rows = [agent.row for agent in gone]
    for agent in gone:
        agent.remove()
    assert not set(rows) & set(market.agents.get("row")) and len(market.agents) == everybody - 4
    orders = market.tables["order"]
    assert not (np.isin(orders["owner"], rows) & (orders["lots"] > 0)).any()
    assert_book_is_sound(market.tables)
    before = [
        market.traits[market.tables["trader"]["kind"][row]][
            market.tables["trader"]["number"][row]
        ].copy()
        for row in rows
    ]
    market.save(tmp_path / "state.npz")
    twins = [market, market.branch(), PerpetualMarket.load(tmp_path / "state.npz")]
    for twin in twins:
        twin.run(60)
        assert len(twin.agents) == everybody - 4 and twin.conservation_error_units == 0
        assert before == [
            twin.traits[twin.tables["trader"]["kind"][row]][twin.tables["trader"]["number"][row]]
            for row in rows
        ]
    assert len({twin.tables["account"].tobytes() for twin in twins}) == 1


def handled_digest():
    """Return a hash of a market whose traders were handled in every way."""
    market = build(load("small", {"days": 0.1, "populations.noise.number": 30}), 1)
    market.run(5)
    for agent in [
        *list(market.agents_by_type[LiquidityProvider])[:2],
        *list(market.agents_by_type[DirectionalLong])[:9],
    ]:
        agent.remove()
    market.agents_by_type[Noise].set("wake_seconds", 300.0)
    market.agents_by_type[LiquidityProvider].set("latency_seconds", 120.0)
    market.run(20)
    return hashlib.sha256(
        market.tables["account"].tobytes() + market.tables["wake_step"].tobytes()
    ).hexdigest()


def test_without_the_compiler_the_same(plain):
    program = "from tests import test_handles as t; print(t.handled_digest())"
    assert plain.said(program).strip() == handled_digest()


def test_everybody_can_be_removed():
    market = diarists()
    market.run(20)
    market.remove_all_agents()
    before = market.traits[0]["wakes"].copy()
    market.run(100)
    assert len(market.agents) == 0 and np.array_equal(before, market.traits[0]["wakes"])


def test_a_removed_trader_keeps_its_position():
    market = build(load("small", {"days": 0.3}), 1)
    market.run(400)
    longs = market.agents_by_type[DirectionalLong].select(lambda agent: agent.lots() > 0)
    held = {agent.row: agent.lots() for agent in longs}
    for agent in list(longs):
        agent.remove()
    market.run(20)
    assert held and all(
        int(market.tables["position"]["lots"][row, 0]) in (lots, 0) for row, lots in held.items()
    )
    assert (
        sum(market.tables["position"]["lots"][row, 0] == lots for row, lots in held.items())
        > len(held) / 2
    )
    market.check()


def test_what_mesa_would_call_is_refused():
    for name in ("step", "advance"):
        with pytest.raises(RuleError, match="compiled step"):
            half_day().agents.do(name)


def test_a_trait_may_not_take_the_name_of_something_of_the_handle():
    traits = Traits(wake_seconds=Trait(1, "s", "wake"), equity=Trait(1, "1", "?"))
    with pytest.raises(RuleError, match="rename the trait equity"):
        type(
            "Odd", (Trader,), dict(kind="odd", traits=traits, decide=rule(traits)(lambda *rows: 0))
        )


def test_ten_thousand_handles_are_cheap():
    from time import process_time

    market = small_market([Population(name="n", kind=Noise, number=10_000)])
    spent = []
    for _ in range(3):
        begun = process_time()
        market._make_handles()
        spent.append(process_time() - begun)
    assert min(spent) < 0.5


# the end of a run


def test_run_model_ends_where_the_scenario_ends():
    market = build("small")
    assert market.end == 43_200 and market.running
    market = build(load("small", {"days": 0.02}), 1)
    market.run_model()
    assert market.step_number == 29 and not market.running
    assert not market.branch().running
    market.run(3)
    assert market.step_number == 32


def test_without_an_end_run_model_is_refused_but_a_subclass_may_stop_itself():
    with pytest.raises(ParameterError, match="steps"):
        diarists().run_model()

    class Stopping(PerpetualMarket):
        def step(self):
            super().step()
            self.running = self.step_number < 7

    market = Stopping(diarists().setup, 1)
    market.run_model()
    assert market.step_number == 7 and isinstance(market, mesa.Model)


# rules that cannot run


def test_a_kind_that_nothing_wakes_is_refused(tmp_path):
    kind = type(
        "Never", (Trader,), dict(kind="never", traits=NEVER, decide=rule(NEVER)(lambda *rows: 0))
    )
    with pytest.raises(
        ParameterError,
        match="populations.n.kind was 'Never', must be a kind that acts.*wake_seconds",
    ):
        small_market([Population(name="n", kind=kind, number=1)])
    (tmp_path / "never.py").write_text(
        textwrap.dedent("""
        from perplab.agents.trader import Trader, Trait, Traits, rule
        TRAITS = Traits(capital_usd=Trait(1, "quote currency", "money"))

        @rule(TRAITS)
        def nothing(me, accounts, positions, views, mine, rng, orders):
            return 0

        class Never(Trader):
            kind, traits, decide, slots = "never", TRAITS, nothing, 0
    """)
    )
    with pytest.raises(ParameterError, match="populations.mine.kind was .*wake_seconds"):
        load("small", {"populations.mine": {"kind": f"{tmp_path}/never.py:Never", "number": 1}})


UNCOMPILABLE = """
from perplab.agents.trader import Trader, Trait, Traits, rule
TRAITS = Traits(wake_seconds=Trait(60, "s", "wake"), capital_usd=Trait(1, "USD", "money"))

@rule(TRAITS)
def think(me, accounts, positions, views, mine, rng, orders):
    {}
    return 0

class Thinker(Trader):
    kind, traits, decide, slots = "thinker", TRAITS, think, 0
"""


def thinker(folder, line):
    (folder / "thinking.py").write_text(UNCOMPILABLE.format(line))
    return kind_named(f"{folder}/thinking.py:Thinker")


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "best = sorted(views, key=lambda view: view['mark'])",
            r"thinking.py:7: think cannot be compiled: it creates a list",
        ),
        (
            "me['wake_secnds']",
            r"raised ValueError: no field of name wake_secnds \(.*thinking.py:7\)",
        ),
        (
            "if views[0]['mark'] > 1e9: return",
            r"thinking.py:\d+: think cannot be compiled: a branch returns nothing",
        ),
    ],
)
def test_a_rule_that_cannot_be_compiled_is_told_in_one_sentence(tmp_path, line, words):
    kind = thinker(tmp_path, line)
    with pytest.raises(RuleError, match=words) as caught:
        check_trader(kind, draws=50)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    if "return" not in line:
        with pytest.raises(RuleError, match=words):
            kind.decide.within(act)


def test_check_trader_says_that_all_is_well():
    assert check_trader(Noise, draws=20).startswith("ok: Noise passes 20 randomised checks")


@pytest.mark.parametrize("steps", [1.5, math.nan, "a", -1])
def test_a_market_runs_whole_numbers_of_steps(steps):
    with pytest.raises(ParameterError, match="whole number"):
        build(load("small", {"days": 0.1}), 1).run(steps)


@pytest.mark.parametrize("latency", [1e300, math.inf, 10**400])
def test_a_latency_out_of_bounds_leaves_the_trait_as_it_was(latency):
    market = build(load("small", {"days": 0.1}), 1)
    providers = market.agents_by_type[LiquidityProvider]
    with pytest.raises(ParameterError, match="latency_seconds"):
        providers.set("latency_seconds", latency)
    assert {agent.latency_seconds for agent in providers} == {1.0}
    market.run(3)


def test_steps_are_counted_by_the_market_however_it_is_stepped():
    """Mesa's names for running, `step`, `run` and `branch` agree on the count and every byte."""
    one, other = build(load("small"), 5), build(load("small"), 5)
    for _ in range(3):
        one.step()
    one.run_for(4)
    one.run_until(9)
    one.run_until(2)
    other.run(9)
    assert (one.steps, one.time, one.step_number, other.steps) == (9, 9, 9, 9)
    assert all(
        one.tables[name].tobytes() == table.tobytes()
        for name, table in other.tables.items()
        if name != "kind"
    )
    assert one.branch().steps == 9


def test_every_field_of_the_view_is_an_attribute_of_the_market():
    """A string of `DataCollector` is read from the first market's view; other names raise."""
    market = build(load("small"), 5)
    market.step()
    view = market.tables["view"][0]
    plain = [name for name in view.dtype.names if view.dtype[name].fields is None]
    assert {name: getattr(market, name) for name in plain} == {
        name: view[name].item() for name in plain
    }
    assert market.volatility == view["seen"]["volatility"]
    with pytest.raises(AttributeError, match="marked"):
        _ = market.marked


def test_traders_are_made_with_their_market():
    market = half_day()
    for make in (lambda: Noise(market), lambda: Noise.create_agents(market, 5)):
        with pytest.raises(RuleError, match=r"Population\(name=..., kind=Noise, number=...\)"):
            make()
    assert len(market.agents_by_type[Noise]) == market.setup.populations[0].number


def test_an_unknown_trait_is_named_not_its_value():
    market = half_day()
    with pytest.raises(ParameterError, match="^numbr is not one of wake_seconds"):
        market.agents_by_type[Noise].set("numbr", 8.0)


DECLARATIONS = {
    "no kind at all": (lambda: 5, "5 must be a subclass of Trader"),
    "another class": (lambda: dict, "dict must be a subclass of Trader"),
    "the base class": (lambda: Trader, "Trader must have a name"),
    "a default that is no number": (lambda: Trait("x", "1", "words"), "a number, as the default"),
    "no trait": (lambda: 5.0, "must be a Trait"),
    "infinite money": (
        lambda: Trait(math.inf, "usd", "money"),
        "default was inf, must be at least 0",
    ),
    "money beyond 64 bits": (lambda: Trait(1e15, "usd", "money"), "^ok"),
    "money of 1e30": (lambda: Trait(1e30, "usd", "money"), "default was 1e\\+30"),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_check_trader_says_in_a_sentence_what_is_declared_wrong(case):
    make, words = DECLARATIONS[case]
    value = make()

    def said():
        if not isinstance(value, (Trait, float)):
            return check_trader(value)
        traits = Traits(wake_seconds=Trait(60, "s", "wake"), capital_usd=value)
        decide = rule(traits)(lambda me, accounts, positions, views, mine, rng, orders: 0)
        return check_trader(type("Odd", (Trader,), dict(kind="odd", traits=traits, decide=decide)))

    try:
        text = said()
    except (RuleError, ParameterError) as error:
        text = str(error)
    assert re.search(words, text) and "\n" not in text, text


def test_a_rule_must_be_declared_with_its_traits():
    with pytest.raises(RuleError, match=r"decide must be a function decorated by rule\(traits\)"):
        type("Bare", (Trader,), dict(kind="bare", traits=Noise.traits, decide=lambda *rows: 0))


def test_a_removed_provider_hedges_no_more():
    market = build(load("calm", {"days": 0.2, "record_seconds": 600}), 1)
    market.run(60)
    provider = next(iter(market.agents_by_type[Provider]))
    provider.remove()
    held = provider.spot_lots()
    market.tables["position"]["lots"][provider.row] += 10**6
    market.run(2)
    assert provider.spot_lots() == held


def test_a_market_or_asset_that_does_not_exist_is_named():
    trader = next(iter(half_day().agents))
    for read, name in ((trader.lots, "market"), (trader.spot_lots, "asset")):
        for number in (1, -1):
            with pytest.raises(
                ParameterError, match=f"{name} was {number}, must be a number from 0 to 0"
            ):
                read(number)
