"""Calibration files: read, checked before anything runs, and their target computed."""

import dataclasses
import pathlib

import numpy as np

from perplab.analysis.calibration.calibration_file import Calibration, ScaledParameter
from perplab.analysis.calibration.real_blocks import blocks_of_file, check_blocks
from perplab.analysis.calibration.targets import Target
from perplab.analysis.estimators.moments import MOMENTS
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.overrides import resolve
from perplab.scenarios.files.sources import LIBRARY as SCENARIOS
from perplab.scenarios.files.sources import absolute_paths, found, name_from
from perplab.scenarios.sweeps.sweep_checks import sweep_faults
from perplab.scenarios.sweeps.sweep_file import located
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked, flattened, nearest
from perplab.sim.toml_files.reading import text_of, toml_tables

LIBRARY = SCENARIOS.with_name("calibrations")
LEAST_BLOCKS = 5
OF_FILES = {"file", "funding_file", "start", "end"}
"""Keys of a target that is computed from files."""
HOUR_SECONDS = 3600.0


def read_calibration(path):
    """Return ``(calibration, target)`` of a file, fully checked; nothing is run.

    Parameters
    ----------
    path : path
        Or the name of a calibration that comes with perplab.

    Returns
    -------
    calibration : Calibration
    target : perplab.analysis.calibration.targets.Target

    Raises
    ------
    ParameterError
        With all faults of the file, and of the scenario at the bounds of the parameters.
    """
    path = located_file(path)
    text = text_of(path, "calibration")
    tables = absolute_paths(toml_tables(text, path.name), path.parent)
    tables = {"name": name_from(path)} | tables
    if str(tables.get("scenario", "")).endswith(".toml"):
        tables["scenario"] = str((path.parent / tables["scenario"]).absolute())
    calibration = checked(Calibration, tables, path.name, text)
    try:
        calibration = with_bases(calibration)
        refuse([*target_faults(calibration.target), *budget_faults(calibration)])
        refuse(changed_faults(calibration))
        refuse(renamed(fault) for fault in sweep_faults(calibration.sweep))
        refuse(length_faults(calibration))
        return calibration, target_of(calibration.target)
    except ParameterError as error:
        refuse(located(fault, path.name, text) for fault in error.faults)


def located_file(name):
    """Return the path of a calibration of the library, or of a file."""
    there = LIBRARY / f"{name}.toml"
    return (
        there
        if pathlib.Path(str(name)).name == str(name) and there.exists()
        else pathlib.Path(name)
    )


def refuse(faults):
    """Raise ParameterError if there are faults."""
    if faults := list(faults):
        raise ParameterError(*faults)


def renamed(fault):
    """Return a fault of the sweep under the calibration's key."""
    key = fault.key.replace("factors.", "parameters.", 1)
    return dataclasses.replace(fault, key=key)


def with_bases(calibration):
    """Return a calibration whose scaled parameters know the numbers that they multiply."""
    changes = flattened(calibration.changes)
    tables = resolve(calibration.scenario, changes).tables
    faults, parameters = [], {}
    for name, parameter in calibration.parameters.items():
        base = [found(tables, (key or "").split(".")) for key in parameter.all_keys]
        if parameter.scale and not all(map(is_number, base)):
            bound = "a key for which the scenario states a number, since scale multiplies it"
            faults.append(Fault(f"parameters.{name}.scale", True, bound))
        elif parameter.scale:
            parameter = ScaledParameter(**parameter.model_dump(), base=tuple(base))
        parameters[name] = parameter
    refuse(faults)
    return calibration.model_copy(update={"parameters": parameters})


def changed_faults(calibration):
    """Yield a fault for each key that is changed and also a parameter's."""
    changed = flattened(calibration.changes)
    for name, parameter in calibration.parameters.items():
        for key in parameter.all_keys:
            if key in changed and not parameter.scale:
                bound = f"left out: parameters.{name} sets it"
                yield Fault(f"changes.{key}", changed[key], bound)


