"""Folders that are written whole or not at all, whoever is killed while writing."""

import contextlib
import glob
import os
import pathlib
import re
import shutil
import tempfile

from perplab.sim.atomic_files import is_alive
from perplab.sim.errors import Fault, ParameterError


def real_folder(folder):
    """Return the path of a folder from the root, links followed: what is written takes the place of the folder, not of a link to it."""
    return pathlib.Path(os.path.realpath(folder))


@contextlib.contextmanager
def staged(folder):
    """Give a new folder beside `folder` that takes its place when the block ends well, and vanishes when it does not.

    Everything in it is on disk before it gets its name, so nobody ever sees half of it. What a writer killed earlier has
    left beside it is cleared away first, and a folder that it had just moved aside comes back.
    """
    folder = real_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    stage = new_stage(folder)
    try:
        yield stage
        stage.chmod(0o755)
        for path in (*stage.rglob("*"), stage):
            sync(path)
        take_place(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def new_stage(folder):
    """Return a new hidden folder beside a folder."""
    return pathlib.Path(
        tempfile.mkdtemp(prefix=f".{folder.name}.{os.getpid()}.", suffix=".part", dir=folder.parent)
    )


def recover(folder):
    """Put right what writers of `folder` that were killed have left beside it; living writers are left alone."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*"):
        writer = re.fullmatch(
            r"(\d{1,9})\.\w+\.(part|old)", left.name.removeprefix(f".{folder.name}.")
        )
        if writer is None or is_alive(int(writer[1])):
            continue
        if left.suffix == ".old" and not folder.exists():
            os.rename(left, folder)
        else:
            shutil.rmtree(left, ignore_errors=True)


def sync(path):
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_place(stage, folder):
    """Give the stage the name of the folder; what stood there goes, or comes back if this fails."""
    if not folder.exists():
        os.rename(stage, folder)
        return
    old = stage.with_suffix(".old")
    os.rename(folder, old)
    try:
        os.rename(stage, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def probe(folder):
    """Refuse a folder beside which nothing can be written, by writing and removing what a run would."""
    new = []
    try:
        new += [parent for parent in folder.parents if not parent.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage = new_stage(folder)
        (stage / "probe").write_bytes(b"probe")
        shutil.rmtree(stage)
    except OSError as error:
        raise ParameterError(
            Fault("--out", str(folder), f"a folder that can be written ({error.strerror})")
        ) from None
    finally:
        for parent in new:
            with contextlib.suppress(OSError):
                parent.rmdir()
