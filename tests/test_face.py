"""The public names: imported on first use, the same list for Python and for type checkers."""

import ast
import inspect
import subprocess
import sys

import pytest

import perplab
from perplab.sim.compiler.cache import HOUSE

TREE = ast.parse((HOUSE / "analysis/face/__init__.py").read_text(encoding="utf-8"))
HEAVY = ("numba", "mesa", "matplotlib", "numpy", "pandas", "pydantic", "typer")


def checked_imports():
    """Return ``{name: module}`` as a type checker sees it."""
    return {
        alias.name: node.module
        for node in ast.walk(TREE)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("perplab.")
        for alias in node.names
    }


def test_type_checkers_and_python_see_the_same_names():
    assert checked_imports() == perplab._MODULE
    assert perplab.__all__ == sorted(checked_imports()) == dir(perplab)


@pytest.mark.parametrize("name", perplab.__all__)
def test_every_name_is_there(name):
    assert getattr(perplab, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'perplab' has no attribute 'markets'"):
        perplab.markets  # noqa: B018


@pytest.mark.parametrize("module", ["perplab", "perplab.__main__"])
def test_importing_perplab_is_cheap(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def functions_of(name):
    """Yield ``(name, function)`` of a public function, or of a class's public methods."""
    found = getattr(perplab, name)
    if not inspect.isclass(found):
        yield name, getattr(found, "py_func", found)
        return
    for attribute, value in vars(found).items():
        if attribute.startswith("_") and attribute != "__init__":
            continue
        for wrapped in ("fget", "func", "__func__"):
            value = getattr(value, wrapped, value)
        if inspect.isfunction(value) and (value.__module__ or "").startswith("perplab."):
            yield f"{name}.{attribute}", value


def unannotated(function):
    """Return the parameters of a function without annotation, and "return" if that has none."""
    signature = inspect.signature(function)
    names = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and name not in ("self", "cls")
    ]
    return names + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", perplab.__all__)
def test_everything_public_is_annotated(name):
    wrong = {label: unannotated(function) for label, function in functions_of(name)}
    assert {label: names for label, names in wrong.items() if names} == {}
