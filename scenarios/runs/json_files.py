"""JSON files: values that JSON cannot hold become text, and objects are read back."""

import json
import math
import pathlib

import numpy as np

from perplab.sim.errors import Fault, ParameterError


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
        value = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        why = "" if isinstance(value, dict) else "it holds no JSON object"
    except (OSError, ValueError, RecursionError) as error:
        value, why = None, error.strerror if isinstance(error, OSError) else str(error)
    if not isinstance(value, dict):
        raise ParameterError(Fault(key, str(path), f"an intact file written by perplab ({why})"))
    return value
