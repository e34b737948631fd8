"""Checks of ``[comparison]``: the real series beside a replay are read before anything runs."""

import dataclasses

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.market_data.funding_rates import read_funding
from perplab.sim.market_data.tables import read_table, version
from perplab.sim.spot.processes import Replay

TABLE = "comparison"
FUNDING_KEYS = {
    "file": "funding_file",
    "column": "funding_column",
    "time_column": "funding_time_column",
}


def comparison_faults(scenario):
    """Return the faults of ``[comparison]``: no replay, or what is wrong with the real series."""
    comparison, process = scenario.comparison, next(iter(scenario.all_assets.values())).price
    if comparison is None:
        return []
    if not isinstance(process, Replay):
        bound = "absent: this scenario replays no real prices to compare with (--spot FILE)"
        return [
            Fault(f"{TABLE}.{key}", getattr(comparison, key), bound)
            for key in changed_keys(comparison)
        ]
    return [*perp_faults(comparison, process), *funding_faults(comparison, process)]


def changed_keys(comparison):
    """Return the keys of ``[comparison]`` that differ from their defaults.

    The default column of the perpetual is used only if the replayed file happens to have it.
    """
    return [
        key
        for key, field in type(comparison).model_fields.items()
        if getattr(comparison, key) != field.default
    ]


def has_perp(comparison, process):
    """Return whether the replayed file has the column of the real perpetual."""
    table = read_table(str(process.file), version(process.file))
    return comparison.perp_column in table.columns


def perp_faults(comparison, process):
    """Return the faults of the column of the real perpetual: missing although named, or wrong."""
    if not has_perp(comparison, process):
        if "perp_column" not in changed_keys(comparison):
            return []
        have = ", ".join(read_table(str(process.file), version(process.file)).names)
        bound = f"a column of {process.file}, which has {have}: the real basis is drawn from it"
        return [Fault(f"{TABLE}.perp_column", comparison.perp_column, bound)]
    return faults_in(lambda: process.real_perpetual(comparison.perp_column))


def funding_faults(comparison, process):
    """Return the faults of the file of real funding rates, or of columns without a file."""
    if comparison.funding_file is None:
        bound = "absent without a file of funding rates (--funding FILE)"
        return [
            Fault(f"{TABLE}.{key}", getattr(comparison, key), bound)
            for key in changed_keys(comparison)
            if key.startswith("funding")
        ]
    return [
        dataclasses.replace(fault, key=f"{TABLE}.{FUNDING_KEYS[fault.key]}")
        if fault.key in FUNDING_KEYS
        else fault
        for fault in faults_in(lambda: real_funding(comparison, process))
    ]


def real_funding(comparison, process):
    """Return the real `FundingRates` over the window of a replay."""
    return read_funding(
        comparison.funding_file,
        comparison.funding_column,
        comparison.funding_time_column,
        *process.span_unix,
    )


def faults_in(read):
    """Return the faults that reading raises."""
    try:
        read()
    except ParameterError as error:
        return list(error.faults)
    return []
