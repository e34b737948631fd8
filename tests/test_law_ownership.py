"""A law's file owns its enum, its record type and its formula.

Nobody else reads its codes or fields.
"""

import ast
import functools
import importlib
import pathlib
import pkgutil

import numpy as np
import pytest

import perplab.sim.laws
from perplab.sim.impact.displacement import DISPLACEMENT
from perplab.sim.impact.ledger import LEDGER
from perplab.sim.laws.choices import Choice
from perplab.sim.state import records

ROOT = pathlib.Path(perplab.sim.laws.__file__).parents[2]
FOLDERS = ("sim", "agents", "scenarios", "analysis")
OWNERS = ("sim/laws", "sim/rulebook", "sim/impact", "sim/spot/displacement.py")
IMPACT = {"DISPLACEMENT": DISPLACEMENT, "LEDGER": LEDGER}
"""Records of the law of impact in spot, owned by `perplab.sim.impact`."""
LAWS = [
    importlib.import_module(module.name)
    for module in pkgutil.iter_modules(perplab.sim.laws.__path__, "perplab.sim.laws.")
]


def law_records():
    """Return ``{name: dtype}`` of the record types whose name ends in LAW, and those of impact."""
    return {
        name: value
        for law in LAWS
        for name, value in vars(law).items()
        if name.endswith("_LAW") and isinstance(value, np.dtype)
    } | IMPACT


def enums():
    """Return the enums of the laws."""
    return {
        value
        for law in LAWS
        for value in vars(law).values()
        if isinstance(value, type) and issubclass(value, Choice) and value is not Choice
    }


def other_fields():
    """Return the fields of all tables that are no law's."""
    laws = set(law_records().values())
    tables = (value for value in vars(records).values() if isinstance(value, np.dtype))
    return {name for dtype in tables if dtype not in laws for name in dtype.names or ()}


@functools.cache
def readers():
    """Return ``{path: tree}`` of every module that owns no law."""
    paths = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
        if not path.relative_to(ROOT).as_posix().startswith(OWNERS)
    }


@functools.cache
def fields_read():
    """Return ``(path, line, text)`` of the constant texts by which modules read a record."""
    return {
        (path, node.lineno, node.slice.value)
        for path, tree in readers().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    }


def names_used(tree):
    """Return the names that a module imports or uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)


@pytest.mark.parametrize("name", sorted(law_records()))
def test_fields_of_a_law_are_read_in_its_own_file_alone(name):
    fields = set(law_records()[name].names) - other_fields()
    assert fields, "every field of the law is also a field of another table"
    wrong = [
        f"{path}:{line} reads {field}" for path, line, field in fields_read() if field in fields
    ]
    assert wrong == []


def test_codes_of_a_law_are_used_in_its_own_file_alone():
    codes = {enum.__name__ for enum in enums()}
    wrong = [
        f"{path}:{line} uses {name}"
        for path, tree in readers().items()
        for line, name in names_used(tree)
        if name in codes
    ]
    assert codes and wrong == []


def test_names_of_a_law_are_those_of_its_enum():
    for enum in enums():
        assert all(enum.code(name) in [int(member) for member in enum] for name in enum.names())
        assert len(set(enum.names())) == len(enum.names())


def test_codes_of_a_law_are_not_ordered():
    """A code is compared for equality, so that a new variant can stand anywhere in its enum."""
    names = {enum.__name__ for enum in enums()}
    wrong = [
        f"{law.__name__}:{node.lineno}"
        for law in LAWS
        for node in ast.walk(ast.parse(pathlib.Path(law.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(sign, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for sign in node.ops)
        and any(
            isinstance(side, ast.Attribute) and getattr(side.value, "id", "") in names
            for side in (node.left, *node.comparators)
        )
    ]
    assert wrong == []


def test_every_law_record_is_in_the_state():
    nested = {
        dtype.fields[name][0]
        for dtype in vars(records).values()
        if isinstance(dtype, np.dtype)
        for name in dtype.names or ()
    }
    assert [name for name, dtype in law_records().items() if dtype not in nested] == []
