"""Errors of perplab.

::

    PerplabError
    |-- ParameterError (ValueError)      a parameter is invalid; carries every fault of a file
    |-- RuleError                        a trader's rule broke its contract
    |-- SweepError                       every run of a sweep failed
    `-- InvariantError (AssertionError)  an invariant failed: money lost, a crossed book

A market's refusal of an order (not enough collateral, outside the band) is a counted outcome, never
an exception.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class UnknownKey:
    """The value under a key that is not known: a fault's text names the key, not the value."""

    value: object


@dataclasses.dataclass(frozen=True)
class Fault:
    """One refused value: its key, what it was, what was expected, and where the file has it."""

    key: str
    value: object
    expected: str
    file: str = ""
    line: int | None = None

    def __str__(self):
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        before = f"{place}: " if place else ""
        unknown = isinstance(self.value, UnknownKey)
        found = "is not known" if unknown else f"was {self.value!r}"
        return f"{before}{self.key} {found}, must be {self.expected}"


class PerplabError(Exception):
    """Base class of perplab's errors."""


class ParameterError(PerplabError, ValueError):
    """Invalid parameters.

    Parameters
    ----------
    *faults : Fault
        All faults of one source; also the attribute `faults`.

    Examples
    --------
    >>> str(ParameterError(Fault("days", -1, "above 0", "a.toml", 3)))
    'a.toml:3: days was -1, must be above 0'
    """

    def __init__(self, *faults):
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class RuleError(PerplabError):
    """A trader's rule raised, or wrote what an order cannot be."""


class SweepError(PerplabError):
    """Every run of a sweep failed; their errors are in its folder."""


class InvariantError(PerplabError, AssertionError):
    """An invariant failed; do not use the run's numbers."""
