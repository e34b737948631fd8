"""The runs of a sweep on any executor: worker processes that die cost only their own run."""

import concurrent.futures
import functools
import pathlib
import time
import traceback

from perplab.scenarios.sweeps.jobs import code_hash, outcomes_of
from perplab.scenarios.sweeps.pools import kill_workers
from perplab.scenarios.sweeps.sweep_folder import store_failure, store_success, store_tables
from perplab.sim.errors import Fault, ParameterError

MOST_ATTEMPTS = 2
AHEAD = 4


def arm_by_arm(summarize, outcomes):
    """Return the summary of each arm, with its name."""
    return [{"arm": arm, **summarize(outcome.records, outcome.twin)} for arm, outcome in outcomes]


def run_job(folder, summarize, job, apply=arm_by_arm):
    """Run a job and store its result or its error.

    Parameters
    ----------
    folder : path
    summarize : callable
    job : Job
    apply : callable
        ``(summarize, outcomes) -> list of dict``: the summaries to store.

    Returns
    -------
    key : str
    completed : bool

    Raises
    ------
    OSError
        If a file cannot be written: a full disk ends the sweep, an error of a run does not.
    """
    folder, begun, code = pathlib.Path(folder), time.perf_counter(), code_hash()
    if job.code not in ("", code):
        error = f"the code of this worker is not that of the sweep ({code}, not {job.code})"
        store_failure(folder, job, error)
        return job.key, False
    try:
        outcomes = outcomes_of(job)
        checksums = store_tables(folder, job, outcomes)
        summaries = apply(summarize, outcomes)
    except OSError:
        raise
    except Exception as error:
        store_failure(folder, job, f"{type(error).__name__}: {error}", traceback.format_exc())
        return job.key, False
    store_success(folder, job, summaries, checksums, time.perf_counter() - begun)
    return job.key, True


def execute(jobs, folder, summarize, new_pool, progress=None, apply=arm_by_arm):
    """Run jobs on executors.

    A pool that a dying worker breaks is replaced. Each job that was running then is retried alone.

    Parameters
    ----------
    jobs : list of Job
    folder : path
    summarize : callable
        ``(records, twin) -> dict``; of a module that a worker can import, not of the main program.
    new_pool : callable
        Returns an Executor.
    progress : callable, optional
        Called after each job with whether it completed.
    apply : callable, optional
        As of `run_job`.

    Raises
    ------
    ParameterError
        If `summarize` is a function of the main program.
    """
    if getattr(summarize, "__module__", None) == "__main__":
        bound = "a function of a module that can be imported, not of the program itself"
        raise ParameterError(Fault("summarize", summarize.__name__, bound))
    one = functools.partial(run_job, str(folder), summarize, apply=apply)
    waiting, suspects = list(jobs), []
    while waiting:
        waiting = run_pool(one, waiting, new_pool, suspects, progress)
    for job in suspects:
        if not retry(one, job, new_pool, progress):
            store_failure(pathlib.Path(folder), job, "the process that ran it died")
            if progress:
                progress(False)


def retry(one, job, new_pool, progress):
    """Run a job alone, up to `MOST_ATTEMPTS` times; return whether its worker survived."""
    return any(not run_pool(one, [job], new_pool, [], progress) for _ in range(MOST_ATTEMPTS))


def run_pool(one, jobs, new_pool, suspects, progress):
    """Run jobs on one pool, with a few submitted ahead of the workers.

    Returns
    -------
    list of Job
        Those left if the pool broke. Jobs that were running then are appended to `suspects`; a
        single job is returned as well.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, at once: the workers are killed.
    """
    pool, left, running = new_pool(), list(reversed(jobs)), {}
    try:
        while left or running:
            submit_ahead(pool, one, left, running)
            for future in concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            ).done:
                _, completed = future.result()
                del running[future]
                if progress:
                    progress(completed)
    except concurrent.futures.process.BrokenProcessPool:
        interrupted = [job for job in running.values() if not has_finished(one, job)]
        suspects += interrupted
        return list(reversed(left)) if len(jobs) > 1 else interrupted
    except KeyboardInterrupt:
        if kill_workers(pool):
            running.clear()  # the pool itself ends the futures of killed workers
        raise
    finally:
        for future in running:
            future.cancel()
        pool.shutdown(wait=True)
    return []


def submit_ahead(pool, one, left, running):
    """Submit jobs until `AHEAD` per worker are running or waiting in the pool."""
    while left and len(running) < AHEAD * getattr(pool, "_max_workers", AHEAD):
        future = pool.submit(one, left[-1])
        running[future] = left.pop()


def has_finished(one, job):
    """Return whether a job has stored its result."""
    return (pathlib.Path(one.args[0]) / "done" / f"{job.key}.json").exists()
