"""The table of the runs of a sweep, ``runs.parquet``, read back and checked."""

import dataclasses

import pyarrow as pa

from perplab.scenarios.runs.regular_files import stored_table
from perplab.sim.errors import Fault, ParameterError

RUNS_TABLE = "runs.parquet"


def runs_of_sweep(folder, manifest):
    """Return the table of the runs of a sweep as a data frame.

    Raises
    ------
    ParameterError
        If it cannot be read, lacks a column, or has values of another type.
    """
    table = stored_table(folder, RUNS_TABLE)
    types = RUN_COLUMNS | {f"factor.{name}": is_value for name in manifest["factors"]}
    wrong = [
        Fault(name, str(table[name].type) if name in table.column_names else None, bound)
        for name, right in types.items()
        if len(table)
        if (bound := column_bound(table, name, right))
    ]
    if wrong:
        file = str(folder / RUNS_TABLE)
        raise ParameterError(*(dataclasses.replace(fault, file=file) for fault in wrong))
    return table.to_pandas()


def column_bound(table, name, is_right):
    """Return what a column must be if a table lacks it or its type is wrong, or an empty text."""
    if name not in table.column_names:
        return "a column of the table"
    return "" if is_right(table[name].type) else "a column of another type"


def is_text(kind):
    """Return whether an Arrow type is one of texts, or of nothing but nulls."""
    return pa.types.is_string(kind) or pa.types.is_null(kind)


def is_value(kind):
    """Return whether an Arrow type is one of numbers, texts or switches."""
    return is_text(kind) or pa.types.is_primitive(kind) and not pa.types.is_temporal(kind)


RUN_COLUMNS = {
    "key": is_text,
    "number": pa.types.is_integer,
    "seed": pa.types.is_integer,
    "error": is_text,
    "arm": is_text,
}
