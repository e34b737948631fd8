"""The funding interval of each settlement of a file, stated by the file or by its spacing."""

import re

import numpy as np

from perplab.sim.market_data.faulty_rows import refuse, row_faults
from perplab.sim.market_data.numeric_texts import texts_of

INTERVAL_NAMES = {
    "fundingintervalhours",
    "fundingintervalhour",
    "fundingintervalh",
    "fundingintervalminutes",
    "fundinginterval",
    "fundingperiod",
    "intervalhours",
    "intervalh",
    "intervalminutes",
    "interval",
}
IN_NAME = re.compile(r"(?<![0-9])([0-9]{1,2})_?h(r|rs|our|ours)?$", re.IGNORECASE)
CLOCK = re.compile(r"2000-01-0[12]T([0-9]{2}):([0-9]{2}):00(\.0+)?Z")
LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]*)", re.IGNORECASE)
PER_HOUR = {"h": 1.0, "m": 60.0, "s": 3600.0, "ms": 3.6e6}
LONGEST_HOURS = 24.0
SPACED = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
JITTER_SECONDS = 120.0
SHORTEST_SHARE = 0.75


def named_hours(name):
    """Return the hours that a column of rates has in its name, None if it has none.

    Examples
    --------
    >>> named_hours("interest_8h"), named_hours("rate")
    (8.0, None)
    """
    found = IN_NAME.search(name)
    return float(found[1]) if found and 0 < float(found[1]) <= LONGEST_HOURS else None


def interval_column(table):
    """Return the name of the column of funding intervals, None if there is none."""
    plain = {name: "".join(filter(str.isalnum, name)).lower() for name in table.names}
    return next((name for name, text in plain.items() if text in INTERVAL_NAMES), None)


def stated_hours(table, name, rows, unix):
    """Return the intervals of a column in hours.

    Raises
    ------
    ParameterError
        With the rows without an interval, and those nearer to the row before than their interval.
    """
    texts = texts_of(table.columns[name]).to_pylist()
    hours = np.array([length_hours(texts[row], name) for row in rows])
    bound = f"a funding interval above 0 and up to {LONGEST_HOURS:g} hours"
    refuse(row_faults(table, name, rows[np.isnan(hours)], bound))
    least = np.minimum(hours[1:], hours[:-1]) * 3600 * SHORTEST_SHARE
    near = np.flatnonzero(np.diff(unix) < least) + 1
    refuse(row_faults(table, name, rows[near], "at most the time since the row before"))
    return hours


def length_hours(text, name):
    """Return a length of time in hours, NaN if it is none.

    Examples
    --------
    >>> length_hours("8", "interval"), length_hours("4h", "interval"), length_hours("480", "m")
    (8.0, 4.0, 8.0)
    """
    if clock := CLOCK.fullmatch(text):
        hours = int(clock[1]) + int(clock[2]) / 60
        return hours or LONGEST_HOURS
    found = LENGTH.fullmatch(text)
    if not found or found[2][:1].lower() not in ("", *PER_HOUR):
        return np.nan
    hours = float(found[1]) / units_per_hour(float(found[1]), found[2][:1].lower(), name)
    return hours if 0 < hours <= LONGEST_HOURS else np.nan


def units_per_hour(value, unit, name):
    """Return how many units an hour has, by their letter, the column's name, or the size."""
    if unit:
        return PER_HOUR[unit]
    if "hour" in name.lower():
        return PER_HOUR["h"]
    if "minute" in name.lower():
        return PER_HOUR["m"]
    longest = (count for count in PER_HOUR.values() if value <= LONGEST_HOURS * count)
    return next(longest, np.nan)


def spaced_hours(unix):
    """Return the intervals of settlements by the spacing of their times, NaN where it is unclear.

    A spacing that repeats is an interval, and so is the only one of a file. Others, also if they
    come only twice, are holes in the file if the intervals on both sides are equal and they are
    multiples of it.

    Examples
    --------
    >>> hours = np.array([0, 8, 16, 32, 40, 48, 52, 56])
    >>> spaced_hours(hours * 3600.0).tolist()
    [8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 4.0, 4.0]
    """
    if len(unix) < 2:
        return np.full(len(unix), np.nan)
    spacing = whole_hours(np.diff(unix))
    starts = np.flatnonzero(np.append(True, spacing[1:] != spacing[:-1]))
    lengths = np.diff(np.append(starts, len(spacing)))
    hours = np.repeat(run_hours(spacing[starts], lengths), lengths)
    return np.insert(hours, 0, hours[0])


def whole_hours(seconds):
    """Return lengths in hours, rounded to whole ones if they are as near as times jitter."""
    hours = np.round(seconds / 3600)
    return np.where(np.abs(seconds - 3600 * hours) <= JITTER_SECONDS, hours, seconds / 3600)


def run_hours(values, lengths):
    """Return the interval of each run of equal spacings, NaN where the file leaves it open."""
    usual = np.isin(values, SPACED)
    if len(values) == 1:
        return np.where(usual, values, np.nan)
    repeated = usual & (lengths > 1)
    before = last_before(values, repeated)
    after = last_before(values[::-1], repeated[::-1])[::-1]
    around = np.where(np.isnan(before), after, before)
    at_end = np.isnan(before) ^ np.isnan(after)
    with np.errstate(all="ignore"):
        multiple = (values > around) & (values % around == 0)
    hole = multiple & ((before == after) & (lengths < 3) | at_end & ~usual)
    same = (values == before) | (values == after)
    own = repeated & ~hole | usual & (same | at_end & (values < around))
    return np.select([own, hole], [values, around], np.nan)


def last_before(values, chosen):
    """Return the last chosen value before each place, NaN if there is none."""
    last = np.maximum.accumulate(np.where(chosen, np.arange(len(values)), -1))
    found = np.where(last >= 0, values[last], np.nan)
    return np.insert(found[:-1], 0, np.nan)
