"""Scenario files for tests."""

import pathlib

import pytest

from perplab.scenarios.files.loader import load
from perplab.sim.errors import ParameterError

SMALL_CASCADE = str(pathlib.Path(__file__).parent / "scenarios" / "small-cascade.toml")
"""A cascade in the small market, which runs in a second."""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def faults_of(scenario, changes=()):
    with pytest.raises(ParameterError) as caught:
        load(scenario, changes)
    return {fault.key: fault for fault in caught.value.faults}


def prices(folder, rows=None, name="prices.csv"):
    hours = range(72)
    lines = rows or [
        f"2022-01-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{100 + h % 5},{100.02 + h % 5}"
        for h in hours
    ]
    return write(folder / name, "\n".join(["timestamp,spot,perp", *lines]) + "\n")
