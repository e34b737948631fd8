"""Scenario tables as TOML text."""

import math

from perplab.analysis.metrics.units import meaning
from perplab.scenarios.files.sources import CHOOSERS


def table_lines(name, table):
    """Return a table as TOML lines with units, its inner tables after its values."""
    values = [value for value in table.values() if not isinstance(value, dict)]
    if name and (values or not table):
        yield from ("", f"[{name}]")
    inner = {}
    for key, value in ordered(table).items():
        rows = isinstance(value, (list, tuple)) and len(value) and isinstance(value[0], dict)
        if isinstance(value, dict) or rows:
            inner[key] = value
        elif value != ():
            yield line(key, value, meaning(key))
    for key, value in inner.items():
        path = f"{name}.{key}" if name else key
        for part in [value] if isinstance(value, dict) else value:
            yield from table_lines(path if isinstance(value, dict) else f"[{path}]", part)


def line(key, value, comment):
    """Return one ``key = value  # comment`` line."""
    return f"{key} = {said(value)}" + (f"  # {comment}" if comment else "")


def said(value):
    """Return a value as TOML says it.

    Examples
    --------
    >>> said(True), said(30000.0), said((1, 2.5)), said("a"), said({"low": 1.0})
    ('true', '30000', '[1, 2.5]', '"a"', '{low = 1}')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.12g}" if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(said, value))}]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key} = {said(part)}" for key, part in ordered(value).items()) + "}"
        )
    return f'"{value}"'


def ordered(table):
    """Return a table with the key that says what it is (`process`, `distribution`, `kind`) first."""
    return {key: table[key] for key in CHOOSERS if key in table} | table
