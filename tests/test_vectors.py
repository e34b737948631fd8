"""Golden vectors of the venues, through the functions that a simulation uses: one small adapter a (venue, kind).

An output passes within its `abs_tol` or within `rel_tol` of its size (see the vectors' own notes). Every ``*.json`` in
``tests/vectors`` is run; the adapters of a venue stand in ``tests/adapters`` under its name.
"""

import importlib
import json
import pathlib

import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
VECTORS = [vector for path in sorted((HERE / "vectors").glob("*.json"))
           for vector in json.loads(path.read_text(encoding="utf-8"))]
CANNOT_PASS = {
    "HL-P-HIP3-NVDA": "premium from the mean impact price, and a funding multiplier by market: no rulebook option yet",
}
"""Vectors that cannot pass, by id, each with its reason."""


def adapter_of(venue, kind):
    """Return the adapter of a kind of vector, or None."""
    name = venue.replace(".", "_")
    if not (HERE / "adapters" / f"{name}.py").exists():
        return None
    return importlib.import_module(f"tests.adapters.{name}").ADAPTERS.get(kind)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector):
    if vector["id"] in CANNOT_PASS:
        pytest.skip(CANNOT_PASS[vector["id"]])
    adapter = adapter_of(vector["venue"], vector["kind"])
    if adapter is None:
        pytest.skip("no adapter yet")
    outputs = adapter(**vector["inputs"])
    for name, expected in vector["outputs"].items():
        error = np.abs(np.subtract(outputs[name], expected))
        allowed = np.maximum(vector["abs_tol"][name], vector["rel_tol"] * np.abs(expected))
        assert np.all(error <= allowed), (name, outputs[name], expected)


def test_no_vector_is_lost():
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS) == 133
    assert set(CANNOT_PASS) <= {vector["id"] for vector in VECTORS}
