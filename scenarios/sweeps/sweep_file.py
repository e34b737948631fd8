"""File."""

import dataclasses
import pathlib
import re

from perplab.scenarios.files.overrides import toml_value
from perplab.scenarios.files.sources import name_from, rooted
from perplab.scenarios.sweeps.sweep_checks import (
    design_faults,
    factor_faults,
    key_faults,
    scenario_faults,
)
from perplab.scenarios.sweeps.sweep_design import Arm, Sweep
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked, line_of, text_of, toml_tables

PLACE = re.compile(r"\[(\d+)\]")


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
