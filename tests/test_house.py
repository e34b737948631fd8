"""The structure of the source tree: direction of imports, size of folders, files and functions."""

import ast
import functools
import importlib
import pathlib
import shutil
import statistics
import subprocess

import numpy as np
import pytest

from perplab.sim.compiler.cache import HOUSE
from perplab.sim.state import records

# Lowest first. A package may import those before it, and so may a module or folder in a package.
# Those on one line do not import each other. Modules of agents, which have no line, do.
PACKAGES = ("sim", "agents", "scenarios", "analysis")
ORDER = {
    "sim": (
        ("errors",),
        ("toml_files",),
        ("faults", "atomic_files", "market_data", "parent_process"),
        ("compiler",),
        ("streams",),
        ("setup",),
        ("laws",),
        ("impact",),
        ("state",),
        ("spot",),
        ("rulebook",),
        ("clearing",),
        ("exchange",),
        ("prices", "funding", "risk", "series"),
        ("traders",),
        ("engine", "run_faults", "mesa_model", "saved_setup"),
        ("saved_market",),
        ("copies",),
        ("model",),
    ),
    "agents": (("attacks", "carry"), ("providers",)),
    "scenarios": (("files",), ("runs",), ("sweeps",)),
    "analysis": (
        ("escapes", "estimators"),
        ("metrics",),
        ("figures",),
        ("studies",),
        ("report",),
        ("calibration",),
        ("cli",),
        ("face",),
    ),
}
MODULES_PER_FOLDER = 14
LINES_PER_FILE = 300
LONGEST_FUNCTION, NINETIETH_PERCENTILE, MEDIAN_FUNCTION = 45, 18, 6

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
INHERITED = ("_", "contradictions", "venue_values", "market_values", "model_")
# Importing these must stay cheap, or their modules run as programs: nothing is imported here.
WITHOUT_NAMES = {"perplab.sim", "perplab.analysis.cli", "perplab.analysis.studies"}
VAGUE_NAMES = {"utils", "common", "helpers", "base", "types", "misc"}


@functools.cache
def sources():
    """Return ``{path: syntax tree}`` of every module of the four packages."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((HOUSE / package).glob("**/*.py"))
    }


def folders():
    """Return ``{folder: paths of its modules}`` without their ``__init__``."""
    found = {}
    for path in sources():
        found.setdefault(path.parent, [])
        if path.name != "__init__.py":
            found[path.parent].append(path)
    return found


def import_name(path):
    """Return the name by which a file or folder is imported."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    if parts[:2] == ("analysis", "face"):
        parts = parts[2:]
    return ".".join(("perplab", *(part for part in parts if part != "__init__")))


def folder_of(module):
    """Return ``(package, folder or module in it)`` of an import name; both "" outside perplab."""
    parts = [*module.split("."), "", ""]
    if parts[0] != "perplab":
        return "", ""
    return (parts[1], parts[2]) if parts[1] in PACKAGES else ("analysis", "face")


def level(package, part):
    """Return the place of a part of a package in `ORDER`, lowest first; -1 if it has no line."""
    return next((k for k, line in enumerate(ORDER[package]) if part in line), -1)


def imported(tree):
    """Yield the dotted names that a module imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            yield from (f"{module}.{alias.name}" for alias in node.names)


def functions(tree):
    """Return the functions of a module, methods and nested functions included."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def decorators(function):
    """Return the names a function is decorated with."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def kernels():
    """Return ``(path, function)`` of every compiled function."""
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


def points_down(importer, imported_part):
    """Return whether a part (package, folder) may import another."""
    if importer[0] != imported_part[0]:
        return PACKAGES.index(imported_part[0]) < PACKAGES.index(importer[0])
    if importer == imported_part or not importer[1]:
        return True
    low, high = level(*imported_part), level(*importer)
    return low < high or low == high == -1


def test_imports_point_down():
    wrong = []
    for path, tree in sources().items():
        importer = folder_of(import_name(path))
        for module in imported(tree):
            part = folder_of(module)
            if module.startswith(".") or module.split(".")[0] in ("tests", "benchmarks", *PACKAGES):
                wrong.append(f"{path.relative_to(HOUSE)} imports {module}")
            elif part[0] and not points_down(importer, part):
                wrong.append(f"{path.relative_to(HOUSE)} imports {module}: upwards")
    assert wrong == []


def test_the_order_names_every_folder():
    for package in ("sim", "scenarios", "analysis"):
        there = {
            path.stem
            for path in (HOUSE / package).iterdir()
            if (path / "__init__.py").exists() or path.suffix == ".py"
        }
        assert {name for line in ORDER[package] for name in line} == there - {"__init__"}


def test_only_the_compiler_folder_imports_numba():
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
def test_drawing_stays_in_the_analysis(package, floor):
    users = {
        path.relative_to(HOUSE).parts[0]
        for path, tree in sources().items()
        for module in imported(tree)
        if module.split(".")[0] == package
    }
    assert users <= {floor}


def forbidden_in(function):
    """Yield what a kernel must not use: its result would differ from plain Python, or it raises."""
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


def test_kernels_use_only_operations_that_are_reproducible_to_the_bit():
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
    """Yield the public classes, functions and methods that have no docstring."""
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
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) <= MEDIAN_FUNCTION
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= NINETIETH_PERCENTILE


def test_files_are_short():
    lengths = {
        path.relative_to(HOUSE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }
    assert {name: lines for name, lines in lengths.items() if lines > LINES_PER_FILE} == {}


def test_folders_are_small_and_their_modules_have_telling_names():
    for folder, modules in folders().items():
        assert len(modules) <= MODULES_PER_FOLDER, folder
        assert not VAGUE_NAMES & {path.stem for path in modules}, folder


@pytest.mark.parametrize("folder", folders(), ids=import_name)
def test_a_folder_says_what_it_holds_and_hands_on_its_names(folder):
    package = importlib.import_module(import_name(folder))
    assert len(package.__doc__ or "") > 80, "a paragraph: what belongs here and what does not"
    names = getattr(package, "__all__", [])
    assert [name for name in names if not hasattr(package, name)] == []
    assert names or not folders()[folder] or import_name(folder) in WITHOUT_NAMES, "no public names"


def public_names(tree):
    """Yield the public names that a module defines at its top level."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name))


def test_no_public_name_is_that_of_a_module_beside_it():
    wrong = [
        f"{path.relative_to(HOUSE)}: {name}"
        for folder, modules in folders().items()
        for path in modules
        for name in public_names(sources()[path])
        if name in {module.stem for module in modules}
    ]
    assert wrong == []


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed (pip install -e '.[test]')")
    done = subprocess.run([ruff, *command, "-q", "."], cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
