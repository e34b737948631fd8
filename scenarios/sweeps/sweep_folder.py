"""Folder."""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.checksums import broken, broken_object, seal_of, sealed
from perplab.scenarios.runs.json_files import json_object, plain
from perplab.scenarios.runs.store import PACKAGES, version_of
from perplab.scenarios.runs.tables import tables_of, write_parquet
from perplab.scenarios.sweeps.jobs import code_hash, jobs_of, outcomes_of
from perplab.sim.atomic_files import atomic_file, clear_dead
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened

FORMAT = 1


def write_object(path, value, indent=None):
    """Write a JSON object with its seal, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        part.write_text(json.dumps(sealed(plain(value)), indent=indent) + "\n", encoding="utf-8")


def prepare(sweep, text, folder, resume, tell=lambda sentence: None):
    """Make a sweep's folder ready and return its jobs and those of them that are still to run.

    What a finished run left is read again; if it is not as it was written, `tell` is called with a sentence and the run is to run again.

    Raises
    ------
    ParameterError
        If the folder holds something else, another sweep, or this one and `resume` was not asked for.
    """
    folder, jobs = pathlib.Path(folder), jobs_of(sweep)
    manifest = {
        "format": FORMAT,
        "kind": "sweep",
        "name": sweep.name,
        "title": sweep.title,
        "question": sweep.question,
        "file": text,
        "scenario": load(sweep.scenario, jobs[0].changes).model_dump(
            mode="json", exclude_none=True, exclude={"question"}
        ),
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
    if folder.exists() and any(folder.iterdir()):
        check_same(manifest, folder, resume)
        clear_dead(folder.rglob(".*.part"))
    else:
        write_object(folder / "manifest.json", manifest, indent=1)
    return jobs, [job for job in jobs if not is_finished(folder, job.key, tell)]


def money_unit(sweep, jobs):
    """Return the quote currency in a money unit, or None where the runs differ in it."""
    moved = any(
        key.startswith("market") for factor in sweep.factors.values() for key in factor.all_keys
    )
    heads = jobs[:: len(sweep.all_seeds)] if moved else jobs[:1]
    markets = [
        market for job in heads for market in load(sweep.scenario, job.changes).all_markets.values()
    ]
    units = {rulebook_of(market).contract.unit for market in markets}
    return units.pop() if len(units) == 1 else None


def is_finished(folder, key, tell):
    """Return whether all that a run left is as it was written; if not, it counts as not done, and `tell` is called with what is wrong."""
    if not (folder / "done" / f"{key}.json").exists():
        return False
    done, fault = broken_object(folder, f"done/{key}.json")
    fault = fault or next(
        filter(
            None,
            (
                broken(folder, f"{name}/{key}.parquet", seal)
                for name, seal in done["tables"].items()
            ),
        ),
        "",
    )
    if fault:
        (folder / "done" / f"{key}.json").unlink()
        tell(f"run {key} is done again: {fault}")
    return not fault


def check_same(manifest, folder, resume):
    """Refuse a folder that is not this sweep's, or that is but was not asked to go on."""
    there, _ = broken_object(folder, "manifest.json")
    if there.get("runs") != manifest["runs"]:
        other = (
            "another sweep, or this one under other code"
            if there.get("kind") == "sweep"
            else "something else"
        )
        raise ParameterError(
            Fault(
                "--out", str(folder), f"a new folder, or that of this sweep: {other} stands there"
            )
        )
    if not resume:
        raise ParameterError(
            Fault(
                "--out",
                str(folder),
                "a new folder; this sweep has been here before: add --resume to finish it",
            )
        )


def keep_tables(folder, job):
    """Run a job and its arms; write the tables to keep; return ``(arm, outcome)`` pairs and the seals of the tables by name."""
    pairs, seals = outcomes_of(job), {}
    for name in job.keep:
        tables = [
            labelled(table, job, arm)
            for arm, outcome in pairs
            if (table := tables_of(outcome.records, name == "trades").get(name)) is not None
        ]
        if tables:
            path = folder / name / f"{job.key}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as part:
                write_parquet(part, pa.concat_tables(tables))
            seals[name] = seal_of(path)
    return pairs, seals


def labelled(table, job, arm):
    """Return a table with the key and seed of its run and the name of its arm, so that it can be read without us."""
    labels = (
        ("key", job.key, pa.string()),
        ("seed", job.seed, pa.int64()),
        ("arm", arm, pa.string()),
    )
    for name, value, kind in labels:
        table = table.append_column(name, pa.array([value] * table.num_rows, kind))
    return table


def fail(folder, job, error, trace=""):
    """Keep the error of a job."""
    kept = {
        "key": job.key,
        "number": job.number,
        "seed": job.seed,
        "factors": job.factors,
        "error": error,
        "traceback": trace,
    }
    write_object(folder / "failed" / f"{job.key}.json", kept)


def gather(folder, jobs):
    """Write ``runs.parquet`` from the files of the jobs: a row a run and arm, in the order of the design; seal it; return its table."""
    folder = pathlib.Path(folder)
    rows = [row for job in jobs for row in rows_of_job(folder, job)]
    columns = {name: None for row in rows for name in row}
    table = pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])
    with atomic_file(folder / "runs.parquet") as part:
        pq.write_table(table, part, compression="zstd")
    seal = {"files": {"runs.parquet": seal_of(folder / "runs.parquet")}}
    write_object(folder / "manifest.json", json_object(folder / "manifest.json") | seal, indent=1)
    return table


def rows_of_job(folder, job):
    """Return the rows of a job: one an arm, its error if it failed, nothing if it has not run."""
    head = {
        "key": job.key,
        "number": job.number,
        "seed": job.seed,
        **{f"factor.{name}": value for name, value in job.factors.items()},
    }
    if (folder / "done" / f"{job.key}.json").exists():
        return [
            head | {"error": None} | flat(summary)
            for summary in json_object(folder / "done" / f"{job.key}.json")["summaries"]
        ]
    if (folder / "failed" / f"{job.key}.json").exists():
        return [
            head
            | {
                "error": broken_object(folder, f"failed/{job.key}.json")[0].get(
                    "error", "its record cannot be read"
                ),
                "arm": "base",
            }
        ]
    return []


def flat(summary):
    """Return a summary without what differs from one machine to the next, inner tables by dotted name.

    Examples
    --------
    >>> flat({"trades": 2, "wall_seconds": 0.3, "pnl_by_kind": {"noise": -1}})
    {'trades': 2, 'pnl_by_kind.noise': -1}
    """
    return {key: value for key, value in flattened(summary).items() if key != "wall_seconds"}
