"""PerpetualMarket: the market as a Mesa model."""

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from perplab.sim import engine
from perplab.sim.clearing.conservation import total_units
from perplab.sim.clearing.positions import open_positions
from perplab.sim.compiler.entries import direct
from perplab.sim.copies import CopiedMarket
from perplab.sim.errors import Fault, InvariantError, ParameterError
from perplab.sim.mesa_model import with_view_fields
from perplab.sim.rulebook.rulebook import refuse_other_rulebooks
from perplab.sim.run_faults import raise_fault
from perplab.sim.series import record_kinds
from perplab.sim.setup import Setup
from perplab.sim.spot.path import draw_paths, longest_run, start_states
from perplab.sim.spot.terms import refuse_assets
from perplab.sim.state.build import PATH_STEPS, Layout, build_tables
from perplab.sim.state.recorder import Recorder, Records
from perplab.sim.state.run_facts import describe_run, fund_equity
from perplab.sim.state.setup_checks import refuse_setup
from perplab.sim.state.widen import widened
from perplab.sim.streams import seed_or_drawn
from perplab.sim.traders.connection import connect
from perplab.sim.traders.edit import RETIRED
from perplab.sim.traders.wakes import schedule_all

FIRST_STEPS, LONGEST_CALL = 64, 0.5
"""Steps of the first compiled call of `run`, and seconds of a later one: Ctrl-C waits for it."""


