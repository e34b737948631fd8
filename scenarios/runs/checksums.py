"""Seals: what a file was when it was written, kept apart from it, so that any later change of it is found.

A seal holds the SHA-256 of the file's bytes and, for a table, its rows. A JSON object carries its own under ``seal``. They guard against
accidents (a cut file, a full disk, an edit by hand), not against somebody who seals anew.
"""

import hashlib
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.runs.json_files import json_object
from perplab.sim.errors import ParameterError

SEAL = "seal"


def seal_of(path):
    """Return the seal of a file as it is now."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest} | (
        {"rows": pq.read_metadata(path).num_rows} if str(path).endswith(".parquet") else {}
    )


def broken(folder, name, seal):
    """Return in words what is wrong with a file of a folder, by its seal; nothing if it is as it was written."""
    path = pathlib.Path(folder) / name
    if not path.is_file():
        return f"{name} is missing"
    try:
        now = seal_of(path)
    except (OSError, pa.ArrowException) as error:
        return f"{name} cannot be read: {str(error).splitlines()[0]}"
    if now == seal:
        return ""
    return f"{name} is not as it was written" + (
        f": {now['rows']} rows, {seal['rows']} written"
        if now.get("rows") != seal.get("rows")
        else ""
    )


def digest_of(value):
    """Return the SHA-256 of a JSON object but for its seal."""
    text = json.dumps({key: part for key, part in value.items() if key != SEAL}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(value):
    """Return a JSON object with its seal.

    Examples
    --------
    >>> sealed({"seed": 1}) == sealed(sealed({"seed": 1}))
    True
    """
    return value | {SEAL: digest_of(value)}


def broken_object(folder, name):
    """Return ``(object, what is wrong with it)`` of a sealed JSON file: an empty object if it cannot be read, "" if all is well."""
    try:
        value = json_object(pathlib.Path(folder) / name)
    except ParameterError:
        return {}, f"{name} cannot be read" if (
            pathlib.Path(folder) / name
        ).exists() else f"{name} is missing"
    if SEAL not in value:
        return (
            value,
            f"{name} was written without a seal: whether the folder is as it was written cannot be verified",
        )
    return value, "" if value[SEAL] == digest_of(value) else f"{name} is not as it was written"
