"""Stored machine code: a damaged file is compiled anew, and no one else's directory is used."""

import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import numba
import pytest

from perplab.sim.compiler import cache
from perplab.sim.compiler.cache import HOUSE, cache_directory
from perplab.sim.compiler.code_files import store_code, verified, with_digest
from perplab.sim.compiler.jit import COMPILED

compiled_only = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")


def thrice(number):
    """Return three times a number."""
    return 3 * number


def compiled_thrice():
    """Return `thrice` as a new dispatcher compiles or loads it, and whether it was loaded."""
    dispatcher = store_code(numba.njit(_nrt=False)(thrice))
    assert dispatcher(14) == 42
    return sum(dispatcher.stats.cache_hits.values()) == 1


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Return the index and the data file of `thrice`, compiled once."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert not compiled_thrice() and compiled_thrice()
    return {path.suffix: path for path in tmp_path.rglob("*.nb*")}


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def longer(path):
    path.write_bytes(path.read_bytes() + b"0")


def flipped(share):
    """Return a function that flips a bit of a file, at a share of its length."""

    def flip(path):
        contents = bytearray(path.read_bytes())
        contents[int(share * (len(contents) - 1))] ^= 4
        path.write_bytes(bytes(contents))

    flip.__name__ = f"flipped_at_{share}"
    return flip


def a_folder(path):
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def a_link_to_nothing(path):
    path.unlink()
    path.symlink_to("nowhere")


def gone(path):
    path.unlink()


class Planted:
    """Unpickling it makes a file."""

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("planted"),)


def a_pickle(path):
    path.write_bytes(pickle.dumps(Planted()))


def a_pickle_that_cannot_be_read(path):
    path.write_bytes(with_digest(b"no pickle"))


DAMAGES = [
    empty,
    cut,
    longer,
    *(flipped(share) for share in (0.0, 0.01, 0.2, 0.5, 0.9, 1.0)),
    a_folder,
    a_link_to_nothing,
    gone,
    a_pickle,
    a_pickle_that_cannot_be_read,
]


@compiled_only
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_compiled_anew(stored, damage, suffix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    damage(stored[suffix])
    assert not compiled_thrice()
    assert compiled_thrice() or damage is a_folder
    assert not (tmp_path / "planted").exists()


@compiled_only
def test_code_of_another_signature_is_not_loaded(stored):
    dispatcher = store_code(numba.njit(_nrt=False)(thrice))
    assert dispatcher(0.5) == 1.5
    first, second = sorted(stored[".nbc"].parent.glob("*.nbc"))
    first.write_bytes(second.read_bytes())
    assert not compiled_thrice() and compiled_thrice()


@compiled_only
def test_a_function_without_a_place_for_its_code_is_compiled(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    assert not compiled_thrice() and not compiled_thrice()


@compiled_only
def test_a_full_disk_costs_only_the_cache(stored, monkeypatch):
    empty(stored[".nbc"])
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    assert not compiled_thrice()


def test_contents_are_what_was_written(tmp_path):
    (tmp_path / "code").write_bytes(with_digest(b"code"))
    assert verified(tmp_path / "code") == b"code" and not verified(tmp_path / "none")


RUN = """
import warnings; warnings.simplefilter("ignore")
from tests.markets import digest, storm
market = storm(3); market.run(20)
print(digest(market))
"""


@compiled_only
def test_a_market_runs_alike_on_a_damaged_cache(tmp_path):
    def run():
        environment = dict(os.environ, PERPLAB_CACHE=str(tmp_path), PYTHONPATH=str(HOUSE))
        command = [sys.executable, "-c", RUN]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=HOUSE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    copy = tmp_path / "perplab" / cache_directory().name
    shutil.copytree(cache_directory(), copy)
    before = run()
    files = {
        suffix: sorted(copy.rglob(f"sim_*/*{suffix}"), key=lambda path: path.stat().st_size)
        for suffix in (".nbi", ".nbc")
    }
    for damage, suffix, path in (
        (empty, ".nbi", 0),
        (cut, ".nbi", 1),
        (flipped(0.5), ".nbc", 2),
        (empty, ".nbc", 3),
    ):
        damage(files[suffix][path])
    assert run() == before


# the temporary directory


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """Return the place of the cache in a temporary directory; no other place can be written."""
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    monkeypatch.setenv("PERPLAB_CACHE", str(blocked))
    (tmp_path / "shared").mkdir(mode=0o777)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "shared"))
    return tmp_path / "shared" / f"perplab-{os.getuid()}"


def test_the_temporary_cache_is_closed_to_others(shared):
    assert cache_directory().parent == shared and shared.stat().st_mode & 0o777 == 0o700
    assert cache_directory().parent == shared


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o1777, 0o701])
def test_an_open_folder_in_the_temporary_directory_is_not_used(shared, mode):
    shared.mkdir()
    shared.chmod(mode)
    refused_and_private(shared)


def test_a_folder_of_another_user_is_not_used(shared, monkeypatch):
    shared.mkdir(mode=0o700)
    try:
        os.chown(shared, 12_345, 12_345)
    except PermissionError:
        pytest.skip("only root can give a folder away")
    refused_and_private(shared)


def test_a_link_in_the_temporary_directory_is_not_followed(shared, tmp_path):
    (tmp_path / "mine").mkdir(mode=0o700)
    shared.symlink_to(tmp_path / "mine")
    refused_and_private(shared)
    assert not any((tmp_path / "mine").iterdir())


def test_a_file_in_the_temporary_directory_is_not_used(shared):
    shared.touch(mode=0o700)
    refused_and_private(shared)


def refused_and_private(shared):
    """Assert that the cache is in a new closed folder beside `shared`, which children find too."""
    with pytest.warns(UserWarning, match="mode 0700"):
        used = cache_directory()
    assert used.parent.parent == shared.parent and used.parent != shared
    assert cache.is_private(used.parent) and os.environ["PERPLAB_CACHE"] == str(used.parent)
    assert cache_directory().is_relative_to(used.parent)
