"""The tables of a run: records to Parquet, and back.

Each column has its unit in the schema's metadata. The same records give the same bytes.
"""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.runs.column_units import names_of, unit_of
from perplab.scenarios.runs.regular_files import stored_table
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.event_rows import EVENT, OPEN_POSITION, PRINT, SETTLEMENT

KEPT_TABLES = ("series", "kinds", "settlements", "liquidations", "positions", "trades")
TABLES = {
    "liquidations": ("events", EVENT),
    "settlements": ("settlements", SETTLEMENT),
    "trades": ("prints", PRINT),
    "positions": ("positions", OPEN_POSITION),
}


def write_parquet(path, table):
    """Write a table: zstd, floats split into byte streams, names as dictionaries."""
    kinds = {field.name: field.type for field in table.schema}
    floats = [name for name, kind in kinds.items() if pa.types.is_floating(kind)]
    texts = [name for name, kind in kinds.items() if pa.types.is_dictionary(kind)]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=3,
        use_dictionary=texts,
        use_byte_stream_split=floats,
    )


def tables_of(records, trades=False):
    """Return the tables of a run.

    Parameters
    ----------
    records : Records
    trades : bool
        Whether the table of trades is among them.

    Returns
    -------
    dict of str to pyarrow.Table
    """
    series = [
        table_of(rows, market=np.full(len(rows), market))
        for market, rows in enumerate(records.series)
    ]
    tables = {"series": pa.concat_tables(series), "kinds": kinds_table(records)}
    for name, (attribute, _) in TABLES.items():
        if name != "trades" or trades:
            tables[name] = table_of(getattr(records, attribute), names_of(name, records.kind_names))
    return tables


def kinds_table(records):
    """Return the series of each kind of trader as one table."""
    numbers = np.tile(np.arange(len(records.kind_names)), len(records.kinds)).astype("i4")
    kinds = pa.DictionaryArray.from_arrays(numbers, records.kind_names)
    return table_of(records.kinds.reshape(-1), kind=kinds)


def table_of(rows, names=(), **more):
    """Return structured rows as a table with units in its metadata.

    Parameters
    ----------
    rows : structured array
    names : mapping of str to sequence of str
        The names behind the numbers of a column.
    **more
        Further columns, placed before those of `rows`.
    """
    names = dict(names)
    columns = more | {
        field: with_names(rows[field], names.get(field)) for field in rows.dtype.names
    }
    arrays = [
        pa.array(np.ascontiguousarray(column)) if isinstance(column, np.ndarray) else column
        for column in columns.values()
    ]
    fields = [
        pa.field(field, array.type, metadata={"unit": unit_of(field)})
        for field, array in zip(columns, arrays, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def with_names(numbers, names):
    """Return numbers unchanged, or as a dictionary array of names (null for -1)."""
    if names is None:
        return numbers
    indices = pa.array(numbers.astype("i4"), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, list(names))


def rows_of(folder, name, dtype, names=()):
    """Return a stored table as structured rows; no rows if it was not recorded.

    Raises
    ------
    ParameterError
        If the file cannot be read, or lacks a column.
    """
    if not (folder / f"{name}.parquet").exists():
        return np.zeros(0, dtype)
    names, table = dict(names), stored_table(folder, f"{name}.parquet")
    if faults := [*column_faults(table, dtype, names)]:
        file = str(folder / f"{name}.parquet")
        raise ParameterError(*(dataclasses.replace(fault, file=file) for fault in faults))
    return structured_rows(table, dtype, names)


def column_faults(table, dtype, names):
    """Yield a fault for each column that a table lacks, or that has other values than ours."""
    for field in dtype.names:
        if field not in table.column_names:
            yield Fault(field, None, "a column of the table")
        elif known := names.get(field):
            unknown = {*table[field].unique().to_pylist()} - {*known, None}
            if unknown:
                yield Fault(field, min(map(str, unknown)), f"one of {', '.join(known)}")
        elif table[field].null_count or table[field].type != pa.from_numpy_dtype(dtype[field]):
            yield Fault(field, f"of type {table[field].type}", f"of {dtype[field]}, without nulls")


def structured_rows(table, dtype, names):
    """Return a table as structured rows, with names as the numbers that they stand for."""
    rows = np.zeros(table.num_rows, dtype)
    for field in dtype.names:
        known = names.get(field)
        if known:
            values = table[field].to_pylist()
            rows[field] = [-1 if value is None else known.index(value) for value in values]
        else:
            rows[field] = table[field].to_numpy()
    return rows
