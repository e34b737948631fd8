"""Kinds of trader are found where they are defined: a new kind is one new file in agents/."""

import subprocess
import sys
import types

import pytest

import perplab.agents
from perplab.agents.noise import Noise
from perplab.agents.providers.provider import Provider
from perplab.agents.trader import Trader
from perplab.scenarios.files.kinds import KINDS, defined_kinds, kind_named, kinds_in, module_names
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.market_setup import setup_of
from perplab.sim.errors import ParameterError

KIND = """
from perplab.agents.trader import Trader, Trait, Traits, rule
TRAITS = Traits(wake_seconds=Trait(60.0, "s", "mean time between wakes", low=0),
                capital_usd=Trait(10_000.0, "quote currency", "money at the start", low=0))

@rule(TRAITS)
def wait(me, accounts, positions, views, mine, rng, orders):
    return 0

class Newcomer(Trader):
    kind, traits, decide, slots = "{name}", TRAITS, wait, 0
"""
USE = """
import sys
import perplab.agents
perplab.agents.__path__.append(sys.argv[1])
from perplab.scenarios.files import KINDS, load
from perplab.sim.errors import ParameterError

scenario = load("small", {"populations.new": {"kind": "newcomer", "number": 3, "wake_seconds": 5}})
print(scenario.populations["new"].kind, KINDS["newcomer"].__module__, *KINDS)
for wrong in ({"kind": "newcomr"}, {"kind": "newcomer", "wake_second": 1.0}):
    try:
        load("small", {"populations.new": wrong | {"number": 3}})
    except ParameterError as error:
        print(error)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose modules belong to perplab.agents."""
    monkeypatch.setattr(perplab.agents, "__path__", [*perplab.agents.__path__, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("perplab.agents.added")]:
        del sys.modules[name]
        vars(perplab.agents).pop(name.split(".")[2], None)


def test_the_kinds_of_the_package_are_found():
    assert set(KINDS) >= {"noise", "momentum", "arbitrage", "liquidity", "manipulation"}
    assert KINDS["noise"] is Noise and kind_named("noise") is Noise
    assert all(name == kind.kind and kind.decide for name, kind in KINDS.items())
    assert list(KINDS) == list(kinds_in(perplab.agents))


def test_a_kind_is_one_new_file(tmp_path):
    (tmp_path / "added.py").write_text(KIND.format(name="newcomer"))
    command = [sys.executable, "-c", USE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    used, misspelt, unknown_trait = done.stdout.splitlines()
    assert used.split()[:2] == ["newcomer", "perplab.agents.added"]
    assert used.split()[2:] == ["newcomer", *KINDS]
    assert "did you mean 'newcomer'" in misspelt
    assert "a trait of newcomer (did you mean 'wake_seconds'?)" in unknown_trait


def test_a_kind_in_a_folder_inside_is_found(folder):
    (folder / "added").mkdir()
    (folder / "added" / "__init__.py").write_text('"""Added."""\n')
    (folder / "added" / "one.py").write_text(KIND.format(name="newcomer"))
    assert "perplab.agents.added.one" in module_names(perplab.agents)
    assert kinds_in(perplab.agents)["newcomer"].__module__ == "perplab.agents.added.one"


def test_two_kinds_of_one_name_are_refused(folder):
    (folder / "added.py").write_text(KIND.format(name="noise"))
    with pytest.raises(ParameterError) as caught:
        kinds_in(perplab.agents)
    assert str(caught.value) == (
        "kind was 'noise', must be of one class, not of perplab.agents.added:Newcomer"
        " and perplab.agents.noise:Noise"
    )


def test_imported_and_abstract_traders_are_no_kinds_of_a_module():
    module = types.ModuleType("some.module")
    module.Noise, module.Trader, module.number = Noise, Trader, 3
    assert defined_kinds(module) == []


def test_a_choice_is_stated_by_name():
    scenario = load("calm", {"populations.providers.anchor": "spot"})
    assert setup_of(scenario, 0).populations[3].traits["anchor"] == 2.0
    trait = Provider.traits.traits["anchor"]
    assert [trait.stated(trait.number(name)) for name in trait.names] == list(trait.names)
    for wrong in ("spott", 1.5, 3):
        with pytest.raises(ParameterError, match="one of carry, own_average, spot"):
            load("calm", {"populations.providers.anchor": wrong})
    spread = {"distribution": "uniform", "low": 0, "high": 2}
    with pytest.raises(ParameterError, match="anchor was .* must be one of carry, own_average"):
        load("calm", {"populations.providers.anchor": spread})
    with pytest.raises(ParameterError, match="skew_bps was 'spot'"):
        load("calm", {"populations.providers.skew_bps": "spot"})
