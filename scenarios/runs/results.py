"""Stored runs and sweeps as data frames, and checks that they are intact."""

import dataclasses
import os
import pathlib
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset

from perplab.scenarios.runs.checksums import (
    CHANGED,
    CHECKSUM,
    digest_of,
    read_verified,
    verify_files,
)
from perplab.scenarios.runs.column_units import UNITS, unit_of
from perplab.scenarios.runs.json_files import json_object
from perplab.scenarios.runs.manifest import MANIFEST, files_below
from perplab.scenarios.runs.regular_files import regular_file, stored_table
from perplab.scenarios.runs.store import refuse_other_format
from perplab.scenarios.runs.stored_objects import (
    Anything,
    Done,
    RunManifest,
    SweepManifest,
    read_stored,
)
from perplab.scenarios.runs.sweep_rows import runs_of_sweep
from perplab.scenarios.runs.tables import KEPT_TABLES
from perplab.sim.errors import Fault, ParameterError

ROWS = {
    "series": ("market", "seconds"),
    "kinds": ("kind", "seconds"),
    "settlements": ("market", "seconds"),
    "liquidations": ("sequence",),
    "positions": ("trader", "market"),
    "trades": ("row",),
}
PAYMENTS = ["long_paid", "short_paid", "residue"]


@dataclasses.dataclass(frozen=True)
class Runs:
    """The folder of a run or a sweep.

    Attributes
    ----------
    folder : pathlib.Path
    manifest : dict
    runs : pandas.DataFrame
        A row per run and arm: key, seed, factors (``factor.NAME``), figures; failed runs have an
        ``error``.
    """

    folder: pathlib.Path
    manifest: dict
    runs: pd.DataFrame

    def to_frame(self, table: str, usd: bool = False) -> pd.DataFrame:
        """Return a stored table of all runs.

        Parameters
        ----------
        table : {"series", "kinds", "settlements", "liquidations", "positions", "trades"}
        usd : bool
            Whether money is in quote currency (floats) instead of integer money units.

        Returns
        -------
        pandas.DataFrame
            With the key, seed and factors of each run.

        Raises
        ------
        ParameterError
            If the sweep did not store this table.
        """
        if table not in KEPT_TABLES:
            raise ParameterError(Fault("table", table, f"one of {', '.join(KEPT_TABLES)}"))
        single = self.folder / f"{table}.parquet"
        if single.exists():
            return self._frame(stored_table(self.folder, single.name), usd).assign(
                seed=self.manifest["seed"]
            )
        heads = self.runs.drop_duplicates("key").set_index("key")
        heads = heads[[name for name in heads if name.startswith("factor.")]]
        data = pa.dataset.dataset(self._files(table, heads.index)).to_table()
        return self._frame(data, usd).join(heads, on="key")

    def _files(self, table, keys):
        """Return the files of a table of a sweep, in the order of its runs."""
        there = {path.stem for path in (self.folder / table).glob("*.parquet")}
        files = [str(self.folder / table / f"{key}.parquet") for key in keys if key in there]
        if not files:
            stored = ", ".join(self.manifest.get("keep", [])) or "none"
            raise ParameterError(Fault("table", table, f"one that the sweep stores: {stored}"))
        return files

    def _frame(self, table, usd):
        frame = table.to_pandas()
        if usd:
            for field in table.schema:
                if unit_of(field.name).startswith(UNITS):
                    frame[field.name] = frame[field.name] * self.unit
        return frame

    @property
    def unit(self) -> float:
        """Quote currency per money unit."""
        unit = self.manifest.get("unit", self.manifest.get("meta", {}).get("unit"))
        if unit is None:
            bound = "False: the runs differ in their money unit, contract.unit"
            raise ParameterError(Fault("usd", True, bound))
        return unit

    def to_xarray(self, table: str = "series") -> Any:
        """Return a stored table as an xarray Dataset.

        Its dimensions are run, arm and those of the table (`ROWS`), such as market and time.

        Raises
        ------
        ImportError
            If xarray is not installed (``pip install -e '.[sweep]'``).
        """
        import xarray

        frame = self.to_frame(table)
        index = [name for name in ("key", "arm") if name in frame]
        if table == "trades":
            frame["row"] = frame.groupby(index).cumcount() if index else range(len(frame))
        indexed = frame.drop(columns=["seed"]).set_index([*index, *ROWS[table]])
        return xarray.Dataset.from_dataframe(indexed)


