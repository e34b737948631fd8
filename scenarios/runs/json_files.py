"""JSON files: values that JSON cannot hold become text, and objects are read back."""

import json
import math
import pathlib

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.toml_files.reading import reason_of

TEXTS = frozenset(
    "name title question extends rulebook venue asset kind file column time_column perp_column "
    "funding_file funding_column funding_time_column".split()
)
"""Keys of a scenario whose values are texts."""


def json_safe(value):
    """Return a value with what JSON cannot hold as text; numpy scalars become Python's.

    Examples
    --------
    >>> json_safe({"cap": math.inf, "tiers": (1, 2)})
    {'cap': 'inf', 'tiers': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): json_safe(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(part) for part in value]
    if isinstance(value, np.generic):
        return json_safe(value.item())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def round_trip(value):
    """Return a value as it is after it was written as JSON and read back."""
    return json.loads(json.dumps(json_safe(value), default=str))


def write_json(path, value):
    """Write a value as JSON; infinities become text."""
    text = json.dumps(json_safe(value), indent=1, allow_nan=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def loads(text):
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        For what `json.loads` takes and JSON is not: NaN, infinities, numbers that become one, and
        keys that stand twice in an object.
    """
    return json.loads(
        text, parse_float=finite, parse_constant=finite, object_pairs_hook=unique_keys
    )


def finite(text):
    """Return the number of a text, which must be finite."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"it holds the number {text[:40]}")
    return number


def unique_keys(pairs):
    """Return pairs as a dict; no key may stand twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it holds the key {twice[:40]!r} twice")
    return value


def from_json(value):
    """Return a value of JSON with "inf" and "-inf" as numbers again, in nested parts too.

    Texts of a scenario (`TEXTS`) are left alone.

    Examples
    --------
    >>> from_json({"name": "inf", "markets": [{"cap": "inf"}]})
    {'name': 'inf', 'markets': [{'cap': inf}]}
    """
    if isinstance(value, dict):
        return {key: part if key in TEXTS else from_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [from_json(part) for part in value]
    return float(value) if value in ("inf", "-inf") else value


def json_object(path, key="folder"):
    """Return the JSON object in a file.

    Parameters
    ----------
    path : path
    key : str
        The key of the fault if the file is refused.

    Raises
    ------
    ParameterError
        If the file cannot be read, or holds something else.
    """
    try:
        value = loads(pathlib.Path(path).read_text(encoding="utf-8"))
        why = "" if isinstance(value, dict) else "it holds no JSON object"
    except (OSError, ValueError, RecursionError) as error:
        value, why = None, reason_of(error)
    if not isinstance(value, dict):
        raise ParameterError(Fault(key, str(path), f"an intact file written by perplab ({why})"))
    return value
