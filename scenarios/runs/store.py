"""The folder of a run: written whole or not at all, and read back.

::

    manifest.json         scenario as resolved, seed, versions, duration, counters, a seal of every other file
    summary.json          the figures of the run
    series.parquet        prices, premium, open interest, depth: a row each record interval and market
    kinds.parquet         wealth, funding and positions of each kind of trader, hourly
    liquidations.parquet  every forced trade
    settlements.parquet   every funding settlement
    positions.parquet     every position open at the end, with the equity behind it
    trades.parquet        every trade, if the scenario records them
    twin_events.parquet   every forced trade of the exact twin, if there was one

Each column has its unit in the schema's metadata. The same seed gives the same Parquet bytes; only manifest and summary know
how long the run took.
"""

import importlib.metadata
import os
import pathlib

import pyarrow.parquet as pq

from perplab.scenarios.runs.atomic_folders import probe, real_folder, recover, staged
from perplab.scenarios.runs.checksums import seal_of, sealed
from perplab.scenarios.runs.column_units import names_of
from perplab.scenarios.runs.json_files import json_object, plain, write_json
from perplab.scenarios.runs.tables import TABLES, rows_of, table_of, tables_of, write_parquet
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.recorder import Records
from perplab.sim.state.records import EVENT, KIND_SERIES, SERIES

FORMAT = 1


MANIFEST, TWIN_EVENTS = "manifest.json", "twin_events.parquet"


NEEDED = ("seed", "scenario", "meta", "kind_names", "versions")


PACKAGES = ("perplab", "mesa", "numba", "numpy", "pyarrow")


def check_target(folder):
    """Refuse a folder that a run may not be written to; it may be absent, empty or an earlier run.

    Raises
    ------
    ParameterError
        If something else stands there, or it cannot be written.
    """
    folder = real_folder(folder)
    probe(folder)
    recover(folder)
    if folder.exists() and not (folder.is_dir() and (is_run(folder) or not any(folder.iterdir()))):
        raise ParameterError(
            Fault("--out", str(folder), "a folder that is new, empty or an earlier run of perplab")
        )
    if os.path.ismount(folder):
        raise ParameterError(
            Fault("--out", str(folder), "a folder inside the file system that is mounted there")
        )


def is_run(folder):
    """Return whether a folder is a run written by perplab."""
    try:
        manifest = json_object(pathlib.Path(folder) / MANIFEST)
        return "perplab" in manifest["versions"] and set(NEEDED) <= set(manifest)
    except (ParameterError, KeyError, TypeError):
        return False


def write_run(folder, outcome, summary, wall_seconds):
    """Write the folder of a run, in place of an earlier run if there is one.

    Parameters
    ----------
    folder : path
    outcome : perplab.scenarios.runs.outcome.Outcome
    summary : dict
    wall_seconds : float
        Duration of the whole run.

    Raises
    ------
    ParameterError
        If something else stands at `folder`.
    OSError
        If it cannot be written; nothing is left then.
    """
    check_target(folder)
    with staged(folder) as stage:
        for name, table in tables_of(outcome.records, outcome.scenario.record.trades).items():
            write_parquet(stage / f"{name}.parquet", table)
        if outcome.twin is not None:
            write_parquet(
                stage / TWIN_EVENTS,
                table_of(outcome.twin.events, names_of("liquidations", outcome.twin.kind_names)),
            )
        write_json(stage / "summary.json", summary)
        files = {path.name: seal_of(path) for path in sorted(stage.iterdir())}
        write_json(
            stage / MANIFEST, sealed(plain(manifest_of(outcome, wall_seconds) | {"files": files}))
        )


def manifest_of(outcome, wall_seconds):
    """Return what identifies a run."""
    return {
        "format": FORMAT,
        "versions": {name: version_of(name) for name in PACKAGES},
        "seed": outcome.seed,
        "wall_seconds": round(wall_seconds, 3),
        "scenario": outcome.scenario.model_dump(mode="python", exclude_none=True),
        "kind_names": outcome.records.kind_names,
        "meta": outcome.records.meta,
        "twin_meta": outcome.twin and outcome.twin.meta,
    }


def version_of(package):
    """Return the installed version of a package, or "source" where it was not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "source"


def read_run(folder):
    """Return ``(manifest, records)`` of a stored run.

    Raises
    ------
    ParameterError
        If the folder is none.
    """
    folder = pathlib.Path(folder)
    recover(folder.absolute())
    if not is_run(folder):
        raise ParameterError(Fault("run", str(folder), "a folder written by perplab run"))
    manifest = json_object(folder / MANIFEST)
    if missing := [name for name in manifest.get("files", ()) if not (folder / name).exists()]:
        raise ParameterError(
            Fault("run", str(folder), f"a whole one: {', '.join(missing)} is missing")
        )
    meta = {
        key: float(value) if value in ("inf", "-inf") else value
        for key, value in manifest["meta"].items()
    }
    series, kinds = rows_of(folder, "series", SERIES), rows_of(folder, "kinds", KIND_SERIES)
    market = pq.read_table(folder / "series.parquet", columns=["market"])["market"].to_numpy()
    parts = {
        attribute: rows_of(folder, name, dtype, names_of(name, manifest["kind_names"]))
        for name, (attribute, dtype) in TABLES.items()
    }
    return manifest, Records(
        series=[series[market == m] for m in range(int(market.max(initial=0)) + 1)],
        kinds=kinds.reshape(-1, len(manifest["kind_names"])),
        kind_names=manifest["kind_names"],
        meta=meta,
        **parts,
    )


def read_twin_events(folder):
    """Return the forced trades of a stored run's twin, as `Records.events` has them; None where there was no twin."""
    folder = pathlib.Path(folder)
    if not (folder / TWIN_EVENTS).exists():
        return None
    return rows_of(folder, pathlib.Path(TWIN_EVENTS).stem, EVENT, names_of("liquidations", ()))
