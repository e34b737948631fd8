"""One run of a scenario, with its no-impact counterfactual (twin) if the scenario has one."""

import contextlib
import dataclasses
import glob
import json
import pathlib
import shlex
from collections.abc import Callable

import numpy as np

from perplab.scenarios.files.loader import as_scenario, build
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.runs.run_hash import hash_run
from perplab.sim.atomic_files import alone, clear_parts
from perplab.sim.compiler.cache import sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.saved_market import without_arrays
from perplab.sim.saved_setup import setup_values
from perplab.sim.state.recorder import Records
from perplab.sim.streams import seed_or_drawn

HEX = "[0-9a-f]" * 16


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    records : Records
    twin : Records or None
        The same run in which, from ``[twin] from_hours`` on, the fund takes over forced positions
        at the mark.
    """

    scenario: Scenario
    seed: int
    records: Records
    twin: Records | None


def run(
    scenario: Scenario | str | pathlib.Path,
    seed: int | None = 0,
    progress: Callable[[int], object] | None = None,
    checkpoint: "Checkpoint | None" = None,
) -> Outcome:
    """Run a scenario to its end.

    Parameters
    ----------
    scenario : Scenario, or str or path
        A name or file is passed to `load`.
    seed : int or None
        None draws one, which the outcome records.
    progress : callable, optional
        Called with the number of steps done since its last call; their sum is `planned_steps`.
    checkpoint : Checkpoint, optional
        Where to save the state now and then, so that the same call resumes from it after a kill.

    Returns
    -------
    Outcome

    Raises
    ------
    ParameterError
        If the scenario is refused, or a checkpoint is asked for a scenario with a twin.
    """
    scenario, seed = as_scenario(scenario), seed_or_drawn(seed)
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
    """Where and how often the state of a run is saved.

    The file is beside the run's folder. Its name holds the hash of the run, so that the state of
    another scenario, seed or code is never loaded.

    Attributes
    ----------
    folder : pathlib.Path
        The folder that the run will have.
    hours : float
        Simulated hours between two saves.
    """

    folder: pathlib.Path
    hours: float

    def path(self, scenario, seed):
        """Return the file of a run's state."""
        run_hash = hash_run(scenario, seed, sources_hash())[:16]
        return self.folder.with_name(f".{self.folder.name}.{run_hash}.checkpoint")

    def stride(self, scenario):
        """Return the number of steps between two saves, at least 1."""
        return max(round(self.hours * 3600 / scenario.dt_seconds), 1)

    def clear(self, but=None):
        """Remove all states saved for this folder except `but`, and what killed writers left."""
        parent, name = self.folder.parent, glob.escape(self.folder.name)
        for left in parent.glob(f".{name}.{HEX}.checkpoint"):
            if left != but:
                left.unlink(missing_ok=True)
        for left in parent.glob(f"..{name}.{HEX}.checkpoint.*.part"):
            clear_parts(left.with_name(left.name[1:].rsplit(".", 2)[0]))


@contextlib.contextmanager
def locked_folder(checkpoint):
    """Lock the place of a checkpoint against other runs during the block; None locks nothing.

    Raises
    ------
    ParameterError
        If another run holds the lock.
    """
    if checkpoint is None:
        yield
        return
    folder = checkpoint.folder
    try:
        with alone(folder.with_name(f".{folder.name}.lock")):
            yield
    except BlockingIOError:
        bound = "a folder that no other run is using"
        raise ParameterError(Fault("--out", str(folder), bound)) from None


def run_with_checkpoints(scenario, seed, progress, checkpoint):
    """Run a scenario and save its state now and then, from a saved state if there is one.

    Raises
    ------
    ParameterError
        For a scenario with a twin, which cannot be saved, or if the saved state is damaged.
    """
    if scenario.twin_step is not None:
        bound = "absent, or twin.enabled=false: a twin cannot be saved"
        raise ParameterError(Fault("--checkpoint-hours", checkpoint.hours, bound))
    path, stride = checkpoint.path(scenario, seed), checkpoint.stride(scenario)
    checkpoint.clear(but=path)
    market = load_checkpoint(path, scenario, seed) if path.exists() else build(scenario, seed)
    if progress:
        progress(market.step_number)
    while market.step_number < scenario.steps:
        due = stride - market.step_number % stride
        market.run(min(due, scenario.steps - market.step_number), progress)
        if market.step_number < scenario.steps:
            market.save(path)
    return Outcome(scenario, seed, market.records(), None)


def load_checkpoint(path, scenario, seed):
    """Return the market of a saved state; refuse a damaged file and say how to delete it.

    Only the kinds of trader of the scenario, which are imported, can be in it.
    """
    try:
        market = PerpetualMarket.load(path)
        if market.seed != seed or not same_setup(market.setup, setup_of(scenario, seed)):
            raise ParameterError(Fault("saved state", path.name, "the state of this very run"))
        return market
    except ParameterError as error:
        bound = (
            f"{error.faults[0].expected}; delete it to start again (rm {shlex.quote(str(path))})"
        )
        raise ParameterError(Fault("saved state", path.name, bound, str(path))) from error


def same_setup(one, other):
    """Return whether two setups are equal in every value, rows of traits included."""
    first, second = {}, {}
    texts = [
        json.dumps(without_arrays(setup_values(setup), arrays))
        for setup, arrays in ((one, first), (other, second))
    ]
    return texts[0] == texts[1] and all(map(np.array_equal, first.values(), second.values()))


def planned_steps(scenario):
    """Return the number of steps that a run takes, its twin's included."""
    if scenario.twin_step is None:
        return scenario.steps
    return 2 * scenario.steps - scenario.twin_step
