"""Hourly bars of a perpetual and of its spot market."""

from typing import NamedTuple

import numpy as np

from perplab.sim.errors import Fault
from perplab.sim.market_data.series import PRICE, Column, Quantity, read_series

HOUR = 3600.0
MOST_MISSING = 0.05
"""Of the hours, where gaps are allowed."""
VOLUME = Quantity("a volume of at least 0", "", 0.0, may_miss=True)


class HourlyBars(NamedTuple):
    """Bars, one an hour: when each closed (Unix seconds), closes of both markets, volume.

    The volume is that of the perpetual in coins, NaN where the file has none. An hour that the file
    lacks is NaN in all three.
    """

    closed: np.ndarray
    perp: np.ndarray
    spot: np.ndarray
    volume: np.ndarray


def read_hourly(
    file,
    names,
    time_column="timestamp",
    bar_time="open",
    first=-np.inf,
    last=np.inf,
    largest_gap=0,
):
    """Return the hourly bars of a file.

    Parameters
    ----------
    file : str
    names : tuple of str
        Columns of the perpetual's close, of spot's, of the perpetual's volume.
    time_column : str
    bar_time : str
        Whether the times of the rows are those at which bars ``open`` or ``close``.
    first, last : float, Unix seconds
        Bars that open from `first` to before `last` are taken.
    largest_gap : int, hours
        Most hours that may be missing in a row, as in an outage of the venue.

    Returns
    -------
    HourlyBars

    Raises
    ------
    ParameterError
        With all faults: of values, of a perpetual that is not within a factor of 2 of spot, and of
        the first row that is not an hour, or a gap, after the one before.
    """
    perp, spot, volume = names
    columns = [Column(perp, PRICE, near=spot), Column(spot, PRICE), Column(volume, VOLUME)]

    def hourly_rows(table, name, unix):
        opened = unix if bar_time == "open" else unix - HOUR
        rows = np.flatnonzero((opened >= first) & (opened < last))
        return rows, gap_faults(table, name, unix[rows], rows, largest_gap)

    read = read_series(file, columns, time_column, hourly_rows)
    closed = read.unix[read.rows] + (HOUR if bar_time == "open" else 0.0)
    place = np.rint((closed - closed[0]) / HOUR).astype(int)
    hours = np.full((len(names), place[-1] + 1), np.nan)
    for row, name in zip(hours, names, strict=True):
        row[place] = read.values[name][read.rows]
    return HourlyBars(closed[0] + HOUR * np.arange(place[-1] + 1), *hours)


def gap_faults(table, name, unix, rows, largest_gap):
    """Return a fault if no row is selected, or at the first that is off the hour or too late."""
    if not len(unix):
        return [Fault(name, "no row", "rows between start and end", table.file)]
    hours = np.diff(unix) / HOUR
    wrong = np.flatnonzero((hours % 1 != 0) | (hours > largest_gap + 1))
    bound = "an hour after the row before"
    if largest_gap:
        bound += f", or whole hours and no more than {largest_gap + 1}"
    faults = [
        Fault(name, table.value(name, rows[row + 1]), bound, table.file, table.line(rows[row + 1]))
        for row in wrong[:1]
    ]
    missing = (hours - 1).sum()
    if not faults and missing > MOST_MISSING * hours.sum():
        bound = f"hourly bars with at most {MOST_MISSING:.0%} of the hours missing"
        faults.append(Fault(name, f"{missing:,.0f} missing hours", bound, table.file))
    return faults
