"""Errors of perplab.

::

    PerplabError
    |-- ParameterError (ValueError)      a value refused at the door; carries every fault of a file at once
    |-- RuleError                        a trader's rule broke its contract
    |-- SweepError                       every run of a sweep failed
    `-- InvariantError (AssertionError)  the impossible happened: money lost, a book crossed

A market's refusal of an order (not enough collateral, outside the band) is a counted outcome, never an exception.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Fault:
    """One refused value: where it stands, what it was, what would be right."""

    key: str
    value: object
    bound: str
    file: str = ""
    line: int | None = None

    def __str__(self):
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return f"{place + ': ' if place else ''}{self.key} was {self.value!r}, must be {self.bound}"


class PerplabError(Exception):
    """Any error that perplab raises on purpose."""


class ParameterError(PerplabError, ValueError):
    """Values refused at the door.

    Parameters
    ----------
    *faults : Fault
        All that is wrong with one source, also kept as the attribute `faults`.

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
    """Every run of a sweep failed; their errors are kept in its folder."""


class InvariantError(PerplabError, AssertionError):
    """Something that cannot happen did; the run's numbers are not to be used."""
