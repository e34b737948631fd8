"""Every key that a rulebook may state changes some run: none is written and never read.

The sections of a rulebook are walked, so that a new key is tested without a line here. A number is
changed by a tenth (or doubled, or halved), a switch is flipped, and each two names of a choice are
compared, until the recorded rows of some small market differ. Recorded rows contain no key as such.
"""

import dataclasses
import functools
import itertools
import math
import typing

import numpy as np
import pytest

from perplab.sim.errors import ParameterError
from perplab.sim.faults import section_at, section_of
from perplab.sim.model import PerpetualMarket
from perplab.sim.rulebook.rulebook import Rulebook
from tests.markets import storm
from tests.rulebook_variants import bases

DOCUMENTATION = {
    "name": "label of the venue",
    "dated": "day for which the sources were read",
    "sources": "documents behind the numbers",
    "assumed": "what is not documented",
    "margin.tiers.deduction": "checked against the computed deduction, which is the one in use",
}
STORMS = (
    dict(premium_samples=4),
    dict(traders=30, isolated=0.5, fall=-0.1),
)
"""Options of `storm`: small markets, tried in order."""
STEPS = 1_000
FACTORS = 2.0, 0.5, 1.1, 0.9


@functools.cache
def setup(number):
    """Return the setup of a storm."""
    return storm(print_trades=True, record_seconds=600.0, **STORMS[number]).setup


@functools.cache
def outcome(rulebook, number):
    """Return the recorded rows of a storm under a rulebook, as bytes."""
    markets = [dataclasses.replace(setup(number).markets[0], rulebook=rulebook)]
    market = PerpetualMarket(dataclasses.replace(setup(number), markets=markets), seed=1)
    market.run(STEPS)
    records = dataclasses.asdict(market.records())
    tables = itertools.chain(records.pop("series"), records.values())
    return b"".join(table.tobytes() for table in tables if isinstance(table, np.ndarray))


def differ(one, other):
    """Return whether two rulebooks have different outcomes in some storm."""
    return any(outcome(one, n) != outcome(other, n) for n in range(len(STORMS)))


def keys(model=Rulebook, prefix=""):
    """Yield ``(dotted key, pydantic field)`` of a model and of the sections inside it.

    Rows of a list have no number in a key; each number of a tuple of fixed length has a key.
    """
    for name, field in model.model_fields.items():
        section, numbers = section_of(field.annotation), typing.get_args(field.annotation)
        if section is not None:
            yield from keys(section, f"{prefix}{name}.")
        elif typing.get_origin(field.annotation) is tuple and Ellipsis not in numbers:
            yield from ((f"{prefix}{name}.{n}", field) for n in range(len(numbers)))
        else:
            yield prefix + name, field


def names_of(annotation):
    """Return the names of a choice, none for another type."""
    if typing.get_origin(annotation) is typing.Literal:
        return annotation.__args__
    return next(filter(None, map(names_of, typing.get_args(annotation))), ())


FIELDS = {key: field for key, field in keys() if key not in DOCUMENTATION}
CHOICES = {key: names for key, field in FIELDS.items() if (names := names_of(field.annotation))}
NUMBERS = [key for key in FIELDS if key not in CHOICES]
PAIRS = [
    (key, *pair) for key, names in CHOICES.items() for pair in itertools.combinations(names, 2)
]


def place_of(key):
    """Return the parts of a dotted key, with numbers as integers."""
    return tuple(int(part) if part.isdigit() else part for part in key.split("."))


def places(value, parts):
    """Yield the paths of a key in a dump of a rulebook: one of each row of a list."""
    if isinstance(value, (tuple, list)) and not (parts and isinstance(parts[0], int)):
        for n, row in enumerate(value):
            yield from ((n, *place) for place in places(row, parts))
    elif parts:
        yield from ((parts[0], *place) for place in places(value[parts[0]], parts[1:]))
    elif value is not None:
        yield ()


def read(tables, place):
    """Return the value at a place of a dump."""
    return functools.reduce(lambda table, part: table[part], place, tables)


