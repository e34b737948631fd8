"""The folder of a run: written completely or not at all, and read back.

::

    manifest.json         format, scenario, seed, versions, duration, counters, checksums
    summary.json          the figures of the run
    series.parquet        prices, premium, open interest, depth, by record interval and market
    kinds.parquet         wealth, funding and positions of each kind of trader, hourly
    liquidations.parquet  every forced trade
    settlements.parquet   every funding settlement
    positions.parquet     every position open at the end, with the equity behind it
    trades.parquet        every trade, if the scenario records them
    twin_events.parquet   every forced trade of the no-impact counterfactual (twin), if any

The same seed gives the same Parquet bytes; only manifest and summary depend on the duration.
"""

import importlib.metadata
import os
import pathlib

from perplab.scenarios.runs.atomic_folders import probe, real_folder, recover, staged
from perplab.scenarios.runs.checksums import checksum_of, with_checksum
from perplab.scenarios.runs.column_units import names_of
from perplab.scenarios.runs.json_files import from_json, json_object, round_trip, write_json
from perplab.scenarios.runs.manifest import MANIFEST, refuse_foreign
from perplab.scenarios.runs.run_hash import hash_run
from perplab.scenarios.runs.stored_objects import RunManifest, read_stored
from perplab.scenarios.runs.tables import (
    TABLES,
    rows_of,
    stored_table,
    table_of,
    tables_of,
    write_parquet,
)
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.event_rows import EVENT, KIND_SERIES, SERIES
from perplab.sim.state.recorder import Records

FORMAT = 2
TWIN_EVENTS = "twin_events.parquet"
NEEDED = ("format", "seed", "scenario", "meta", "kind_names", "versions")
PACKAGES = ("perplab", "mesa", "numba", "numpy", "pyarrow")


def check_target(folder):
    """Refuse a folder to which a run may not be written; it may be new, empty or an earlier run.

    Files in it that perplab did not write, and links, are refused.

    Raises
    ------
    ParameterError
        If it holds something else, or cannot be written.
    """
    folder = real_folder(folder)
    probe(folder)
    recover(folder)
    if folder.exists() and not (folder.is_dir() and (is_run(folder) or not any(folder.iterdir()))):
        bound = "a folder that is new, empty or an earlier run of perplab"
        raise ParameterError(Fault("--out", str(folder), bound))
    refuse_foreign(folder, "--out")
    if os.path.ismount(folder):
        bound = "a folder inside the file system that is mounted there"
        raise ParameterError(Fault("--out", str(folder), bound))


def is_run(folder):
    """Return whether a folder is a run stored by perplab, in any format."""
    try:
        manifest = json_object(pathlib.Path(folder) / MANIFEST)
        return "perplab" in manifest["versions"] and set(NEEDED) <= set(manifest)
    except (ParameterError, KeyError, TypeError):
        return False


def refuse_other_format(folder, manifest, key="folder"):
    """Refuse a stored run or sweep whose format is not that of this version of perplab.

    Raises
    ------
    ParameterError
        Under `key`. A manifest without a format is left to other checks.
    """
    stored = manifest.get("format", FORMAT)
    if stored == FORMAT:
        return
    earlier = isinstance(stored, int) and stored < FORMAT
    bound = f"of format {FORMAT}: it has format {stored}, stored by " + (
        "an earlier version of perplab, and must be re-run" if earlier else "another version"
    )
    raise ParameterError(Fault(key, str(folder), bound))


def write_run(folder, outcome, summary, wall_seconds):
    """Write the folder of a run, in place of an earlier run if there is one.

    The earlier one is moved aside if its tables differ from those of this run, if one of its files
    was changed, or if it has a report.

    Parameters
    ----------
    folder : path
    outcome : perplab.scenarios.runs.outcome.Outcome
    summary : dict
    wall_seconds : float
        Duration of the run.

    Raises
    ------
    ParameterError
        If `folder` holds something else.
    OSError
        If it cannot be written; nothing is left then.
    """
    check_target(folder)
    with staged(real_folder(folder), holds_same) as stage:
        for name, table in tables_of(outcome.records, outcome.scenario.record.trades).items():
            write_parquet(stage / f"{name}.parquet", table)
        if outcome.twin is not None:
            names = names_of("liquidations", outcome.twin.kind_names)
            write_parquet(stage / TWIN_EVENTS, table_of(outcome.twin.events, names))
        write_json(stage / "summary.json", summary)
        files = {path.name: checksum_of(path) for path in sorted(stage.iterdir())}
        manifest = manifest_of(outcome, wall_seconds) | {"files": files}
        write_json(stage / MANIFEST, with_checksum(round_trip(manifest)))


