"""Any key, value or file of a scenario, sweep or rulebook loads, or is refused in one way.

A refusal is a `ParameterError` whose faults name file, key, value and bound on one printable line;
the command line ends with code 2 and leaves nothing behind.
"""

import datetime
import math
import string
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from perplab.analysis.cli import commands as cli
from perplab.analysis.cli import run_command, sweep_command
from perplab.scenarios.files.kinds import KINDS
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.sources import LIBRARY as SCENARIOS
from perplab.scenarios.sweeps.simulation import simulator
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.sim.errors import LONGEST_BOUND, Fault, ParameterError
from perplab.sim.faults import flattened
from perplab.sim.rulebook.rulebook import LIBRARY, load_rulebook
from tests.small_sweeps import SWEEP

CALM = load("small")
LINE = 3 * LONGEST_BOUND
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def known_keys():
    """Return dotted keys of a scenario, its rulebook and its traits."""
    scenario = flattened(CALM.model_dump(exclude_none=True))
    rules = flattened(load_rulebook("binance").model_dump(exclude_none=True))
    traits = [
        f"populations.{name}.{trait}"
        for name, population in CALM.populations.items()
        for trait in KINDS[population.kind].traits.traits
    ]
    parts = [key.rpartition(".")[0] for key in (*scenario, *rules) if "." in key]
    return sorted({*scenario, *traits, *parts, *(f"market.changes.{key}" for key in rules)})


def misspelt(key):
    """Return keys like a key: a letter too few or too many, another case, a part more or less."""
    return st.sampled_from(
        [
            key[:-1],
            key + "s",
            key.upper(),
            f"{key}.more",
            f"{key}.0",
            key.partition(".")[2],
            f" {key}",
        ]
    )


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", " ", "\0", "\x1b[31m", "a\nb", "é", "x" * 100_000, "../x", "/etc/passwd", "nan", "inf"]
)
KEYS = st.sampled_from(known_keys())
ANY_KEY = KEYS | KEYS.flatmap(misspelt) | TEXTS | st.just(".".join("a" * 100))
NUMBERS = (
    st.sampled_from(
        [
            0,
            -1,
            1,
            0.5,
            -0.0,
            math.nan,
            math.inf,
            -math.inf,
            1e300,
            -1e300,
            5e-324,
            2**63,
            10**4_000,
        ]
    )
    | st.floats()
    | st.integers(-(10**20), 10**20)
)
LEAVES = NUMBERS | TEXTS | st.booleans() | st.just(datetime.date(2022, 11, 1))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def refused(action, *words):
    """Do something; if it is refused, check every fault and return it, otherwise return None."""
    try:
        action()
    except ParameterError as error:
        assert error.faults and str(error) == "\n".join(map(str, error.faults))
        for fault in error.faults:
            line = str(fault)
            assert line.isprintable() and len(line) < LINE and fault.expected, line
            assert all(word in line for word in words), line
        return error
    return None


@FEW
@given(ANY_KEY, VALUES)
@example("market.changes.funding", {})
@example("populations.ghost.number", 3)
@example("populations", {"\x1b": {"kind": "noise", "number": 1}})
@example("shocks", [{"kind": "path"}] * 3)
def test_any_change_of_a_scenario_loads_or_is_refused(key, value):
    refused(lambda: load("small", {key: value}))