def changed(tables, place, value):
    """Return a copy of a dump with another value at a place."""
    if not place:
        return value
    other = list(tables) if isinstance(tables, (tuple, list)) else dict(tables)
    other[place[0]] = changed(tables[place[0]], place[1:], value)
    return other


def allowed(tables):
    """Return the rulebook of tables, None if it is refused."""
    try:
        return Rulebook.from_tables(tables)
    except ParameterError:
        return None


def perturbed(value):
    """Return other values to try for a number or a switch."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [value * factor for factor in FACTORS if value * factor != value]


def perturbations(key):
    """Yield pairs of rulebooks that differ in a key alone."""
    for base in bases():
        tables = base.model_dump()
        for place in places(tables, place_of(key)):
            for value in perturbed(read(tables, place)):
                if (other := allowed(changed(tables, place, value))) is not None:
                    yield base, other


@pytest.mark.parametrize("key", NUMBERS)
def test_number_or_switch_changes_a_run(key):
    assert any(itertools.starmap(differ, perturbations(key))), (
        f"{key} changes no run. If nothing reads it, remove it. If something does, add a rulebook "
        "under which it matters to VARIANTS (tests/rulebook_variants.py), or a market to STORMS. "
        "If it is documentation, add it to DOCUMENTATION with the reason."
    )


def stated(key):
    """Return the first value that some base states for a key."""
    dumps = (base.model_dump() for base in bases())
    return next((read(dump, one) for dump in dumps for one in places(dump, place_of(key))), None)


def default_of(key):
    """Return the value of a key that a rulebook does not state."""
    *sections, name = key.split(".")
    return section_at(Rulebook, sections).model_fields[name].default


def with_choice(tables, place, name):
    """Return a rulebook with another name of a choice, None if there is none.

    Keys that the name needs have the first value in `bases`, keys that it refuses their default.
    """
    tables = changed(tables, place, name)
    for _ in range(3):
        try:
            return Rulebook.from_tables(tables)
        except ParameterError as error:
            for fault in error.faults:
                tables = mended(tables, fault)
    return None


def mended(tables, fault):
    """Return tables with a key that a fault asks for or refuses."""
    place = place_of(fault.key)
    key = ".".join(part for part in place if isinstance(part, str))
    if fault.expected.startswith("given"):
        return changed(tables, place, stated(key))
    return changed(tables, place, default_of(key))


def merged(one, other):
    """Return one dump, with what the other states instead where it has the default itself."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merged(one[name], other[name]) for name in one}
    if isinstance(one, (tuple, list)) and other is not None and len(one) == len(other):
        return [merged(*rows) for rows in zip(one, other, strict=True)]
    return other if one in (None, False, 0, math.inf, -math.inf) else one


def unchecked(section, tables):
    """Return a section of tables that has keys of several names of a choice, which it refuses."""
    values = {}
    for name, field in section.model_fields.items():
        inner, value = section_of(field.annotation), tables[name]
        if inner is not None and isinstance(value, dict):
            value = unchecked(inner, value)
        elif isinstance(value, (tuple, list)):
            value = tuple(unchecked(inner, row) if isinstance(row, dict) else row for row in value)
        values[name] = value
    return section.model_construct(**values)


def pairs_of_bases(key, one, other):
    """Yield pairs of rulebooks with the one and the other name of a choice, and all else the same.

    Both have the keys that either name needs, so that a difference is due to the name alone.
    """
    for base in bases():
        tables = base.model_dump()
        for place in places(tables, place_of(key)):
            pair = [with_choice(tables, place, name) for name in (one, other)]
            if None not in pair:
                both = merged(*(rulebook.model_dump() for rulebook in pair))
                yield [unchecked(Rulebook, changed(both, place, name)) for name in (one, other)]


@pytest.mark.parametrize(("key", "one", "other"), PAIRS)
def test_each_two_names_of_a_choice_give_different_runs(key, one, other):
    assert any(itertools.starmap(differ, pairs_of_bases(key, one, other))), (
        f"{key} gives the same runs as {one!r} and as {other!r}. Add a rulebook under which they "
        "differ to VARIANTS (tests/rulebook_variants.py), or a market to STORMS."
    )


def test_documentation_names_keys_that_exist():
    assert set(DOCUMENTATION) <= {key for key, _ in keys()}
