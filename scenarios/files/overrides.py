"""Scenario files as nested tables: found, read, laid over the file they extend, and changed by dotted keys."""

import dataclasses
import pathlib
import re

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import MOST_LEVELS, line_of, nearest, text_of, toml_tables

LIBRARY = pathlib.Path(__file__).resolve().parents[1] / "library"
CHOOSERS = ("process", "distribution", "kind")
OWN = ("name", "title", "question")
ONE_OR_MANY = {"spot": "assets", "assets": "spot", "market": "markets", "markets": "market"}
COMMAND_LINE = "--set"
LONGEST_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Source:
    """A file (or the command line) with its text and tables."""

    file: str
    text: str
    tables: dict

    def has(self, key):
        """Return whether a dotted key is stated here, or a whole table that hides what others say of it."""
        parts = key.split(".")
        around = (found(self.tables, parts[:depth]) for depth in range(2, len(parts)))
        return found(self.tables, parts) is not None or any(is_whole(table) for table in around)


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The tables of a scenario after `extends` and changes, and the sources they came from, the last one on top."""

    tables: dict
    sources: tuple

    def located(self, fault):
        """Return a fault with the file and line where its key, or the table around it, was last stated."""
        if fault.file or fault.key.startswith("--"):
            return fault
        key = fault.key
        while key:
            for source in reversed(self.sources):
                if source.has(key):
                    return dataclasses.replace(
                        fault, file=source.file, line=line_of(source.text, fault.key)
                    )
            key = key.rpartition(".")[0]
        files = [source.file for source in self.sources if source.file != COMMAND_LINE]
        return dataclasses.replace(fault, file=files[-1])


def library_names():
    """Return the names of the stories that come with the package, sorted."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))


def found(tables, parts):
    """Return what stands at a path of keys and list places, or None."""
    for part in parts:
        if isinstance(tables, list) and part.isdecimal() and int(part) < len(tables):
            tables = tables[int(part)]
        elif isinstance(tables, dict) and part in tables:
            tables = tables[part]
        else:
            return None
    return tables


def locate(name_or_path, folder="."):
    """Return the path of a story of the library or of a file, taken from `folder` if relative.

    Raises
    ------
    ParameterError
        If there is neither.
    """
    name, path = str(name_or_path), pathlib.Path(folder) / name_or_path
    if name in library_names():
        return LIBRARY / f"{name}.toml"
    if name.endswith(".toml") and path.is_file():
        return path
    known = ", ".join(library_names())
    raise ParameterError(
        Fault(
            "scenario",
            name,
            f"a TOML file that exists, or one of {known}{nearest(name, library_names())}",
        )
    )


def read(path):
    """Return the Source of a scenario file, its own paths taken from its folder."""
    inside = path.parent == LIBRARY
    file = path.name if inside else str(path)
    text = text_of(path, "scenario")
    return Source(
        file, text, {"name": name_from(path)} | rooted(toml_tables(text, file), path.parent)
    )


def name_from(path):
    """Return the name that a file gives its story or sweep: its own, with a dash where letters stand that no name may have.

    Examples
    --------
    >>> name_from(pathlib.Path("we ird (2).toml")), name_from(pathlib.Path("a.b.toml"))
    ('we-ird-2', 'a.b')
    """
    return re.sub(r"[^\w.-]+", "-", path.stem).strip(".-")[:100].rstrip(".-") or "story"


def rooted(tables, folder):
    """Return tables whose file names (replayed files, rulebooks, kinds) start from `folder`."""
    return {key: rooted_value(key, value, folder) for key, value in tables.items()}


def rooted_value(key, value, folder):
    """Return one value of a table, rooted in `folder` where it names a file."""
    if isinstance(value, dict):
        return rooted(value, folder)
    if isinstance(value, list):
        return [rooted(part, folder) if isinstance(part, dict) else part for part in value]
    names_file = isinstance(value, str) and (
        key in ("file", "funding_file")
        or (key == "rulebook" and value.endswith(".toml"))
        or (key == "kind" and ".py:" in value)
    )
    return str((folder / value).absolute()) if names_file else value


def sources_of(name_or_path):
    """Return the sources of a scenario, the one it extends before it.

    Raises
    ------
    ParameterError
        If a file cannot be read or extends itself.
    """
    path, sources, seen = locate(name_or_path), [], []
    while path is not None:
        if path.resolve() in seen:
            raise ParameterError(
                Fault(
                    "extends",
                    sources[-1].tables["extends"],
                    "another story: it extends itself",
                    sources[-1].file,
                    line_of(sources[-1].text, "extends"),
                )
            )
        seen.append(path.resolve())
        sources.append(read(path))
        path = extended(sources[-1], path.parent)
    return sources[::-1]


