"""Where compiled code is kept on disk, and how it gets there the first time.

The directory is named by a hash of the package's own sources, because the compiler's cache does not notice a change in a
callee that stands in another file.
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
FLOORS = ("sim", "agents")


@functools.cache
def sources_hash():
    """Return the hash of the sources that this process runs: taken once, since a file edited later is not the code that runs."""
    return hash_of(HOUSE)


def hash_of(house):
    """Return a short hash of every source file of `sim` and `agents` below a folder, and of the compiler's version."""
    digest = hashlib.sha256(f"{version('numba')} {version('numpy')}".encode())
    for floor in FLOORS:
        for path in sorted((house / floor).glob("**/*.py")):
            digest.update(path.relative_to(house).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_directory():
    """Return the directory of compiled code: ``PERPLAB_CACHE``, the user's cache, or a temporary one."""
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
    """Let another process compile the entries from the last backwards while this one goes forwards, if none is on disk.

    The two meet in the middle: what one has put on disk the other loads. Without effect once compiled code is there.

    Parameters
    ----------
    module : str
        The module that declares all entries when it is imported.
    """
    done = cache_directory() / "compiled"
    if done.exists():
        yield
        return
    order = f"import {module}; from perplab.sim.compiler.entries import addresses; [address() for address in reversed(addresses())]"
    other = subprocess.Popen(
        [sys.executable, "-c", order],
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
