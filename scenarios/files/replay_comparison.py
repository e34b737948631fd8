"""Checks of ``[comparison]``: that the files and columns it names exist, before anything runs."""

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.spot.price_files import column_faults, numbers, read_table, unix_seconds, version
from perplab.sim.spot.processes import Replay

TABLE = "comparison"


def comparison_faults(scenario):
    """Return the faults of ``[comparison]``: no replay, or missing files or columns."""
    comparison, process = scenario.comparison, next(iter(scenario.all_assets.values())).price
    if comparison is None:
        return []
    if not isinstance(process, Replay):
        bound = "absent: this scenario replays no real prices to compare with (--spot FILE)"
        return [
            Fault(f"{TABLE}.{key}", getattr(comparison, key), bound)
            for key in changed_keys(comparison)
        ]
    return [*perp_faults(comparison, process), *funding_faults(comparison)]


def changed_keys(comparison):
    """Return the keys of ``[comparison]`` that differ from their defaults.

    Defaults are used only if the replayed file happens to have such columns.
    """
    return [
        key
        for key, field in type(comparison).model_fields.items()
        if getattr(comparison, key) != field.default
    ]


def perp_faults(comparison, process):
    """Yield a fault if the column of the real perpetual is needed and missing.

    It is needed if ``[comparison]`` names it, or a file of funding rates.
    """
    if version(process.file) is None:
        return
    columns = read_table(str(process.file), version(process.file)).columns
    if changed_keys(comparison) and comparison.perp_column not in columns:
        have = ", ".join(map(str, columns))
        bound = f"a column of {process.file}, which has {have}: the real basis is drawn from it"
        yield Fault(f"{TABLE}.perp_column", comparison.perp_column, bound)


def funding_faults(comparison):
    """Yield the faults of the file of real funding rates."""
    file = comparison.funding_file
    if file is None:
        return
    try:
        table = read_table(file, version(file))
    except ParameterError as error:
        yield from (Fault(f"{TABLE}.funding_file", file, fault.expected) for fault in error.faults)
        return
    missing = [
        fault
        for key in ("funding_column", "funding_time_column")
        for fault in column_faults(table, f"{TABLE}.{key}", getattr(comparison, key), file)
    ]
    yield from missing or value_faults(comparison, table)


def value_faults(comparison, table):
    """Yield a fault for a column of funding rates or times without a valid value."""
    for key, read, what in (
        ("funding_column", numbers, "rates"),
        ("funding_time_column", unix_seconds, "times"),
    ):
        name = getattr(comparison, key)
        if not has_values(table[name], read):
            bound = f"a column of {comparison.funding_file} with {what}"
            yield Fault(f"{TABLE}.{key}", name, bound)


def has_values(column, read):
    """Return whether a reader gets at least one value that is not NaN from a column."""
    try:
        return any(value == value for value in read(column))
    except (ValueError, TypeError, OverflowError):
        return False
