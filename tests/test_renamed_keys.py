"""A file with an old key is refused with the new name of the key."""

from typing import ClassVar

import pydantic
import pytest

from perplab.scenarios.files import renamed_keys
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.renamed_keys import new_key
from perplab.scenarios.sweeps.sweep_design import Sweep
from perplab.sim.errors import ParameterError
from perplab.sim.faults import checked
from perplab.sim.rulebook.rulebook import Rulebook, load_rulebook
from tests.scenario_files import SMALL_CASCADE
from tests.small_sweeps import SWEEP, sweep_file

RENAMED = {
    "days_long": "days",
    "spot.spread_bps": "spot.half_spread_bps",
    "spot.price.vol": "spot.price.volatility",
    "shocks.*.begin_hours": "shocks.*.at_hours",
    "populations.*.many": "populations.*.number",
    "populations.*.capital": "populations.*.capital_usd",
    "populations.*.speed": "populations.*.wind_down_seconds",
}


@pytest.fixture
def renamed(monkeypatch):
    monkeypatch.setattr(renamed_keys, "RENAMED", RENAMED)


def faults_of(action, *arguments):
    with pytest.raises(ParameterError) as caught:
        action(*arguments)
    return {fault.key: fault for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("key", "value", "new"),
    [
        ("days_long", 3, "days"),
        ("spot.spread_bps", 1.0, "spot.half_spread_bps"),
        ("spot.price.vol", 0.5, "spot.price.volatility"),
        ("shocks.0.begin_hours", 3.0, "shocks.0.at_hours"),
        ("populations.noise.capital", 5e4, "populations.noise.capital_usd"),
        ("populations.noise.capital", "50k", "populations.noise.capital_usd"),
    ],
)
def test_an_old_key_is_refused_with_its_new_name(renamed, key, value, new):
    fault = faults_of(load, SMALL_CASCADE, {key: value})[key]
    assert str(fault) == f"changes: {key} was {value!r}, must be renamed to {new}"


def test_an_old_key_of_a_file_has_its_line(renamed, tmp_path):
    path = tmp_path / "old.toml"
    path.write_text('extends = "small"\ndays_long = 3\n')
    fault = faults_of(load, str(path))["days_long"]
    assert str(fault) == f"{path}:2: days_long was 3, must be renamed to days"


def test_a_required_key_under_its_old_name_is_one_fault(renamed):
    new = {"kind": "noise", "many": 5}
    faults = faults_of(load, "small", {"populations.new": new})
    assert "renamed to populations.new.number" in faults["populations.new.many"].expected
    assert "populations.new.number" not in faults


def test_a_new_name_that_the_kind_does_not_have_is_not_given(renamed):
    fault = faults_of(load, "small", {"populations.noise.speed": 1.0})["populations.noise.speed"]
    assert "a trait of noise" in fault.expected


def test_an_old_key_in_a_sweep_is_refused_under_the_key_of_the_sweep(renamed, tmp_path):
    from perplab.scenarios.sweeps.sweep_file import read_sweep

    path = sweep_file(tmp_path, SWEEP.replace("days = 0.01", "days_long = 0.01"))
    fault = faults_of(read_sweep, path)["changes.days_long"]
    assert fault.expected == "renamed to days" and fault.line == 5


def test_a_pattern_matches_part_by_part():
    table = {"a.*.old": "b.*.new"}
    assert new_key("a.x.old", table) == "b.x.new"
    assert not any(new_key(key, table) for key in ("a.old", "a.x.y.old", "c.x.old", "a.x.new"))


def test_every_renamed_key_is_unknown_and_its_new_name_is_known():
    assert all(new_key(new) == "" for new in renamed_keys.RENAMED.values())


class Inner(pydantic.BaseModel):
    """A section with renamed keys."""

    model_config = pydantic.ConfigDict(extra="forbid")
    renamed: ClassVar[dict] = {"old": "new", "gone": "outer"}
    new: float = 1.0


class Outer(pydantic.BaseModel):
    """A file with a renamed required key."""

    model_config = pydantic.ConfigDict(extra="forbid")
    renamed: ClassVar[dict] = {"former": "required", "moved": "inner.new"}
    inner: Inner = Inner()
    rows: tuple[Inner, ...] = ()
    required: int


def test_models_name_their_renamed_keys():
    tables = {"former": 1, "moved": 2, "inner": {"old": 3}, "rows": [{"old": 4}, {"oldd": 5}]}
    found = {key: fault.expected for key, fault in faults_of(checked, Outer, tables).items()}
    assert found == {
        "former": "renamed to required",
        "moved": "renamed to inner.new",
        "inner.old": "renamed to inner.new",
        "rows.0.old": "renamed to rows.0.new",
        "rows.1.oldd": "a known key",
    }


def test_an_old_key_of_a_rulebook_is_refused_in_its_file_and_in_changes(monkeypatch):
    section = Rulebook.model_fields["funding"].annotation
    monkeypatch.setattr(section, "renamed", {"ceiling": "cap"}, raising=False)
    fault = faults_of(load_rulebook("binance").changed, {"funding.ceiling": 0.1})["funding.ceiling"]
    assert fault.expected == "renamed to funding.cap"
    key = "market.changes.funding.ceiling"
    fault = faults_of(load, "small", {key: 0.1})[key]
    assert fault.expected == "renamed to market.changes.funding.cap"


def test_an_old_key_of_a_sweep_is_refused(monkeypatch, tmp_path):
    from perplab.scenarios.sweeps.sweep_file import read_sweep

    monkeypatch.setattr(Sweep, "renamed", {"tables": "keep"}, raising=False)
    path = sweep_file(tmp_path, SWEEP.replace("keep =", "tables ="))
    fault = faults_of(read_sweep, path)["tables"]
    assert fault.expected == "renamed to keep" and fault.line == 3


def test_a_renamed_section_and_its_renamed_key_are_given_at_once():
    change = {"market.changes.deleveraging.sharing": "adl"}
    with pytest.raises(ParameterError, match=r"renamed to market\.changes\.adl\.loss_sharing"):
        load("small", change)