def holds_same(older, newer):
    """Return whether two folders of runs have the same tables, and the older one no report.

    An empty folder holds nothing to lose.
    """
    if not any(older.iterdir()):
        return True
    tables = [
        {name: digest for name, digest in files.items() if name.endswith(".parquet")}
        for files in (json_object(folder / MANIFEST).get("files", {}) for folder in (older, newer))
        if files
    ]
    return len(tables) == 2 and tables[0] == tables[1] and not (older / "report").exists()


def default_folder(scenario, seed, is_changed, *more, ending=""):
    """Return the folder of a run without ``--out``: ``runs/NAME-seedN``.

    A hash of the scenario, and of `more`, follows if options have changed it: runs that differ in
    options have folders of their own.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    is_changed : bool
    *more
        Further values for the hash.
    ending : str
        Part of the name before the hash.
    """
    mark = f"-{hash_run(scenario, *more)[:8]}" if is_changed else ""
    return pathlib.Path("runs") / f"{scenario.name}-seed{seed}{ending}{mark}"


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
    """Return the installed version of a package, or "source" if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "source"


def read_run(folder):
    """Return ``(manifest, records)`` of a stored run.

    Raises
    ------
    ParameterError
        If the folder is no run, is of another format, or lacks a file.
    """
    folder = pathlib.Path(folder)
    recover(folder.absolute())
    manifest = manifest_in(folder)
    names = manifest["kind_names"]
    parts = {
        attribute: rows_of(folder, name, dtype, names_of(name, names))
        for name, (attribute, dtype) in TABLES.items()
    }
    return manifest, Records(
        series=series_by_market(folder, len(manifest["meta"]["markets"])),
        kinds=kinds_by_hour(folder, len(names)),
        kind_names=names,
        meta=from_json(manifest["meta"]),
        **parts,
    )


def manifest_in(folder):
    """Return the manifest of a stored run whose files are all there, or refuse the folder."""
    if not is_run(folder):
        raise ParameterError(Fault("run", str(folder), "a folder written by perplab run"))
    refuse_other_format(folder, json_object(folder / MANIFEST), "run")
    manifest = read_stored(folder, MANIFEST, RunManifest, "run")
    if missing := [name for name in manifest.get("files", ()) if not (folder / name).exists()]:
        bound = f"a complete one: {', '.join(missing)} is missing"
        raise ParameterError(Fault("run", str(folder), bound))
    return manifest


def series_by_market(folder, markets):
    """Return the rows of the stored series, one array for each of so many markets."""
    rows = rows_of(folder, "series", SERIES)
    market = stored_table(folder, "series.parquet", ["market"])["market"].to_numpy()
    if len(market) and not 0 <= market.min() <= market.max() < markets:
        bound = f"that of one of {markets} markets"
        raise ParameterError(Fault("market", int(market.max()), bound, f"{folder}/series.parquet"))
    return [rows[market == number] for number in range(markets)]


def kinds_by_hour(folder, kinds):
    """Return the stored rows of so many kinds, shape (records, kinds)."""
    rows = rows_of(folder, "kinds", KIND_SERIES)
    if len(rows) % kinds:
        bound = f"a row for each of {kinds} kinds"
        raise ParameterError(Fault("kind", len(rows), bound, f"{folder}/kinds.parquet"))
    return rows.reshape(-1, kinds)


def read_twin_events(folder):
    """Return the forced trades of a stored run's twin as in `Records.events`, or None."""
    folder = pathlib.Path(folder)
    if not (folder / TWIN_EVENTS).exists():
        return None
    return rows_of(folder, pathlib.Path(TWIN_EVENTS).stem, EVENT, names_of("liquidations", ()))
