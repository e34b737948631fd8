"""The runs of a study: jobs of a sweep, whose results stay in a folder and are never run twice.

A run is identified by its scenario, branches, seed, measure and the code that they depend on, so
studies that share a folder share their controls, and an interrupted study goes on where it ended.
"""

import hashlib
import pathlib

from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.json_files import json_object
from perplab.scenarios.runs.run_hash import hash_run
from perplab.scenarios.sweeps.jobs import Job, code_hash
from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_folder import is_finished
from perplab.scenarios.sweeps.sweep_runner import execute, run_job
from perplab.sim.atomic_files import clear_dead
from perplab.sim.errors import Fault, ParameterError, SweepError

MEASURING = ("scenarios", "analysis/estimators", "analysis/metrics", "analysis/studies/measures")
"""Folders of code on which a measured figure depends, beside the simulation."""


def jobs_of_study(study, arms, seeds):
    """Return the jobs of a study by (arm, seed); arms that run the same share theirs.

    Raises
    ------
    ParameterError
        If an arm or a branch is refused. Nothing has run then.
    """
    measure, code = f"{study.measure.__module__}.{study.measure.__qualname__}", code_hash(MEASURING)
    jobs = {}
    for arm in arms:
        head = hash_run(*scenarios_of(arm), measure, code)
        for seed in seeds:
            key = hashlib.sha256(f"{head} {seed}".encode()).hexdigest()[:20]
            jobs[arm.name, seed] = Job(
                key,
                len(jobs),
                arm.scenario,
                dict(arm.changes),
                {"study": study.name, "arm": arm.name},
                seed,
                branches_of(arm),
                (),
            )
    return jobs


def branches_of(arm):
    """Return the branches of an arm as a sweep's job states them."""
    scenario = load(arm.scenario, arm.changes)
    return tuple(branch.placed(scenario)._asdict() for branch in arm.branches)


def scenarios_of(arm):
    """Return the scenario of an arm, and name, hour and hash of each of its branches.

    Raises
    ------
    ParameterError
        If a branch begins after the end, or changes what cannot change during a run.
    """
    base, branches, faults = load(arm.scenario, arm.changes), [], []
    for branch in (each.placed(base) for each in arm.branches):
        other = load(arm.scenario, {**arm.changes, **branch.changes})
        if branch.at_hours >= 24 * base.days:
            bound = f"before the end of the run ({24 * base.days:g} hours)"
            faults.append(Fault(f"branch {branch.name}", branch.at_hours, bound))
        faults += branch_faults(base, other)
        branches.append([branch.name, branch.at_hours, hash_run(other)])
    if faults:
        raise ParameterError(*faults)
    return base, *branches


def measure_together(measure, outcomes):
    """Return the figures of a run and its branches, measured together."""
    return [{"arm": "base", **measure(dict(outcomes))}]


def run_study(study, arms, seeds, folder, workers=2, progress=None, report=lambda sentence: None):
    """Run what is missing of a study.

    Parameters
    ----------
    study : Study
    arms : list of Arm
    seeds : sequence of int
    folder : path
        Where results are stored and looked for.
    workers : int
        Processes; 1 runs everything in this one.
    progress : callable, optional
        Of a number of jobs, returns a context manager that gives a function to call after each.
    report : callable, optional
        Called with sentences about cached and damaged results.

    Returns
    -------
    figures : dict of (str, int) to dict
        By arm and seed.
    seconds : float
        Duration of all runs, those of earlier calls included.

    Raises
    ------
    SweepError
        If a run failed; the finished ones are kept.
    """
    folder = pathlib.Path(folder)
    clear_dead(folder.rglob(".*.part"))
    jobs = jobs_of_study(study, arms, seeds)
    each = {job.key: job for job in jobs.values()}
    waiting = [job for key, job in each.items() if not is_finished(folder, key, report)]
    report(f"{len(each):,} runs ({len(each) - len(waiting):,} cached)")
    if progress is None:
        run_waiting(study, waiting, folder, workers, None)
    else:
        with progress(len(waiting)) as advance:
            run_waiting(study, waiting, folder, workers, lambda completed: advance())
    refuse_failures(folder, waiting)
    figures = {place: stored(folder, job.key) for place, job in jobs.items()}
    return figures, sum(duration(folder, key) for key in each)


def run_waiting(study, waiting, folder, workers, progress):
    """Run jobs in a pool, or in this process with one worker."""
    if workers > 1:

        def new_pool():
            return local_pool(workers)

        execute(waiting, folder, study.measure, new_pool, progress, measure_together)
        return
    for job in waiting:
        _, completed = run_job(folder, study.measure, job, measure_together)
        if progress:
            progress(completed)


def refuse_failures(folder, jobs):
    """Raise the errors of failed jobs, each once.

    Raises
    ------
    SweepError
    """
    paths = [folder / "failed" / f"{job.key}.json" for job in jobs]
    errors = [json_object(path)["error"] for path in paths if path.exists()]
    if errors:
        texts = "\n".join(dict.fromkeys(errors))
        raise SweepError(f"{len(errors)} of {len(jobs)} runs failed, the others are kept: {texts}")


def stored(folder, key):
    """Return the figures of a finished run."""
    return json_object(folder / "done" / f"{key}.json")["summaries"][0]


def duration(folder, key):
    """Return how long a finished run took, seconds; 0 if that was not stored."""
    path = folder / "times" / f"{key}.json"
    return json_object(path)["wall_seconds"] if path.exists() else 0.0
