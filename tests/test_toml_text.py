"""What `show` and `report` print as TOML gives the same run, to the bit, when it is read."""

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.analysis.cli.describe import rulebook_lines, scenario_lines
from perplab.analysis.report.page import own_tables
from perplab.analysis.report.toml_text import table_lines
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.sources import library_names
from perplab.scenarios.runs.json_files import loads, round_trip
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from perplab.sim.toml_files.writing import toml_key, toml_value
from tests.scenario_files import prices, write
from tests.test_stored_runs import TWO_MARKETS

ODD = 'a"b\\c\n\t\x1b[31m\'\'\'"""#é = 1'
CHANGES = {
    "title": ODD,
    "question": "inf",
    "days": 0.1 + 0.2,
    "spot.half_spread_bps": 1 / 3,
    "market.changes.funding.cap": 1e-17 / 3 + 0.001,
    "populations.noise.size_usd": {"distribution": "uniform", "low": 2e3 / 3, "high": 1e3 / 3 * 4},
    f"populations.{ODD.replace('.', '')}": {"kind": "noise", "number": 1, "size_usd": 1e5 / 7},
}


def same(one, other):
    """Return whether two scenarios are equal, whatever they extend."""
    values = [each.model_dump(exclude={"extends"}) for each in (one, other)]
    return values[0] == values[1]


def stored(scenario):
    """Return a scenario as the manifest of a run has it."""
    return loads(json.dumps(round_trip(scenario.model_dump(exclude_none=True))))


def cases(folder):
    """Yield library scenarios and odd ones, each with the changes that it needs."""
    file = prices(folder)
    for name in library_names():
        replay = {"spot.price.file": file, "spot.price.column": "spot", "days": 1}
        yield name, replay if name == "replay" else {}
    yield "small", CHANGES
    yield write(folder / "two.toml", TWO_MARKETS), {}
    yield (
        "small",
        {"market.changes.margin.tiers": [tier.model_dump(exclude_none=True) for tier in tiers()]},
    )


def tiers():
    return load_rulebook("okx").margin.tiers[:2]


def test_what_show_and_report_print_gives_the_same_scenario(tmp_path):
    for number, (name, changes) in enumerate(cases(tmp_path)):
        scenario = load(name, changes)
        shown = scenario_lines(name, changes)
        reported = table_lines("", own_tables(stored(scenario)))
        for kind, lines in (("shown", shown), ("reported", reported)):
            file = write(tmp_path / f"{kind}{number}.toml", "\n".join(lines) + "\n")
            assert same(load(file), scenario), (name, kind)


@pytest.mark.parametrize("name", rulebook_names())
def test_a_printed_rulebook_gives_the_same_rules(name):
    printed = tomllib.loads("\n".join(rulebook_lines(name)))
    book = load_rulebook(name)
    assert type(book).model_validate(printed | book.model_dump(include=HEADS)) == book


HEADS = {"name", "dated", "sources", "assumed"}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_any_tables_are_read_back_to_the_bit(tables):
    text = "\n".join(table_lines("", tables, lambda name, key: "unit"))
    read = tomllib.loads(text)
    assert read == tables and repr(read) == repr(in_order(tables, read))


def in_order(value, like):
    """Return tables with their keys in the order of others, so that texts can be compared."""
    if isinstance(value, dict):
        return {key: in_order(value[key], part) for key, part in like.items()}
    if isinstance(value, list):
        return [in_order(one, other) for one, other in zip(value, like, strict=True)]
    return value


@settings(max_examples=300, deadline=None)
@given(TEXTS, VALUES)
def test_any_value_is_read_back_to_the_bit(key, value):
    read = tomllib.loads(f"{toml_key(key)} = {toml_value(value)}")
    assert repr(read) == repr({key: value})
