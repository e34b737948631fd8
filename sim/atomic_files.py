"""Files that are whole or not there."""

import contextlib
import fcntl
import glob
import os
import pathlib


@contextlib.contextmanager
def atomic_file(path):
    """Give the path of a neighbour to write, which takes the name of `path` when the block ends well and vanishes when it does not.

    It is on disk before it gets the name, so nobody ever sees half of it; what stood there goes only then.
    """
    path = pathlib.Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def alone(path):
    """Keep others who ask for the same path out while the block runs; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    BlockingIOError
        If somebody else has it.
    """
    lock = pathlib.Path(path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not (lock.exists() and os.path.samestat(os.stat(lock), os.fstat(file.fileno()))):
            raise BlockingIOError(f"{lock} changed hands")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def clear_parts(path):
    """Remove what writers of `path` that were killed on this machine have left beside it."""
    path = pathlib.Path(path)
    clear_dead(path.parent.glob(f".{glob.escape(path.name)}.*.part"))


def clear_dead(parts):
    """Remove those of `parts` whose writer, the number before ``.part``, is no process of this machine."""
    for part in parts:
        writer = part.name.split(".")[-2]
        if writer.isdecimal() and not is_alive(int(writer)):
            part.unlink(missing_ok=True)


def is_alive(process):
    """Return whether a process of this number runs on this machine."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