@with_view_fields
class PerpetualMarket(CopiedMarket):
    """A market of perpetual futures with its spot, its venues and its traders.

    Parameters
    ----------
    setup : perplab.sim.setup.Setup
    seed : int or None
        None draws one; the attribute `seed` records it.

    Attributes
    ----------
    tables : dict of str to numpy.ndarray
        The state, by the names of `perplab.sim.state.records`.
    traits : list of numpy.ndarray
        Traits and memory of the traders, by kind.
    kinds : list of type
        Trader classes, in the order of `traits`.
    step_number, steps, time : int
        Steps done; the latter are Mesa's names.
    wall_seconds : float
        Time spent in `run`, s; single calls of `step` are not timed.
    running : bool
        Whether the run is not over; `step` and `run` work either way.
    total : tuple
        The conserved totals at the start (`perplab.sim.clearing.conservation.total_units`).

    Notes
    -----
    The state is in `tables` and `traits`; `save`, `load` and `branch` copy them, and so do
    `copy.deepcopy`, `copy.copy` and `pickle`, with attributes and agents of a user's own. Compiled
    code gets their addresses in each process. A handle's `unique_id` is its row + 1, in all copies;
    agents of a user's own have the numbers after those. Differences from other Mesa models: traders
    act inside the compiled step, each when it wakes, not by `agents.do`;
    `agents_by_type[Kind].set(trait, value)` and `remove()` work between steps. The market counts
    its steps itself, not through the wrapper that Mesa puts around `step`: events scheduled with
    Mesa 3.5 do not run, while `run_for` and `run_until` run steps.
    """

    def __init__(self, setup: Setup, seed: int | None = 0) -> None:
        seed = seed_or_drawn(seed)
        refuse_setup(setup)
        refuse_assets(setup.assets)
        refuse_other_rulebooks(setup.markets)
        super().__init__(rng=seed)
        self._build(setup, seed, *build_tables(setup, seed))
        self.call(schedule_all)
        self._path_states = start_states(setup.assets)
        self.total = total_units(self.tables)
        self.call(record_kinds)

    def _build(self, setup, seed, tables, traits):
        del self.step
        self.setup, self.seed, self.tables, self.traits = setup, seed, tables, traits
        self.layout = Layout(setup)
        self.kinds, self.recorder, self.wall_seconds = self.layout.kinds, Recorder(), 0.0
        self.connect()
        self.step_number = int(tables["run"]["step"][0])
        self._make_handles()

    def connect(self) -> None:
        """Give compiled code the addresses of the tables; needed after one is replaced."""
        self._world, self._keep = connect(self.tables, self.traits, self.kinds)
        advance = direct(engine.advance, 2) if isinstance(self._world, int) else self._go_plainly
        self._go = functools.partial(advance, self._world)

    def call(self, kernel: Callable[..., Any], *arguments: Any) -> Any:
        """Call a kernel on the market's world, between two steps."""
        with self._plain_arithmetic():
            return kernel(self._world, *arguments)

    def _make_handles(self):
        first, active = 0, (self.tables["trader"]["wake_seconds"] != RETIRED).tolist()
        for population in self.setup.populations:
            for row in range(first, first + population.number):
                if active[row]:
                    self.agent_id_counter = row + 1
                    population.kind(self, row)
            first += population.number
        self.agent_id_counter = first + 1

    @staticmethod
    def _plain_arithmetic():
        return np.errstate(over="ignore", divide="ignore", invalid="ignore")

    @property
    def longest(self) -> float:
        """Number of steps that the spot data allow (infinite for a process)."""
        return longest_run(self.setup)

    def run(self, steps: int, progress: Callable[[int], object] | None = None) -> None:
        """Run a number of steps.

        Parameters
        ----------
        steps : int
        progress : callable, optional
            Called with the number of steps done since the last call, every few thousand steps.
        """
        if not isinstance(steps, (int, np.integer)) or steps < 0:
            raise ParameterError(Fault("steps", steps, "a whole number of at least 0"))
        target, most = self.step_number + steps, FIRST_STEPS
        while self.step_number < target:
            begun, before = perf_counter(), self.step_number
            self._advance(min(target - before, most, PATH_STEPS - before % PATH_STEPS))
            seconds = perf_counter() - begun
            most = max(int(LONGEST_CALL * (self.step_number - before) / max(seconds, 1e-9)), 1)
            self.wall_seconds += seconds
            if progress:
                progress(self.step_number - before)

    def _advance(self, steps: int = 1) -> None:
        """Run steps of `setup.dt` seconds within the drawn path.

        It returns after the first step after which Python has work to do: a fault to raise, buffers
        to empty, a ladder to widen.
        """
        if not self.step_number % PATH_STEPS:
            self._extend()
        done = self._go(steps)
        if done >= 0:
            self.step_number += done
        else:
            self.step_number -= done
            self._attend()

    step = _advance

    def _go_plainly(self, world, steps):
        with self._plain_arithmetic():
            return engine.advance(world, steps)

    def _extend(self):
        if self.step_number >= self.longest:
            raise IndexError(
                f"the spot series ends after {self.longest} steps of {self.setup.dt} s"
            )
        draw_paths(self.tables["path"], self.setup, self.seed, self.step_number, self._path_states)
        self.tables["run"]["path_start"] = self.step_number

    def _attend(self):
        raise_fault(self)
        self.recorder.drain(self.tables)
        wider = int(self.tables["run"]["wider"][0])
        if wider:
            self.tables = widened(self.tables, wider)
            self.connect()

    @property
    def conservation_error_units(self) -> int:
        """Missing or surplus units of money, spot lots and position lots; always 0."""
        money, spot, perpetual = total_units(self.tables)
        first_money, first_spot, _ = self.total
        spot_errors = (now - then for now, then in zip(spot, first_spot, strict=True))
        return sum(abs(error) for error in (money - first_money, *spot_errors, *perpetual))

    def check(self) -> None:
        """Raise InvariantError unless every unit of money and every lot is accounted for."""
        if self.conservation_error_units:
            error, step = self.conservation_error_units, self.step_number
            raise InvariantError(f"conservation error of {error} units at step {step}")

    def records(self) -> Records:
        """Return the `Records` of the run so far; the market can continue."""
        self.check()
        self.recorder.drain(self.tables)
        rows = self.recorder.gathered("series", self.tables)
        return Records(
            series=[rows[:, m] for m in range(rows.shape[1])],
            kinds=self._kinds_to_now(),
            events=self.recorder.gathered("event", self.tables),
            settlements=self.recorder.gathered("settlement", self.tables),
            prints=self.recorder.gathered("print", self.tables),
            positions=open_positions(self.tables),
            kind_names=[kind.kind for kind in self.kinds],
            meta=self._meta(),
        )

    def _kinds_to_now(self):
        """Return the hourly rows of the kinds and, after part of an hour, one of now.

        The last one is not stored.
        """
        rows, run = self.recorder.gathered("kind_series", self.tables), self.tables["run"]
        if len(rows) and rows["seconds"][-1, 0] == self.step_number * self.setup.dt:
            return rows
        self.call(record_kinds)
        run["kind_series_count"] = 0
        return np.concatenate([rows, self.tables["kind_series"][:1]])

    def _meta(self):
        return describe_run(self.tables, self.setup) | {
            "seed": self.seed,
            "wall_seconds": self.wall_seconds,
            "conservation_error_units": self.conservation_error_units,
        }

    @property
    def fund_equity(self) -> int:
        """Equity of the first venue's insurance fund at the mark, in units."""
        return fund_equity(self.tables, 0)
