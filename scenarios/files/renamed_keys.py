"""Renamed keys of scenario files: a file with an old key is refused with the new one.

Renamed keys of rulebooks and sweep files stand in their own models (`renamed` of a pydantic model;
see `perplab.sim.faults.unknown`).
"""

RENAMED = {}
"""Old dotted key to new dotted key. A ``*`` matches one part, such as the name of a population or
the number of a row: ``{"populations.*.old_trait": "populations.*.new_trait"}``."""


def new_key(key, table=None):
    """Return the new name of a dotted key, or an empty string if the key was not renamed.

    Parameters
    ----------
    key : str
    table : mapping, optional
        By default `RENAMED`.

    Examples
    --------
    >>> new_key("populations.longs.capital", {"populations.*.capital": "populations.*.capital_usd"})
    'populations.longs.capital_usd'
    """
    for old, new in (RENAMED if table is None else table).items():
        if (parts := matched_parts(old, key)) is not None:
            rest = iter(parts)
            return ".".join(next(rest) if name == "*" else name for name in new.split("."))
    return ""


def matched_parts(pattern, key):
    """Return the parts of a dotted key at each ``*`` of a pattern, or None if they do not match."""
    names, parts = pattern.split("."), key.split(".")
    pairs = list(zip(names, parts, strict=False))
    if len(names) != len(parts) or any(name not in ("*", part) for name, part in pairs):
        return None
    return [part for name, part in pairs if name == "*"]
