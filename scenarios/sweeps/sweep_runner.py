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
import functools
import pathlib
import time
import traceback

from perplab.scenarios.sweeps.jobs import code_hash
from perplab.scenarios.sweeps.sweep_folder import fail, keep_tables, write_object
from perplab.sim.errors import Fault, ParameterError

MOST_ATTEMPTS = 2


AHEAD = 4


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
