"""The one way in for real series: columns of a file, checked whole before any is used."""

import difflib
import math
from typing import NamedTuple

import numpy as np
import pyarrow

from perplab.sim.errors import Fault
from perplab.sim.market_data.faulty_rows import refuse, row_faults, shown
from perplab.sim.market_data.numeric_texts import NUMBER, parse_numbers, texts_of
from perplab.sim.market_data.tables import read_table, version
from perplab.sim.market_data.times import parse_times

PLAIN = "digits without percent signs, units or thousands separators"
LEAST_PRICE, LARGEST_PRICE = 1e-12, 1e15
FARTHEST_PERP = 2.0
LARGEST_RATE = 0.1
INSTRUMENT_NAMES = {
    "symbol",
    "symbols",
    "pair",
    "ticker",
    "coin",
    "asset",
    "currency",
    "instrument",
    "instrumentname",
    "instid",
    "instrumentid",
    "market",
    "contract",
    "contractcode",
    "product",
    "productid",
    "exchange",
    "venue",
}


class Quantity(NamedTuple):
    """What the values of a column must be: finite, in a range, and missing only if they may be."""

    what: str
    bounds: str = ""
    low: float = -math.inf
    high: float = math.inf
    may_miss: bool = False

    @property
    def in_range(self):
        """What is expected where a number is out of range."""
        return f"{self.what}{self.bounds}"

    @property
    def readable(self):
        """What is expected where there is no number."""
        return f"{self.what}{' or empty' * self.may_miss}: {PLAIN}"


class Column(NamedTuple):
    """A column to read: its name in the file, its quantity, the parameter that names it.

    `near`, if given, is another column to be read: values differ from it by at most a factor of 2.
    """

    name: str
    quantity: Quantity
    key: str = "column"
    near: str | None = None


class Series(NamedTuple):
    """A file's series: all its times (Unix seconds), the selected rows, all values by column.

    Values outside the selected rows may be NaN because they are wrong.
    """

    unix: np.ndarray
    rows: np.ndarray
    values: dict


PRICE = Quantity("a finite price above 0", " (1e-12 to 1e15)", LEAST_PRICE, LARGEST_PRICE)
PERP_PRICE = PRICE._replace(may_miss=True)
NUMBER_OR_NONE = Quantity("a finite number", may_miss=True)
RATE = Quantity(
    "a funding rate",
    f" from -{LARGEST_RATE:g} to {LARGEST_RATE:g}, a fraction of the notional per interval "
    "(0.0001 is 1 bp), not percent, basis points or money",
    -LARGEST_RATE,
    LARGEST_RATE,
    may_miss=True,
)


def read_series(file, columns, time_column, select=None):
    """Return the series of a file. Every real price and every real rate is read here.

    Parameters
    ----------
    file : str
        CSV, gzipped CSV, a zip of one CSV, or Parquet.
    columns : list of Column
    time_column : str
        Names are those of the header, or numbers of columns from 1 if the file has none.
    select : callable, optional
        From the table, the name of its column of times and the Unix times to ``(rows, faults)``:
        the rows whose values must be right, and what is wrong with the selection. All by default.

    Returns
    -------
    Series

    Raises
    ------
    ParameterError
        With all faults: file, line, column, value, and what was expected. Those of values and of
        the selection are found only if file and columns can be read and all times are valid.
    """
    table = read_table(file, version(file))
    refuse(column_faults(table, [*columns, Column(time_column, None, "time_column")]))
    unix, time_column = parse_times_of(table, time_column), own_name(table, time_column)
    parsed = {column.name: parse_numbers(table.columns[column.name]) for column in columns}
    everything = np.arange(len(unix[0]))
    faults = instrument_faults(table) + time_faults(table, time_column, *unix)
    refuse(faults and faults + value_faults(table, columns, parsed, everything))
    rows, selection = (everything, []) if select is None else select(table, time_column, unix[0])
    refuse(selection + value_faults(table, columns, parsed, rows))
    return Series(unix[0], rows, {name: values for name, (values, _) in parsed.items()})


def parse_times_of(table, name):
    """Return ``(Unix times, faults)`` of a column of times; see `parse_times`."""
    return parse_times(table.columns[name])