@pytest.mark.parametrize("key", ["days", "populations.noise.number", "populations.noise.size_usd"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_number_of_too_many_digits_to_print_is_refused(key, nested):
    value = 16**6_000
    assert refused(lambda: load("small", {key: [value] if nested else value}), key)


@FEW
@given(st.dictionaries(ANY_KEY, VALUES, max_size=4))
def test_any_changes_of_a_rulebook_give_one_or_are_refused(changes):
    refused(lambda: load_rulebook("binance").changed(changes))


@FEW
@given(st.lists(ANY_KEY, max_size=3))
def test_any_keys_make_a_simulator_or_are_refused(keys):
    refused(lambda: simulator("small", keys))


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command without a simulation: exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_command, "run_and_write", lambda *_: (None, None))
    monkeypatch.setattr(sweep_command, "run_jobs", lambda *_: 0)

    def ended(*arguments):
        monkeypatch.setattr(sys, "argv", ["perplab", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return stopped.value.code or 0, said

    return ended


ARGUMENTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
WRITTEN = ARGUMENTS | st.sampled_from(
    [
        "{}",
        "[]",
        "nan",
        "inf",
        "-1",
        "1e400",
        "0x" + "f" * 6_000,
        "{a=1}",
        "x" * 100_000,
        "''",
        "\x1b",
    ]
)


@FEW
@given(KEYS | KEYS.flatmap(misspelt) | ARGUMENTS, WRITTEN)
@example("days", "{}")
@example("populations.noise.market", "inf")
def test_any_setting_runs_or_ends_with_code_2(command, tmp_path, key, value):
    code, said = command("run", "small", "--no-figures", "--set", f"{key}={value}")
    assert code in (0, 2) and (code == 0 or said.startswith("perplab: ")), said
    assert len(said) < 50 * LINE and said.replace("\n", "").isprintable()
    assert list(tmp_path.iterdir()) == []


@FEW
@given(KEYS | ARGUMENTS, WRITTEN)
def test_any_arm_runs_or_ends_with_code_2(command, tmp_path, key, value):
    arm = f"new:{key}={value}"
    code, said = command("branch", "small", "--at-hours", "9999", "--arm", arm)
    assert code == 2 and said.replace("\n", "").isprintable() and list(tmp_path.iterdir()) == []
    assert not said.startswith("perplab: --set")


def mutated(text):
    """Return texts like a text: lines lost, repeated and swapped, letters changed, parts cut."""
    lines = text.splitlines()
    places = st.integers(0, max(len(lines) - 1, 0))
    letters = st.sampled_from(string.punctuation + "09aé \n")

    def change(edits):
        changed = list(lines)
        for kind, place, letter in edits:
            line = changed[place % len(changed)]
            spot = place * 7 % max(len(line), 1)
            changed[place % len(changed)] = {
                "cut": line[:spot],
                "double": f"{line}\n{line}",
                "letter": line[:spot] + letter + line[spot + 1 :],
                "insert": line[:spot] + letter + line[spot:],
                "value": f"{line.partition('=')[0]}= {letter * 3}",
            }[kind]
        return "\n".join(changed) + "\n"

    kinds = st.sampled_from(["cut", "double", "letter", "insert", "value"])
    return st.lists(st.tuples(kinds, places, letters), min_size=1, max_size=3).map(change)


FILES = {
    "scenario": ((SCENARIOS / "long-cascade.toml").read_text(), load),
    "sweep": (SWEEP, read_sweep),
    "rulebook": ((LIBRARY / "bybit.toml").read_text(), load_rulebook),
}


@pytest.mark.parametrize("kind", FILES)
@FEW
@given(data=st.data())
def test_any_file_loads_or_is_refused_by_its_name(kind, tmp_path, data):
    text, read = FILES[kind]
    file = tmp_path / "mine.toml"
    file.write_text(
        data.draw(mutated(text) | st.text(max_size=30)), encoding="utf-8", errors="replace"
    )
    refused(lambda: read(file), "toml")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@FEW
@given(st.binary(max_size=40))
@pytest.mark.parametrize("name", ["run", "show", "sweep", "rulebook"])
def test_any_bytes_end_with_code_2(command, tmp_path, name, content):
    (tmp_path / "mine.toml").write_bytes(content)
    code, said = command(name, "mine.toml")
    assert code == 2 and "mine.toml" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@given(TEXTS, VALUES, TEXTS, TEXTS)
def test_a_fault_is_one_printable_line(key, value, expected, file):
    line = str(Fault(key, value, expected, file, 3))
    assert line.isprintable() and len(line) < LINE
