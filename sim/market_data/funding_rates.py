"""Real funding rates: from fractions per interval of a file to fractions per 8 hours.

The interval comes from the name of the rates' column (`interest_8h`), from a column of intervals,
or from the spacing of the rows; it may change within a file.
"""

import re
from typing import NamedTuple

import numpy as np

from perplab.sim.errors import Fault
from perplab.sim.market_data.faulty_rows import refuse, row_faults
from perplab.sim.market_data.funding_intervals import (
    interval_column,
    named_hours,
    spaced_hours,
    stated_hours,
)
from perplab.sim.market_data.series import RATE, Column, own_name, read_series
from perplab.sim.market_data.tables import read_table, version
from perplab.sim.market_data.times import iso

HOURS = 8.0
LARGEST_TYPICAL_RATE = 0.01
NO_INTERVAL = (
    "a settlement whose interval is known: the spacing of the rows around it does not give it; add "
    "a column funding_interval_hours"
)


class FundingRates(NamedTuple):
    """Settlements of a file that lie in the run.

    `unix` are their times, Unix seconds; `rates` fractions of the notional per 8 hours; `source`
    says in words where they come from.
    """

    unix: np.ndarray
    rates: np.ndarray
    source: str


def read_funding(file, column, time_column, first, last):
    """Return the funding rates of a file.

    Parameters
    ----------
    file : str
    column, time_column : str
    first, last : float, Unix seconds
        The run: at least one settlement must be in it.

    Returns
    -------
    FundingRates

    Raises
    ------
    ParameterError
        With all faults. Rows without a rate (an empty value) are no settlements; they are counted
        in `source`.
    """

    def all_rows(table, name, unix):
        return np.arange(len(unix)), overlap_faults(table, name, unix, first, last)

    series = read_series(file, [Column(column, RATE)], time_column, all_rows)
    table, rates = read_table(file, version(file)), series.values[column]
    name, settled = own_name(table, column), np.flatnonzero(np.isfinite(rates))
    refuse([Fault(name, "no rate", "at least one rate", file)] * (not len(settled)))
    unix, rates = series.unix[settled], rates[settled]
    hours, origin = hours_of(table, name, settled, unix)
    per_8h, inside = rates * (HOURS / hours), (first <= unix) & (unix <= last)
    refuse(
        row_faults(table, name, settled[inside & np.isnan(hours)], NO_INTERVAL)
        or typical_faults(table, name, per_8h)
    )
    source = words(hours[inside], origin, len(series.unix) - len(settled))
    return FundingRates(unix[inside], per_8h[inside], source)


def overlap_faults(table, name, unix, first, last):
    """Return a fault if no row of a file is within the run."""
    if ((first <= unix) & (unix <= last)).any():
        return []
    bound = f"times of the run, {iso(first)} to {iso(last)}"
    return [Fault(name, f"{iso(unix[0])} to {iso(unix[-1])}", bound, table.file)]


def hours_of(table, name, rows, unix):
    """Return ``(interval of each settlement in hours, where this is known from)``."""
    if hours := named_hours(name):
        return np.full(len(rows), hours), f"the name of column {name}"
    if stated := interval_column(table):
        return stated_hours(table, stated, rows, unix), f"column {stated}"
    return spaced_hours(unix), "the spacing of the rows"


def typical_faults(table, name, per_8h):
    """Return a fault if half of the rates are larger than rates of funding are."""
    typical = float(np.nanmedian(np.abs(per_8h))) if np.isfinite(per_8h).any() else 0.0
    if typical < LARGEST_TYPICAL_RATE * (1 - 1e-9):
        return []
    bound = (
        f"below {LARGEST_TYPICAL_RATE:g} per 8 h in half of the rows: fractions of the notional "
        "(0.0001 is 1 bp), not percent, basis points or money"
    )
    return [Fault(name, f"{typical:.6g} per 8 h at the median", bound, table.file)]


def words(hours, origin, unknown):
    """Return where rates come from, in words.

    Examples
    --------
    >>> words(np.array([8.0, 4.0]), "column interval", 0)
    'the rates of the file, per 4 or 8 h (column interval), converted to per 8 h'
    """
    intervals = " or ".join(f"{value:g}" for value in np.unique(hours))
    per = f"the rates of the file, per {intervals} h ({origin})"
    converted = ", converted to per 8 h" * bool((hours != HOURS).any())
    left = f"; {unknown} rows without a rate" * (unknown > 0)
    return re.sub(r"\b1 rows", "1 row", per + converted + left)
