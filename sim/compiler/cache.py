"""The compile cache: where compiled code is stored on disk, and how it is filled.

The cache directory is named by a hash of the sources of `sim` and `agents`, since numba's cache
does not notice a change of a callee in another file. So any edit there recompiles everything, and
checkouts and versions never share code. Old directories are safe to delete.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
from importlib.metadata import version

HOUSE = pathlib.Path(__file__).resolve().parents[2]
"""Folder of the checkout, or of the installed package."""
FLOORS = ("sim", "agents")
"""Folders whose code is compiled."""


@functools.cache
def sources_hash():
    """Return the hash of the sources that this process runs.

    It is computed once: a file edited later is not the code that runs.
    """
    return hash_of(HOUSE)


def hash_of(house):
    """Return a hash of the sources of `sim` and `agents` in a folder, and of numba's version."""
    digest = hashlib.sha256(f"{version('numba')} {version('numpy')}".encode())
    for floor in FLOORS:
        for path in sorted((house / floor).glob("**/*.py")):
            digest.update(path.relative_to(house).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_directory():
    """Return the directory of compiled code and create it.

    It lies in ``PERPLAB_CACHE``, else in ``XDG_CACHE_HOME`` or ``~/.cache``; where that cannot be
    written, in the temporary directory.
    """
    home = (
        os.environ.get("PERPLAB_CACHE")
        or os.environ.get("XDG_CACHE_HOME")
        or pathlib.Path.home() / ".cache"
    )
    directory = pathlib.Path(home) / "perplab" / sources_hash()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = tempfile.TemporaryFile(dir=directory)
        probe.close()
    except OSError:
        directory = pathlib.Path(tempfile.gettempdir()) / f"perplab-{os.getuid()}" / sources_hash()
        directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def second_compiler(module):
    """Let a second process help to fill an empty cache while the block runs.

    It compiles the entries from the last to the first, this process from the first to the last;
    each loads what the other has stored. It does nothing once the cache is filled.

    Parameters
    ----------
    module : str
        The module that declares all entries when it is imported.
    """
    done = cache_directory() / "compiled"
    if done.exists():
        yield
        return
    program = (
        f"import {module}; from perplab.sim.compiler.entries import addresses;"
        " [address() for address in reversed(addresses())]"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield
        done.touch()
    finally:
        other.kill()
        other.wait()
