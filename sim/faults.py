"""Faults of configuration files: all at once, with line, expected values and a suggestion.

A *key* is dotted (``margin.tiers.3.floor``); rows of a list are counted from 0.
"""

import difflib
import pathlib
import re
import tomllib
import typing

import pydantic

from perplab.sim.errors import Fault, ParameterError

MOST_LEVELS = 40
HEADER = re.compile(r"\s*\[+\s*([A-Za-z_][\w.-]*)\s*\]+\s*(#.*)?$")
PAIR = re.compile(r"\s*[\"']?([A-Za-z_][\w.-]*)[\"']?\s*=")
ROW = re.compile(r"\s*[\[{\"'\d]")
TIME = "a time, such as 2022-11-01 or 2022-11-01T08:00:00Z"
LONGEST_LINE = 60
EXPECTED = {
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "finite_number": "finite",
    "too_short": "at least {min_length} long",
    "string_too_long": "at most {max_length} letters",
    "too_long": "at most {max_length} long",
    "string_too_short": "at least {min_length} letters long",
    "missing": "given",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "datetime_type": TIME,
    "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME,
    "datetime_object_invalid": TIME,
    "date_type": "a date",
    "date_parsing": "a date",
    "date_from_datetime_parsing": "a date (year-month-day)",
}


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


def nearest(word, words):
    """Return " (did you mean 'x'?)" for the known word nearest to a mistaken one, or nothing.

    Examples
    --------
    >>> nearest("dampre", ["cap", "damper"])
    " (did you mean 'damper'?)"
    """
    close = difflib.get_close_matches(word, list(words), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def section_of(annotation):
    """Return the first pydantic model inside a type such as ``tuple[Tier, ...]``, or None."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    return next(filter(None, map(section_of, typing.get_args(annotation))), None)


def section_at(model, location):
    """Return the pydantic model at a location inside a model, or None if no model is there."""
    for part in location:
        if model is not None and part in model.model_fields:
            model = section_of(model.model_fields[part].annotation)
    return model


def known_keys(model, location):
    """Return the keys that a model knows at a location inside it; empty if no model is there."""
    section = section_at(model, location)
    return list(section.model_fields) if section else []


def unknown(model, key, name, value, location=()):
    """Return the fault of an unknown key: `name` is the part of `key` that `model` does not know.

    The model, or that at `location` inside it, may have a class variable ``renamed``, old names to
    new ones: the fault then gives the new name. One with dots is a key from the top of the file.
    """
    new = getattr(section_at(model, location), "renamed", {}).get(name)
    if new is None:
        return Fault(key, value, "a known key" + nearest(name, known_keys(model, location)))
    if "." not in new:
        before, _, after = key.rpartition(name) if key.endswith(name) else key.partition(name)
        new = before + ".".join(renamed_parts(model, location, (name + after).split(".")))
    return Fault(key, value, renamed_bound(new))


def renamed_parts(model, location, parts):
    """Return the parts of a key below a location in a model, the old names among them made new."""
    done = list(location)
    for part in parts:
        done.append(getattr(section_at(model, done), "renamed", {}).get(part, part))
    return done[len(location) :]


def renamed_bound(new):
    """Return the bound of an old key whose new name is `new`."""
    return f"renamed to {new}"


def without_renamed(faults):
    """Return faults without those of missing keys that are given under their old names."""
    new = {fault.expected for fault in faults}
    return [one for one in faults if one.value is not None or renamed_bound(one.key) not in new]


def faults_of(error, model):
    """Return a pydantic ValidationError as a list of Faults without file and line.

    The faults of a ParameterError raised by a validator get keys completed by its location.
    """
    faults = []
    for detail in error.errors():
        location, context = detail["loc"], detail.get("ctx", {})
        key, value = ".".join(map(str, location)), detail["input"]
        inner = context.get("error")
        if isinstance(inner, ParameterError):
            faults += [
                Fault(f"{key}.{fault.key}".strip("."), fault.value, fault.expected)
                for fault in inner.faults
            ]
        elif detail["type"] == "extra_forbidden":
            faults.append(unknown(model, key, str(location[-1]), value, location[:-1]))
        else:
            value = None if detail["type"] == "missing" else value
            faults.append(Fault(key, value, expected_of(detail, context)))
    return without_renamed(faults)


def expected_of(detail, context):
    """Return in words what was expected in place of an invalid value."""
    if isinstance(context.get("error"), Exception):
        return str(context["error"])
    words = EXPECTED.get(detail["type"], detail["msg"]).format(**context)
    choices = re.findall("'(.*?)'", words) if detail["type"] == "literal_error" else []
    return words + (nearest(str(detail["input"]), choices) if choices else "")


def checked(model, tables, file="", text=""):
    """Return tables as a pydantic model.

    Parameters
    ----------
    model : type
        A pydantic model.
    tables : dict
    file, text : str
        Name and contents of the file of the tables, for the faults.

    Raises
    ------
    ParameterError
        With all faults; errors of pydantic are never raised.
    """
    try:
        return model.model_validate(tables)
    except pydantic.ValidationError as error:
        raise ParameterError(
            *(
                Fault(fault.key, fault.value, fault.expected, file, line_of(text, fault.key))
                for fault in faults_of(error, model)
            )
        ) from None


def toml_tables(text, file=""):
    """Return the tables of a TOML text; raise ParameterError if invalid or nested too deep."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(syntax_fault(text, file, str(error))) from None
    if levels_of(tables) > MOST_LEVELS:
        value = f"{levels_of(tables)} nested tables"
        raise ParameterError(Fault("syntax", value, f"at most {MOST_LEVELS}", file))
    return tables


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


def text_of(path, key):
    """Return the text of a file; if unreadable, raise ParameterError with the key that names it."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is not UTF-8: {error}"
        raise ParameterError(
            Fault(key, str(path), f"a TOML file that can be read ({why})")
        ) from None


def flattened(tables, prefix=""):
    """Return nested tables as one mapping by dotted key; lists are values.

    Examples
    --------
    >>> flattened({"funding": {"cap": 0.02}, "fees.taker": 0.0})
    {'funding.cap': 0.02, 'fees.taker': 0.0}
    """
    flat = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
