"""The traits of a kind of trader: name, default, unit, bounds; and the memory of its rule."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from perplab.sim.errors import Fault, KeyFault, ParameterError
from perplab.sim.faults import nearest

LARGEST = 1e15
"""Largest size of a value without a bound of its own; beyond it floats miss whole numbers."""
ENGINE_BOUNDS = {
    "capital_usd": (0, LARGEST),
    "margin_share": (0, 1),
    "borrow_share": (0, LARGEST),
    "leverage": (1e-6, LARGEST),
    "isolated": (0, 1),
    "market": (0, LARGEST),
    "wake_seconds": (None, math.inf),
    "latency_seconds": (None, math.inf),
    "tolerance_bps": (None, math.inf),
}
"""Bounds of traits by name where a kind states none: what the engine reads, and what may be inf."""


@dataclasses.dataclass(frozen=True)
class Trait:
    """One property of a trader.

    Parameters
    ----------
    default : float
    unit, meaning : str
    low, high : float, optional
        Bounds, inclusive; without them -1e15 and 1e15. Infinity is a value only where `default` or
        `high` is infinite, where it means "never" or "any".
    names : tuple of str, optional
        Names of the values 0, 1, ... of a choice, which a scenario file states instead.
    shared : bool, optional
        Whether `default` is a total that the traders of one population share equally.

    Examples
    --------
    >>> Trait(1, "1", "its share of all quotes", shared=True).default_of(8)
    0.125
    """

    default: float
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()
    shared: bool = False

    def default_of(self, number: int) -> float:
        """Return the default of each trader in a population of `number`."""
        return self.default / max(number, 1) if self.shared else self.default

    @property
    def bound(self) -> str:
        """The allowed values in words."""
        low, high = self.limits
        if self.names:
            return f"one of {', '.join(self.names)}"
        if low == high:
            return f"{low:g}"
        infinite = ", or inf" * self.takes_infinity
        return f"at least {low:g} and at most {high:g}{infinite}"

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest finite value."""
        low = -LARGEST if self.low is None else self.low
        high = LARGEST if self.high is None else min(self.high, LARGEST)
        return low, high

    @property
    def takes_infinity(self) -> bool:
        """Whether infinity is a value."""
        return self.high == math.inf or self.high is None and is_infinite(self.default)

    def number(self, value: Any) -> Any:
        """Return the number of a stated name; any other value as it is."""
        known = isinstance(value, str) and value in self.names
        return float(self.names.index(value)) if known else value

    def stated(self, number: float) -> float | str:
        """Return a number as a scenario file states it: by its name if it has one."""
        return self.names[int(number)] if self.names else float(number)

    def accepts(self, values: Any) -> bool:
        """Return whether every value is a number within the bounds, of a choice a whole one."""
        try:
            values = np.asarray(values, float)
        except (OverflowError, TypeError, ValueError):
            return False
        low, high = self.limits
        if self.names and not np.all(np.isin(values, range(len(self.names)))):
            return False
        infinite = (values == math.inf) & self.takes_infinity
        return bool(np.all((values >= low) & (values <= high) | infinite))


def is_infinite(value):
    """Return whether a value is the number infinity."""
    return isinstance(value, (float, np.floating)) and value == math.inf


def with_engine_bounds(name, trait):
    """Return a trait with the bounds of `ENGINE_BOUNDS` where it states none."""
    low, high = ENGINE_BOUNDS.get(name, (None, None))
    return dataclasses.replace(
        trait,
        low=low if trait.low is None else trait.low,
        high=high if trait.high is None else trait.high,
    )


class Traits:
    """The traits of a kind, and the memory of its rule between decisions.

    Parameters
    ----------
    memory : dict of str to float, optional
        Fields that the rule may write, with their initial values.
    **traits : Trait

    Attributes
    ----------
    dtype : numpy.dtype
        One float64 field per trait, then one per memory field.
    trait_bytes : int
        Bytes of a record before its memory fields.
    defaults : numpy.void
        A record of `dtype`.

    Examples
    --------
    >>> size = Trait(100, "quote currency", "order size", low=1)
    >>> traits = Traits(size_usd=size, memory={"seen_seconds": 0.0})
    >>> traits.table(2, {"size_usd": [5, 6]})["size_usd"].tolist()
    [5.0, 6.0]
    >>> print(*traits.faults({"size_us": 5}))
    size_us is not one of size_usd (did you mean 'size_usd'?)
    """

    def __init__(self, memory: Mapping[str, float] | None = None, **traits: Trait) -> None:
        self.memory = dict(memory or {})
        if faults := list(declaration_faults(traits, self.memory)):
            raise ParameterError(*faults)
        self.traits = {name: with_engine_bounds(name, trait) for name, trait in traits.items()}
        self.dtype = np.dtype([(name, "f8") for name in (*traits, *self.memory)], align=True)
        self.trait_bytes = 8 * len(traits)
        self.defaults = self._rows(1, {})[0]

    def _rows(self, number, values):
        rows = np.zeros(number, self.dtype)
        defaults = {name: trait.default_of(number) for name, trait in self.traits.items()}
        for name, value in (defaults | self.memory | values).items():
            rows[name] = value
        return rows

    def replaced(self, **changes: float | Trait) -> "Traits":
        """Return these traits with other defaults (numbers, of each trader) or other `Trait`s."""
        changed = {
            name: value
            if isinstance(value, Trait)
            else dataclasses.replace(self.traits[name], default=value, shared=False)
            for name, value in changes.items()
        }
        return Traits(memory=self.memory, **self.traits | changed)

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of values by trait name, as a list of Fault."""
        found = []
        for name, value in values.items():
            if name not in self.traits:
                found.append(KeyFault(name, value, one_of(self.traits, name)))
            elif not self.traits[name].accepts(value):
                found.append(Fault(name, value, self.traits[name].bound))
        return found

    def table(self, number: int, values: Mapping[str, Any]) -> np.ndarray:
        """Return the records of `number` traders.

        Parameters
        ----------
        number : int
        values : dict of str to float or array[number]
            Values other than the defaults.

        Returns
        -------
        numpy.ndarray of `dtype`

        Raises
        ------
        ParameterError
            With every unknown name and every value out of bounds.
        """
        faults = self.faults(values)
        if faults:
            raise ParameterError(*faults)
        return self._rows(number, values)


def one_of(names, name):
    """Return in words that a name must be one of some names, with the nearest as a suggestion."""
    return f"one of {', '.join(names)}{nearest(name, names)}"


def declaration_faults(traits, memory):
    """Yield a fault for each trait that is no `Trait` of a number, and for wrong memory fields."""
    for name, trait in traits.items():
        if not isinstance(trait, Trait):
            yield Fault(name, trait, "a Trait(default, unit, meaning)")
        elif not is_number(trait.default):
            yield Fault(name, trait.default, "a number, as the default of a trait")
    for name, value in memory.items():
        if name in traits:
            yield Fault(f"memory.{name}", value, "of another name than a trait")
        elif not is_number(value):
            yield Fault(f"memory.{name}", value, "a number")


def is_number(value):
    """Return whether a value is one number that a float can hold."""
    try:
        return not isinstance(value, (str, bytes)) and float(value) is not None
    except (OverflowError, TypeError, ValueError):
        return False
