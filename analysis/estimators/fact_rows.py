"""Rows of a table of facts: an estimate with its 95 % interval, unit and estimator."""

import math
from typing import NamedTuple

from perplab.analysis.estimators.block_intervals import SHORTEST_DAYS
from perplab.analysis.estimators.series import DAY_SECONDS, run_seconds

SHORT = f"CI not reported (run < {SHORTEST_DAYS:g} d)"
BLOCKS_TEXT = "six blocks of time"
UNDEFINED = "CI not reported (few rows, or rows like a random walk)"


class Fact(NamedTuple):
    """A row: name, value, limits (NaN where there are none), unit, and how it was estimated."""

    fact: str
    value: float
    low: float
    high: float
    unit: str
    how: str


def interval_fact(name, found, unit, how=BLOCKS_TEXT):
    """Return the row of an estimate ``(value, low, high)``."""
    return Fact(name, *found, unit, how)


def exact_fact(name, value, unit, how="exact"):
    """Return the row of a figure without limits."""
    return Fact(name, value, math.nan, math.nan, unit, how)


def level_fact(records, name, found, unit, how=BLOCKS_TEXT):
    """Return the row of a level ``(value, low, high)``, without limits if the run is too short."""
    if run_seconds(records) < SHORTEST_DAYS * DAY_SECONDS:
        return exact_fact(name, found[0], unit, SHORT)
    if math.isnan(found[1]):
        return Fact(name, *found, unit, f"{how}; {UNDEFINED}")
    return Fact(name, *found, unit, how)
