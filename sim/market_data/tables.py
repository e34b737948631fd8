"""Tables of files: CSV, gzipped CSV, a zip of one CSV, Parquet; with a header or without."""

import csv
import functools
import gzip
import io
import os
import pathlib
import re
import zipfile
import zlib
from typing import NamedTuple

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.market_data.faulty_rows import limited, refuse
from perplab.sim.market_data.known_files import headerless_names, other_names
from perplab.sim.market_data.numeric_texts import texts_of
from perplab.sim.market_data.times import is_value

UNREADABLE = (
    csv.Error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
    pyarrow.ArrowException,
)
GZIP, ZIP, PARQUET = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06"), b"PAR1"
DELIMITERS = ",;\t"
INDEX = "__index_level_0__"


class Table(NamedTuple):
    """The columns of a file.

    `columns` maps names to pyarrow arrays, also numbers of columns, from "1", if the file has no
    header (`named` is False), and other names under which a known file is read. `names` are those
    of the file. `repeated` are names that the header has more than once. `first_line` is the line
    of row 0.
    """

    file: str
    columns: dict
    names: tuple
    repeated: frozenset
    first_line: int
    named: bool

    def line(self, row):
        """Return the line in the CSV file, or the row of the Parquet file (from 1), of a row."""
        return int(row) + self.first_line

    def value(self, name, row):
        """Return the value of a row as the file has it."""
        return self.columns[name][int(row)].as_py()

    def __len__(self):
        return len(next(iter(self.columns.values()), ()))


def version(file):
    """Return (modification time in ns, bytes) of a file, or None if there is none."""
    if not os.path.isfile(file):
        return None
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=3)
def read_table(file, version):
    """Return the table of a file; raise ParameterError if it is unreadable.

    The kind of file is known by its first bytes, not by its name. `version` is part of the cache's
    key: a file that is written again is read again.
    """
    if version is None:
        raise ParameterError(Fault("file", file, "an existing file"))
    try:
        content = pathlib.Path(file).read_bytes()
        if content.startswith(PARQUET):
            return parquet_table(file, content)
        return csv_table(file, unpacked(content))
    except ParameterError:
        raise
    except UNREADABLE as error:
        why = str(error).strip().split("\n")[0]
        bound = f"a readable CSV, .csv.gz, zip of one CSV, or Parquet file ({why})"
        raise ParameterError(Fault("file", file, bound)) from error


def unpacked(content):
    """Return the bytes of a CSV file, which may be gzipped or alone in a zip."""
    if content.startswith(GZIP):
        return gzip.decompress(content)
    if not content.startswith(ZIP):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
        if len(inside) != 1 or not inside[0].lower().endswith((".csv", ".txt")):
            raise ValueError(f"the zip holds {len(inside)} files: {', '.join(inside[:5])}")
        return archive.read(inside[0])


def parquet_table(file, content):
    """Return the table of a Parquet file, with the index that pandas stored in it."""
    table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    names = table.column_names
    columns = {name: table.column(names.index(name)) for name in names}
    unnamed = {"timestamp": columns[INDEX]} if INDEX in names else {}
    return table_of(file, unnamed | columns, names, 1, True)


def csv_table(file, content):
    """Return the table of a CSV file, every value as text."""
    first_line = re.split(r"\r\n|\r|\n", content.decode("utf-8-sig"), maxsplit=1)[0]
    delimiter = next((mark for mark in DELIMITERS if mark in first_line), ",")
    first = next(csv.reader([first_line], delimiter=delimiter), [])
    if not any(field.strip() for field in first):
        raise ParameterError(Fault("file", file, "a table: its first line is empty"))
    first, arrays = (
        [field.strip() for field in first],
        csv_columns(file, content, len(first), delimiter),
    )
    named = not any(map(is_value, first))
    if not named:
        names = headerless_names(first)
        numbered = {str(number): array for number, array in enumerate(arrays, 1)}
        columns = numbered | dict(zip(names, arrays, strict=True))
        return table_of(file, columns, names, 1, False)
    names = [name or f"Unnamed: {place}" for place, name in enumerate(first)]
    arrays = [array.slice(1) for array in arrays]
    columns = dict(zip(reversed(names), reversed(arrays), strict=True))
    return table_of(file, index_of_csv(columns, first) | columns, names, 2, True)


def index_of_csv(columns, first):
    """Return the first column as "timestamp" if it has no name, as an index of pandas has none."""
    return {"timestamp": columns["Unnamed: 0"]} if not first[0] else {}


def csv_columns(file, content, width, delimiter):
    """Return the columns of a CSV file as arrays of text, its header among the rows.

    Raises
    ------
    ParameterError
        With the lines that do not have `width` fields.
    """
    ragged, names = [], [str(place) for place in range(width)]
    expected = f"as many fields as in the first line, {width}"

    def note(row):
        value = f"{row.actual_columns} fields in line {row.number}"
        ragged.append(Fault("file", value, expected, file, row.number))
        return "skip"

    table = pyarrow.csv.read_csv(
        io.BytesIO(content),
        pyarrow.csv.ReadOptions(use_threads=False, column_names=names),
        pyarrow.csv.ParseOptions(
            delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=note
        ),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
        ),
    )
    refuse(limited(ragged, len(ragged)))
    return without_empty_end(table.columns)


def without_empty_end(columns):
    """Return columns without the empty rows at their end."""
    if any(column[-1].as_py().strip() for column in columns):
        return columns
    filled = np.zeros(len(columns[0]), bool)
    for column in columns:
        filled |= texts_of(column).to_numpy(zero_copy_only=False).astype(bool)
    last = np.flatnonzero(filled)[-1] + 1 if filled.any() else 0
    return [column.slice(0, last) for column in columns]


def table_of(file, columns, names, first_line, named):
    """Return a Table, its columns also under the names that a known file is read by."""
    repeated = frozenset(name for name in names if names.count(name) > 1)
    others = {other: columns[name] for other, name in other_names(columns).items()}
    return Table(file, columns | others, tuple(names), repeated, first_line, named)
