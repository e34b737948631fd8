"""A sweep as its file states it (factors, design, seeds, arms), and the points that it visits."""

import itertools
import json
import math
from typing import Annotated, Literal

import numpy as np
import pydantic
from pydantic import Field

from perplab.scenarios.files.schema import Name, Text
from perplab.scenarios.runs.json_files import json_safe
from perplab.scenarios.runs.tables import KEPT_TABLES
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened
from perplab.sim.rulebook.sections import Nonnegative
from perplab.sim.spot.process import Model
from perplab.sim.streams import stated_seed

LARGEST_SWEEP = 1_000_000
LARGEST_SAMPLER_SEED = 2**32 - 1
NAME = r"^[\w.-]*\w$"
ALIKE = ((int, float), str, bool)


class Factor(Model):
    """``[factors.NAME]``: a dotted key, or several that move together, with values or a range.

    Of several keys, a value that is a list gives each key its own entry; any other value is the
    same for all. ``labels`` name the values in tables and figures; without them, lists and tables
    are named by their JSON text.
    """

    key: str | None = None
    keys: tuple[str, ...] = ()
    values: tuple = ()
    labels: tuple[Name, ...] | None = None
    low: Annotated[float, Field(strict=True)] | None = None
    high: Annotated[float, Field(strict=True)] | None = None
    log: bool = False

    @property
    def all_keys(self):
        """Dotted keys that the factor sets."""
        return self.keys or (self.key,)

    def changes(self, value):
        """Return what a value of the factor sets, by dotted key.

        Examples
        --------
        >>> Factor(keys=("a.number", "b.number"), values=([3, 1], 2)).changes([3, 1])
        {'a.number': 3, 'b.number': 1}
        >>> Factor(key="a.weights", values=([3, 1],)).changes([3, 1])
        {'a.weights': [3, 1]}
        """
        listed = self.keys and isinstance(value, (list, tuple))
        each = value if listed else [value] * len(self.all_keys)
        return dict(zip(self.all_keys, each, strict=True))

    def label(self, value):
        """Return the name of a value in tables.

        It is its label; or the value itself, if it is a text or all values are numbers, texts or
        switches; or its JSON text.

        Examples
        --------
        >>> factor = Factor(key="a", values=([3, 1], 2))
        >>> Factor(key="a", values=(1, 2.5)).label(2.5), factor.label([3, 1])
        (2.5, '[3, 1]')
        """
        if self.labels:
            return self.labels[list(self.values).index(value)]
        if isinstance(value, str) or any(map(self._are_all, ALIKE)):
            return value
        return json.dumps(json_safe(value), default=str)

    def _are_all(self, kind):
        """Return whether all values are of a type; switches are no numbers."""
        return all(
            isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
            for value in self.values
        )

    @property
    def extremes(self):
        """Values to check before anything runs: all values, or the ends of the range."""
        return self.values or (self.low, self.high)

    def at(self, share):
        """Return the value at a share of the range, from 0 to 1; geometric if ``log``."""
        if self.log:
            return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        return self.low + share * (self.high - self.low)


class Design(Model):
    """``[design]``: the grid of all values, or samples of the ranges.

    `samples` is the base number of samples of the method.
    """

    kind: Literal["grid", "latin_hypercube", "sobol", "saltelli", "morris"] = "grid"
    samples: Annotated[int, Field(strict=True, ge=1, le=LARGEST_SWEEP)] | None = None
    seed: int = 0

    @pydantic.field_validator("seed", mode="before")
    @classmethod
    def _is_seed(cls, value):
        return stated_seed(value, "", LARGEST_SAMPLER_SEED)


class Arm(Model):
    """``[[arms]]``: a branch of every run from an hour on, under changed rules or traits."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$", max_length=100)]
    at_hours: Nonnegative
    changes: dict = {}


class Sweep(Model):
    """A sweep file.

    Attributes
    ----------
    scenario : str
    changes : dict
        To the scenario, nested or by dotted key.
    factors : dict of str to Factor
    design : Design
    seeds : int or list of int
        A number n stands for 0, 1, ..., n - 1.
    keep : list
        Tables to store beside the summaries, of `KEPT_TABLES`.
    arms : list of Arm
    """

    name: Annotated[str, Field(pattern=NAME, max_length=100)] = "sweep"
    title: Text = ""
    question: Text = ""
    scenario: str
    changes: dict = {}
    factors: dict[Name, Factor] = {}
    design: Design = Design()
    seeds: int | tuple[int, ...] = 1
    keep: tuple[Literal[KEPT_TABLES], ...] = ()
    arms: tuple[Arm, ...] = ()

    @pydantic.field_validator("seeds", mode="before")
    @classmethod
    def _are_seeds(cls, value):
        if isinstance(value, (list, tuple)):
            return tuple(stated_seed(row, str(k)) for k, row in enumerate(value))
        if type(value) is not int or not 1 <= value <= LARGEST_SWEEP:
            bound = (
                f"a number of seeds, at least 1 and at most {LARGEST_SWEEP:,}, or a list of seeds"
            )
            raise ParameterError(Fault("", value, bound))
        return value

    @property
    def all_seeds(self):
        """Seeds of the runs at each point."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def size(self):
        """Number of its runs."""
        samples, factors = self.design.samples or 1, len(self.factors)
        points = {
            "grid": math.prod(len(factor.values) for factor in self.factors.values()),
            "saltelli": samples * (factors + 2),
            "morris": samples * (factors + 1),
        }.get(self.design.kind, samples)
        return points * len(self.all_seeds)


def changes_at(sweep, point):
    """Return the changes to the scenario at a point, by dotted key."""
    moved = {
        key: one
        for name, value in point.items()
        for key, one in sweep.factors[name].changes(value).items()
    }
    return flattened(sweep.changes) | moved


def points_of(sweep):
    """Return the points of a sweep in order, each a dict of values by factor."""
    factors = sweep.factors
    if sweep.design.kind == "grid":
        grid = itertools.product(*(factor.values for factor in factors.values()))
        return [dict(zip(factors, values, strict=True)) for values in grid]
    return [
        {
            name: factor.at(float(share))
            for (name, factor), share in zip(factors.items(), row, strict=True)
        }
        for row in shares_of(sweep)
    ]


def shares_of(sweep):
    """Return the samples of a design in the unit cube.

    Returns
    -------
    numpy.ndarray, shape (points, factors)

    Notes
    -----
    Latin hypercube and Sobol points are scrambled, by SciPy. The designs of Saltelli and Morris are
    SALib's, as their estimators need them.
    """
    design, dimensions = sweep.design, len(sweep.factors)
    if design.kind in ("saltelli", "morris"):
        return salib_shares(design, list(sweep.factors))
    from scipy.stats import qmc

    samplers = {"latin_hypercube": qmc.LatinHypercube, "sobol": qmc.Sobol}
    sampler = samplers[design.kind](dimensions, rng=np.random.default_rng(design.seed))
    return sampler.random(design.samples)


def salib_problem(names):
    """Return SALib's description of factors on the unit cube."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def salib_shares(design, names):
    """Return the samples of a design that SALib draws, shape (points, factors).

    Raises
    ------
    ParameterError
        If SALib is not installed.
    """
    try:
        from SALib.sample import morris, sobol
    except ImportError:
        bound = "one whose sampler is installed: pip install -e '.[sensitivity]'"
        raise ParameterError(Fault("design.kind", design.kind, bound)) from None
    problem, samples = salib_problem(names), design.samples
    if design.kind == "morris":
        return morris.sample(problem, samples, seed=design.seed)
    return sobol.sample(problem, samples, calc_second_order=False, seed=design.seed)
