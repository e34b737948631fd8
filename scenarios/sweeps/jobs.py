"""Jobs."""

import dataclasses
import functools
import hashlib

from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.runs.outcome import Outcome
from perplab.scenarios.runs.run_hash import fingerprint
from perplab.scenarios.sweeps.sweep_design import changes_at, points_of
from perplab.sim.compiler.cache import HOUSE, sources_hash
from perplab.sim.faults import flattened


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
