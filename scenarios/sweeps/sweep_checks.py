"""Checks of a sweep before it runs: its factors, its arms, and its scenario at the extremes."""

import dataclasses

from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.overrides import CHANGES, overlap
from perplab.scenarios.sweeps.sweep_design import LARGEST_SWEEP, changes_at
from perplab.sim.errors import Fault, KeyFault, ParameterError
from perplab.sim.faults import flattened

MOST_RUNS = f"at most {LARGEST_SWEEP:,}"


def sweep_faults(sweep):
    """Return all faults of a sweep: of design, factors, and scenario at the extremes.

    A sweep that is too large is refused at once, whatever its values are.
    """
    if sweep.size > LARGEST_SWEEP:
        return list(design_faults(sweep))
    wrong = [*factor_faults(sweep), *key_faults(sweep)]
    names = {fault.key.split(".")[1] for fault in wrong}
    return [*design_faults(sweep), *wrong, *scenario_faults(sweep, names)]


def design_faults(sweep):
    """Yield the faults of a sweep's design, seeds and names of arms."""
    sampled = sweep.design.kind != "grid"
    if sampled and sweep.design.samples is None:
        yield Fault("design.samples", None, f"given: the design is {sweep.design.kind!r}")
    if sampled and not sweep.factors:
        yield Fault("factors", "none", "at least one, to be sampled")
    if sweep.size > LARGEST_SWEEP:
        yield Fault("seeds", f"{sweep.size:,} runs, all factors and seeds together", MOST_RUNS)
    if not sweep.all_seeds or len(set(sweep.all_seeds)) < len(sweep.all_seeds):
        yield Fault("seeds", list(sweep.all_seeds), "at least one seed, each once")
    yield from name_faults(sweep.arms)


def name_faults(arms, key="arms"):
    """Yield a fault if two arms have the same name, or one is called base."""
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names) or "base" in names:
        yield Fault(key, names, "named differently, and none of them 'base'")


def factor_faults(sweep):
    """Yield the faults of each factor by itself."""
    for name, factor in sweep.factors.items():
        key = f"factors.{name}"
        if (factor.key is None) == (not factor.keys):
            yield Fault(f"{key}.key", factor.key, "given, or else keys")
        yield from value_faults(key, factor)
        yield from range_faults(key, factor, sweep.design.kind)
        if factor.log and not (factor.low or 0) > 0:
            yield Fault(f"{key}.low", factor.low, "above 0 on a logarithmic range")


def value_faults(key, factor):
    """Yield the values that do not fit the factor's keys, and labels that do not fit its values."""
    for index, value in enumerate(factor.values):
        if factor.keys and isinstance(value, list) and len(value) != len(factor.keys):
            bound = f"one entry for each of {len(factor.keys)} keys, or one value for all"
            yield Fault(f"{key}.values[{index}]", value, bound)
    labels = factor.labels
    if labels is None:
        return
    if len(labels) != len(factor.values) or len(set(labels)) < len(labels):
        bound = f"one for each of {len(factor.values)} values, all different"
        yield Fault(f"{key}.labels", list(labels), bound)


def range_faults(key, factor, design):
    """Yield a fault if a factor lacks what its design needs: a range to sample, or values."""
    low, high = factor.low, factor.high
    has_range = low is not None and high is not None and low < high
    if design != "grid" and (not has_range or factor.values):
        bound = f"a range, low below high and no values: the design is {design!r}"
        yield Fault(key, [low, high], bound)
    if design == "grid" and (not factor.values or low is not None or high is not None):
        bound = "values to visit and no range: the design is a grid"
        yield Fault(f"{key}.values", list(factor.values), bound)


def key_faults(sweep):
    """Yield the factors that set what another one sets, and those that visit a value twice.

    Two factors collide on the same key, or on a table and a key inside it.
    """
    keys = [(name, key) for name, factor in sweep.factors.items() for key in factor.all_keys]
    for index, (name, key) in enumerate(keys):
        for other, before in keys[:index]:
            if overlap(key, before):
                bound = f"apart from the key of the factor {other}: one would have no effect"
                yield Fault(f"factors.{name}.key", key, bound)
    for name, factor in sweep.factors.items():
        values = factor.values
        if any(value in values[:index] for index, value in enumerate(values)):
            bound = "values that differ from one another"
            yield Fault(f"factors.{name}.values", list(values), bound)


def scenario_faults(sweep, wrong=()):
    """Yield the faults of the scenario at each extreme of each factor, all others at their first.

    Factors in `wrong` are left out.
    """
    factors = {name: factor for name, factor in sweep.factors.items() if name not in wrong}
    seen = set()
    for places in corners(factors):
        point = {name: factors[name].extremes[place] for name, place in places.items()}
        try:
            yield from arm_faults(sweep, point)
        except ParameterError as error:
            faults = [traced(fault, sweep, places) for fault in error.faults]
            yield from (fault for fault in faults if str(fault) not in seen)
            seen |= set(map(str, faults))


def corners(factors):
    """Return the points to check: for each, the index of the extreme of every factor."""
    first = dict.fromkeys(factors, 0)
    return [first] + [
        first | {name: place}
        for name, factor in factors.items()
        for place in range(1, len(factor.extremes))
    ]


def arm_faults(sweep, point):
    """Yield the arms that start too late at a point.

    Raises
    ------
    ParameterError
        If the scenario is refused at the point, with or without an arm.
    """
    changes = changes_at(sweep, point)
    scenario = load(sweep.scenario, changes)
    for number, arm in enumerate(sweep.arms):
        refuse_arm(sweep, scenario, changes, number)
        if not 0 <= arm.at_hours < 24 * scenario.days:
            bound = f"before the end of the run ({24 * scenario.days:g} hours)"
            yield Fault(f"arms.{number}.at_hours", arm.at_hours, bound)


def refuse_arm(sweep, scenario, changes, number):
    """Raise ParameterError if an arm's scenario is refused, or cannot be branched to in flight."""
    key, own = f"arms.{number}.changes", flattened(sweep.arms[number].changes)
    try:
        other = load(sweep.scenario, changes | own)
    except ParameterError as error:
        raise ParameterError(*(source_of(fault, own, key) for fault in error.faults)) from None
    if faults := [fault.under(key) for fault in branch_faults(scenario, other)]:
        raise ParameterError(*faults)


def source_of(fault, changes, table):
    """Return a fault under the sweep's table that caused it by a change, or unchanged."""
    if fault.file != CHANGES or not any(overlap(key, fault.key) for key in changes):
        return fault
    return dataclasses.replace(fault, file="", line=None).under(table)


def traced(fault, sweep, places):
    """Return a fault of the scenario under the sweep's key that set the value.

    The key is a factor's, or one of the changes. `places` are the indices of the extremes.
    """
    if fault.file != CHANGES:
        return fault
    for name, place in places.items():
        factor = sweep.factors[name]
        if any(overlap(key, fault.key) for key in factor.all_keys):
            if isinstance(fault, KeyFault):
                where = "keys" if factor.keys else "key"
                return Fault(f"factors.{name}.{where}", fault.key, fault.expected)
            where = f"values[{place}]" if factor.values else ("low", "high")[place]
            bound = f"{fault.expected} (it sets {fault.key})"
            return Fault(f"factors.{name}.{where}", fault.value, bound)
    return dataclasses.replace(source_of(fault, flattened(sweep.changes), "changes"), file="")
