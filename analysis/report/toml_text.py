"""Scenario and rulebook tables as TOML text, with units as comments."""

from perplab.analysis.metrics.scenario_words import meaning
from perplab.analysis.report.rulebook_keys import rulebook_unit
from perplab.scenarios.files.sources import CHOOSERS
from perplab.sim.toml_files.writing import toml_key, toml_line

CHANGES, ROW = "market.changes.", "[[{}]]"


def table_lines(name, table, unit_of=None, header="[{}]"):
    """Yield a table as TOML lines, values first, then its inner tables.

    Parameters
    ----------
    name : str
        Dotted name of the table, its parts quoted where TOML needs it; empty at the top level.
    table : dict
    unit_of : function of (str, str) to str, optional
        Unit or meaning of a key, from the table's name and the key; that of scenarios by default.
    header : str
        How its name is written above it; that of a row of a list has two brackets.
    """
    unit_of = unit_of or scenario_unit
    tables = {key: part for key, part in table.items() if isinstance(part, dict) or is_rows(part)}
    if name and (len(tables) < len(table) or not table or header == ROW):
        yield from ("", header.format(name))
    for key, value in ordered(table).items():
        if key not in tables:
            yield toml_line(key, value, unit_of(name, key))
    for key, value in tables.items():
        path = f"{name}.{toml_key(key)}" if name else toml_key(key)
        if isinstance(value, dict):
            yield from table_lines(path, value, unit_of)
        else:
            for row in value:
                yield from table_lines(path, row, unit_of, ROW)


def is_rows(value):
    """Return whether a value is a list of nothing but tables."""
    is_list = isinstance(value, (list, tuple)) and len(value) > 0
    return is_list and all(isinstance(row, dict) for row in value)


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


def ordered(table):
    """Return a table with its choosing key (`process`, `distribution` or `kind`) first."""
    return {key: table[key] for key in CHOOSERS if key in table} | table
