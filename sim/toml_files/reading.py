"""TOML files read: their text, their tables, and the line of each key."""

import os
import pathlib
import re
import tomllib

from perplab.sim.errors import Fault, ParameterError

MOST_LEVELS, LARGEST_TEXT, LONGEST_LINE = 40, 100_000_000, 60
WHOLE = "a whole number of at most 64 bits, the most that TOML has"
HEADER = re.compile(r"\s*\[+\s*([A-Za-z_][\w.-]*)\s*\]+\s*(#.*)?$")
PAIR = re.compile(r"\s*[\"']?([A-Za-z_][\w.-]*)[\"']?\s*=")
ROW = re.compile(r"\s*[\[{\"'\d]")


def text_of(path, key):
    """Return the text of a file; if unreadable, raise ParameterError with the key that names it."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError("it is no regular file")
        if os.path.isfile(path) and os.path.getsize(path) > LARGEST_TEXT:
            raise ValueError(f"it is larger than {LARGEST_TEXT:,} bytes")
        return pathlib.Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ParameterError(
            Fault(key, str(path), f"a TOML file that can be read ({reason_of(error)})")
        ) from None


def reason_of(error):
    """Return in words why a file could not be read."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8: {error}"
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def toml_tables(text, file=""):
    """Return the tables of a TOML text; raise ParameterError if invalid or nested too deep."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(syntax_fault(text, file, str(error))) from None
    if levels_of(tables) > MOST_LEVELS:
        value = f"{levels_of(tables)} nested tables"
        raise ParameterError(Fault("syntax", value, f"at most {MOST_LEVELS}", file))
    if faults := [Fault(*one, WHOLE, file, line_of(text, one[0])) for one in too_large(tables)]:
        raise ParameterError(*faults)
    return tables


def too_large(value, key=""):
    """Yield ``(dotted key, number)`` of the whole numbers in tables that have more than 64 bits."""
    if isinstance(value, (dict, list)):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from too_large(part, f"{key}.{name}".strip("."))
    elif isinstance(value, int) and value.bit_length() > 63:
        yield key, value


def syntax_fault(text, file, message):
    """Return the fault of an invalid TOML text: the line of the error, and the reason."""
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if place is None:
        lines = text.splitlines()
        last = lines[-1][:LONGEST_LINE] if lines else ""
        return Fault("syntax", last, f"valid TOML ({message})", file, len(lines) or None)
    line = text.splitlines()[int(place[1]) - 1].strip()[:LONGEST_LINE]
    reason = message[: place.start()].strip()
    bound = f"valid TOML ({reason[0].lower()}{reason[1:]} at column {place[2]})"
    return Fault("syntax", line, bound, file, int(place[1]))


def levels_of(tables):
    """Return how deep tables and lists are nested.

    Examples
    --------
    >>> levels_of({"a": {"b": [1]}, "c": 2})
    3
    """
    depth, layer = 0, [tables]
    while layer:
        inner = [
            part
            for table in layer
            for part in (table.values() if isinstance(table, dict) else table)
        ]
        depth, layer = depth + 1, [part for part in inner if isinstance(part, (dict, list))]
    return depth


def key_lines(text):
    """Return the line (from 1) of each key, table and list row of a TOML text, by dotted key.

    Examples
    --------
    >>> key_lines("[funding]\\ncap = 0.003\\n")
    {'funding': 1, 'funding.cap': 2}
    >>> key_lines("[[shocks]]\\n[[shocks]]\\nmove = 1\\n")
    {'shocks': 1, 'shocks.0': 1, 'shocks.1': 2, 'shocks.1.move': 3}
    """
    lines, table, key, rows, places = {}, "", "", 0, {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            key, rows = header[1], 0
            if line.lstrip().startswith("[["):
                places[key] = places.get(key, -1) + 1
                lines.setdefault(key, number)
                key = f"{key}.{places[key]}"
            table = key + "."
            lines.setdefault(key, number)
        elif pair := PAIR.match(line):
            key, rows = table + pair[1], 0
            lines[key] = number
        elif ROW.match(line):
            lines[f"{key}.{rows}"] = number
            rows += 1
    return lines


def line_of(text, key):
    """Return the line of a key, or of the nearest table around it; None if there is neither.

    Examples
    --------
    >>> line_of("[funding]\\ncap = 0.003\\n", "funding.damper")
    1
    """
    lines = key_lines(text)
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key)
