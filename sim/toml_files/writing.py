"""Values and keys written as TOML, by tomlkit."""

import os
import re

import tomlkit

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_line(key, value, comment):
    """Return one ``key = value  # comment`` line.

    Examples
    --------
    >>> toml_line("a b", 0.1 + 0.2, "bp")
    '"a b" = 0.30000000000000004  # bp'
    """
    return f"{toml_key(key)} = {toml_value(value)}" + (f"  # {comment}" if comment else "")


def toml_key(key):
    """Return a key as TOML, quoted if it has to be."""
    return key if BARE_KEY.fullmatch(key) else toml_value(key)


def toml_value(value):
    """Return a value as TOML that gives the same value, to the bit, when it is read.

    Examples
    --------
    >>> toml_value(True), toml_value(1e-5), toml_value((1, 2.5)), toml_value('a"b')
    ('true', '1e-05', '[1, 2.5]', '"a\\\\"b"')
    >>> toml_value({"low": 1.0})
    '{low = 1.0}'
    """
    return toml_item(value).as_string()


def toml_item(value):
    """Return a value as an item of tomlkit: tables inline, paths as texts."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, part in value.items():
            table.append(key, toml_item(part))
        return table
    if isinstance(value, (list, tuple)):
        array = tomlkit.array()
        array.extend(map(toml_item, value))
        return array
    return tomlkit.item(str(value) if isinstance(value, os.PathLike) else value)
