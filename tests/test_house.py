"""The house as its design draws it: floors, the one importer of the compiler, words that kernels may use, docstrings, lengths."""

import ast
import functools
import pathlib
import statistics

import numpy as np
import pytest

from perplab.sim.compiler.cache import HOUSE
from perplab.sim.state import records

FLOORS = ("sim", "agents", "scenarios", "analysis")
DECORATORS = {"kernel", "hot_kernel", "entry", "rule"}
FORBIDDEN = {
    ("np", name)
    for name in (
        "exp",
        "log",
        "tanh",
        "cos",
        "sin",
        "power",
        "sum",
        "dot",
        "zeros",
        "empty",
        "array",
    )
}
FORBIDDEN_METHODS = {"sum", "mean", "min", "max", "copy", "dot", "any", "all"}
LARGEST_FUNCTION, LARGEST_FILE, MEDIAN = 60, 700, 10
INHERITED = ("_", "contradictions", "venue_values", "market_values", "model_")
NO_ROOMS = {"utils", "common", "helpers", "base", "types", "misc"}


@functools.cache
def sources():
    """Return ``{path: tree}`` of every module of the floors."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for floor in FLOORS
        for path in sorted((HOUSE / floor).glob("**/*.py"))
    }


def imported(tree):
    """Return the modules that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def functions(tree):
    """Return the functions of a module, methods and inner ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def decorators(function):
    """Return the names a function is decorated with."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def kernels():
    """Return ``(path, function)`` of all that runs compiled."""
    return [
        (path, function)
        for path, tree in sources().items()
        for function in functions(tree)
        if DECORATORS & set(decorators(function))
    ]


def place(path, node):
    return f"{path.relative_to(HOUSE)}:{node.lineno}"


def statement_lines(function):
    """Return the number of lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_imports_point_down():
    wrong = []
    for path, tree in sources().items():
        floor = path.relative_to(HOUSE).parts[0]
        above = (*FLOORS[FLOORS.index(floor) + 1 :], "tests", "benchmarks")
        wrong += [
            f"{path.relative_to(HOUSE)} imports {module}"
            for module in imported(tree)
            if module.split(".")[0] in above
        ]
        wrong += [
            f"{path.relative_to(HOUSE)} imports {module}: relative"
            for module in imported(tree)
            if module.startswith(".")
        ]
    assert wrong == []


def test_only_the_kernel_knows_the_compiler():
    users = {
        path.relative_to(HOUSE).as_posix()
        for path, tree in sources().items()
        for module in imported(tree)
        if module.split(".")[0] in ("numba", "llvmlite")
    }
    assert {pathlib.PurePath(user).parent.as_posix() for user in users} == {"sim/compiler"}


@pytest.mark.parametrize(
    ("package", "floor"),
    [("networkx", "analysis"), ("matplotlib", "analysis"), ("seaborn", "analysis")],
)
def test_tools_stay_on_their_floor(package, floor):
    users = {
        path.relative_to(HOUSE).parts[0]
        for path, tree in sources().items()
        for module in imported(tree)
        if module.split(".")[0] == package
    }
    assert users <= {floor}


def forbidden_in(function):
    """Return what a compiled function uses that plain Python would not repeat to the last bit, or that it may not do."""
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            yield node, "**"
        if isinstance(node, (ast.Raise, ast.Try, ast.ListComp, ast.DictComp, ast.Lambda)):
            yield node, type(node).__name__
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and (owner.id, node.func.attr) in FORBIDDEN:
                yield node, f"{owner.id}.{node.func.attr}"
            elif node.func.attr in FORBIDDEN_METHODS and not (
                isinstance(owner, ast.Name) and owner.id in ("np", "math")
            ):
                yield node, f".{node.func.attr}()"


def test_kernels_use_only_what_repeats_in_every_bit():
    wrong = [
        f"{place(path, node)} uses {what}"
        for path, function in kernels()
        for node, what in forbidden_in(function)
    ]
    assert len(kernels()) > 150
    assert wrong == []


def test_kernels_read_records_by_subscript():
    fields = {
        name
        for value in vars(records).values()
        if isinstance(value, np.dtype)
        for name in value.names or ()
    }
    wrong = [
        f"{place(path, node)} reads .{node.attr}"
        for path, function in kernels()
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and node.attr in fields
        and getattr(node.value, "id", "") != "math"
    ]
    assert wrong == []


def undocumented(tree):
    """Return the public classes, functions and methods of a module that have no docstring."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    method
                    for method in functions(node)
                    if not method.name.startswith(INHERITED) and ast.get_docstring(method) is None
                )


def test_everything_public_is_documented():
    wrong = [
        f"{path.relative_to(HOUSE)}"
        for path, tree in sources().items()
        if ast.get_docstring(tree) is None
    ]
    wrong += [
        f"{place(path, node)} {node.name}"
        for path, tree in sources().items()
        for node in undocumented(tree)
    ]
    assert wrong == []


def test_functions_are_short():
    lengths = {
        f"{place(path, function)} {function.name}": statement_lines(function)
        for path, tree in sources().items()
        for function in functions(tree)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LARGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) < MEDIAN


def test_rooms_are_named_and_not_too_large():
    for path in sources():
        assert path.stem not in NO_ROOMS, path
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LARGEST_FILE, path
