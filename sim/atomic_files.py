"""Atomic file writes, and a lock between processes."""

import contextlib
import fcntl
import glob
import os
import pathlib


@contextlib.contextmanager
def atomic_file(path):
    """Yield the path of a temporary file that replaces `path` when the block ends.

    If the block raises, the temporary file is removed. It is synced to disk before it is renamed,
    so `path` is never seen half written.
    """
    path = pathlib.Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)  # it could be a link that leads elsewhere
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
    """Hold an exclusive lock on a path while the block runs.

    The operating system releases it when the process ends, for whatever reason.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    """
    lock = pathlib.Path(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with parents_of(lock), open(os.open(lock, flags, 0o644), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not (lock.exists() and os.path.samestat(os.stat(lock), os.fstat(file.fileno()))):
            raise BlockingIOError(f"{lock} changed hands")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextlib.contextmanager
def parents_of(path):
    """Make the folders around a path for the block; those that it leaves empty are removed."""
    path = pathlib.Path(path)
    new = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for parent in new:
            with contextlib.suppress(OSError):
                parent.rmdir()


def clear_parts(path):
    """Remove temporary files that killed writers of `path` on this machine have left."""
    path = pathlib.Path(path)
    clear_dead(path.parent.glob(f".{glob.escape(path.name)}.*.part"))


def clear_dead(parts):
    """Remove the files whose writer, the number before ``.part``, is not a running process."""
    for part in parts:
        writer = part.name.split(".")[-2]
        if writer.isdecimal() and not is_alive(int(writer)):
            part.unlink(missing_ok=True)


def is_alive(process):
    """Return whether a process of this number is running on this machine."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
