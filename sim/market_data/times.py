"""Times of a column: ISO 8601, Unix time in one unit, or YYYYMMDD with hours, minutes, seconds."""

import re

import numpy as np
import pandas as pd
import pyarrow

from perplab.sim.market_data.numeric_texts import NUMBER, parse_numbers, texts_of

FARTHEST = 8.5e9
EXPECTED = "an ISO 8601 or Unix time between the years 1700 and 2240, or YYYYMMDD"
NOT_DAYS = "a date or a Unix time, not the day number of a spreadsheet"
NOT_EARLY = "an ISO 8601 or Unix time (after 1973), or YYYYMMDD"
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}(-[0-9]{2}"
    r"([T ][0-9]{2}(:?[0-9]{2}(:?[0-9]{2}([.,][0-9]{1,9})?)?)?"
    r"( ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?)?"
    r"|[0-9]{8}T[0-9]{4}([0-9]{2})?(Z|[+-][0-9]{4})?"
)
UNITS = {
    "seconds": (1e8, 1e11, 1.0),
    "milliseconds": (1e11, 1e14, 1e3),
    "microseconds": (1e14, 1e17, 1e6),
    "nanoseconds": (1e17, 1e20, 1e9),
}
STAMPS = {8: (1700, 2240), 10: (1990, 2100), 12: (1990, 2100), 14: (1990, 2100)}
LAST_DAY_NUMBER = 1e5
PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def iso(unix):
    """Return Unix seconds as ISO 8601 text."""
    return pd.Timestamp(round(unix * 1e3), unit="ms", tz="UTC").isoformat().replace("+00:00", "Z")


def is_value(text):
    """Return whether a field of a file is a number or a time, hence not the name of a column."""
    return bool(NUMBER.fullmatch(text) or ISO.fullmatch(text))


def parse_times(column):
    """Return the times of a column of a file.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Times, dates, numbers or texts. Times without an offset are UTC. Numbers are seconds,
        milli-, micro- or nanoseconds since 1970 by their size, or YYYYMMDD (also with HH, HHMM or
        HHMMSS).

    Returns
    -------
    unix : numpy.ndarray of float
        Seconds since 1970, NaN where a value is not a time.
    faults : list of (numpy.ndarray, str)
        Rows, and what was expected there. All rows are in the form of most of them.

    Examples
    --------
    >>> column = pyarrow.chunked_array([["2020-01-01T00:00:00Z", "2020-01-01 01:00", "noon"]])
    >>> parse_times(column)[0].tolist()
    [1577836800.0, 1577840400.0, nan]
    >>> parse_times(pyarrow.chunked_array([[20200101, 20200102]]))[0].tolist()
    [1577836800.0, 1577923200.0]
    """
    if pyarrow.types.is_timestamp(column.type) or pyarrow.types.is_date(column.type):
        return checked(stored_times(column), [])
    counts, _ = parse_numbers(column)
    dates = text_times(column, np.isnan(counts))
    if np.isfinite(dates).sum() > np.isfinite(counts).sum():
        return checked(dates, [])
    return checked(*unix_of_counts(counts))


def checked(unix, faults):
    """Return times and faults, with those that are not times or too far from today among them."""
    unsound = ~(np.abs(unix) < FARTHEST)
    for rows, _ in faults:
        unsound[rows] = False
    unix = np.where(np.abs(unix) < FARTHEST, unix, np.nan)
    return unix, [(rows, why) for rows, why in [*faults, (unsound.nonzero()[0], EXPECTED)]]


def stored_times(column):
    """Return times or dates of a Parquet file as Unix seconds, NaN for null."""
    if pyarrow.types.is_date32(column.type):
        return column.cast(pyarrow.int32()).to_numpy().astype(float) * 86_400.0
    unit = "ms" if pyarrow.types.is_date64(column.type) else column.type.unit
    return column.cast(pyarrow.int64()).to_numpy().astype(float) / PER_SECOND[unit]


def text_times(column, rows):
    """Return the ISO 8601 texts of some rows as Unix seconds, NaN elsewhere."""
    unix = np.full(len(column), np.nan)
    if pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type):
        return unix
    texts = texts_of(column).to_pylist()
    found = [row for row in np.flatnonzero(rows) if ISO.fullmatch(texts[row])]
    unix[found] = iso_seconds([texts[row].replace("UTC", "Z").replace(" Z", "Z") for row in found])
    return unix


def iso_seconds(texts):
    """Return ISO 8601 texts as Unix seconds, NaN where there is no such day or hour."""
    try:
        stamps = pd.to_datetime(
            pd.Series(texts, dtype=object), errors="coerce", utc=True, format="ISO8601"
        )
        return ((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(float)
    except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta, OverflowError):
        return np.full(len(texts), np.nan)


def unix_of_counts(counts):
    """Return numbers as Unix seconds in the form of most rows, and the faults of the others."""
    forms = {
        unit: np.where((low <= counts) & (counts < high), counts / per_second, np.nan)
        for unit, (low, high, per_second) in UNITS.items()
    }
    stamps = {"YYYYMMDDHHMMSS"[:digits]: stamp_seconds(counts, digits) for digits in STAMPS}
    stamps = {name: unix for name, unix in stamps.items() if 2 * known(unix).sum() >= len(counts)}
    best = max(stamps or forms, key=lambda name: known((stamps or forms)[name]).sum())
    forms |= stamps
    if not known(forms[best]).any():
        return forms[best], early_faults(counts)
    return forms[best], [
        (rows_of_form(unix, forms[best]), f"a time in {best}, as in most rows, not in {name}")
        for name, unix in forms.items()
        if name != best
    ] + early_faults(np.where(known(forms[best]), np.nan, counts))


def known(unix):
    """Return where times are known and not too far from today."""
    return np.abs(unix) < FARTHEST


def rows_of_form(unix, best):
    """Return the rows that have a time in one form and none in the form of most rows."""
    return np.flatnonzero(known(unix) & ~known(best))


def early_faults(counts):
    """Return the faults of numbers too small to be Unix times: day numbers, and others."""
    day = (counts > 0) & (counts < LAST_DAY_NUMBER)
    small = (np.abs(counts) < UNITS["seconds"][0]) & ~day
    return [(np.flatnonzero(day), NOT_DAYS), (np.flatnonzero(small), NOT_EARLY)]


def stamp_seconds(counts, digits):
    """Return YYYYMMDD, YYYYMMDDHH, ... as Unix seconds, NaN where there is no such day or hour.

    Examples
    --------
    >>> stamp_seconds(np.array([20200229.0, 20210229.0]), 8).tolist()
    [1582934400.0, nan]
    """
    whole = np.where(np.abs(counts) < 1e15, counts, 0.0)
    sound = whole == np.floor(whole)
    date, clock = np.divmod(whole.astype(np.int64), 10 ** (digits - 8))
    clock *= 10 ** (14 - digits)
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    first, last = STAMPS[digits]
    sound &= (first <= year) & (year <= last) & (month >= 1) & (month <= 12) & (day >= 1)
    sound &= (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(sound, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1).clip(0, 99)
    sound &= days.astype("M8[M]") == months
    unix = days.astype(np.int64) * 86_400 + hour * 3600 + minute * 60 + second
    return np.where(sound, unix, np.nan)
