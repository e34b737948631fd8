"""The jobs of a sweep: one run each, with its branches."""

import dataclasses
import functools
import hashlib

from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.runs.outcome import Outcome
from perplab.scenarios.runs.run_hash import hash_run
from perplab.scenarios.sweeps.sweep_design import changes_at, points_of
from perplab.sim.compiler.cache import HOUSE, sources_hash
from perplab.sim.faults import flattened


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of a sweep with its branches.

    Attributes
    ----------
    key : str
        Hash of the scenario, the files that it names, the arms, the seed and the code.
    number : int
        Place in the order of the design.
    scenario : str
        Name or file.
    changes : dict
        What the point sets, by dotted key.
    factors : dict
        The labels of the point's values.
    seed : int
    arms : tuple of dict
    keep : tuple of str
        Tables to store.
    code : str
        Hash of the code that made the sweep.
    """

    key: str
    number: int
    scenario: str
    changes: dict
    factors: dict
    seed: int
    arms: tuple
    keep: tuple
    code: str = ""


@functools.cache
def code_hash(folders=("scenarios", "analysis/estimators", "analysis/metrics")):
    """Return a short hash of all code on which the figures of a run depend.

    `folders` are those that count beside the simulation's.
    """
    digest = hashlib.sha256(sources_hash().encode())
    for folder in folders:
        for path in sorted((HOUSE / folder).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def jobs_of(sweep):
    """Return the jobs of a sweep in the order of its design: point by point, seed by seed."""
    code, arms, jobs = code_hash(), tuple(arm.model_dump() for arm in sweep.arms), []
    for point in points_of(sweep):
        changes = changes_at(sweep, point)
        labels = {name: sweep.factors[name].label(value) for name, value in point.items()}
        point_hash = hash_point(sweep, changes, arms, code)
        for seed in sweep.all_seeds:
            key = hashlib.sha256(f"{point_hash} {seed}".encode()).hexdigest()[:20]
            jobs.append(
                Job(key, len(jobs), sweep.scenario, changes, labels, seed, arms, sweep.keep, code)
            )
    return jobs


def hash_point(sweep, changes, arms, code):
    """Return the hash of what all runs at a point have in common."""
    branches = [
        [arm["name"], arm["at_hours"], hash_run(branched(sweep.scenario, changes, arm))]
        for arm in arms
    ]
    return hash_run(load(sweep.scenario, changes), branches, list(sweep.keep), code)


def branched(scenario, changes, arm):
    """Return the scenario of an arm."""
    return load(scenario, changes | flattened(arm["changes"]))


def outcomes_of(job):
    """Run a job and its arms to the end.

    Returns
    -------
    list of (str, Outcome)
        The base, then each arm, branched from the base at its hour with the same random numbers.
    """
    changes = job.changes | ({"record.trades": True} if "trades" in job.keep else {})
    scenario = load(job.scenario, changes)
    market, branches, twin = build(scenario, job.seed), [], None
    for step, _, arm in stops_of(job, scenario):
        market.run(step - market.step_number)
        if arm is None:
            twin = market.branch(no_impact=True)
        else:
            other = branched(job.scenario, changes, arm)
            branch = market.branch(setup=setup_of(other, job.seed))
            branches.append((arm["name"], other, branch))
    for each in (*(branch for _, _, branch in branches), *([twin] if twin else ()), market):
        each.run(scenario.steps - each.step_number)
    base = Outcome(scenario, job.seed, market.records(), twin and twin.records())
    return [("base", base)] + [
        (name, Outcome(other, job.seed, branch.records(), None)) for name, other, branch in branches
    ]


def stops_of(job, scenario):
    """Return ``(step, name, arm)`` of the branches of a job in order; the twin's arm is None."""
    dt = scenario.dt_seconds
    stops = [(round(arm["at_hours"] * 3600 / dt), arm["name"], arm) for arm in job.arms]
    if scenario.twin_step is not None:
        stops.append((scenario.twin_step, "", None))
    return sorted(stops, key=lambda stop: stop[:2])
