"""The compile cache: where compiled code is stored on disk, and how it is filled.

The cache directory is named by a hash of the sources of `sim` and `agents`, since numba's cache
does not notice a change of a callee in another file. So any edit there recompiles everything, and
checkouts and versions never share code. Old directories are safe to delete.
"""

import atexit
import contextlib
import contextvars
import functools
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import warnings
from importlib.metadata import version

HOUSE = pathlib.Path(__file__).resolve().parents[2]
"""Folder of the checkout, or of the installed package."""
FLOORS = ("sim", "agents")
"""Folders whose code is compiled."""

_shown = contextvars.ContextVar("shown", default=lambda compiled, parts: None)


@functools.lru_cache(maxsize=4096)
def is_own_file(file):
    """Return whether a source file is one of `sim` or `agents` themselves, not a user's."""
    path = pathlib.Path(file).resolve()
    return any(path.is_relative_to(HOUSE / floor) for floor in FLOORS)


def is_own_code(code):
    """Return whether code is of `sim` or `agents` themselves, not of a user's file."""
    return is_own_file(code.co_filename)


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
    written, in `private_directory`.
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
        directory = private_directory() / sources_hash()
        directory.mkdir(exist_ok=True)
    return directory


def private_directory():
    """Return this user's own directory in the temporary directory, where others may write too.

    One that belongs to another user, is a link, or has another mode than 0700 is not used, since
    code in it could be anyone's: then it is a new directory, which this process removes at its end
    and hands on to its children in ``PERPLAB_CACHE``.
    """
    directory = pathlib.Path(tempfile.gettempdir()) / f"perplab-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    if is_private(directory):
        return directory
    warnings.warn(
        f"{directory} is not a folder of this user with mode 0700: compiled code is not kept there",
        stacklevel=2,
    )
    directory = pathlib.Path(tempfile.mkdtemp(prefix="perplab-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ["PERPLAB_CACHE"] = str(directory)
    return directory


def is_private(directory):
    """Return whether a path is a directory, no link, of this user and closed to all others."""
    status = os.lstat(directory)
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.getuid()
        and stat.S_IMODE(status.st_mode) == 0o700
    )


def is_filled():
    """Return whether the cache holds all compiled code of these sources."""
    return (cache_directory() / "compiled").exists()


@contextlib.contextmanager
def compiling_shown(show):
    """Call ``show(compiled, parts)`` while an empty cache is filled during the block.

    `compiled` counts from 0 to the number of `parts`. It is not called once the cache is filled.
    """
    token = _shown.set(show)
    try:
        yield
    finally:
        _shown.reset(token)


@contextlib.contextmanager
def second_compiler(module):
    """Let a second process help to fill an empty cache while the block runs.

    It compiles the entries from the last to the first, this process from the first to the last;
    each loads what the other has stored. It does nothing once the cache is filled. The second
    process ends with the block, and with this process. The block gets the function that shows the
    progress (`compiling_shown`).

    Parameters
    ----------
    module : str
        The module that declares all entries when it is imported.
    """
    if is_filled():
        yield lambda compiled, parts: None
        return
    program = (
        "from perplab.sim.parent_process import end_with_parent;"
        f" end_with_parent({os.getpid()}); import {module};"
        " from perplab.sim.compiler.entries import addresses;"
        " [address() for address in reversed(addresses())]"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield _shown.get()
        (cache_directory() / "compiled").touch()
    finally:
        other.kill()
        other.wait()
