"""Which files of a folder perplab wrote, and whether they are as it wrote them.

A folder of figures or a report lists its files with their checksums in `LIST`; a run lists them in
its manifest. Everything else in a folder is a user's: it is never replaced.
"""

import contextlib
import os
import pathlib

from perplab.scenarios.runs.checksums import checksum_of, read_verified
from perplab.scenarios.runs.json_files import write_json
from perplab.scenarios.runs.stored_objects import Anything, Files, read_stored
from perplab.sim.errors import Fault, ParameterError

LIST, MANIFEST, PARTS = ".files.json", "manifest.json", ("figures", "report")


def list_files(folder):
    """Write the list of the files of a folder into it."""
    files = {str(path.relative_to(folder)): checksum_of(path) for path in files_below(folder)}
    write_json(folder / LIST, {"files": files})


def files_below(folder):
    """Return all files and links in a folder and the folders in it; links are not followed."""
    return [
        pathlib.Path(place) / name
        for place, folders, files in os.walk(folder)
        for name in sorted([*files, *(one for one in folders if os.path.islink(f"{place}/{one}"))])
    ]


def listed_in(folder):
    """Return ``{path: checksum}`` of the files that one list or manifest of a folder names."""
    for name in (LIST, MANIFEST):
        with contextlib.suppress(ParameterError):
            files = read_stored(folder, name, Files).get("files", {})
            return {folder / file: checksum for file, checksum in files.items()}
    return {}


def known_files(folder):
    """Return ``{path: checksum}`` of all files that the lists of a folder and its parts name."""
    places = [folder / MANIFEST, *(folder / part / LIST for part in (".", *PARTS))]
    lists = [path for path in places if path.is_file()]
    return {path: None for path in lists} | {
        file: checksum for path in lists for file, checksum in listed_in(path.parent).items()
    }


def foreign_files(folder):
    """Return the paths, relative to a folder, of what perplab did not write there.

    Links are among them, wherever they lead: perplab makes none.
    """
    known = known_files(folder)
    return [
        str(path.relative_to(folder))
        for path in files_below(folder)
        if path.is_symlink() or path not in known
    ]


def altered_files(folder):
    """Return the known files of a folder that are missing or differ from their checksums."""
    changed = [
        path
        for path, checksum in known_files(folder).items()
        if checksum is not None and not (path.is_file() and checksum_of(path) == checksum)
    ]
    manifest = folder / MANIFEST
    return changed + [manifest] * (
        manifest.exists() and bool(read_verified(folder, MANIFEST, Anything)[1])
    )


def refuse_foreign(folder, key="folder"):
    """Refuse to replace a folder that is a link or holds what perplab did not write.

    Raises
    ------
    ParameterError
    """
    refuse_links([folder], key)
    if foreign := folder.is_dir() and foreign_files(folder):
        bound = f"a folder without files of others: {foreign[0]} is not perplab's; move it away"
        raise ParameterError(Fault(key, str(folder), bound))


def refuse_links(paths, key="folder"):
    """Refuse paths that are links: what is written there would land elsewhere.

    Raises
    ------
    ParameterError
    """
    for path in paths:
        if path.is_symlink():
            bound = f"no link, which leads to {os.path.realpath(path)}"
            raise ParameterError(Fault(key, str(path), bound))
