"""SHA-256 checksums and row counts of stored files, to detect later changes.

The checksum of a JSON object is stored in the object, under ``checksum``; those of other files are
stored in such an object. They detect accidents (a truncated file, a full disk, an edit by hand),
not someone who computes them again.
"""

import hashlib
import json
import os
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.runs.json_files import json_object
from perplab.scenarios.runs.regular_files import regular_file
from perplab.sim.errors import ParameterError
from perplab.sim.faults import checked

CHECKSUM = "checksum"
CHANGED = "has changed since it was written"


def checksum_of(path):
    """Return the checksum of a file: ``sha256`` and, for a Parquet file, its number of ``rows``."""
    with open(path, "rb") as file:
        checksum = {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    if str(path).endswith(".parquet"):
        checksum["rows"] = pq.read_metadata(path).num_rows
    return checksum


def verify_file(folder, name, checksum):
    """Return what is wrong with a file of a folder by its checksum, or an empty string."""
    path = pathlib.Path(folder) / name
    if not os.path.lexists(path):
        return f"{name} is missing"
    try:
        now = checksum_of(regular_file(folder, name))
    except ParameterError as error:
        return f"{name} is {error.faults[0].value}, must be {error.faults[0].expected}"
    except (OSError, pa.ArrowException) as error:
        return f"{name} cannot be read: {str(error).splitlines()[0]}"
    if now == checksum:
        return ""
    if now.get("rows") == checksum.get("rows"):
        return f"{name} {CHANGED}"
    return f"{name} {CHANGED}: {now.get('rows')} rows, {checksum.get('rows')} written"


def verify_files(folder, checksums):
    """Yield what is wrong with the files of a folder, by their checksums."""
    for name, checksum in checksums.items():
        if fault := verify_file(folder, name, checksum):
            yield fault


def digest_of(value):
    """Return the SHA-256 of a JSON object without its own checksum."""
    rest = {key: part for key, part in value.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def with_checksum(value):
    """Return a JSON object with its checksum.

    Examples
    --------
    >>> with_checksum({"seed": 1}) == with_checksum(with_checksum({"seed": 1}))
    True
    """
    return value | {CHECKSUM: digest_of(value)}


def read_verified(folder, name, model):
    """Return ``(object, fault)`` of a JSON file with a checksum.

    The object is empty if the file cannot be read, has changed, or does not follow its model; the
    fault is an empty string if all is well.
    """
    path = pathlib.Path(folder) / name
    try:
        value = json_object(regular_file(folder, name))
    except ParameterError:
        return {}, f"{name} cannot be read" if os.path.lexists(path) else f"{name} is missing"
    if CHECKSUM in value and value[CHECKSUM] != digest_of(value):
        return {}, f"{name} {CHANGED}"
    try:
        checked(model, value)
    except ParameterError as error:
        return {}, f"{name}: {error.faults[0]}"
    if CHECKSUM not in value:
        return value, f"{name} has no checksum: whether the folder has changed cannot be verified"
    return value, ""
