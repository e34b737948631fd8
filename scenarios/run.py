"""One run of a scenario, with its exact twin beside it where the scenario asks for one."""

import dataclasses
import json
import pathlib

from scenarios.loader import as_scenario, build
from scenarios.schema import Scenario
from sim.cache import sources_hash
from sim.errors import Fault, ParameterError
from sim.files import clear_parts
from sim.model import PerpetualMarket
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


def run(scenario, seed=0, progress=None, checkpoint=None):
    """Run a scenario to its end.

    Parameters
    ----------
    scenario : Scenario, or str or path
        A story's name or file stands for ``load`` of it.
    seed : int
    progress : callable, optional
        Called with the number of steps done since its last call; `planned_steps` says how many there will be.
    checkpoint : Checkpoint, optional
        Where to keep the state on the way, so that the same call goes on from there after a kill.

    Returns
    -------
    Outcome
    """
    scenario = as_scenario(scenario)
    if checkpoint is not None:
        return run_with_checkpoints(scenario, seed, progress, checkpoint)
    market, twin, twin_step = build(scenario, seed), None, scenario.twin_step
    if twin_step is not None:
        market.run(twin_step, progress)
        twin = market.branch(no_impact=True)
        twin.run(scenario.steps - twin_step, progress)
    market.run(scenario.steps - market.step_number, progress)
    return Outcome(scenario, seed, market.records(), twin and twin.records())


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The file of a state on the way, and the hours of simulated time between two of them."""

    path: pathlib.Path
    hours: float


def run_with_checkpoints(scenario, seed, progress, checkpoint):
    """Run a scenario and save its state every so often; begin from a saved state of the same scenario, seed and code.

    Raises
    ------
    ParameterError
        For a scenario with a twin, whose second market is not kept.
    """
    if scenario.twin_step is not None:
        raise ParameterError(Fault("--checkpoint-hours", checkpoint.hours, "absent, or twin.enabled=false: a twin is not kept on the way"))
    mark, path = checkpoint.path.with_suffix(".key"), checkpoint.path
    key = json.dumps([scenario.model_dump(mode="json"), seed, sources_hash()], sort_keys=True, default=str)
    known = path.exists() and mark.exists() and mark.read_text(encoding="utf-8") == key
    market = PerpetualMarket.load(path) if known else build(scenario, seed)
    if not known:
        path.unlink(missing_ok=True)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(key, encoding="utf-8")
    stride = max(round(checkpoint.hours * 3600 / scenario.dt_seconds), 1)
    while market.step_number < scenario.steps:
        market.run(min(stride - market.step_number % stride, scenario.steps - market.step_number), progress)
        market.save(path)
    path.unlink()
    mark.unlink()
    clear_parts(path)
    return Outcome(scenario, seed, market.records(), None)


def planned_steps(scenario):
    """Return the steps that a run takes in all, its twin's included."""
    return scenario.steps + (0 if scenario.twin_step is None else scenario.steps - scenario.twin_step)
