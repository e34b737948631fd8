"""Atomic folder writes: stage beside the target, fsync, rename; recover after a crash."""

import contextlib
import dataclasses
import glob
import itertools
import os
import pathlib
import re
import shutil
import sys
import tempfile

from perplab.scenarios.runs.manifest import (
    MANIFEST,
    PARTS,
    altered_files,
    list_files,
    refuse_foreign,
)
from perplab.sim.atomic_files import is_alive, parents_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.toml_files.reading import reason_of


def real_folder(folder, key="--out"):
    """Return the absolute path of a folder with links followed.

    A link is thereby never replaced by what is written.

    Raises
    ------
    ParameterError
        Under `key`, if no file can have that name.
    """
    try:
        return pathlib.Path(os.path.realpath(folder))
    except (OSError, ValueError) as error:
        bound = f"the name of a folder ({reason_of(error)})"
        raise ParameterError(Fault(key, str(folder), bound)) from None


@contextlib.contextmanager
def staged(folder, is_same=lambda older, stage: True):
    """Yield a new folder that replaces `folder` when the block ends, or is removed if it raises.

    All files are on disk before the folder is renamed, so a reader never sees half of it. Leftovers
    of killed writers are removed first, and a folder that one had moved aside is restored.

    Parameters
    ----------
    folder : path
        New, empty, or with nothing but files of perplab's own: see `manifest.refuse_foreign`.
    is_same : callable
        ``(older, stage)``: whether nothing is lost with the older folder. If not, or if a file in
        it was changed, it is moved aside, which is printed to standard error.

    Raises
    ------
    ParameterError
        If `folder` is a link or holds files of others.
    """
    folder = real_folder(pathlib.Path(folder).parent) / pathlib.Path(folder).name
    recover(folder)
    refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = new_stage(folder)
    try:
        yield stage
        if not (stage / MANIFEST).exists():
            list_files(stage)
        stage.chmod(0o755)
        for path in (*stage.rglob("*"), stage):
            sync(path)
        if folder.exists() and (altered_files(folder) or not is_same(folder, stage)):
            move_aside(folder)
        take_place(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def move_aside(folder):
    """Rename a folder to the first free of ``NAME.1``, ``NAME.2``, ... and print that."""
    numbers = itertools.count(1)
    aside = next(
        path
        for path in (folder.with_name(f"{folder.name}.{number}") for number in numbers)
        if not os.path.lexists(path)
    )
    os.rename(folder, aside)
    print(f"what was in {folder} is now in {aside}", file=sys.stderr)


def new_stage(folder):
    """Return a new hidden folder beside a folder."""
    return pathlib.Path(
        tempfile.mkdtemp(prefix=f".{folder.name}.{os.getpid()}.", suffix=".part", dir=folder.parent)
    )


def recover(folder):
    """Remove or restore what killed writers left: of a folder, and of the figures and report in it.

    Living writers go on.
    """
    for place in (folder, *(folder / part for part in PARTS)):
        recover_one(place)


def recover_one(folder):
    """Remove or restore what killed writers of one folder left beside it."""
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
    """Rename the stage to the folder; an older folder is removed, or restored if this fails."""
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


def probe_inside(folder, files=(), key="--out"):
    """Refuse a folder in which nothing can be written, or in which one of `files` is a folder."""
    for path in (folder / name for name in files):
        if path.is_dir():
            raise ParameterError(Fault(key, str(path), "free for a file: it is a folder"))
    try:
        probe(folder / "probe")
    except ParameterError as error:
        raise ParameterError(dataclasses.replace(error.faults[0], value=str(folder))) from None


def probe(folder, key="--out"):
    """Refuse a folder beside which nothing can be written, by writing and removing a file."""
    try:
        with parents_of(folder):
            stage = new_stage(folder)
            (stage / "probe").write_bytes(b"probe")
            shutil.rmtree(stage)
    except (OSError, ValueError) as error:
        bound = f"a folder that can be written ({reason_of(error)})"
        raise ParameterError(Fault(key, str(folder), bound)) from None
