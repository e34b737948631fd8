"""Faults of the rows of a file: each with its line, the first of them, and a count of the rest."""

import dataclasses

from perplab.sim.errors import Fault, ParameterError

ROWS_REPORTED, LONGEST_VALUE = 20, 60


def refuse(faults):
    """Raise a ParameterError of `faults` if there are any."""
    if faults:
        raise ParameterError(*faults)


def limited(faults, number):
    """Return the first of `number` faults of one key, and one that counts the rest.

    It has the line of the first of them.
    """
    if number <= ROWS_REPORTED:
        return faults
    more, last = number - ROWS_REPORTED, faults[ROWS_REPORTED]
    rest = dataclasses.replace(last, value=f"wrong in {more} more rows")
    return [*faults[:ROWS_REPORTED], rest]


def row_faults(table, name, rows, expected):
    """Return a fault for each of a column's first faulty rows, and one that counts the rest.

    `expected` is a text, or a list of one for each row.
    """
    texts = [expected] * len(rows) if isinstance(expected, str) else expected
    faults = [
        Fault(name, shown(table.value(name, row)), text, table.file, table.line(row))
        for row, text in zip(rows[: ROWS_REPORTED + 1], texts, strict=False)
    ]
    return limited(faults, len(rows))


def shown(value):
    """Return a value as a message shows it: a long text is cut."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}..."
    return value
