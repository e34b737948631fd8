"""Checks."""

import dataclasses

from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.overrides import COMMAND_LINE
from perplab.scenarios.sweeps.sweep_design import changes_at
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened


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
            Fault(f"arms.{number}.changes.{fault.key}", fault.value, fault.bound)
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
    return Fault(f"{table}.{fault.key}", fault.value, fault.bound) if mine else fault


def traced(fault, sweep, places):
    """Return a fault of the scenario under the key of the sweep that set the value: a factor's, or one of the changes."""
    if fault.file != COMMAND_LINE:
        return fault
    for name, place in places.items():
        factor = sweep.factors[name]
        if any(concerns(key, fault) for key in factor.all_keys):
            where = f"values[{place}]" if factor.values else ("low", "high")[place]
            return Fault(
                f"factors.{name}.{where}", fault.value, f"{fault.bound} (it sets {fault.key})"
            )
    return dataclasses.replace(source_of(fault, flattened(sweep.changes), "changes"), file="")
