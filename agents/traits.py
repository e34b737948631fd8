"""The traits of a kind of trader: name, default, unit, bounds; and the memory of its rule."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from perplab.sim.errors import Fault, ParameterError


@dataclasses.dataclass(frozen=True)
class Trait:
    """One property of a trader.

    Parameters
    ----------
    default : float
    unit, meaning : str
    low, high : float, optional
        Bounds, inclusive.
    """

    default: float
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None

    @property
    def bound(self) -> str:
        """The allowed values in words."""
        if self.low is not None and self.low == self.high:
            return f"{self.low:g}"
        named = (("at least", self.low), ("at most", self.high))
        return (
            " and ".join(f"{words} {bound:g}" for words, bound in named if bound is not None)
            or "a number"
        )

    def accepts(self, values: Any) -> bool:
        """Return whether every value is a number within the bounds."""
        try:
            values = np.asarray(values, float)
        except (TypeError, ValueError):
            return False
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return bool(np.all((values >= low) & (values <= high)))


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
    defaults : numpy.void
        A record of `dtype`.

    Examples
    --------
    >>> size = Trait(100, "quote currency", "order size", low=1)
    >>> traits = Traits(size_usd=size, memory={"seen_seconds": 0.0})
    >>> traits.table(2, {"size_usd": [5, 6]})["size_usd"].tolist()
    [5.0, 6.0]
    >>> print(*traits.faults({"size_us": 5}))
    size_us was 5, must be one of size_usd (did you mean size_usd?)
    """

    def __init__(self, memory: Mapping[str, float] | None = None, **traits: Trait) -> None:
        self.traits, self.memory = traits, dict(memory or {})
        self.dtype = np.dtype([(name, "f8") for name in (*traits, *self.memory)], align=True)
        self.defaults = self._rows(1, {})[0]

    def _rows(self, number, values):
        rows = np.zeros(number, self.dtype)
        first = {name: trait.default for name, trait in self.traits.items()} | self.memory | values
        for name, value in first.items():
            rows[name] = value
        return rows

    def replaced(self, **changes: float | Trait) -> "Traits":
        """Return these traits with other defaults (numbers) or replacements (`Trait`)."""
        changed = {
            name: value
            if isinstance(value, Trait)
            else dataclasses.replace(self.traits[name], default=value)
            for name, value in changes.items()
        }
        return Traits(memory=self.memory, **self.traits | changed)

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of values by trait name, as a list of Fault."""
        found = []
        for name, value in values.items():
            if name not in self.traits:
                near = difflib.get_close_matches(name, self.traits, 1)
                guess = f" (did you mean {near[0]}?)" if near else ""
                found.append(Fault(name, value, f"one of {', '.join(self.traits)}{guess}"))
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
