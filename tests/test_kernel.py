"""Compiled code: no reference counts, a cache named by its sources, rules by address, tables."""

import gc
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from perplab.sim.compiler import cache as cache_module
from perplab.sim.compiler import jit as kernel_module
from perplab.sim.compiler.cache import HOUSE, cache_directory, hash_of, sources_hash
from perplab.sim.compiler.directory import ENTRIES
from perplab.sim.compiler.entries import _entries, entry
from perplab.sim.compiler.jit import COMPILED
from tests.markets import World, storm
from tests.probes import bits, sum_and_slice, table_slices

compiled_only = pytest.mark.skipif(not COMPILED, reason="the compiler is off")


# reference counts


def test_kernels_hold_no_references():
    world = World()
    values, rows = np.ones(10), world["position"].ravel()
    tables = [values, rows, *world.tables.values()]
    before = [sys.getrefcount(table) for table in tables]
    for _ in range(1_000):
        sum_and_slice(values, rows)
        world.call(table_slices)
    assert [sys.getrefcount(table) for table in tables] == before
    assert sum_and_slice(values, rows) == 5.0


def test_a_run_holds_no_references():
    market = storm()
    market.run(10)
    before = {name: sys.getrefcount(table) for name, table in market.tables.items()}
    market.run(200)
    assert {name: sys.getrefcount(table) for name, table in market.tables.items()} == before


@compiled_only
def test_a_run_does_not_grow_the_heap():
    market = storm(traders=4, fall=0.0)
    market.run(500)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(300):
        market._advance(1)
    gc.collect()
    assert sys.getallocatedblocks() - before < 200


def slices(values):
    """Make many views of an array."""
    total = 0.0
    for k in range(values.shape[0]):
        part = values[k:]
        total += part[0]
    return total


@compiled_only
def test_the_undocumented_option_does_what_it_is_used_for():
    counted = {}
    for option in (True, False):
        compiled = kernel_module.numba.njit(_nrt=option)(slices)
        assert compiled(np.ones(5)) == 5.0
        (code,) = compiled.inspect_llvm().values()
        counted[option] = "call void @NRT_incref" in code or "call void @NRT_decref" in code
    assert counted == {True: True, False: False}


# the cache


def test_cache_directory_is_named_by_the_sources():
    assert cache_directory().name == sources_hash() and os.environ.get("PERPLAB_CACHE", "") in str(
        cache_directory()
    )


def test_any_edit_of_a_source_changes_the_hash(tmp_path):
    for floor in cache_module.FLOORS:
        shutil.copytree(
            HOUSE / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__")
        )
    seen = {hash_of(tmp_path)}
    assert seen == {hash_of(tmp_path)}
    for path in (tmp_path / "sim" / "laws" / "margin.py", tmp_path / "agents" / "orders.py"):
        path.write_text(path.read_text() + "\n")
        seen.add(hash_of(tmp_path))
    (tmp_path / "sim" / "new.py").write_text("")
    seen.add(hash_of(tmp_path))
    (tmp_path / "sim" / "new.py").rename(tmp_path / "sim" / "newer.py")
    seen.add(hash_of(tmp_path))
    (tmp_path / "sim" / "notes.txt").write_text("no source")
    assert len(seen) == 5 and hash_of(tmp_path) in seen


CALLER = """
    import sys

    from perplab.sim.callee import value
    from perplab.sim.compiler.jit import kernel


    @kernel
    def twice(x):
        return 2 * value(x)


    print(twice(1), sum(twice.stats.cache_hits.values()))
"""
CALLEE = """
    from perplab.sim.compiler.jit import kernel


    @kernel
    def value(x):
        return x + {added}
"""


@compiled_only
def test_an_edited_callee_in_another_file_is_compiled_anew(tmp_path):
    house = tmp_path / "perplab"
    (house / "sim" / "compiler").mkdir(parents=True)
    for name in ("__init__.py", "sim/__init__.py", "sim/compiler/__init__.py"):
        (house / name).write_text("")
    for name in ("errors", "compiler/cache", "compiler/code_files", "compiler/jit"):
        name = f"sim/{name}.py"
        shutil.copy(HOUSE / name, house / name)
    (house / "sim" / "caller.py").write_text(textwrap.dedent(CALLER))
    said = []
    for added in (10, 10, 500):
        (house / "sim" / "callee.py").write_text(textwrap.dedent(CALLEE.format(added=added)))
        done = subprocess.run(
            [sys.executable, "-c", "import perplab.sim.caller"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ, PYTHONPATH=str(tmp_path), PERPLAB_CACHE=str(tmp_path / "cache")),
        )
        said.append(done.stdout.split())
    assert said == [["22", "0"], ["22", "1"], ["1002", "0"]]


def test_an_unwritable_cache_falls_back_to_a_temporary_one(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    monkeypatch.setenv("PERPLAB_CACHE", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    assert pathlib.Path(cache_directory()).is_relative_to(tmp_path / "elsewhere")


# bits and tables


def test_places_of_bits():
    words = np.array([1, 2, 3, 1 << 63, (1 << 63) | 1, 0xFF00, 2**64 - 1, 1 << 40], np.uint64)
    out = np.zeros((len(words), 2), "i8")
    bits(words, out)
    assert out.tolist() == [
        [(int(w) & -int(w)).bit_length() - 1, int(w).bit_length() - 1] for w in words
    ]


def test_worlds_see_their_own_tables():
    first, second = World(), World()
    first.own(0, 5.0)
    second.own(0, 7.0)
    for _ in range(3):
        first.limit(0, 1, 19_000, 1)
        second.limit(1, -1, 20_900, 1)
    assert (first.collateral_usd(0), second.collateral_usd(0)) == (5.0, 7.0)
    assert int(first["view"]["best_ask"][0]) == 0 and int(second["view"]["best_bid"][0]) == 0


@compiled_only
def test_integers_of_any_width_share_one_version():
    count = len(sum_and_slice.signatures)
    sum_and_slice(np.ones(4), World()["position"].ravel())
    assert len(sum_and_slice.signatures) == max(count, 1)


@compiled_only
def test_places_of_entries_do_not_depend_on_the_order_of_imports():
    program = (
        "import perplab.sim.{}, perplab.sim.engine; from perplab.sim.compiler import entries; "
        "print(sorted((place, module) for place, (module, _) in entries._entries.items()))"
    )
    places = {
        subprocess.run(
            [sys.executable, "-c", program.format(module)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for module in ("engine", "exchange.amm_fills", "funding.settlement")
    }
    assert len(places) == 1 and "perplab.sim.exchange.matching" in places.pop()


def test_every_entry_is_listed_and_declared():
    assert sorted(ENTRIES) == list(ENTRIES) and len(set(ENTRIES)) == len(ENTRIES)
    importlib.import_module("perplab.sim.engine")
    assert sorted(_entries) == list(range(len(ENTRIES))) or not COMPILED


@compiled_only
def test_an_entry_that_is_not_listed_is_refused():
    def unlisted(world):
        """Do nothing."""

    with pytest.raises(ImportError, match="unlisted must occur once in ENTRIES"):
        entry("none", 1)(unlisted)
