"""Tables."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.runs.column_units import names_of, unit_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.records import EVENT, OPEN_POSITION, PRINT, SETTLEMENT

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
    """Return the Parquet tables of a run by name."""
    rows = [
        table_of(rows, market=np.full(len(rows), market))
        for market, rows in enumerate(records.series)
    ]
    kinds = pa.DictionaryArray.from_arrays(
        np.tile(np.arange(len(records.kind_names)), len(records.kinds)).astype("i4"),
        records.kind_names,
    )
    tables = {
        "series": pa.concat_tables(rows),
        "kinds": table_of(records.kinds.reshape(-1), kind=kinds),
    }
    for name, (attribute, _) in TABLES.items():
        if name != "trades" or trades:
            tables[name] = table_of(getattr(records, attribute), names_of(name, records.kind_names))
    return tables


def table_of(rows, names=(), **more):
    """Return structured rows, and more columns before them, as a table with units in its metadata; `names` by column of numbers."""
    columns = dict(more) | {
        field: named(rows[field], dict(names).get(field)) for field in rows.dtype.names
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


def named(numbers, names):
    """Return numbers as they are, or as the names they stand for (none for -1)."""
    if names is None:
        return numbers
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers.astype("i4"), mask=numbers < 0), list(names)
    )


def rows_of(folder, name, dtype, names=()):
    """Return a table of a run as structured rows; none where it was not recorded."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return np.zeros(0, dtype)
    try:
        return structured(pq.read_table(path), dtype, dict(names))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise ParameterError(
            Fault(
                "run",
                str(path),
                f"a whole Parquet file that perplab wrote ({str(error).splitlines()[0]})",
            )
        ) from None


def structured(table, dtype, names):
    """Return a table as structured rows, names of columns as the numbers they stand for."""
    rows = np.zeros(table.num_rows, dtype)
    for field in dtype.names:
        known = names.get(field)
        column = table[field].to_pylist() if known else table[field].to_numpy()
        rows[field] = (
            [-1 if value is None else known.index(value) for value in column] if known else column
        )
    return rows


KEPT_TABLES = ("series", "kinds", "settlements", "liquidations", "positions", "trades")
