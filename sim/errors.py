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

LONGEST_KEY, LONGEST_VALUE, LONGEST_BOUND = 160, 100, 2_000


@dataclasses.dataclass(frozen=True)
class Fault:
    """One refused value: its key, what it was, what was expected, and where the file has it.

    As text it is one line: the middle of long parts is left out, control characters are escaped.
    """

    key: str
    value: object
    expected: str
    file: str = ""
    line: int | None = None

    def __str__(self):
        place = ":".join(one_line(part, LONGEST_KEY) for part in (self.file, self.line) if part)
        key, bound = one_line(self.key, LONGEST_KEY), one_line(self.expected, LONGEST_BOUND)
        return f"{place}: {self.sentence(key, bound)}" if place else self.sentence(key, bound)

    def under(self, key):
        """Return the fault with its key completed by that of a table around it."""
        return dataclasses.replace(self, key=f"{key}.{self.key}".strip("."))

    def sentence(self, key, bound):
        """Return the fault without its place, of a key and a bound as they are printed."""
        value = one_line(text_of_value(self.value), LONGEST_VALUE)
        missing = self.value is None and bound.startswith("given")
        return f"{key} {'is missing' if missing else f'was {value}'}, must be {bound}"


class KeyFault(Fault):
    """A key that does not exist, whatever its value; `expected` is what it could have been."""

    def sentence(self, key, bound):
        """Return the fault without its place, of a key and a bound as they are printed."""
        return f"{key} is not {bound}"


def text_of_value(value):
    """Return the `repr` of a value, or what it is if its digits are too many to be printed."""
    try:
        return repr(value)
    except ValueError:
        bits = f" of {value.bit_length()} bits" if isinstance(value, int) else ""
        return f"{type(value).__name__}{bits}"


def one_line(text, longest):
    r"""Return a text as one printable line of limited length.

    Examples
    --------
    >>> print(one_line("a\tb\x1b[1m", 20), one_line("c" * 99, 26))
    a b\x1b[1m cccc...cccc (99 characters)
    """
    text = str(text)
    size, rest = len(text), f" ({len(text)} characters)"
    part = max((longest - len(rest) - 3) // 2, 4)
    text = text if size <= longest else f"{text[:part]}...{text[-part:]}{rest}"
    text = text.replace("\n", " ").replace("\t", " ")
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


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
