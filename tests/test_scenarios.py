"""Scenarios: the library, overrides, changes, and what is built and run from them."""

import numpy as np
import pytest

from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.files.overrides import changed, merged
from perplab.scenarios.files.sources import library_names
from perplab.scenarios.runs.outcome import planned_steps, run
from perplab.sim.errors import ParameterError
from tests.scenario_files import prices, write


@pytest.mark.parametrize("name", library_names())
def test_every_scenario_is_sound(name, tmp_path):
    changes = {"spot.price.file": prices(tmp_path), "days": 2} if name == "replay" else {}
    scenario = load(name, changes)
    assert scenario.name == name and scenario.title and scenario.question.endswith("?")
    setup = setup_of(scenario, 1)
    assert sum(population.number for population in setup.populations) > 100


ON_CALM = ("premium-push", "short-squeeze", "index-attack", "backstop-dump")
"""Attacks in the market of `calm`, with the attacker of `weaponised-shorts`."""


def test_the_library_has_the_scenarios_of_the_map():
    assert {
        "calm",
        "bull",
        "regimes",
        "short-crowding",
        "long-cascade",
        "weaponised-shorts",
        "replay",
    } <= set(library_names())


def test_a_difference_is_laid_over_what_it_extends():
    calm, crowded = load("calm"), load("short-crowding")
    name = "speculators"
    changed = {"bias": crowded.populations[name].traits["bias"]}
    assert changed["bias"] < calm.populations[name].traits.get("bias", 0.0) + 1e-9
    assert crowded.populations[name].traits == calm.populations[name].traits | changed
    assert crowded.spot.price == calm.spot.price


def test_a_table_that_says_what_it_is_replaces():
    under = {
        "price": {"process": "geometric_brownian", "volatility": 0.5},
        "x": {"y": 1, "z": [1, 2]},
    }
    over = {"price": {"process": "mean_reverting", "level": 3.0}, "x": {"z": [3]}}
    assert merged(under, over) == {"price": over["price"], "x": {"y": 1, "z": [3]}}


def test_several_assets_take_the_place_of_one():
    assert merged({"spot": {"name": "a"}}, {"assets": [{"name": "b"}]}) == {
        "assets": [{"name": "b"}]
    }


def test_changes_reach_into_lists():
    assert load("long-cascade", {"shocks.0.move": -0.02}).shocks[0].move == -0.02
    with pytest.raises(ParameterError, match="in a list of 1"):
        changed({"shocks": [{}]}, "shocks.1.move", 0)


def test_number_zero_removes_a_population_and_moves_no_other():
    changes = {"populations.attacker.number": 0}
    with_attacker, without = (
        setup_of(load("weaponised-shorts", extra), 4) for extra in ({}, changes)
    )
    assert {p.name for p in with_attacker.populations} - {p.name for p in without.populations} == {
        "attacker"
    }
    for one in without.populations:
        other = next(p for p in with_attacker.populations if p.name == one.name)
        assert all(
            np.array_equal(values, other.traits[trait]) for trait, values in one.traits.items()
        )


def test_a_name_or_a_file_stands_for_its_scenario(tmp_path):
    assert build("small").setup.dt == 60.0
    assert (
        run(write(tmp_path / "short.toml", 'extends = "small"\ndays = 0.001\n')).scenario.name
        == "short"
    )
    with pytest.raises(ParameterError, match="did you mean 'calm'"):
        build("clam")
    with pytest.raises(ParameterError, match="scenario was 7, must be a Scenario"):
        build(7)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert load(write(tmp_path / "marked.toml", '\ufeffextends = "small"\ndays = 3\n')).days == 3


def test_an_order_beyond_what_a_venue_takes_at_once_is_cut():
    market = build(load("small", {"days": 0.01, "populations.noise.size_usd": 1e12}), 1)
    market.run(5)
    market.check()


def test_premium_samples_follow_the_step():
    assert [
        setup_of(load("small", {"dt_seconds": dt}), 0).premium_samples for dt in (60, 10, 5)
    ] == [12, 2, 1]


def test_a_run_keeps_every_unit(calm_hours):
    assert calm_hours.records.meta["conservation_error_units"] == 0
    assert calm_hours.records.meta["steps"] == 144 and calm_hours.twin is None
    assert calm_hours.records.meta["trades"] == len(calm_hours.records.prints) > 0


def test_the_twin_runs_beside():
    scenario = load("small", {"days": 0.05, "twin.from_hours": 0.5})
    steps = []
    outcome = run(scenario, 1, steps.append)
    assert sum(steps) == planned_steps(scenario) == 72 + 42
    assert np.array_equal(outcome.twin.series[0][:30], outcome.records.series[0][:30])
    assert load("long-cascade", {"twin.enabled": False}).twin_step is None


def test_a_market_is_built_at_time_zero():
    market = build(load("small"), 5)
    assert market.step_number == 0 and market.seed == 5 and market.mark == pytest.approx(30_000)


@pytest.mark.parametrize("name", sorted(set(library_names()) - {"replay", *ON_CALM}))
def test_a_scenario_runs_on_every_rulebook_or_says_that_its_leverage_is_too_large(name):
    from perplab.sim.rulebook.rulebook import rulebook_names

    for rulebook in rulebook_names():
        try:
            market = build(load(name, {"market.rulebook": rulebook}), 1)
        except ParameterError as error:
            assert name.startswith("weaponised") and [
                fault.key.rpartition(".")[2] for fault in error.faults
            ] == ["leverage"], (rulebook, error)
            continue
        market.run(15)
        assert market.conservation_error_units == 0