def is_number(value):
    """Return whether a value is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def target_faults(target):
    """Yield the faults of the table of the target by itself."""
    if bool(target.blocks) == (target.file is not None):
        bound = "given, or else file with moments, but not both"
        yield Fault("target.blocks", list(target.blocks), bound)
    elif target.blocks:
        yield from block_faults(target.blocks)
        yield from unused_faults(target)
    else:
        yield from file_faults(target)
    for name in target.discrepancy.keys() - set(target.names):
        bound = f"a moment of the target: {', '.join(target.names)}"
        yield Fault(f"target.discrepancy.{name}", target.discrepancy[name], bound)


def unused_faults(target):
    """Yield the faults of what is stated beside stored blocks and would have no effect."""
    for key in sorted(target.model_fields_set & OF_FILES):
        bound = "left out: it belongs to a target that is computed from file"
        yield Fault(f"target.{key}", str(getattr(target, key)), bound)
    if target.moments and set(target.moments) != set(target.blocks):
        bound = f"left out, or the names of the blocks: {', '.join(target.blocks)}"
        yield Fault("target.moments", list(target.moments), bound)


def block_faults(blocks):
    """Yield the faults of stored blocks: unknown moments, too few, not as many for each."""
    number = max(map(len, blocks.values()))
    for name, values in blocks.items():
        if name not in MOMENTS:
            bound = f"one of {', '.join(MOMENTS)}{nearest(name, MOMENTS)}"
            yield Fault(f"target.blocks.{name}", list(values), bound)
        if len(values) != number or number < LEAST_BLOCKS:
            bound = f"as many values as of the others, at least {LEAST_BLOCKS}"
            yield Fault(f"target.blocks.{name}", f"{len(values)} values", bound)


def file_faults(target):
    """Yield the faults of a target that is computed from files."""
    if target.funding_file is None:
        yield Fault("target.funding_file", None, "given: file has prices only")
    if not target.moments or len(set(target.moments)) < len(target.moments):
        yield Fault("target.moments", list(target.moments), "at least one moment, each once")
    if target.start and target.end and target.start >= target.end:
        yield Fault("target.end", str(target.end), f"after start, {target.start}")


def budget_faults(calibration):
    """Yield a fault if the design has too few points, or there are too few moments."""
    parameters, names = len(calibration.parameters), calibration.target.names
    if calibration.budget.points < 4 * parameters:
        bound = f"at least {4 * parameters}, four for each parameter"
        yield Fault("budget.points", calibration.budget.points, bound)
    points = calibration.budget.points
    if calibration.budget.design == "sobol" and points & (points - 1):
        yield Fault("budget.points", points, "a power of 2 for a Sobol design, such as 64")
    if 0 < len(names) < parameters:
        bound = f"at least as many moments as parameters, {parameters}"
        yield Fault("target.moments", list(names), bound)


def length_faults(calibration):
    """Yield the faults of a scenario whose runs are not as long as the target's blocks."""
    scenario = load(calibration.scenario, flattened(calibration.changes))
    days, block = scenario.days - calibration.warmup_days, calibration.target.block_days
    if abs(days - block) > 1e-9:
        bound = f"block_days of the target, {block}, plus warmup_days"
        yield Fault("changes.days", scenario.days, f"{bound}: {block + calibration.warmup_days:g}")
    if (24 * calibration.warmup_days) % 1:
        yield Fault("warmup_days", calibration.warmup_days, "a whole number of hours")
    if HOUR_SECONDS % (scenario.record_seconds or scenario.dt_seconds):
        bound = "a part of an hour: the moments are those of hourly closes"
        yield Fault("changes.record_seconds", scenario.record_seconds, bound)


def target_of(table):
    """Return the `Target` of a table, from its files or as it is stored.

    Raises
    ------
    ParameterError
        If a file is refused, or a moment cannot be used.
    """
    stored = np.array(list(table.blocks.values()), float).T
    blocks = blocks_of_file(table) if table.file else stored
    if len(blocks) < LEAST_BLOCKS:
        bound = f"a file with at least {LEAST_BLOCKS} blocks of {table.block_days} days"
        raise ParameterError(Fault("target.file", f"{len(blocks)} blocks", bound))
    check_blocks(blocks, table.names, "target.blocks" if table.blocks else "target.moments")
    discrepancy = np.array([table.discrepancy.get(name, 0.0) for name in table.names])
    return Target(table.names, blocks, discrepancy=discrepancy)
