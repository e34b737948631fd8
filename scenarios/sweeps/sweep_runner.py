"""Sweeps: the runs of a design on any executor, each kept as files of its own, so that nothing finished is ever lost.

::

    manifest.json      what the sweep is: its file, scenario, factors, seeds, versions, hash of the code
    done/KEY.json      one a run: factors, seed, arm, summary, seals of its tables; written last, and what says that a run is done
    failed/KEY.json    one a run that failed: its error, factors and seed
    TABLE/KEY.parquet  tables that the sweep keeps, one file a run
    runs.parquet       all of done and failed, gathered when the sweep ends

A key is a hash of the scenario as resolved, the files that it names, the seed, the arms and the code. Files get their names when they are whole.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import sys
import time
import traceback
import types

import pyarrow as pa
import pyarrow.parquet as pq

from perplab.scenarios.files.loader import build, load, setup_of
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.checksums import broken, broken_object, json_object, seal_of, sealed
from perplab.scenarios.runs.outcome import Outcome
from perplab.scenarios.runs.run_hash import fingerprint
from perplab.scenarios.runs.store import PACKAGES, plain, tables_of, version_of, write_parquet
from perplab.scenarios.sweeps.sweep_design import changes_at, points_of
from perplab.sim.atomic_files import atomic_file, clear_dead
from perplab.sim.compiler.cache import HOUSE, sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened

FORMAT = 1
MOST_ATTEMPTS = 2
AHEAD = 4


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of a sweep, with its branches; `factors` are the labels of its point, `changes` what it sets."""

    key: str
    number: int
    story: str
    changes: dict
    factors: dict
    seed: int
    arms: tuple
    keep: tuple
    code: str = ""


