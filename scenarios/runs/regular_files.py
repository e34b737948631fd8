"""The files of a stored folder, which can come from anyone: no links, no pipes, no devices."""

import os
import pathlib
import stat

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.sim.errors import Fault, ParameterError


def regular_file(folder, name, key="folder"):
    """Return the path of a file in a folder.

    Raises
    ------
    ParameterError
        If it, or a folder on the way to it, is a link, or it is no regular file.
    """
    path = pathlib.Path(folder)
    for part in pathlib.PurePosixPath(name).parts:
        path = path / part
        if os.path.islink(path):
            raise ParameterError(Fault(key, str(path), "no link: perplab makes none"))
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise ParameterError(Fault(key, str(path), "a regular file"))
    return path


def stored_table(folder, name, columns=None):
    """Return a Parquet file of a stored folder as a table.

    Raises
    ------
    ParameterError
        If it is no regular file, cannot be read, or has two columns of one name.
    """
    path = regular_file(folder, name, "run")
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns)
        repeated = len(set(table.column_names)) < len(table.column_names)
        missing = sorted({*(columns or ())} - {*table.column_names})
        why = "two columns have one name" if repeated else ""
        why = f"it lacks {', '.join(missing)}" if missing else why
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        why = str(error).split("\n")[0]
    if why:
        bound = f"an intact Parquet file written by perplab ({why})"
        raise ParameterError(Fault("run", str(path), bound))
    return table
