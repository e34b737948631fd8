"""One run of a scenario, with its exact twin beside it where the scenario asks for one."""

import contextlib
import dataclasses
import glob
import pathlib
import shlex
from collections.abc import Callable

from perplab.scenarios.files.loader import as_scenario, build
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.runs.run_hash import fingerprint
from perplab.sim.atomic_files import alone, clear_parts
from perplab.sim.compiler.cache import sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.state.recorder import Records


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


def run(
    scenario: Scenario | str | pathlib.Path,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
    checkpoint: "Checkpoint | None" = None,
) -> Outcome:
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
    """Where the state of a run is kept on the way: beside the folder that the run will have, every so many simulated hours.

    The file's name holds the fingerprint of the run, so that a state of another story, seed or code is never taken for it.
    """

    folder: pathlib.Path
    hours: float

    def path(self, scenario, seed):
        """Return the file of a run's state."""
        return self.folder.with_name(
            f".{self.folder.name}.{fingerprint(scenario, seed, sources_hash())[:16]}.checkpoint"
        )

    def clear(self, but=None):
        """Remove the states kept for this folder, those of other runs too, and what killed writers left of them."""
        for left in self.folder.parent.glob(
            f".{glob.escape(self.folder.name)}.{'[0-9a-f]' * 16}.checkpoint"
        ):
            if left != but:
                left.unlink(missing_ok=True)
        for left in self.folder.parent.glob(
            f"..{glob.escape(self.folder.name)}.{'[0-9a-f]' * 16}.checkpoint.*.part"
        ):
            clear_parts(left.with_name(left.name[1:].rsplit(".", 2)[0]))


@contextlib.contextmanager
def locked_folder(checkpoint):
    """Keep other runs that would keep their state in the same place out while the block runs; without a checkpoint do nothing."""
    if checkpoint is None:
        yield
        return
    try:
        with alone(checkpoint.folder.with_name(f".{checkpoint.folder.name}.lock")):
            yield
    except BlockingIOError:
        raise ParameterError(
            Fault("--out", str(checkpoint.folder), "a folder for which no other run is at work")
        ) from None


def run_with_checkpoints(scenario, seed, progress, checkpoint):
    """Run a scenario and save its state every so often; begin from a saved state of the same scenario, seed and code.

    Raises
    ------
    ParameterError
        For a scenario with a twin, whose second market is not kept, or if the saved state is not whole.
    """
    if scenario.twin_step is not None:
        raise ParameterError(
            Fault(
                "--checkpoint-hours",
                checkpoint.hours,
                "absent, or twin.enabled=false: a twin is not kept on the way",
            )
        )
    path, stride = (
        checkpoint.path(scenario, seed),
        max(round(checkpoint.hours * 3600 / scenario.dt_seconds), 1),
    )
    checkpoint.clear(but=path)
    market = market_kept(path) if path.exists() else build(scenario, seed)
    if progress:
        progress(market.step_number)
    while market.step_number < scenario.steps:
        market.run(
            min(stride - market.step_number % stride, scenario.steps - market.step_number), progress
        )
        if market.step_number < scenario.steps:
            market.save(path)
    return Outcome(scenario, seed, market.records(), None)


def market_kept(path):
    """Return the market of a checkpoint, or say that it must go."""
    try:
        return PerpetualMarket.load(path)
    except ParameterError as error:
        bound = f"{error.faults[0].expected}; delete it to begin anew (rm {shlex.quote(str(path))})"
        raise ParameterError(Fault("saved state", path.name, bound, str(path))) from error


def planned_steps(scenario):
    """Return the steps that a run takes in all, its twin's included."""
    return scenario.steps + (
        0 if scenario.twin_step is None else scenario.steps - scenario.twin_step
    )