def own_name(table, name):
    """Return the name that the file itself has for a column."""
    return next((own for own in table.names if table.columns[own] is table.columns[name]), name)


def column_faults(table, columns):
    """Return a fault for each column that a table lacks, or has more than once."""
    return [fault for column in columns for fault in faults_of_name(table, column.key, column.name)]


def faults_of_name(table, key, name):
    """Yield a fault if a table lacks the column `name`, with similar names, or has it twice."""
    if name in table.repeated:
        yield Fault(key, name, "a column that the header has once", table.file, 1)
    if name in table.columns:
        return
    names = ", ".join(map(shown, table.names))
    near = difflib.get_close_matches(name, table.names, 3, 0.5)
    guess = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
    expected = f"one of the file's columns{guess}: {names}"
    if not table.named:
        first = ", ".join(shown(table.value(own, 0)) for own in table.names)
        expected = (
            f"the number of a column, from 1 to {len(table.names)}: the file has no header, its "
            f"first line is data ({first}); name columns by position, such as --column 2 "
            "--time-column 1"
        )
    yield Fault(key, name, expected, table.file, 1)


def time_faults(table, name, unix, wrong):
    """Return the faults of the times: too few, unreadable, in several forms, not increasing."""
    faults = [Fault("file", f"{len(unix)} rows", "at least 2 rows", table.file)] * (len(unix) < 2)
    texts = {int(row): expected for rows, expected in wrong for row in rows}
    unread = np.array(sorted(texts), int)
    faults += row_faults(table, name, unread, [texts[row] for row in unread])
    known = np.flatnonzero(np.isfinite(unix))
    steps = np.diff(unix[known])
    if len(steps) > 1 and (steps < 0).all():
        bound = "in ascending order: the file has its newest row first"
        value = shown(table.value(name, known[1]))
        return [*faults, Fault(name, value, bound, table.file, table.line(known[1]))]
    return faults + row_faults(table, name, known[1:][steps <= 0], "later than the row before")


def instrument_faults(table):
    """Return a fault for each column that names more than one instrument or venue."""
    columns = {
        name: texts_of(table.columns[name])
        for name in table.names
        if "".join(filter(str.isalnum, name)).lower() in INSTRUMENT_NAMES
    }
    return [fault for name, texts in columns.items() for fault in mixed_faults(table, name, texts)]


def mixed_faults(table, name, texts):
    """Yield a fault at the first row of a column that names another instrument than the first."""
    named = [text for text in texts.unique().to_pylist() if text and not NUMBER.fullmatch(text)]
    if len(named) < 2:
        return
    row = texts.index(pyarrow.scalar(named[1])).as_py()
    expected = f"{shown(named[0])!r} as before: one instrument of one venue in a file"
    yield Fault(name, shown(named[1]), expected, table.file, table.line(row))


def value_faults(table, columns, parsed, rows):
    """Return the faults of the values of `rows`: no number, out of range, far from their like."""
    return [
        fault
        for column in columns
        for fault in faults_of_values(table, column, parsed, np.asarray(rows, int))
    ]


def faults_of_values(table, column, parsed, rows):
    """Return the faults of one column."""
    (values, missing), quantity = parsed[column.name], column.quantity
    values, missing = values[rows], missing[rows]
    sound = np.isfinite(values) & (quantity.low <= values) & (values <= quantity.high)
    wrong = ~(sound | missing) if quantity.may_miss else ~sound
    name = own_name(table, column.name)
    expected = np.where(np.isnan(values[wrong]), quantity.readable, quantity.in_range)
    faults = row_faults(table, name, rows[wrong], expected.tolist())
    if column.near is None:
        return faults
    with np.errstate(all="ignore"):
        ratio = np.abs(np.log(values / parsed[column.near][0][rows]))
    far = ~wrong & (ratio > math.log(FARTHEST_PERP))
    expected = (
        f"within a factor of {FARTHEST_PERP:g} of {column.near}: a price of one unit of the spot "
        "asset (not of 1,000 units) in the same currency"
    )
    return faults + row_faults(table, name, rows[far], expected)
