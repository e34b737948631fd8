"""The folder of a sweep: a file or more for each run, so that no finished run is ever lost.

::

    manifest.json      the sweep: its file, scenario, factors, seeds, versions, hash of the code
    done/KEY.json      of a finished run: factors, seed, arms' summaries, checksums of its tables
    failed/KEY.json    of a failed run: its error, factors and seed
    times/KEY.json     of a finished run: its duration
    TABLE/KEY.parquet  a stored table of a run
    runs.parquet       all of done and failed, gathered when the sweep ends

A key is that of a `Job`. Files are renamed into place when complete; ``done/KEY.json`` is written
last, and marks the run as finished.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.checksums import (
    checksum_of,
    read_verified,
    verify_files,
    with_checksum,
)
from perplab.scenarios.runs.json_files import round_trip
from perplab.scenarios.runs.manifest import files_below, refuse_links
from perplab.scenarios.runs.results import table_checksums
from perplab.scenarios.runs.store import FORMAT, PACKAGES, refuse_other_format, version_of
from perplab.scenarios.runs.stored_objects import Anything, Done, Failed, read_stored
from perplab.scenarios.runs.tables import tables_of, write_parquet
from perplab.scenarios.sweeps.jobs import code_hash, jobs_of
from perplab.sim.atomic_files import atomic_file, clear_dead
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened


def write_object(path, value, indent=None):
    """Write a JSON object with its checksum, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        text = json.dumps(with_checksum(round_trip(value)), indent=indent)
        part.write_text(text + "\n", encoding="utf-8")


def prepare(sweep, text, folder, resume, report=lambda sentence: None):
    """Make the folder of a sweep ready.

    Parameters
    ----------
    sweep : Sweep
    text : str
        The text of its file.
    folder : path
    resume : bool
        Whether the sweep may be in the folder already. Finished runs are then verified.
    report : callable, optional
        Called with a sentence for each finished run that is not intact and is re-run.

    Returns
    -------
    jobs, waiting : list of Job
        All jobs, and those still to run.

    Raises
    ------
    ParameterError
        If the folder holds something else, or this sweep and `resume` is False.
    """
    folder, jobs = pathlib.Path(folder), jobs_of(sweep)
    manifest = manifest_of(sweep, text, jobs)
    if folder.exists() and any(folder.iterdir()):
        refuse_links([path for path in files_below(folder) if path.is_symlink()], "--out")
        check_same(manifest, folder, resume)
        clear_dead(folder.rglob(".*.part"))
    else:
        write_object(folder / "manifest.json", manifest, indent=1)
    return jobs, [job for job in jobs if not is_finished(folder, job.key, report)]


def manifest_of(sweep, text, jobs):
    """Return what identifies a sweep."""
    scenario = load(sweep.scenario, jobs[0].changes)
    return {
        "format": FORMAT,
        "kind": "sweep",
        "name": sweep.name,
        "title": sweep.title,
        "question": sweep.question,
        "file": text,
        "scenario": scenario.model_dump(mode="json", exclude_none=True, exclude={"question"}),
        "factors": {
            name: factor.model_dump(mode="json", exclude_none=True)
            for name, factor in sweep.factors.items()
        },
        "design": sweep.design.model_dump(mode="json"),
        "seeds": list(sweep.all_seeds),
        "arms": [arm.name for arm in sweep.arms],
        "keep": list(sweep.keep),
        "unit": money_unit(sweep, jobs),
        "runs": [job.key for job in jobs],
        "code_hash": code_hash(),
        "versions": {name: version_of(name) for name in PACKAGES},
    }


def money_unit(sweep, jobs):
    """Return the quote currency per money unit, or None if the runs differ in it."""
    keys = [key for factor in sweep.factors.values() for key in factor.all_keys]
    varies = any(key.startswith("market") for key in keys)
    heads = jobs[:: len(sweep.all_seeds)] if varies else jobs[:1]
    units = {
        rulebook_of(market).contract.unit
        for job in heads
        for market in load(sweep.scenario, job.changes).all_markets.values()
    }
    return units.pop() if len(units) == 1 else None


def is_finished(folder, key, report):
    """Return whether a run is finished and intact.

    If it is not intact its ``done`` file is removed, and `report` is called with the reason.
    """
    path = folder / "done" / f"{key}.json"
    if not path.exists():
        return False
    done, fault = read_verified(folder, f"done/{key}.json", Done)
    fault = fault or next(verify_files(folder, table_checksums(done, key)), "")
    if fault:
        path.unlink()
        report(f"run {key} is re-run: {fault}")
    return not fault