@functools.cache
def code_hash():
    """Return a short hash of all code that a run's figures depend on."""
    digest = hashlib.sha256(sources_hash().encode())
    for floor in ("scenarios", "analysis"):
        for path in sorted((HOUSE / floor).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def jobs_of(sweep):
    """Return the jobs of a sweep in the order of its design: all seeds of a point, then the next point."""
    code, arms, jobs = code_hash(), tuple(arm.model_dump() for arm in sweep.arms), []
    for point in points_of(sweep):
        changes = changes_at(sweep, point)
        labels = {name: sweep.factors[name].label(value) for name, value in point.items()}
        branches = [
            [
                arm["name"],
                arm["at_hours"],
                fingerprint(load(sweep.scenario, changes | flattened(arm["changes"]))),
            ]
            for arm in arms
        ]
        point_hash = fingerprint(load(sweep.scenario, changes), branches, list(sweep.keep), code)
        for seed in sweep.all_seeds:
            key = hashlib.sha256(f"{point_hash} {seed}".encode()).hexdigest()[:20]
            jobs.append(
                Job(key, len(jobs), sweep.scenario, changes, labels, seed, arms, sweep.keep, code)
            )
    return jobs


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


def work(folder, summarize, job):
    """Run a job and keep what it gives; return its key and whether it went well.

    Notes
    -----
    Whatever a run raises is kept as a file; only the machine's own troubles (a full disk) end a sweep.
    """
    folder, begun = pathlib.Path(folder), time.perf_counter()
    if job.code not in ("", code_hash()):
        fail(
            folder,
            job,
            f"the code of this worker is not that of the sweep ({code_hash()}, not {job.code})",
        )
        return job.key, False
    try:
        pairs, tables = keep_tables(folder, job)
        rows = [dict(arm=arm, **summarize(outcome.records, outcome.twin)) for arm, outcome in pairs]
    except OSError:
        raise
    except Exception as error:
        fail(folder, job, f"{type(error).__name__}: {error}", traceback.format_exc())
        return job.key, False
    done = {
        "key": job.key,
        "number": job.number,
        "seed": job.seed,
        "factors": job.factors,
        "summaries": rows,
        "tables": tables,
    }
    write_object(folder / "done" / f"{job.key}.json", done)
    (folder / "failed" / f"{job.key}.json").unlink(missing_ok=True)
    write_object(
        folder / "times" / f"{job.key}.json",
        {"wall_seconds": round(time.perf_counter() - begun, 3)},
    )
    return job.key, True


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


def outcomes_of(job):
    """Return ``(arm, Outcome)`` of a job: the base, and each arm branched from it at its hour with the same random numbers."""
    changes = job.changes | ({"record.trades": True} if "trades" in job.keep else {})
    scenario = load(job.story, changes)
    market, branches, twin = build(scenario, job.seed), [], None
    stops = sorted(
        [
            (round(arm["at_hours"] * 3600 / scenario.dt_seconds), arm["name"], arm)
            for arm in job.arms
        ]
    )
    if scenario.twin_step is not None:
        stops = sorted([*stops, (scenario.twin_step, "", None)])
    for step, name, arm in stops:
        market.run(step - market.step_number)
        if arm is None:
            twin = market.branch(no_impact=True)
        else:
            other = load(job.story, changes | flattened(arm["changes"]))
            branches.append((name, other, market.branch(setup=setup_of(other, job.seed))))
    for each in (*(branch for _, _, branch in branches), *([twin] if twin else ()), market):
        each.run(scenario.steps - each.step_number)
    base = ("base", Outcome(scenario, job.seed, market.records(), twin and twin.records()))
    return [base] + [
        (name, Outcome(other, job.seed, branch.records(), None)) for name, other, branch in branches
    ]


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


class FreshProcess(multiprocessing.context.SpawnProcess):
    """A process that starts afresh and does not read the program again that started it: what it runs is imported by name.

    So a sweep can be started from any script, with or without ``if __name__ == "__main__"``.
    """

    @staticmethod
    def _Popen(process):
        program, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        try:
            return multiprocessing.context.SpawnProcess._Popen(process)
        finally:
            sys.modules["__main__"] = program


class FreshContext(multiprocessing.context.SpawnContext):
    """The ways of `multiprocessing` with `FreshProcess`."""

    Process = FreshProcess


def local_pool(workers):
    """Return a pool of processes that start afresh and keep to one thread each."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=FreshContext())


def dask_pool(address):
    """Return the executor of a Dask cluster by its scheduler's address.

    Raises
    ------
    ParameterError
        If Dask is not installed or nobody answers there.
    """
    try:
        from distributed import Client

        return Client(address, timeout="10s").get_executor()
    except ImportError:
        raise ParameterError(
            Fault("--scheduler", address, "used with pip install -e '.[sweep]'")
        ) from None
    except (OSError, TimeoutError, ValueError) as error:
        raise ParameterError(
            Fault("--scheduler", address, f"the address of a Dask scheduler ({error})")
        ) from None


def execute(jobs, folder, summarize, new_pool, progress=None):
    """Run jobs on executors; a pool that a dying worker breaks is made anew, and who may have killed it is tried again alone.

    Parameters
    ----------
    jobs : list of Job
    folder : path
    summarize : callable
        ``(records, twin) -> dict``; of a module that a worker can import, not of the program itself.
    new_pool : callable
        Returns an Executor.
    progress : callable, optional
        Called after each job with whether it went well.

    Raises
    ------
    ParameterError
        For a function of the program itself, which no worker could find.
    """
    if getattr(summarize, "__module__", None) == "__main__":
        raise ParameterError(
            Fault(
                "summarize",
                summarize.__name__,
                "a function of a module that can be imported, not of the program itself",
            )
        )
    one, waiting, suspects = functools.partial(work, str(folder), summarize), list(jobs), []
    while waiting:
        waiting = run_pool(one, waiting, new_pool, suspects, progress)
    for job in suspects:
        for attempt in range(MOST_ATTEMPTS):
            if not run_pool(one, [job], new_pool, [], progress, attempt < MOST_ATTEMPTS - 1):
                break
        else:
            fail(pathlib.Path(folder), job, "the process that ran it died")
            if progress:
                progress(False)


def run_pool(one, jobs, new_pool, suspects, progress, quiet=True):
    """Run jobs on one pool, few ahead of the workers; return those left when it broke, the ones under way going to `suspects`."""
    pool, left, running = new_pool(), list(reversed(jobs)), {}
    try:
        while left or running:
            while left and len(running) < AHEAD * getattr(pool, "_max_workers", AHEAD):
                job = left.pop()
                running[pool.submit(one, job)] = job
            done, _ = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                _, well = future.result()
                del running[future]
                if progress:
                    progress(well)
    except concurrent.futures.process.BrokenProcessPool:
        under_way = [job for job in running.values() if not finished(one, job)]
        suspects += under_way
        return list(reversed(left)) if len(jobs) > 1 else under_way
    finally:
        for future in running:
            future.cancel()
        pool.shutdown(wait=True)
    return []


def finished(one, job):
    """Return whether a job has left its file."""
    return (pathlib.Path(one.args[0]) / "done" / f"{job.key}.json").exists()


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
