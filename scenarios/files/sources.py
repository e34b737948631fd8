"""Scenario files as text and tables: located in the library or on disk, and read.

Relative paths inside a file (prices, rulebooks, kinds of trader) start from its own folder.
"""

import dataclasses
import os
import pathlib
import re

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import found, nearest
from perplab.sim.toml_files.reading import line_of, text_of, toml_tables

LIBRARY = pathlib.Path(__file__).resolve().parents[1] / "library"
CHOOSERS = ("process", "distribution", "kind")
FORBIDDEN_IN_NAME = re.compile(r"[^\w.-]+")
LONGEST_NAME = 100


@dataclasses.dataclass(frozen=True)
class Source:
    """A file with its text and tables, or changes, whose `file` is where they come from."""

    file: str
    text: str
    tables: dict
    is_file: bool = True

    def has(self, key):
        """Return whether this source sets a dotted key, or replaces a table around it."""
        parts = key.split(".")
        around = (found(self.tables, parts[:depth]) for depth in range(2, len(parts)))
        return found(self.tables, parts) is not None or any(map(replaces, around))

    def line(self, key):
        """Return the line that sets a dotted key or the table around it, or None."""
        return line_of(self.text, key)


def replaces(table):
    """Return whether a table replaces that below it: one with a type, or an empty one."""
    return table == {} or states_type(table)


def states_type(table):
    """Return whether a table states its type (`CHOOSERS`): it then replaces another table.

    Tables without a type are merged key by key.
    """
    return isinstance(table, dict) and any(chooser in table for chooser in CHOOSERS)


def library_names():
    """Return the names of the scenarios in the library, sorted."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))


def locate(name_or_path, folder="."):
    """Return the path of a library scenario, or of a file relative to `folder`.

    Raises
    ------
    ParameterError
        If there is neither.
    """
    name, path = str(name_or_path), pathlib.Path(folder) / name_or_path
    if name in library_names():
        return LIBRARY / f"{name}.toml"
    if name.endswith(".toml") and os.path.isfile(path):
        return path
    known = f"{', '.join(library_names())}{nearest(name, library_names())}"
    raise ParameterError(Fault("scenario", name, f"an existing .toml file, or one of {known}"))


def read(path):
    """Return the `Source` of a scenario file; its relative paths are made absolute."""
    file = path.name if path.parent == LIBRARY else str(path)
    text = text_of(path, "scenario")
    tables = absolute_paths(toml_tables(text, file), path.parent)
    return Source(file, text, {"name": name_from(path)} | tables)


def name_from(path):
    """Return the name of a scenario or sweep: that of its file, with a dash for each run of
    characters that no name may hold.

    Examples
    --------
    >>> name_from(pathlib.Path("we ird (2).toml")), name_from(pathlib.Path("a.b.toml"))
    ('we-ird-2', 'a.b')
    """
    name = FORBIDDEN_IN_NAME.sub("-", path.stem).strip(".-")[:LONGEST_NAME].rstrip(".-")
    return name or "scenario"


def absolute_paths(tables, folder):
    """Return tables with their file names (prices, rulebooks, kinds) made absolute."""
    return {key: absolute_value(key, value, folder) for key, value in tables.items()}


def absolute_value(key, value, folder):
    """Return one value of a table, made absolute if it names a file."""
    if isinstance(value, dict):
        return absolute_paths(value, folder)
    if isinstance(value, list):
        return [absolute_paths(part, folder) if isinstance(part, dict) else part for part in value]
    return str((folder / value).absolute()) if names_file(key, value) else value


def names_file(key, value):
    """Return whether the value of a key is the name of a file."""
    return isinstance(value, str) and (
        key in ("file", "funding_file")
        or (key == "rulebook" and value.endswith(".toml"))
        or (key == "kind" and ".py:" in value)
    )


def sources_of(name_or_path):
    """Return the sources of a scenario: each file after the one that it extends.

    Raises
    ------
    ParameterError
        If a file cannot be read or extends itself.
    """
    path, sources, seen = locate(name_or_path), [], []
    while path is not None:
        if path.resolve() in seen:
            raise ParameterError(extends_fault(sources[-1], "another scenario: it extends itself"))
        seen.append(path.resolve())
        sources.append(read(path))
        path = extended(sources[-1], path.parent)
    return sources[::-1]


def extended(source, folder):
    """Return the path of the file that a source extends, or None."""
    name = source.tables.get("extends")
    if name is None:
        return None
    try:
        return locate(str(name), folder)
    except ParameterError as error:
        raise ParameterError(extends_fault(source, error.faults[0].expected)) from None


def extends_fault(source, bound):
    """Return the fault of the key ``extends`` of a source."""
    return Fault("extends", source.tables["extends"], bound, source.file, source.line("extends"))
