"""Faults of configuration files: all at once, with line, expected values and a suggestion.

A *key* is dotted (``margin.tiers.3.floor``); rows of a list are counted from 0.
"""

import dataclasses
import difflib
import re
import typing

import pydantic

from perplab.sim.errors import Fault, KeyFault, ParameterError
from perplab.sim.toml_files.reading import line_of

TIME = "a time, such as 2022-11-01 or 2022-11-01T08:00:00Z"
OF_A_KEY = "[key]"
"""Last part of pydantic's location of a faulty key."""
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
    "string_pattern_mismatch": "a text that matches {pattern}",
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

    The model, or that at `location` inside it, may have a class variable ``absent``, keys that it
    cannot have with the reason, a bound.

    One ``renamed`` has old names with new ones: the fault then gives the new name. One with dots is
    a key from the top of the file.
    """
    section = section_at(model, location)
    if reason := getattr(section, "absent", {}).get(name):
        return Fault(key, value, reason)
    new = getattr(section, "renamed", {}).get(name)
    if new is None:
        return KeyFault(key, value, "a known key" + nearest(name, known_keys(model, location)))
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
        if location[-1:] == (OF_A_KEY,):
            faults.append(name_fault(location, detail))
        elif isinstance(inner, ParameterError):
            faults += [fault.under(key) for fault in inner.faults]
        elif detail["type"] == "extra_forbidden":
            faults.append(unknown(model, key, str(location[-1]), value, location[:-1]))
        else:
            value = None if detail["type"] == "missing" else value
            faults.append(Fault(key, value, expected_of(detail, context)))
    return without_renamed(faults)


class RefusingType(type(pydantic.BaseModel)):
    """The type of a `Refusing` model."""

    def __call__(cls, **values):
        """Return an instance, or raise ParameterError with all faults."""
        try:
            return super().__call__(**values)
        except pydantic.ValidationError as error:
            faults = faults_of(error, cls)
        raise ParameterError(*(as_given(fault, values) for fault in faults))


class Refusing(pydantic.BaseModel, metaclass=RefusingType):
    """A model whose constructor raises ParameterError; pydantic's own error never leaves it."""


def name_fault(location, detail):
    """Return the fault of a key of a table with any names, such as ``[populations.NAME]``."""
    bound = f"a name: {expected_of(detail, detail.get('ctx', {}))}"
    return Fault(".".join(map(str, location[:-2])), detail["input"], bound)


def expected_of(detail, context):
    """Return in words what was expected in place of an invalid value."""
    if isinstance(context.get("error"), Exception):
        return str(context["error"])
    words = EXPECTED.get(detail["type"], detail["msg"]).format(**context)
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return words
    return words + nearest(detail["input"], re.findall("'(.*?)'", words))


def found(tables, parts):
    """Return the value at a path of keys and list indices, or None.

    Examples
    --------
    >>> found({"tiers": [{"floor": 0}]}, ["tiers", "0", "floor"])
    0
    """
    for part in parts:
        if isinstance(tables, list) and part.isdecimal() and int(part) < len(tables):
            tables = tables[int(part)]
        elif isinstance(tables, dict) and part in tables:
            tables = tables[part]
        else:
            return None
    return tables


def as_given(fault, tables):
    """Return a fault with its value as the tables have it: 8, which a model reads as 8.0."""
    given = found(tables, fault.key.split("."))
    same = isinstance(given, (int, float)) and given == fault.value
    return dataclasses.replace(fault, value=given) if same else fault


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
                dataclasses.replace(
                    as_given(fault, tables), file=file, line=line_of(text, fault.key)
                )
                for fault in faults_of(error, model)
            )
        ) from None


def flattened(tables, prefix=""):
    """Return nested tables as one mapping by dotted key; lists and empty tables are values.

    Examples
    --------
    >>> flattened({"funding": {"cap": 0.02}, "fees.taker": 0.0})
    {'funding.cap': 0.02, 'fees.taker': 0.0}
    """
    flat = {}
    for key, value in tables.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
