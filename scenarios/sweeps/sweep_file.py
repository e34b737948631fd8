"""Sweep files and the arms of the command line: read and checked."""

import dataclasses
import pathlib
import re

from perplab.scenarios.files.overrides import stated
from perplab.scenarios.files.sources import absolute_paths, name_from
from perplab.scenarios.sweeps.sweep_checks import sweep_faults
from perplab.scenarios.sweeps.sweep_design import Arm, Sweep
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked
from perplab.sim.toml_files.reading import line_of, text_of, toml_tables

INDEX = re.compile(r"\[(\d+)\]")


def read_sweep(path):
    """Return ``(sweep, text)`` of a sweep file, fully checked; nothing is run.

    Parameters
    ----------
    path : path

    Returns
    -------
    sweep : Sweep
    text : str

    Raises
    ------
    ParameterError
        With all faults of the file, of its factors, and of the scenario at their extremes.
    """
    path, text = pathlib.Path(path), text_of(path, "sweep")
    tables = absolute_paths(toml_tables(text, path.name), path.parent)
    tables = {"name": name_from(path)} | tables
    if str(tables.get("scenario", "")).endswith(".toml"):
        tables["scenario"] = str((path.parent / tables["scenario"]).absolute())
    sweep = checked(Sweep, tables, path.name, text)
    if faults := sweep_faults(sweep):
        raise ParameterError(*(located(fault, path.name, text) for fault in faults))
    return sweep, text


def located(fault, file, text):
    """Return a fault with the sweep's file and the line of its key, if it has no file yet."""
    if fault.file:
        return fault
    line = line_of(text, INDEX.sub(r".\1", fault.key))
    return dataclasses.replace(fault, file=file, line=line)


def stated_arm(text, at_hours):
    """Return the `Arm` of a text ``NAME:KEY=VALUE,KEY=VALUE``.

    Raises
    ------
    ParameterError
        If the text has another form.

    Examples
    --------
    >>> stated_arm("capped:market.changes.funding.cap=0.001", 2.0).changes
    {'market.changes.funding.cap': 0.001}
    """
    name, _, settings = text.partition(":")
    pairs = [setting for setting in settings.split(",") if setting]
    if not name or not pairs or not all("=" in pair for pair in pairs):
        raise ParameterError(Fault("--arm", text, "NAME:KEY=VALUE[,KEY=VALUE ...]"))
    changes = stated(pairs, f"--arm {name}")
    return checked(Arm, {"name": name, "at_hours": at_hours, "changes": changes}, "--arm")
