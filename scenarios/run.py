"""One run of a scenario, with its exact twin beside it where the scenario asks for one."""

import dataclasses

from scenarios.loader import build
from scenarios.schema import Scenario
from sim.recorder import Records


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    records : Records
    twin : Records or None
        The same run with forced positions taken by the fund at the mark from ``[twin] from_hours`` on.
    """

    scenario: Scenario
    seed: int
    records: Records
    twin: Records | None


def run(scenario, seed=0, progress=None):
    """Run a scenario to its end.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    progress : callable, optional
        Called with the number of steps done since its last call; `planned_steps` says how many there will be.

    Returns
    -------
    Outcome
    """
    market, twin, twin_step = build(scenario, seed), None, scenario.twin_step
    if twin_step is not None:
        market.run(twin_step, progress)
        twin = market.branch(no_impact=True)
        twin.run(scenario.steps - twin_step, progress)
    market.run(scenario.steps - market.step_number, progress)
    return Outcome(scenario, seed, market.records(), twin and twin.records())


def planned_steps(scenario):
    """Return the steps that a run takes in all, its twin's included."""
    return scenario.steps + (0 if scenario.twin_step is None else scenario.steps - scenario.twin_step)