def check_same(manifest, folder, resume):
    """Refuse a folder that holds something else, or this sweep if it is not to be resumed.

    Raises
    ------
    ParameterError
    """
    there, _ = read_verified(folder, "manifest.json", Anything)
    is_sweep = there.get("kind") == "sweep"
    if is_sweep:
        refuse_other_format(folder, there, "--out")
    if there.get("runs") != manifest["runs"]:
        other = "another sweep, or this one under other code" if is_sweep else "something else"
        bound = f"a new folder, or that of this sweep: it holds {other}"
        raise ParameterError(Fault("--out", str(folder), bound))
    if not resume:
        bound = "a new folder: this sweep was started here; add --resume to finish it"
        raise ParameterError(Fault("--out", str(folder), bound))


def store_tables(folder, job, outcomes):
    """Write the tables that a job stores.

    Parameters
    ----------
    folder : pathlib.Path
    job : Job
    outcomes : list of (str, Outcome)
        As `perplab.scenarios.sweeps.jobs.outcomes_of` returns them.

    Returns
    -------
    dict of str to dict
        Their checksums by table.
    """
    checksums = {}
    for name in job.keep:
        tables = [
            labelled(table, job, arm)
            for arm, outcome in outcomes
            if (table := tables_of(outcome.records, name == "trades").get(name)) is not None
        ]
        if tables:
            path = folder / name / f"{job.key}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as part:
                write_parquet(part, pa.concat_tables(tables))
            checksums[name] = checksum_of(path)
    return checksums


def labelled(table, job, arm):
    """Return a table with columns for the key and seed of its run and the name of its arm."""
    labels = (
        ("key", job.key, pa.string()),
        ("seed", job.seed, pa.int64()),
        ("arm", arm, pa.string()),
    )
    for name, value, kind in labels:
        table = table.append_column(name, pa.array([value] * table.num_rows, kind))
    return table


def store_success(folder, job, summaries, checksums, wall_seconds):
    """Write the files of a finished run, the one that marks it as finished last but its time."""
    done = head_of(job) | {"summaries": summaries, "tables": checksums}
    write_object(folder / "done" / f"{job.key}.json", done)
    (folder / "failed" / f"{job.key}.json").unlink(missing_ok=True)
    times = {"wall_seconds": round(wall_seconds, 3)}
    write_object(folder / "times" / f"{job.key}.json", times)


def store_failure(folder, job, error, trace=""):
    """Write the error of a failed run."""
    failed = head_of(job) | {"error": error, "traceback": trace}
    write_object(folder / "failed" / f"{job.key}.json", failed)


def head_of(job):
    """Return what identifies a job in its files."""
    return {"key": job.key, "number": job.number, "seed": job.seed, "factors": job.factors}


def gather(folder, jobs):
    """Write ``runs.parquet`` from the files of the jobs, and its checksum into the manifest.

    Returns
    -------
    pyarrow.Table
        A row per run and arm, in the order of the design.
    """
    folder = pathlib.Path(folder)
    rows = [row for job in jobs for row in rows_of_job(folder, job)]
    columns = {name: None for row in rows for name in row}
    table = pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])
    with atomic_file(folder / "runs.parquet") as part:
        pq.write_table(table, part, compression="zstd")
    files = {"files": {"runs.parquet": checksum_of(folder / "runs.parquet")}}
    write_object(
        folder / "manifest.json", read_stored(folder, "manifest.json", Anything) | files, indent=1
    )
    return table


def rows_of_job(folder, job):
    """Return the rows of a job: one per arm; its error if it failed; none if it has not run."""
    factors = {f"factor.{name}": value for name, value in job.factors.items()}
    head = {"key": job.key, "number": job.number, "seed": job.seed, **factors}
    done, failed = (folder / name / f"{job.key}.json" for name in ("done", "failed"))
    if done.exists():
        summaries = read_stored(folder, f"done/{job.key}.json", Done)["summaries"]
        return [head | {"error": None} | flat(summary) for summary in summaries]
    if failed.exists():
        stored, _ = read_verified(folder, f"failed/{job.key}.json", Failed)
        return [head | {"error": stored.get("error", "its record cannot be read"), "arm": "base"}]
    return []


def flat(summary):
    """Return a summary with inner tables by dotted name, without its duration.

    Examples
    --------
    >>> flat({"trades": 2, "wall_seconds": 0.3, "pnl_by_kind": {"noise": -1}})
    {'trades': 2, 'pnl_by_kind.noise': -1}
    """
    flat_values = flattened(summary).items()
    return {key: value for key, value in flat_values if key != "wall_seconds" and value != {}}
