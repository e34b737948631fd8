"""A scenario resolved: its file laid over the files that it extends, and changed by dotted keys."""

import contextlib
import dataclasses

from perplab.scenarios.files.sources import Source, sources_of, states_type
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import found
from perplab.sim.toml_files.reading import MOST_LEVELS, toml_tables

OWN = ("name", "title", "question")
ONE_OR_MANY = {"spot": "assets", "assets": "spot", "market": "markets", "markets": "market"}
COMMAND_LINE, CHANGES = "--set", "changes"
LONGEST_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The tables of a scenario after `extends` and changes, and their sources, the topmost last."""

    tables: dict
    sources: tuple

    def latest(self, *keys):
        """Return the one of several keys that the topmost source sets."""
        for source in reversed(self.sources):
            if there := [key for key in keys if source.has(key)]:
                return there[0]
        return keys[0]

    def is_replaced(self, key):
        """Return whether several sources state the table of a key."""
        return sum(source.has(key) for source in self.sources) > 1

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
        files = [source.file for source in self.sources if source.is_file]
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
    """Return tables with one dotted key changed, a table merged; list indices count from 0.

    Examples
    --------
    >>> changed({"shocks": [{"move": -0.1}]}, "shocks.0.move", -0.2)
    {'shocks': [{'move': -0.2}]}
    >>> changed({"spot": {"fee_bps": 0, "name": "btc"}}, "spot", {"fee_bps": 1})
    {'spot': {'fee_bps': 1, 'name': 'btc'}}
    """
    head, _, rest = key.partition(".")
    if isinstance(tables, list):
        return changed_row(tables, key, value)
    if not isinstance(tables, dict):
        raise ParameterError(Fault(key, value, "a key inside a table"))
    if rest:
        return tables | {head: changed(tables.get(head, {}), rest, value)}
    return tables | merged({head: tables[head]} if head in tables else {}, {head: value})


def changed_row(rows, key, value):
    """Return a list with one row, or a key inside that row, replaced."""
    head, _, rest = key.partition(".")
    if not head.isdecimal() or int(head) >= len(rows):
        bound = f"in a list of {len(rows)}, counted from 0"
        raise ParameterError(Fault(key, value, bound))
    index = int(head)
    row = changed({"row": rows[index]}, f"row.{rest}".strip("."), value)["row"]
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


def stated(settings, option=COMMAND_LINE, others=()):
    """Return ``key=value`` texts as values by dotted key.

    Parameters
    ----------
    settings : sequence of str
    option : str
        The option that gave them, for the faults.
    others : mapping of str to str
        Other options by the key that they set.

    Raises
    ------
    ParameterError
        For a text of another form, and for one that would have no effect: its key is set again by
        a later text or by another option.

    Examples
    --------
    >>> stated(["days=2", "market.rulebook=binance"])
    {'days': 2, 'market.rulebook': 'binance'}
    """
    pairs = [(setting, *setting.partition("=")[::2]) for setting in settings]
    faults = [Fault(option, setting, "KEY=VALUE") for setting in settings if "=" not in setting]
    keys = [key.strip() for _, key, _ in pairs]
    for place, (setting, key) in enumerate(zip(settings, keys, strict=True)):
        again = [other for other in keys[place + 1 :] if is_within(key, other)]
        again += [name for other, name in dict(others).items() if overlap(key, other)]
        if again:
            faults.append(Fault(option, setting, f"absent: {again[-1]} sets it again"))
    if faults:
        raise ParameterError(*faults)
    return {key: toml_value(value.strip()) for key, (*_, value) in zip(keys, pairs, strict=True)}


def is_within(key, other):
    """Return whether a dotted key is another one, or inside the table that this one names."""
    return f"{key}.".startswith(f"{other}.")


def overlap(key, other):
    """Return whether two dotted keys are the same, or one is a table around the other.

    Examples
    --------
    >>> overlap("market.changes", "market.changes.funding"), overlap("days", "day")
    (True, False)
    """
    return is_within(key, other) or is_within(other, key)


def resolve(name_or_path, changes=(), origins=CHANGES):
    """Return the tables of a scenario laid over those it extends, with the changes on top.

    Parameters
    ----------
    name_or_path : str or path
    changes : mapping of str to object
        New values by dotted key; a value may be a table.
    origins : str or mapping of str to str
        What made the changes, for the faults; or that by key, `CHANGES` for others.

    Returns
    -------
    Resolved

    Raises
    ------
    ParameterError
        If a file cannot be read, or a key of the changes is not valid.
    """
    changes = changes_by_key(changes)
    by_key = dict.fromkeys(changes, origins) if isinstance(origins, str) else dict(origins)
    sources, tables = sources_of(name_or_path), {}
    for source in sources:
        inherited = {key: value for key, value in tables.items() if key not in OWN}
        tables = merged(inherited, source.tables)
    layers = {}
    for key, value in changes.items():
        origin = by_key.get(key, CHANGES)
        with faults_of_origin(origin):
            refuse_key(key, value)
            if value == {} and isinstance(found(tables, key.split(".")), dict):
                raise ParameterError(Fault(key, value, "a table with at least one key"))
            tables = changed(tables, key, value)
        layers[origin] = nested_keys(layers.pop(origin, {}), key, value)
    made = [Source(origin, "", nested, False) for origin, nested in layers.items()]
    return Resolved(tables, (*sources, *made))


def changes_by_key(changes):
    """Return changes as a dict by dotted key, or refuse what is none.

    Raises
    ------
    ParameterError
    """
    try:
        changes = dict(changes)
    except (TypeError, ValueError):
        raise ParameterError(Fault(CHANGES, changes, "a mapping of dotted keys")) from None
    if wrong := [key for key in changes if not isinstance(key, str)]:
        raise ParameterError(*(Fault(CHANGES, key, "a dotted key, a text") for key in wrong))
    return changes


@contextlib.contextmanager
def faults_of_origin(origin):
    """Put an origin before the faults that the block raises."""
    try:
        yield
    except ParameterError as error:
        raise ParameterError(
            *(dataclasses.replace(fault, file=origin) for fault in error.faults)
        ) from None


def refuse_key(key, value):
    """Refuse the key of a change that is wrong by itself.

    Raises
    ------
    ParameterError
    """
    parts = key.split(".")
    if not all(part.strip() for part in parts) or len(parts) > MOST_LEVELS:
        short = f"{key[:LONGEST_SHOWN]}... ({len(parts)} parts)"
        bound = f"a value of a dotted key of at most {MOST_LEVELS} parts, none of them empty"
        raise ParameterError(Fault(key if len(key) < LONGEST_SHOWN else short, value, bound))
    if has_null(value):
        raise ParameterError(Fault(key, value, "a value that a TOML file can have: no None"))
    if key == "extends":
        bound = "in a file: a change cannot choose the scenario that it changes"
        raise ParameterError(Fault(key, value, bound))


def has_null(value):
    """Return whether a value is None, or has None in a table or list of it."""
    if isinstance(value, (dict, list, tuple)):
        return any(map(has_null, value.values() if isinstance(value, dict) else value))
    return value is None


def nested_keys(tables, key, value):
    """Return nested tables with a dotted key set; list indices become keys too."""
    head, _, rest = key.partition(".")
    below = tables.get(head)
    inner = below if isinstance(below, dict) else {}
    return tables | {head: nested_keys(inner, rest, value) if rest else value}
