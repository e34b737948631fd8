"""Stored runs as settle_due_items frames: one call opens the folder of a run or of a sweep."""

import dataclasses
import pathlib

import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from perplab.scenarios.runs.checksums import SEAL, broken, broken_object, digest_of
from perplab.scenarios.runs.column_units import UNITS, unit_of
from perplab.scenarios.runs.json_files import json_object
from perplab.scenarios.runs.store import NEEDED
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
NEEDED_OF_SWEEP = (
    "name",
    "title",
    "question",
    "file",
    "scenario",
    "factors",
    "design",
    "seeds",
    "runs",
    "code_hash",
    "versions",
)


@dataclasses.dataclass(frozen=True)
class Runs:
    """The folder of a run or a sweep.

    Attributes
    ----------
    folder : pathlib.Path
    manifest : dict
    runs : pandas.DataFrame
        A row a run and arm: key, seed, factors (``factor.NAME``), figures; failed runs have an ``error``.
    """

    folder: pathlib.Path
    manifest: dict
    runs: pd.DataFrame

    def to_frame(self, table, usd=False):
        """Return a kept table of all runs with the key, seed and factors of each, read when asked for.

        Parameters
        ----------
        table : {"series", "kinds", "settlements", "liquidations", "positions", "trades"}
        usd : bool
            Whether columns of money are given in quote currency (floats) instead of whole money units.
        """
        if table not in KEPT_TABLES:
            raise ParameterError(Fault("table", table, f"one of {', '.join(KEPT_TABLES)}"))
        single = self.folder / f"{table}.parquet"
        if single.exists():
            return self._frame(pq.read_table(single), usd).assign(seed=self.manifest["seed"])
        heads = self.runs.drop_duplicates("key").set_index("key")
        heads = heads[[name for name in heads if name.startswith("factor.")]]
        there = {path.stem for path in (self.folder / table).glob("*.parquet")}
        files = [str(self.folder / table / f"{key}.parquet") for key in heads.index if key in there]
        if not files:
            raise ParameterError(
                Fault(
                    "table",
                    table,
                    f"one that the sweep keeps: {', '.join(self.manifest.get('keep', [])) or 'none'}",
                )
            )
        return self._frame(pa.dataset.dataset(files).to_table(), usd).join(heads, on="key")

    def _frame(self, table, usd):
        frame = table.to_pandas()
        if usd:
            for name in [
                field.name for field in table.schema if unit_of(field.name).startswith(UNITS)
            ]:
                frame[name] = frame[name] * self.unit
        return frame

    @property
    def unit(self):
        """Quote currency in a money unit."""
        unit = self.manifest.get("unit", self.manifest.get("meta", {}).get("unit"))
        if unit is None:
            raise ParameterError(
                Fault("usd", True, "False: the runs differ in their money unit, contract.unit")
            )
        return unit

    def to_xarray(self, table="series"):
        """Return a kept table as an xarray Dataset over run, arm and what tells its rows apart (`ROWS`): market and time, say.

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
        return xarray.Dataset.from_dataframe(
            frame.drop(columns=["seed"]).set_index([*index, *ROWS[table]])
        )


def open_runs(path):
    """Return the `Runs` of a folder that ``perplab run`` or ``perplab sweep`` wrote.

    Raises
    ------
    ParameterError
        If it is neither, or a file of it cannot be read.
    """
    folder = pathlib.Path(path)
    try:
        manifest = json_object(folder / "manifest.json")
        if manifest.get(SEAL, digest_of(manifest)) != digest_of(manifest):
            raise ValueError("its manifest.json is not as it was written")
        lacking = {*(NEEDED_OF_SWEEP if manifest.get("kind") == "sweep" else NEEDED)} - set(
            manifest
        )
        if lacking:
            raise ValueError(f"its manifest.json lacks {', '.join(sorted(lacking))}")
        if manifest.get("kind") == "sweep":
            return Runs(folder, manifest, pq.read_table(folder / "runs.parquet").to_pandas())
        summary = pd.json_normalize(json_object(folder / "summary.json"))
        return Runs(folder, manifest, summary.assign(key=folder.name, arm="base", error=None))
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise ParameterError(
            Fault("folder", str(folder), f"that of a whole run or sweep ({error})")
        ) from None


def faults_of_folder(path):
    """Return what is missing or wrong in a stored run or sweep, as texts; nothing if all is whole.

    Notes
    -----
    Checked: every file is there and as it was written, by its seal; every run of the design is there; each run kept every unit of money; in
    the settlements the payments of longs and shorts sum to the residue. A folder written before there were seals cannot be verified, which
    is a fault.
    """
    _, fault = broken_object(path, "manifest.json")
    if fault.endswith("written"):
        return [fault]
    opened = open_runs(path)
    faults = [
        fault,
        *(broken(opened.folder, *pair) for pair in opened.manifest.get("files", {}).items()),
    ]
    lost = (
        opened.runs[opened.runs["conservation_error_units"].fillna(0) != 0]
        if "conservation_error_units" in opened.runs
        else []
    )
    faults += [
        f"run {key} does not account for every unit" for key in (lost["key"] if len(lost) else ())
    ]
    if opened.manifest.get("kind") == "sweep":
        faults += run_faults(opened)
    for file in sorted(opened.folder.rglob("*.parquet")):
        faults += file_faults(file, opened.folder)
    return list(dict.fromkeys(filter(None, faults)))


def refuse_altered(opened):
    """Refuse a folder of which a file is not as it was written, by the seals of its manifest."""
    faults = filter(
        None, (broken(opened.folder, *pair) for pair in opened.manifest.get("files", {}).items())
    )
    if fault := next(faults, ""):
        raise ParameterError(
            Fault(
                "folder",
                str(opened.folder),
                f"one whose files are as they were written ({fault}; perplab check tells all)",
            )
        )


def run_faults(opened):
    """Return what is missing or wrong among the runs of a sweep and the tables that it keeps."""
    there = set(opened.runs["key"][opened.runs["error"].isna()]) if len(opened.runs) else set()
    if "files" not in opened.manifest:
        yield "runs.parquet is not yet gathered, or was without a seal: perplab sweep FILE --resume finishes the sweep"
    for key in opened.manifest["runs"]:
        if key not in there:
            yield f"run {key} is missing or failed"
            continue
        done, fault = broken_object(opened.folder, f"done/{key}.json")
        yield fault
        yield from (
            broken(opened.folder, f"{name}/{key}.parquet", seal)
            for name, seal in done.get("tables", {}).items()
        )


def file_faults(file, folder):
    """Return what is wrong with one Parquet file."""
    name = file.relative_to(folder)
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid, pa.ArrowException) as error:
        return [f"{name} cannot be read: {str(error).splitlines()[0]}"]
    if {"long_paid", "short_paid", "residue"} <= set(table.column_names):
        frame = table.select(["long_paid", "short_paid", "residue"]).to_pandas()
        if (frame["long_paid"] + frame["short_paid"] != frame["residue"]).any():
            return [f"{name}: payments and residue do not sum to zero"]
    return []
