"""What is drawn beside a replay: whether the files and columns that a scenario names are there, before anything runs."""

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.spot.price_files import column_faults, numbers, read_table, unix_seconds, version
from perplab.sim.spot.processes import Replay

TABLE = "comparison"


def comparison_faults(scenario):
    """Return what is wrong with ``[comparison]``: nothing to compare with, columns or files that are not there."""
    compared, process = scenario.comparison, next(iter(scenario.all_assets.values())).price
    if compared is None:
        return []
    if not isinstance(process, Replay):
        return [
            Fault(
                f"{TABLE}.{key}",
                getattr(compared, key),
                "absent: this story replays no real prices to compare with (--spot FILE)",
            )
            for key in asked(compared)
        ]
    return [*perp_faults(compared, process), *funding_faults(compared)]


def asked(compared):
    """Return the keys of ``[comparison]`` that ask for more than what is drawn where a file happens to have it."""
    return [
        key
        for key, field in type(compared).model_fields.items()
        if getattr(compared, key) != field.default
    ]


def perp_faults(compared, process):
    """Yield a fault if the column of the real perpetual was asked for, by name or by a file of its funding, and is not there."""
    if version(process.file) is None:
        return
    table = read_table(str(process.file), version(process.file))
    if asked(compared) and compared.perp_column not in table.columns:
        have = ", ".join(map(str, table.columns))
        yield Fault(
            f"{TABLE}.perp_column",
            compared.perp_column,
            f"a column of {process.file}, which has {have}: its basis is what is drawn beside",
        )


def funding_faults(compared):
    """Yield what is wrong with the file of real funding rates."""
    file = compared.funding_file
    if file is None:
        return
    try:
        table = read_table(file, version(file))
    except ParameterError as error:
        yield from (Fault(f"{TABLE}.funding_file", file, fault.expected) for fault in error.faults)
        return
    wrong = [
        fault
        for key in ("funding_column", "funding_time_column")
        for fault in column_faults(table, f"{TABLE}.{key}", getattr(compared, key), file)
    ]
    yield from wrong or value_faults(compared, table)


def value_faults(compared, table):
    """Yield a fault for a column of funding that holds no numbers or no times."""
    for key, read in (("funding_column", numbers), ("funding_time_column", unix_seconds)):
        name = getattr(compared, key)
        try:
            known = read(table[name])
        except (ValueError, TypeError, OverflowError):
            known = []
        if not len(known) or not any(value == value for value in known):
            yield Fault(
                f"{TABLE}.{key}",
                name,
                f"a column of {compared.funding_file} with {'rates' if read is numbers else 'times'}",
            )
