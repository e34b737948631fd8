"""A scenario resolved: its file laid over the files that it extends, and changed by dotted keys."""

import dataclasses

from perplab.scenarios.files.sources import Source, sources_of, states_type
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import MOST_LEVELS, toml_tables

OWN = ("name", "title", "question")
ONE_OR_MANY = {"spot": "assets", "assets": "spot", "market": "markets", "markets": "market"}
COMMAND_LINE = "--set"
LONGEST_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The tables of a scenario after `extends` and changes, and their sources, the topmost last."""

    tables: dict
    sources: tuple

    def located(self, fault):
        """Return a fault with the file and line that last set its key, or the table around it."""
        if fault.file or fault.key.startswith("--"):
            return fault
        key = fault.key
        while key:
            for source in reversed(self.sources):
                if source.has(key):
                    return dataclasses.replace(fault, file=source.file, line=source.line(fault.key))
            key = key.rpartition(".")[0]
        files = [source.file for source in self.sources if source.file != COMMAND_LINE]
        return dataclasses.replace(fault, file=files[-1])


def merged(under, over):
    """Return tables laid over others: tables merge, everything else is replaced.

    A table that states its `process`, `distribution` or `kind` replaces the table below it.

    Examples
    --------
    >>> merged({"a": {"x": 1, "y": [1, 2]}}, {"a": {"y": [3]}})
    {'a': {'x': 1, 'y': [3]}}
    >>> merged({"a": {"distribution": "normal", "sd": 1}}, {"a": {"distribution": "uniform"}})
    {'a': {'distribution': 'uniform'}}
    """
    result = {key: value for key, value in under.items() if ONE_OR_MANY.get(key) not in over}
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both and not states_type(value) else value
    return result


def changed(tables, key, value):
    """Return tables with the value of one dotted key replaced; list indices count from 0.

    Examples
    --------
    >>> changed({"shocks": [{"move": -0.1}]}, "shocks.0.move", -0.2)
    {'shocks': [{'move': -0.2}]}
    """
    head, _, rest = key.partition(".")
    if isinstance(tables, list):
        return changed_row(tables, key, value)
    if not isinstance(tables, dict):
        raise ParameterError(Fault(key, value, "a key inside a table", COMMAND_LINE))
    return tables | {head: changed(tables.get(head, {}), rest, value) if rest else value}


def changed_row(rows, key, value):
    """Return a list with one row, or a key inside that row, replaced."""
    head, _, rest = key.partition(".")
    if not head.isdecimal() or int(head) >= len(rows):
        bound = f"in a list of {len(rows)}, counted from 0"
        raise ParameterError(Fault(key, value, bound, COMMAND_LINE))
    index = int(head)
    row = changed(rows[index], rest, value) if rest else value
    return [*rows[:index], row, *rows[index + 1 :]]


def toml_value(text):
    """Return the TOML value of a text, or the text itself if it is not TOML.

    Examples
    --------
    >>> toml_value("0.5"), toml_value("binance"), toml_value("[1, 2]")
    (0.5, 'binance', [1, 2])
    """
    try:
        parsed = toml_tables(f"value = {text}")
    except ParameterError:
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def stated(settings):
    """Return ``key=value`` texts as values by dotted key.

    Examples
    --------
    >>> stated(["days=2", "market.rulebook=binance"])
    {'days': 2, 'market.rulebook': 'binance'}
    """
    pairs = [(setting, setting.partition("=")) for setting in settings]
    wrong = [
        Fault("--set", setting, "KEY=VALUE") for setting, (_, equals, _) in pairs if not equals
    ]
    if wrong:
        raise ParameterError(*wrong)
    return {key.strip(): toml_value(value.strip()) for _, (key, _, value) in pairs}


def resolve(name_or_path, changes=()):
    """Return the tables of a scenario laid over those it extends, with the changes on top.

    Parameters
    ----------
    name_or_path : str or path
    changes : mapping of str to object
        New values by dotted key; a value may be a table.

    Returns
    -------
    Resolved

    Raises
    ------
    ParameterError
        If a file cannot be read, or a key of the changes is not valid.
    """
    changes = dict(changes)
    faults = [fault for key, value in changes.items() for fault in key_faults(key, value)]
    if faults:
        raise ParameterError(*faults)
    sources, tables = sources_of(name_or_path), {}
    for source in sources:
        inherited = {key: value for key, value in tables.items() if key not in OWN}
        tables = merged(inherited, source.tables)
    nested = {}
    for key, value in changes.items():
        tables, nested = changed(tables, key, value), nested_keys(nested, key, value)
    return Resolved(tables, (*sources, *([Source(COMMAND_LINE, "", nested)] if nested else [])))


def key_faults(key, value):
    """Yield what is wrong with the key of a change by itself."""
    parts = key.split(".")
    if not all(part.strip() for part in parts) or len(parts) > MOST_LEVELS:
        short = f"{key[:LONGEST_SHOWN]}... ({len(parts)} parts)"
        bound = f"a value of a dotted key of at most {MOST_LEVELS} parts, none of them empty"
        yield Fault(key if len(key) < LONGEST_SHOWN else short, value, bound, COMMAND_LINE)
    if key == "extends":
        bound = "in a file: a change cannot choose the scenario that it changes"
        yield Fault(key, value, bound, COMMAND_LINE)


def nested_keys(tables, key, value):
    """Return nested tables with a dotted key set; list indices become keys too."""
    head, _, rest = key.partition(".")
    below = tables.get(head)
    inner = below if isinstance(below, dict) else {}
    return tables | {head: nested_keys(inner, rest, value) if rest else value}
