"""Scenario and rulebook tables as TOML text, with units as comments."""

import math

from perplab.analysis.metrics.scenario_words import meaning
from perplab.analysis.report.rulebook_keys import rulebook_unit
from perplab.scenarios.files.sources import CHOOSERS

CHANGES = "market.changes."


def table_lines(name, table, unit_of=None):
    """Yield a table as TOML lines, values first, then its inner tables.

    Parameters
    ----------
    name : str
        Dotted name of the table, empty for a file's top level.
    table : dict
    unit_of : function of (str, str) to str, optional
        Unit or meaning of a key, from the table's name and the key; that of scenarios by default.
    """
    unit_of = unit_of or scenario_unit
    values = [value for value in table.values() if not isinstance(value, dict)]
    if name and (values or not table):
        yield from ("", f"[{name}]")
    inner = {}
    for key, value in ordered(table).items():
        if isinstance(value, dict) or is_rows(value):
            inner[key] = value
        elif value != ():
            yield toml_line(key, value, unit_of(name.strip("[]"), key))
    for key, value in inner.items():
        path = f"{name}.{key}" if name else key
        for part in [value] if isinstance(value, dict) else value:
            yield from table_lines(path if isinstance(value, dict) else f"[{path}]", part, unit_of)


def is_rows(value):
    """Return whether a value is a list of tables."""
    return isinstance(value, (list, tuple)) and len(value) > 0 and isinstance(value[0], dict)


def scenario_unit(name, key):
    """Return the unit or meaning of a key in a scenario's table.

    Examples
    --------
    >>> scenario_unit("market.changes.fees", "taker"), scenario_unit("spot", "half_spread_bps")
    ('fraction of notional', 'bp')
    """
    if name.startswith(CHANGES):
        return rulebook_unit(name.removeprefix(CHANGES), key)
    return meaning(key)


def toml_line(key, value, comment):
    """Return one ``key = value  # comment`` line."""
    return f"{key} = {toml_value(value)}" + (f"  # {comment}" if comment else "")


def toml_value(value):
    """Return a value as TOML.

    Examples
    --------
    >>> toml_value(True), toml_value(30000.0), toml_value((1, 2.5)), toml_value("a")
    ('true', '30000', '[1, 2.5]', '"a"')
    >>> toml_value({"low": 1.0})
    '{low = 1}'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.12g}" if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        parts = (f"{key} = {toml_value(part)}" for key, part in ordered(value).items())
        return "{" + ", ".join(parts) + "}"
    return f'"{value}"'


def ordered(table):
    """Return a table with its choosing key (`process`, `distribution` or `kind`) first."""
    return {key: table[key] for key in CHOOSERS if key in table} | table
