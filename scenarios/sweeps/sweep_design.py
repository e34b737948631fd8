"""A sweep as its file states it: scenario, factors, design, seeds, arms; and the points that it visits."""

import dataclasses
import itertools
import json
import math
import pathlib
import re
from typing import Annotated, Literal

import numpy as np
import pydantic
from pydantic import Field

from perplab.scenarios.files.loader import branch_faults, load
from perplab.scenarios.files.overrides import COMMAND_LINE, name_from, rooted, toml_value
from perplab.scenarios.runs.store import KEPT_TABLES, speakable
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked, flattened, line_of, text_of, toml_tables
from perplab.sim.rulebook.sections import Nonnegative
from perplab.sim.spot.process import Model

LARGEST_SWEEP = 10_000_000


PLACE = re.compile(r"\[(\d+)\]")


NAME = r"^[\w.-]*\w$"


class Factor(Model):
    """``[factors.NAME]``: a dotted key, or several that move together, with values to visit, or a range to sample from.

    Of several keys a value that is a list gives each key its own entry; any other value is the same for all. ``labels`` name the
    values in tables and figures; without them lists and tables are named by their JSON text.
    """

    key: str | None = None
    keys: tuple[str, ...] = ()
    values: tuple = ()
    labels: tuple[str, ...] | None = None
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
        each = (
            value
            if self.keys and isinstance(value, (list, tuple))
            else [value] * len(self.all_keys)
        )
        return dict(zip(self.all_keys, each, strict=True))

    def label(self, value):
        """Return what a value is called in tables: its label; itself, if all values are alike numbers, texts or switches; else its JSON text.

        Examples
        --------
        >>> Factor(key="a", values=(1, 2.5)).label(2.5), Factor(key="a", values=([3, 1], 2)).label([3, 1])
        (2.5, '[3, 1]')
        """
        if self.labels:
            return self.labels[[*self.values].index(value)]
        alike = any(
            all(
                isinstance(one, kind) and isinstance(one, bool) == (kind is bool)
                for one in self.values
            )
            for kind in ((int, float), str, bool)
        )
        return (
            value if alike or isinstance(value, str) else json.dumps(speakable(value), default=str)
        )

    @property
    def extremes(self):
        """Values to try before anything runs: all stated ones, or the ends of the range."""
        return self.values or (self.low, self.high)

    def at(self, share):
        """Return the value at a share of the range, from 0 to 1."""
        if self.log:
            return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        return self.low + share * (self.high - self.low)


class Design(Model):
    """``[design]``: the grid of all values, or samples of the ranges: `samples` is the base number of the method."""

    kind: Literal["grid", "latin_hypercube", "sobol", "saltelli", "morris"] = "grid"
    samples: Annotated[int, Field(strict=True, ge=1, le=LARGEST_SWEEP)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] = 0


class Arm(Model):
    """``[[arms]]``: a branch of every run from an hour on, under changed rules or traits."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
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
        A number stands for 0, 1, ...
    keep : list
        Tables to store beside the summaries, of `KEPT_TABLES`.
    arms : list of Arm
    """

    name: Annotated[str, Field(pattern=NAME, max_length=100)] = "sweep"
    title: str = ""
    question: str = ""
    scenario: str
    changes: dict = {}
    factors: dict[str, Factor] = {}
    design: Design = Design()
    seeds: int | tuple[int, ...] = 1
    keep: tuple[Literal[KEPT_TABLES], ...] = ()
    arms: tuple[Arm, ...] = ()

    @pydantic.field_validator("seeds", mode="before")
    @classmethod
    def _are_seeds(cls, value):
        rows = value if isinstance(value, (list, tuple)) else [value]
        least = 0 if rows is value else 1
        if (
            not all(type(row) is int and row >= least for row in rows)
            or rows is not value
            and value > LARGEST_SWEEP
        ):
            raise ParameterError(
                Fault(
                    "",
                    value,
                    f"a number of seeds, at least 1 and at most {LARGEST_SWEEP:,}, or a list of seeds, each at least 0",
                )
            )
        return value

    @property
    def all_seeds(self):
        """Seeds of the runs at each point."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds


def read_sweep(path):
    """Return ``(sweep, text)`` of a sweep file, everything about it checked; nothing is run.

    Raises
    ------
    ParameterError
        With every fault: of the file, of its factors, and of the scenario at the ends of each factor.
    """
    path, text = pathlib.Path(path), text_of(path, "sweep")
    tables = {"name": name_from(path)} | rooted(toml_tables(text, path.name), path.parent)
    if str(tables.get("scenario", "")).endswith(".toml"):
        tables["scenario"] = str((path.parent / tables["scenario"]).absolute())
    sweep = checked(Sweep, tables, path.name, text)
    wrong = [*factor_faults(sweep), *key_faults(sweep)]
    faults = [
        *design_faults(sweep),
        *wrong,
        *scenario_faults(sweep, {fault.key.split(".")[1] for fault in wrong}),
    ]
    if faults:
        raise ParameterError(*(placed(fault, path.name, text) for fault in faults))
    return sweep, text


def placed(fault, file, text):
    """Return a fault with the sweep's file and the line of its key, unless it stands in another file."""
    return (
        fault
        if fault.file
        else dataclasses.replace(fault, file=file, line=line_of(text, PLACE.sub(r".\1", fault.key)))
    )


