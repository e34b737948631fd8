"""Every example in a docstring runs. Modules are imported by name, so that none exists twice."""

import doctest
import importlib
import pkgutil

import pytest

import perplab
import perplab.agents
import perplab.analysis
import perplab.scenarios
import perplab.sim

PACKAGES = (perplab.sim, perplab.agents, perplab.scenarios, perplab.analysis)
MODULES = sorted(
    [
        *(module.name for module in pkgutil.iter_modules(perplab.__path__, "perplab.")),
        *(
            module.name
            for package in PACKAGES
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
            if not module.name.startswith("perplab.analysis.face")  # imported as perplab
        ),
    ]
)


@pytest.mark.parametrize("name", ["perplab", *MODULES])
def test_examples_run(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder(exclude_empty=True)
    counts = (
        len([test for test in finder.find(importlib.import_module(name)) if test.examples])
        for name in MODULES
    )
    assert sum(counts) > 100
