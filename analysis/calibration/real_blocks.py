"""Moments of a real market in blocks of time, from files of hourly prices and of funding rates."""

import numpy as np

from perplab.analysis.estimators.closes import HOUR
from perplab.analysis.estimators.moments import WEEK, moments_of
from perplab.analysis.studies.real import part_of, with_rates
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.market_data.hourly_bars import read_hourly

DAY_HOURS = 24


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
    return moments_of(part_of(series, before, end), start - before)


def hourly_of_file(target):
    """Return the `HourlySeries` of a target's files, and its first close after `start`."""
    names = (target.perp_column, target.spot_column, target.volume_column)
    start, end = unix_of(target.start, -np.inf), unix_of(target.end, np.inf)
    first = start - WEEK * HOUR
    bars = read_hourly(target.file, names, target.time_column, target.bar_time, first, end)
    rates = (target.funding_file, target.funding_column, target.funding_time_column)
    return with_rates(bars, *rates), int(np.searchsorted(bars.closed, start, side="right"))


def unix_of(day, otherwise):
    """Return the Unix time at which a day begins, UTC, or `otherwise` for None."""
    return otherwise if day is None else float(np.datetime64(day, "s").astype(int))


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