def design_faults(sweep):
    """Return what does not fit together in a sweep."""
    sampled = sweep.design.kind != "grid"
    if sampled and sweep.design.samples is None:
        yield Fault("design.samples", None, f"given: the design is {sweep.design.kind!r}")
    if sampled and not sweep.factors:
        yield Fault("factors", "none", "at least one, to be sampled")
    if not sweep.all_seeds or len(set(sweep.all_seeds)) < len(sweep.all_seeds):
        yield Fault("seeds", list(sweep.all_seeds), "at least one seed, each once")
    yield from name_faults(sweep.arms)


def name_faults(arms, key="arms"):
    """Return a fault if arms cannot be told apart."""
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names) or "base" in names:
        yield Fault(key, names, "named differently, and none of them 'base'")


def factor_faults(sweep):
    """Return what is wrong with the factors by themselves."""
    sampled = sweep.design.kind != "grid"
    for name, factor in sweep.factors.items():
        if (factor.key is None) == (not factor.keys):
            yield Fault(f"factors.{name}.key", factor.key, "given, or else keys")
        yield from value_faults(name, factor)
        if sampled and (
            factor.low is None
            or factor.high is None
            or factor.values
            or not factor.low < factor.high
        ):
            yield Fault(
                f"factors.{name}",
                [factor.low, factor.high],
                f"a range, low below high and no values: the design is {sweep.design.kind!r}",
            )
        if not sampled and (not factor.values or factor.low is not None or factor.high is not None):
            yield Fault(
                f"factors.{name}.values",
                list(factor.values),
                "values to visit and no range: the design is a grid",
            )
        if factor.log and not (factor.low or 0) > 0:
            yield Fault(f"factors.{name}.low", factor.low, "above 0 on a logarithmic range")


def value_faults(name, factor):
    """Return the values that do not fit the factor's keys, and labels that do not fit its values."""
    for place, value in enumerate(factor.values):
        if factor.keys and isinstance(value, list) and len(value) != len(factor.keys):
            yield Fault(
                f"factors.{name}.values[{place}]",
                value,
                f"one entry for each of {len(factor.keys)} keys, or one value for all",
            )
    if factor.labels is not None and (
        len(factor.labels) != len(factor.values) or len(set(factor.labels)) < len(factor.labels)
    ):
        yield Fault(
            f"factors.{name}.labels",
            list(factor.labels),
            f"one for each of {len(factor.values)} values, all different",
        )


def key_faults(sweep):
    """Return the factors that set what another sets: the same key, or a table and a part of it; and those that visit a value twice."""
    keys = [(name, key) for name, factor in sweep.factors.items() for key in factor.all_keys]
    for place, (name, key) in enumerate(keys):
        for other, before in keys[:place]:
            if f"{before}.".startswith(f"{key}.") or f"{key}.".startswith(f"{before}."):
                yield Fault(
                    f"factors.{name}.key",
                    key,
                    f"apart from the key of the factor {other}: one of the two would be without effect",
                )
    for name, factor in sweep.factors.items():
        if any(value in factor.values[:place] for place, value in enumerate(factor.values)):
            yield Fault(
                f"factors.{name}.values", list(factor.values), "values that differ from one another"
            )


def scenario_faults(sweep, wrong=()):
    """Return what the scenario says to each extreme of each factor, all others at their first; factors that are wrong themselves are left out."""
    factors, seen = (
        {name: factor for name, factor in sweep.factors.items() if name not in wrong},
        set(),
    )
    first = dict.fromkeys(factors, 0)
    for places in [first] + [
        first | {name: place}
        for name, factor in factors.items()
        for place in range(1, len(factor.extremes))
    ]:
        try:
            yield from arm_faults(
                sweep, {name: factors[name].extremes[place] for name, place in places.items()}
            )
        except ParameterError as error:
            new = [
                fault
                for fault in (traced(fault, sweep, places) for fault in error.faults)
                if str(fault) not in seen
            ]
            seen |= {str(fault) for fault in new}
            yield from new


