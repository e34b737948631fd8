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
import json
import math
import os
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.runs.atomic_folders import probe, real_folder, recover, staged
from perplab.scenarios.runs.checksums import json_object, seal_of, sealed
from perplab.scenarios.runs.column_units import names_of, unit_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.recorder import Records
from perplab.sim.state.records import EVENT, KIND_SERIES, OPEN_POSITION, PRINT, SERIES, SETTLEMENT

FORMAT = 2
MANIFEST, TWIN_EVENTS = "manifest.json", "twin_events.parquet"
NEEDED = ("seed", "scenario", "meta", "kind_names", "versions")
PACKAGES = ("perplab", "mesa", "numba", "numpy", "pyarrow")
TABLES = {
    "liquidations": ("events", EVENT),
    "settlements": ("settlements", SETTLEMENT),
    "trades": ("prints", PRINT),
    "positions": ("positions", OPEN_POSITION),
}


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


def write_parquet(path, table):
    """Write a table: zstd, floats split into byte streams, names as dictionaries."""
    kinds = {field.name: field.type for field in table.schema}
    floats = [name for name, kind in kinds.items() if pa.types.is_floating(kind)]
    texts = [name for name, kind in kinds.items() if pa.types.is_dictionary(kind)]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=3,
        use_dictionary=texts,
        use_byte_stream_split=floats,
    )


def tables_of(records, trades=False):
    """Return the Parquet tables of a run by name."""
    rows = [
        table_of(rows, market=np.full(len(rows), market))
        for market, rows in enumerate(records.series)
    ]
    kinds = pa.DictionaryArray.from_arrays(
        np.tile(np.arange(len(records.kind_names)), len(records.kinds)).astype("i4"),
        records.kind_names,
    )
    tables = {
        "series": pa.concat_tables(rows),
        "kinds": table_of(records.kinds.reshape(-1), kind=kinds),
    }
    for name, (attribute, _) in TABLES.items():
        if name != "trades" or trades:
            tables[name] = table_of(getattr(records, attribute), names_of(name, records.kind_names))
    return tables


def table_of(rows, names=(), **more):
    """Return structured rows, and more columns before them, as a table with units in its metadata; `names` by column of numbers."""
    columns = dict(more) | {
        field: named(rows[field], dict(names).get(field)) for field in rows.dtype.names
    }
    arrays = [
        pa.array(np.ascontiguousarray(column)) if isinstance(column, np.ndarray) else column
        for column in columns.values()
    ]
    fields = [
        pa.field(field, array.type, metadata={"unit": unit_of(field)})
        for field, array in zip(columns, arrays, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def named(numbers, names):
    """Return numbers as they are, or as the names they stand for (none for -1)."""
    if names is None:
        return numbers
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers.astype("i4"), mask=numbers < 0), list(names)
    )


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
    if "markets" not in manifest["meta"]:
        raise ParameterError(
            Fault("run", str(folder), "one of this version: an older one wrote it, run it again")
        )
    if missing := [name for name in manifest.get("files", ()) if not (folder / name).exists()]:
        raise ParameterError(
            Fault("run", str(folder), f"a whole one: {', '.join(missing)} is missing")
        )
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
        meta=with_infinities(manifest["meta"]),
        **parts,
    )


def with_infinities(value):
    """Return a value read from JSON with "inf" and "-inf" as numbers again.

    Examples
    --------
    >>> with_infinities({"markets": [{"cap": "inf"}]})
    {'markets': [{'cap': inf}]}
    """
    if isinstance(value, dict):
        return {key: with_infinities(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_infinities(part) for part in value]
    return float(value) if value in ("inf", "-inf") else value


def read_twin_events(folder):
    """Return the forced trades of a stored run's twin, as `Records.events` has them; None where there was no twin."""
    folder = pathlib.Path(folder)
    if not (folder / TWIN_EVENTS).exists():
        return None
    return rows_of(folder, pathlib.Path(TWIN_EVENTS).stem, EVENT, names_of("liquidations", ()))


def rows_of(folder, name, dtype, names=()):
    """Return a table of a run as structured rows; none where it was not recorded."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return np.zeros(0, dtype)
    try:
        return structured(pq.read_table(path), dtype, dict(names))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise ParameterError(
            Fault(
                "run",
                str(path),
                f"a whole Parquet file that perplab wrote ({str(error).splitlines()[0]})",
            )
        ) from None


def structured(table, dtype, names):
    """Return a table as structured rows, names of columns as the numbers they stand for."""
    rows = np.zeros(table.num_rows, dtype)
    for field in dtype.names:
        known = names.get(field)
        column = table[field].to_pylist() if known else table[field].to_numpy()
        rows[field] = (
            [-1 if value is None else known.index(value) for value in column] if known else column
        )
    return rows


KEPT_TABLES = ("series", "kinds", "settlements", "liquidations", "positions", "trades")
