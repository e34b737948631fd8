"""The numbers of a rulebook, read from its TOML file and changed one at a time."""

import copy
import math
import pathlib
import tomllib

import perplab.sim.rulebook

VENUES = pathlib.Path(perplab.sim.rulebook.__file__).parent / "venues"


DEFENDED = "binance, defended"
DEFENCES = {
    "maximum_leverage": 10.0,
    "concentration_slope": 0.1,
    "concentration_free_usd": 30_000.0,
    "position_limit_usd": 80_000.0,
    "position_limit_share": 0.1,
}


def read_rules(name):
    """Return the tables of a rulebook's file; `DEFENDED` has keys that no file has."""
    if name == DEFENDED:
        rules = read_rules("binance")
        return rules | {"margin": rules["margin"] | DEFENCES}
    return tomllib.loads((VENUES / f"{name}.toml").read_text())


def with_number(rules, path, value):
    """Return a copy of the tables with another value at a path of keys and places."""
    changed = copy.deepcopy(rules)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def numbers(node, path=()):
    """Yield ``(path, number)`` of every finite number but 0 in the tables, places in lists too."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from numbers(value, (*path, place))
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        if node and math.isfinite(node):
            yield path, node


def unit_value(rules):
    """Return the money units of one lot at a price of 1."""
    contract = rules["contract"]
    return round(contract["tick"] * contract["lot"] / contract["unit"]) / contract["tick"]


def units(rules, amount):
    """Return an amount of quote currency in money units, rounded to a whole number."""
    return float(round(amount / rules["contract"]["unit"]))