def arm_faults(sweep, point):
    """Return the arms that begin too late; raise what the scenario refuses at a point, with or without an arm."""
    scenario = load(sweep.scenario, changes_at(sweep, point))
    for number, arm in enumerate(sweep.arms):
        try:
            other = load(sweep.scenario, changes_at(sweep, point) | flattened(arm.changes))
        except ParameterError as error:
            raise ParameterError(
                *(
                    source_of(fault, flattened(arm.changes), f"arms.{number}.changes")
                    for fault in error.faults
                )
            ) from None
        faults = [
            Fault(f"arms.{number}.changes.{fault.key}", fault.value, fault.expected)
            for fault in branch_faults(scenario, other)
        ]
        if faults:
            raise ParameterError(*faults)
        if not 0 <= arm.at_hours < 24 * scenario.days:
            yield Fault(
                f"arms.{number}.at_hours",
                arm.at_hours,
                f"before the end of the run ({24 * scenario.days:g} hours)",
            )


def concerns(key, fault):
    """Return whether a fault is of what a dotted key sets: at it, inside it, or of the table around it."""
    return f"{fault.key}.".startswith(f"{key}.") or f"{key}.".startswith(f"{fault.key}.")


def source_of(fault, changes, table):
    """Return a fault of a change to the scenario under the key of the sweep's table that makes it; others as they are."""
    mine = fault.file == COMMAND_LINE and any(concerns(key, fault) for key in changes)
    return Fault(f"{table}.{fault.key}", fault.value, fault.expected) if mine else fault


def traced(fault, sweep, places):
    """Return a fault of the scenario under the key of the sweep that set the value: a factor's, or one of the changes."""
    if fault.file != COMMAND_LINE:
        return fault
    for name, place in places.items():
        factor = sweep.factors[name]
        if any(concerns(key, fault) for key in factor.all_keys):
            where = f"values[{place}]" if factor.values else ("low", "high")[place]
            return Fault(
                f"factors.{name}.{where}", fault.value, f"{fault.expected} (it sets {fault.key})"
            )
    return dataclasses.replace(source_of(fault, flattened(sweep.changes), "changes"), file="")


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
        return [
            dict(zip(factors, values, strict=True))
            for values in itertools.product(*(factor.values for factor in factors.values()))
        ]
    return [
        {
            name: factor.at(float(share))
            for (name, factor), share in zip(factors.items(), row, strict=True)
        }
        for row in shares_of(sweep)
    ]


def shares_of(sweep):
    """Return the samples of a design in the unit cube, a row a point.

    Notes
    -----
    Latin hypercube and Sobol points are scrambled, by SciPy; Saltelli's and Morris' designs are SALib's, which their
    estimators need.
    """
    design, dimensions = sweep.design, len(sweep.factors)
    if design.kind in ("saltelli", "morris"):
        return salib_shares(design, list(sweep.factors))
    from scipy.stats import qmc

    sampler = {"latin_hypercube": qmc.LatinHypercube, "sobol": qmc.Sobol}[design.kind](
        dimensions, rng=np.random.default_rng(design.seed)
    )
    return sampler.random(design.samples)


def salib_problem(names):
    """Return SALib's description of factors on the unit cube."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def salib_shares(design, names):
    """Return the samples of a design that SALib draws."""
    try:
        from SALib.sample import morris, sobol
    except ImportError:
        raise ParameterError(
            Fault(
                "design.kind",
                design.kind,
                "one whose sampler is installed: pip install -e '.[sensitivity]'",
            )
        ) from None
    if design.kind == "morris":
        return morris.sample(salib_problem(names), design.samples, seed=design.seed)
    return sobol.sample(
        salib_problem(names), design.samples, calc_second_order=False, seed=design.seed
    )


def stated_arm(text, at_hours):
    """Return the Arm of a text ``NAME:key=value,key=value``.

    Examples
    --------
    >>> stated_arm("pro_rata:market.changes.deleveraging.picking=pro_rata", 2.0).changes
    {'market.changes.deleveraging.picking': 'pro_rata'}
    """
    name, _, settings = text.partition(":")
    pairs = [setting.partition("=") for setting in settings.split(",") if setting]
    if not name or not pairs or not all(middle for _, middle, _ in pairs):
        raise ParameterError(Fault("--arm", text, "NAME:KEY=VALUE[,KEY=VALUE ...]"))
    return checked(
        Arm,
        {
            "name": name,
            "at_hours": at_hours,
            "changes": {key.strip(): toml_value(value.strip()) for key, _, value in pairs},
        },
        "--arm",
    )
