"""Moments of a real market in blocks of time, from files of hourly prices and of funding rates."""

import numpy as np

from perplab.analysis.estimators.closes import HOUR, HourlySeries
from perplab.analysis.estimators.moments import WEEK, moments_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.market_data.funding_rates import read_funding
from perplab.sim.market_data.series import NUMBER_OR_NONE, PRICE, Column, read_series

DAY_HOURS = 24
BP = 1e4


def blocks_of_file(target):
    """Return the moments of a file's blocks.

    Parameters
    ----------
    target : perplab.analysis.calibration.calibration_file.TargetTable
        With `file`.

    Returns
    -------
    numpy.ndarray, shape (blocks, moments)

    Raises
    ------
    ParameterError
        If a file is refused, its rows are not hourly, or it has no block between start and end.
    """
    series, first = hourly_of_file(target)
    return blocks_of_series(series, target.moments, DAY_HOURS * target.block_days, first)


def blocks_of_series(series, names, hours, first=0):
    """Return the moments of the blocks of an hourly series that begin at close `first`.

    Hours before a block serve as history for the return of the 7 days before a settlement. A last
    part that is shorter than a block is left out.

    Parameters
    ----------
    series : perplab.analysis.estimators.closes.HourlySeries
    names : sequence of str
    hours : int
        Length of a block.
    first : int

    Returns
    -------
    numpy.ndarray, shape (blocks, moments)
    """
    starts = range(first, len(series.perp) - hours + 1, hours)
    found = [block_moments(series, start, start + hours) for start in starts]
    return np.array([[each[name] for name in names] for each in found]).reshape(-1, len(names))


def block_moments(series, start, end):
    """Return the moments of the closes from `start` to `end`."""
    before = max(start - WEEK, 0)
    inside = (series.settled > before) & (series.settled <= end)
    block = HourlySeries(
        perp=series.perp[before:end],
        spot=series.spot[before:end],
        volume=series.volume[before:end],
        open_interest=None,
        rates=series.rates[inside],
        settled=series.settled[inside] - before,
    )
    return moments_of(block, start - before)


def hourly_of_file(target):
    """Return the `HourlySeries` of a target's files, and its first close after `start`."""
    names = (target.perp_column, target.spot_column, target.volume_column)
    kinds = (PRICE, PRICE, NUMBER_OR_NONE)
    columns = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    start, end = unix_of(target.start, -np.inf), unix_of(target.end, np.inf)

    def hourly_rows(table, name, unix):
        opened = unix if target.bar_time == "open" else unix - HOUR
        rows = np.flatnonzero((opened >= start - WEEK * HOUR) & (opened < end))
        return rows, gap_faults(table, name, unix[rows], rows)

    read = read_series(target.file, columns, target.time_column, hourly_rows)
    closed = read.unix[read.rows] + (HOUR if target.bar_time == "open" else 0.0)
    funding = read_funding(
        target.funding_file,
        target.funding_column,
        target.funding_time_column,
        closed[0] - HOUR,
        closed[-1],
    )
    perp, spot, volume = (read.values[name][read.rows] for name in names)
    settled = np.searchsorted(closed, funding.unix, side="right")
    series = HourlySeries(perp, spot, volume, None, funding.rates * BP, settled)
    return series, int(np.searchsorted(closed, start, side="right"))


def unix_of(day, otherwise):
    """Return the Unix time at which a day begins, UTC, or `otherwise` for None."""
    return otherwise if day is None else float(np.datetime64(day, "s").astype(int))


def gap_faults(table, name, unix, rows):
    """Return a fault if no row is selected, or at the first row that is not an hour after."""
    if not len(unix):
        return [Fault(name, "no row", "rows between start and end", table.file)]
    wrong = np.flatnonzero(np.diff(unix) != HOUR)
    bound = "an hour after the row before"
    return [
        Fault(name, table.value(name, rows[row + 1]), bound, table.file, table.line(rows[row + 1]))
        for row in wrong[:1]
    ]


def check_blocks(blocks, names, key):
    """Raise ParameterError if a moment is unknown in some block, or the same in all."""
    unknown = ~np.isfinite(blocks).all(axis=0)
    constant = ~unknown & (np.ptp(blocks, axis=0) == 0)
    bound = "a moment that each block determines and that differs between blocks"
    faults = [
        Fault(key, name, bound)
        for name, wrong in zip(names, unknown | constant, strict=True)
        if wrong
    ]
    if faults:
        raise ParameterError(*faults)
