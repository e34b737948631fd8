"""JSON."""

import json
import math
import pathlib

import numpy as np

from perplab.sim.errors import Fault, ParameterError


def write_json(path, value):
    """Write a value as JSON; infinities become texts."""
    text = json.dumps(speakable(value), indent=1, allow_nan=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def plain(value):
    """Return a value as it is when it has been written as JSON and read back."""
    return json.loads(json.dumps(speakable(value), default=str))


def speakable(value):
    """Return a value with what JSON cannot say as text.

    Examples
    --------
    >>> speakable({"cap": math.inf, "tiers": (1, 2)})
    {'cap': 'inf', 'tiers': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): speakable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [speakable(part) for part in value]
    if isinstance(value, np.generic):
        return speakable(value.item())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def json_object(path, key="folder"):
    """Return the JSON object in a file.

    Raises
    ------
    ParameterError
        If the file cannot be read, or holds something else.
    """
    try:
        value = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ParameterError(
            Fault(key, str(path), f"a whole file that perplab wrote ({why})")
        ) from None
    if not isinstance(value, dict):
        raise ParameterError(
            Fault(key, str(path), "a whole file that perplab wrote (it holds no JSON object)")
        )
    return value