def extended(source, folder):
    """Return the path that a source extends, or None."""
    name = source.tables.get("extends")
    if name is None:
        return None
    try:
        return locate(str(name), folder)
    except ParameterError as error:
        bound = error.faults[0].expected
        raise ParameterError(
            Fault("extends", name, bound, source.file, line_of(source.text, "extends"))
        ) from None


def is_whole(table):
    """Return whether a table says what it is, and so replaces another instead of changing it."""
    return isinstance(table, dict) and any(chooser in table for chooser in CHOOSERS)


def merged(under, over):
    """Return tables laid over others: tables merge, everything else is replaced.

    A table that states its `process`, `distribution` or `kind` is whole and replaces what was there.

    Examples
    --------
    >>> merged({"a": {"x": 1, "y": [1, 2]}}, {"a": {"y": [3]}})
    {'a': {'x': 1, 'y': [3]}}
    >>> merged({"a": {"distribution": "normal", "sd": 1}}, {"a": {"distribution": "uniform", "low": 0}})
    {'a': {'distribution': 'uniform', 'low': 0}}
    """
    result = {key: value for key, value in under.items() if ONE_OR_MANY.get(key) not in over}
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both and not is_whole(value) else value
    return result


def changed(tables, key, value):
    """Return tables with the value of one dotted key replaced; places in lists are numbers from 0.

    Examples
    --------
    >>> changed({"shocks": [{"move": -0.1}]}, "shocks.0.move", -0.2)
    {'shocks': [{'move': -0.2}]}
    """
    head, _, rest = key.partition(".")
    if isinstance(tables, list):
        if not head.isdecimal() or int(head) >= len(tables):
            raise ParameterError(
                Fault(key, value, f"in a list of {len(tables)}, counted from 0", COMMAND_LINE)
            )
        place = int(head)
        return (
            tables[:place]
            + [changed(tables[place], rest, value) if rest else value]
            + tables[place + 1 :]
        )
    if not isinstance(tables, dict):
        raise ParameterError(Fault(key, value, "a key inside a table", COMMAND_LINE))
    return tables | {head: changed(tables.get(head, {}), rest, value) if rest else value}


def toml_value(text):
    """Return the TOML value of a text, or the text itself where it is none.

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
    wrong = [
        Fault("--set", setting, "KEY=VALUE")
        for setting in settings
        if not setting.partition("=")[1]
    ]
    if wrong:
        raise ParameterError(*wrong)
    pairs = [setting.partition("=") for setting in settings]
    return {key.strip(): toml_value(value.strip()) for key, _, value in pairs}


def resolve(name_or_path, changes=()):
    """Return the tables of a scenario with what it extends below and the changes on top.

    Parameters
    ----------
    name_or_path : str or path
    changes : mapping of str to object
        New values by dotted key; whole tables are allowed.

    Returns
    -------
    Resolved
    """
    faults = [fault for key, value in dict(changes).items() for fault in key_faults(key, value)]
    if faults:
        raise ParameterError(*faults)
    sources, tables = sources_of(name_or_path), {}
    for source in sources:
        own = {key: value for key, value in tables.items() if key not in OWN}
        tables = merged(own, source.tables)
    stated = {}
    for key, value in dict(changes).items():
        tables, stated = changed(tables, key, value), marked(stated, key, value)
    return Resolved(
        tables, (*sources, Source(COMMAND_LINE, "", stated)) if stated else tuple(sources)
    )


def key_faults(key, value):
    """Return what is wrong with the key of a change by itself."""
    parts = key.split(".")
    if not all(part.strip() for part in parts) or len(parts) > MOST_LEVELS:
        shown = (
            key if len(key) < LONGEST_SHOWN else f"{key[:LONGEST_SHOWN]}... ({len(parts)} parts)"
        )
        yield Fault(
            shown,
            value,
            f"a value of a dotted key of at most {MOST_LEVELS} parts, none of them empty",
            COMMAND_LINE,
        )
    if key == "extends":
        yield Fault(
            key,
            value,
            "in a file: a change lies over a story, and does not say over which",
            COMMAND_LINE,
        )


def marked(stated, key, value):
    """Return nested tables that state a dotted key, list places being keys too."""
    head, _, rest = key.partition(".")
    below = stated.get(head)
    return stated | {
        head: marked(below if isinstance(below, dict) else {}, rest, value) if rest else value
    }