def open_runs(path: str | pathlib.Path) -> Runs:
    """Return the `Runs` of a folder that ``perplab run`` or ``perplab sweep`` wrote.

    Raises
    ------
    ParameterError
        If it is neither, is of another format, or a file of it cannot be read.
    """
    folder = pathlib.Path(path)
    manifest = manifest_of_folder(folder)
    if manifest.get("kind") == "sweep":
        return Runs(folder, manifest, runs_of_sweep(folder, manifest))
    summary = pd.json_normalize(read_stored(folder, "summary.json", Anything))
    return Runs(folder, manifest, summary.assign(key=folder.name, arm="base", error=None))


def manifest_of_folder(folder):
    """Return the checked manifest of a stored run or sweep.

    Raises
    ------
    ParameterError
        If there is none, it has another format, has changed since it was written, or does not
        follow its model.
    """
    if not os.path.lexists(folder / MANIFEST):
        bound = f"that of an intact run or sweep: there is no {MANIFEST} in it"
        raise ParameterError(Fault("folder", str(folder), bound))
    manifest = json_object(regular_file(folder, MANIFEST))
    refuse_other_format(folder, manifest)
    if manifest.get(CHECKSUM, digest_of(manifest)) != digest_of(manifest):
        bound = f"that of an intact run or sweep (its {MANIFEST} {CHANGED})"
        raise ParameterError(Fault("folder", str(folder), bound))
    model = SweepManifest if manifest.get("kind") == "sweep" else RunManifest
    return read_stored(folder, MANIFEST, model)


def branch_folders(folder):
    """Return the folders of branches in a folder, sorted; none if it is a run or a sweep itself.

    Raises
    ------
    ParameterError
        If one of them is a link.
    """
    if (folder / MANIFEST).exists():
        return []
    found = sorted(part.parent for part in folder.glob(f"*/{MANIFEST}"))
    for branch in found:
        regular_file(folder, f"{branch.name}/{MANIFEST}")
    return found


def faults_of_folder(path):
    """Return what is missing or wrong in a stored run or sweep.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of str
        Empty if the folder is intact.

    Notes
    -----
    Checked are: that every file is there and has its checksum; that every run of the design is
    there; that no run lost or created money; that in the settlements the payments of longs and
    shorts sum to the residue. A folder without checksums cannot be verified, which is a fault.
    """
    _, fault = read_verified(path, MANIFEST, Anything)
    if fault.endswith(CHANGED):
        return [fault]
    opened = open_runs(path)
    faults = [fault, *changed_files(opened), *lost_money(opened.runs)]
    if opened.manifest.get("kind") == "sweep":
        faults += run_faults(opened)
    for file in files_below(opened.folder):
        if file.suffix == ".parquet":
            faults += file_faults(file, opened.folder)
    return list(dict.fromkeys(filter(None, faults)))


def changed_files(opened):
    """Return what is wrong with the files of an opened folder, by the checksums of its manifest."""
    return list(verify_files(opened.folder, opened.manifest.get("files", {})))


def lost_money(runs):
    """Return a fault for each run whose money does not add up."""
    if "conservation_error_units" not in runs:
        return []
    lost = runs[runs["conservation_error_units"].fillna(0) != 0]
    return [f"run {key} does not account for every unit" for key in lost["key"]]


def refuse_altered(opened):
    """Refuse an opened folder if one of its files has changed since it was written.

    Raises
    ------
    ParameterError
    """
    if faults := changed_files(opened):
        bound = f"one with unchanged files ({faults[0]}; perplab check reports all faults)"
        raise ParameterError(Fault("folder", str(opened.folder), bound))


def run_faults(opened):
    """Yield what is missing or wrong among the runs of a sweep and the tables that it stores."""
    there = set(opened.runs["key"][opened.runs["error"].isna()]) if len(opened.runs) else set()
    if "files" not in opened.manifest:
        yield (
            "runs.parquet is not yet gathered, or has no checksum: "
            "perplab sweep FILE --resume finishes the sweep"
        )
    for key in opened.manifest["runs"]:
        if key not in there:
            yield f"run {key} is missing or failed"
            continue
        done, fault = read_verified(opened.folder, f"done/{key}.json", Done)
        yield fault
        yield from verify_files(opened.folder, table_checksums(done, key))


def table_checksums(done, key):
    """Return the checksums of the tables of a finished run of a sweep, by file."""
    return {f"{name}/{key}.parquet": checksum for name, checksum in done.get("tables", {}).items()}


def file_faults(file, folder):
    """Return what is wrong with one Parquet file of a folder."""
    name = file.relative_to(folder)
    try:
        table = stored_table(folder, str(name))
    except ParameterError as error:
        return [f"{name} cannot be read: {error.faults[0].expected}"]
    if set(PAYMENTS) <= set(table.column_names):
        frame = table.select(PAYMENTS).to_pandas()
        if (frame["long_paid"] + frame["short_paid"] != frame["residue"]).any():
            return [f"{name}: payments and residue do not sum to zero"]
    return []
