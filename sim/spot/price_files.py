"""Bars of a real price: read, check and cut a file; report all its faults at once."""

import difflib
import functools
import math
import pathlib
import zlib
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.spot.process import DAY_SECONDS

ROWS_REPORTED = 20
PARQUET = (".parquet", ".pq")
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, pyarrow.ArrowException)
FARTHEST = 8.5e9
UNIX_UNITS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (0.0, 1.0))


class Bars(NamedTuple):
    """The replayed window.

    `seconds` count from its first row, `rows` are row numbers of the file, `sds` are standard
    deviations per sqrt(second), one per bar.
    """

    seconds: np.ndarray
    log_closes: np.ndarray
    rows: np.ndarray
    sds: np.ndarray
    limit_seconds: float
    gaps: tuple


class Sheet(NamedTuple):
    """A table and the file it came from."""

    file: str
    table: pd.DataFrame

    def line(self, row):
        """Return the line in the CSV file, or the row of the Parquet file (from 1), of a row."""
        return int(row) + (1 if self.file.endswith(PARQUET) else 2)


def version(file):
    """Return (modification time in ns, bytes) of a file, or None if there is none."""
    path = pathlib.Path(file)
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else None


@functools.lru_cache(maxsize=2)
def read_table(file, version):
    """Return the table of a CSV, gzipped CSV or Parquet file; raise ParameterError if unreadable.

    `version` is part of the cache's key: a file that is written again is read again.
    """
    if version is None:
        raise ParameterError(Fault("file", file, "an existing file"))
    try:
        if file.endswith(PARQUET):
            return pd.read_parquet(file).reset_index(drop=True)
        table = pd.read_csv(file, skip_blank_lines=False, low_memory=False)
    except UNREADABLE as error:
        why = str(error).strip().split("\n")[0]
        raise ParameterError(
            Fault("file", file, f"a readable CSV, .csv.gz or Parquet file ({why})")
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ParameterError(
            Fault("file", file, "a table with as many fields in each row as in the first")
        )
    filled = np.flatnonzero(table.notna().any(axis=1))
    return table.iloc[: filled[-1] + 1 if len(filled) else 0]


def read_columns(file, version, columns):
    """Return columns of a file as floats, by name; NaN where a value is not a number."""
    table = read_table(file, version)
    refuse([fault for name in columns for fault in column_faults(table, "columns", name, file)])
    return {name: numbers(table[name]) for name in columns}


def bridge_sds(seconds, log_closes, half_life_bars):
    """Return each bar's standard deviation per sqrt(second), as `Replay` states it."""
    pace = np.abs(np.diff(log_closes)) / np.sqrt(np.diff(seconds))
    kept = 0.5 ** (1.0 / half_life_bars)
    return math.sqrt(math.pi / 2) * _around(pace, kept) / _around(np.ones(len(pace)), kept)


def _around(values, kept):
    ahead, behind = (
        np.array(list(accumulate(side.tolist(), lambda total, value: kept * total + value)))
        for side in (values, values[::-1])
    )
    return ahead + behind[::-1] - values


@functools.lru_cache(maxsize=8)
def read_bars(
    file, version, column, time_column, start, days, largest_gap_bars, bridge_half_life_bars
):
    """Read, check and cut the bars of a file.

    Arguments are the fields of `Replay`, with `start` in Unix seconds.

    Returns
    -------
    Bars

    Raises
    ------
    ParameterError
        With all faults; those of the rows are found only if file and columns can be read, those of
        the window only if all times are valid.
    """
    table = read_table(file, version)
    refuse(
        column_faults(table, "column", column, file)
        + column_faults(table, "time_column", time_column, file)
    )
    unix, closes, sheet = (
        unix_seconds(table[time_column]),
        numbers(table[column]),
        Sheet(file, table),
    )
    faults = time_faults(sheet, time_column, unix)
    refuse(faults and faults + price_faults(sheet, column, closes, np.arange(len(closes))))
    first, after = window(unix, start, days)
    rows = np.arange(first, after)
    gaps, bar_seconds = missing_bars(unix[rows])
    refuse(
        window_faults(file, unix, start, days, first)
        + price_faults(sheet, column, closes, rows)
        + gap_faults(sheet, time_column, rows, gaps, largest_gap_bars)
    )
    seconds, log_closes = np.round(unix[rows] - unix[first], 6), np.log(closes[rows])
    limit = seconds[-1] if days is None else days * DAY_SECONDS
    named = tuple((iso(unix[first + k] + bar_seconds), missing) for k, missing in gaps)
    return Bars(
        seconds,
        log_closes,
        rows,
        bridge_sds(seconds, log_closes, bridge_half_life_bars),
        limit,
        named,
    )


def refuse(faults):
    """Raise a ParameterError of `faults` if there are any."""
    if faults:
        raise ParameterError(*faults)


def numbers(column):
    """Return a column as floats, NaN where a value is not a number; booleans are not numbers."""
    if pd.api.types.is_bool_dtype(column):
        return np.full(len(column), np.nan)
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def unix_seconds(column):
    """Return a column of times as seconds since 1970, NaN where a value is not a time.

    Numbers are seconds, milli-, micro- or nanoseconds, by their size; text must be ISO 8601.

    Examples
    --------
    >>> unix_seconds(pd.Series(["2020-01-01T00:00:00Z", "2020-01-01 01:00", "noon"])).tolist()
    [1577836800.0, 1577840400.0, nan]
    >>> unix_seconds(pd.Series([1577836800000, 1577840400000])).tolist()
    [1577836800.0, 1577840400.0]
    """
    if not pd.api.types.is_datetime64_any_dtype(column):
        count = numbers(column)
        if 2 * np.isfinite(count).sum() > len(count):
            size = np.median(np.abs(count[np.isfinite(count)]))
            return count * next(scale for floor, scale in UNIX_UNITS if size >= floor)
        column = column.astype(str)
    try:
        stamps = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
        return ((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
    except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta, OverflowError):
        return np.full(len(column), np.nan)


def iso(unix):
    """Return Unix seconds as ISO 8601 text."""
    return pd.Timestamp(round(unix * 1e3), unit="ms", tz="UTC").isoformat().replace("+00:00", "Z")


def window(unix, start, days):
    """Return the first row at or after `start`, and the row after the last within `days` of it."""
    first = 0 if start is None else min(int(np.searchsorted(unix, start)), len(unix) - 1)
    last = (
        len(unix) if days is None else np.searchsorted(unix, unix[first] + days * DAY_SECONDS) + 1
    )
    return first, min(int(last), len(unix))


def missing_bars(unix):
    """Return ``([(row before the gap, missing bars)], bar_seconds)``.

    The length of a bar is the most frequent spacing of the rows.
    """
    spacing = np.round(np.diff(unix), 3)
    if not len(spacing):
        return [], 0.0
    lengths, counts = np.unique(spacing, return_counts=True)
    bar_seconds = lengths[np.argmax(counts)]
    wide = np.flatnonzero(spacing > 1.5 * bar_seconds)
    return [(int(k), round(spacing[k] / bar_seconds) - 1) for k in wide], float(bar_seconds)


def column_faults(table, key, name, file):
    """Return a fault if a table lacks the column `name`, with similar names."""
    if name in table.columns:
        return []
    columns = list(map(str, table.columns))
    near = difflib.get_close_matches(name, columns, 3, 0.5)
    guess = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
    expected = f"one of the file's columns{guess}: {', '.join(columns)}"
    return [Fault(key, name, expected, file, 1)]


def row_faults(sheet, key, rows, expected):
    """Return a fault for each of a column's first faulty rows, and one that counts the rest."""
    values = [sheet.table[key].iloc[row] for row in rows[:ROWS_REPORTED]]
    faults = [
        Fault(
            key,
            value.item() if hasattr(value, "item") else value,
            expected,
            sheet.file,
            sheet.line(row),
        )
        for row, value in zip(rows, values, strict=False)
    ]
    more = len(rows) - len(faults)
    return faults + [Fault(key, f"wrong in {more} more rows", expected, sheet.file)] * (more > 0)


def time_faults(sheet, key, unix):
    """Return the faults of the times: too few, unreadable, not increasing."""
    few = [Fault("file", f"{len(unix)} rows", "at least 2 rows", sheet.file)] * (len(unix) < 2)
    sound = np.abs(unix) < FARTHEST
    known = np.flatnonzero(sound)
    back = known[1:][np.diff(unix[known]) <= 0]
    return (
        few
        + row_faults(
            sheet,
            key,
            np.flatnonzero(~sound),
            "an ISO 8601 or Unix time between the years 1700 and 2240",
        )
        + row_faults(sheet, key, back, "later than the row before")
    )


def price_faults(sheet, key, closes, rows):
    """Return a fault for each of `rows` whose price is missing, infinite or not above 0."""
    sound = np.isfinite(closes[rows]) & (closes[rows] > 0)
    return row_faults(sheet, key, rows[~sound], "a finite price above 0")


def window_faults(file, unix, start, days, first):
    """Return a fault if part of the window is outside the data."""
    if start is not None and not unix[0] <= start < unix[-1]:
        return [Fault("start", iso(start), f"from {iso(unix[0])} to before {iso(unix[-1])}", file)]
    most = (unix[-1] - unix[first]) / DAY_SECONDS
    if days is not None and days > most:
        return [Fault("days", days, f"at most {most:.6g} from {iso(unix[first])}", file)]
    return []


def gap_faults(sheet, key, rows, gaps, largest_gap_bars):
    """Return a fault for each gap of more than `largest_gap_bars` bars, at the row after it."""
    expected = f"after at most {largest_gap_bars} missing bars (largest_gap_bars)"
    wide = [(rows[k + 1], missing) for k, missing in gaps if missing > largest_gap_bars]
    return [
        Fault(
            key,
            f"{sheet.table[key].iloc[row]} after {missing} missing bars",
            expected,
            sheet.file,
            sheet.line(row),
        )
        for row, missing in wide
    ]
