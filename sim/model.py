"""PerpetualMarket: the market as a Mesa model."""

import contextlib
import functools
import itertools
import math
import pickle
from time import perf_counter

import mesa
import numpy as np

from perplab.sim import engine
from perplab.sim import series as recording
from perplab.sim.atomic_files import atomic_file
from perplab.sim.clearing.conservation import total_units
from perplab.sim.clearing.positions import open_positions
from perplab.sim.compiler.cache import sources_hash
from perplab.sim.compiler.entries import direct
from perplab.sim.compiler.rules import raised
from perplab.sim.errors import Fault, InvariantError, ParameterError, RuleError
from perplab.sim.setup import kinds_hashes
from perplab.sim.spot.shocks import shock_block, source_block
from perplab.sim.state.branch import adopt
from perplab.sim.state.build import PATH_STEPS, Layout, build_tables
from perplab.sim.state.recorder import Recorder, Records
from perplab.sim.state.records import (
    BAD_COUNT,
    KIND,
    LEAST_TICKS,
    MOST_TICKS,
    OUTCOMES,
    PRICE_OUTSIDE,
    RULE_RAISED,
    VIEW,
)
from perplab.sim.state.widen import widened
from perplab.sim.streams import generator
from perplab.sim.traders import edit as handling
from perplab.sim.traders.connection import connect
from perplab.sim.traders.wakes import schedule_all

FORMAT = 3


@contextlib.contextmanager
def open_state(path):
    """Open a saved state of this very code; whatever is wrong with the file becomes one ParameterError."""
    try:
        with np.load(path) as file:
            if str(file["code"]) != sources_hash():
                raise refused(
                    path,
                    "one that this very code saved: it was saved by other code, which would go on otherwise",
                )
            yield file
    except ParameterError:
        raise
    except FileNotFoundError:
        raise refused(path, "a whole file that save wrote: it is not there") from None
    except (ImportError, AttributeError) as error:
        raise refused(
            path, f"a file whose kinds of trader are still where they were ({error})"
        ) from error
    except Exception as error:
        raise refused(path, "a whole file that save wrote") from error


def refused(path, bound):
    """Return the error for a file that holds no state to go on from."""
    return ParameterError(Fault("saved market", str(path), bound))


class PerpetualMarket(mesa.Model):
    """A perpetual market with its spot, its venues and its traders.

    Parameters
    ----------
    setup : perplab.sim.setup.Setup
    seed : int

    Attributes
    ----------
    tables : dict of str to numpy.ndarray
        The whole state, by the names of `perplab.sim.state.records`.
    traits : list of numpy.ndarray
        Traits and memory of each kind's traders.
    kinds : list of type
        Trader classes, in the order of `traits`.
    step_number, steps, time : int
        Steps done, by our name and by Mesa's.
    wall_seconds : float
        Time spent in `run`, s; single calls of `step` are not timed.
    running : bool
        Whether the run is not over; `step` and `run` go on all the same.
    total : tuple
        The conserved totals at the start (`perplab.sim.clearing.conservation.total_units`).

    Notes
    -----
    The whole state is in `tables` and `traits`; `save`, `load` and `branch` copy them. Compiled code is given their
    addresses anew in each process. What differs from a Mesa model: traders act inside the compiled step, each when it
    wakes, not by `agents.do`; `agents_by_type[Kind].set(trait, value)` and `remove()` work between steps.
    The market counts its steps itself, not through the wrapper that Mesa puts around `step`: events that Mesa 3.5
    can schedule are not served, while `run_for` and `run_until` run steps.
    """

    def __init__(self, setup, seed=0):
        super().__init__(rng=seed)
        self._build(setup, seed, *build_tables(setup, seed))
        self.call(schedule_all)
        self._processes()
        self.total = total_units(self.tables)
        self.call(recording.record_kinds)

    def _build(self, setup, seed, tables, traits):
        del self.step
        self.setup, self.seed, self.tables, self.traits = setup, seed, tables, traits
        self.layout = Layout(setup)
        self.kinds, self.recorder, self.wall_seconds = self.layout.kinds, Recorder(), 0.0
        self.connect()
        self.step_number = int(tables["run"]["step"][0])
        self._make_handles()

    def connect(self):
        """Give compiled code the addresses of the tables, anew after one of them was made anew."""
        self._world, self._keep = connect(self.tables, self.traits, self.kinds)
        advance = direct(engine.advance, 2) if isinstance(self._world, int) else self._go_plainly
        self._go = functools.partial(advance, self._world)

    def call(self, kernel, *arguments):
        """Call a kernel on the market's world, between two steps."""
        with self._plain_arithmetic():
            return kernel(self._world, *arguments)

    def _make_handles(self):
        first, active = 0, (self.tables["trader"]["wake_seconds"] != handling.RETIRED).tolist()
        for population in self.setup.populations:
            for row in range(first, first + population.number):
                if active[row]:
                    population.kind(self, row)
            first += population.number
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def _processes(self):
        self._spot_states = [asset.process.start() for asset in self.setup.assets]
        self._sentiment_states = [
            asset.sentiment.start() if asset.sentiment else None for asset in self.setup.assets
        ]

    @staticmethod
    def _plain_arithmetic():
        return np.errstate(over="ignore", divide="ignore", invalid="ignore")

    def _draw_path(self):
        block, run, path = (
            self.step_number // PATH_STEPS,
            self.tables["run"][0],
            self.tables["path"],
        )
        for a, asset in enumerate(self.setup.assets):
            steps = min(
                PATH_STEPS,
                (asset.process.limit_steps(self.setup.dt) or math.inf) - self.step_number,
            )
            rng = generator(self.seed, f"spot/{asset.name}", block)
            moves, flow = shock_block(asset.shocks, self.step_number, steps, self.setup.dt)
            path["log_price"][:steps, a] = (
                asset.process.block(rng, steps, self.setup.dt, self._spot_states[a]) + moves
            )
            path["flow"][:steps, a] = flow
            path["source"][:steps, a] = source_block(
                asset.shocks, self.step_number, steps, self.setup.dt
            )
            if asset.sentiment:
                rng = generator(self.seed, f"sentiment/{asset.name}", block)
                path["sentiment"][:, a] = asset.sentiment.block(
                    rng, PATH_STEPS, self.setup.dt, self._sentiment_states[a]
                )
        run["path_start"] = self.step_number

    @property
    def steps(self):
        """Steps done, as Mesa names them."""
        return self.__dict__.get("step_number", 0)

    @steps.setter
    def steps(self, value):
        """Leave the counting to the market, whatever Mesa writes."""

    time = steps

    def run_for(self, duration):
        """Run `duration` steps, as Mesa names it."""
        self.run(int(duration))

    def run_until(self, end_time):
        """Run up to step `end_time`, as Mesa names it."""
        self.run(max(int(end_time) - self.step_number, 0))

    @property
    def longest(self):
        """Steps that the spot data allow in all (infinite for a process)."""
        limits = [asset.process.limit_steps(self.setup.dt) for asset in self.setup.assets]
        return min([limit for limit in limits if limit is not None], default=math.inf)

    def run(self, steps, progress=None):
        """Run a number of steps.

        Parameters
        ----------
        steps : int
        progress : callable, optional
            Called with the number of steps done since the last call, every few thousand steps.
        """
        if not isinstance(steps, (int, np.integer)) or steps < 0:
            raise ParameterError(Fault("steps", steps, "a whole number of at least 0"))
        target = self.step_number + steps
        while self.step_number < target:
            begun, before = perf_counter(), self.step_number
            self._advance(min(target - before, PATH_STEPS - before % PATH_STEPS))
            self.wall_seconds += perf_counter() - begun
            if progress:
                progress(self.step_number - before)

    def _advance(self, steps=1):
        """Run one step of `setup.dt` seconds, or several within the drawn path, up to one after which something is to be attended to."""
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

    @functools.cached_property
    def end(self):
        """Steps after which the run is over: those that the setup states, or that the spot data allow; infinite without either."""
        return self.longest if self.setup.steps is None else min(self.setup.steps, self.longest)

    @property
    def running(self):
        """Whether the run is not over, as Mesa asks before each step of `run_model`; set it to False to stop there earlier."""
        return self._running and self.step_number < self.end

    @running.setter
    def running(self, value):
        """Set whether the run may go on."""
        self._running = value

    def run_model(self):
        """Step to the end of the run (`end`).

        Raises
        ------
        ParameterError
            If it has none.
        """
        if self.end == math.inf and type(self).step is PerpetualMarket.step:
            raise ParameterError(
                Fault(
                    "steps",
                    None,
                    "given in the Setup for run_model, which would never end; or call run(steps)",
                )
            )
        super().run_model()

    def _extend(self):
        if self.step_number >= self.longest:
            raise IndexError(
                f"the spot series ends after {self.longest} steps of {self.setup.dt} s"
            )
        self._draw_path()

    def _attend(self):
        run = self.tables["run"][0]
        if run["fault"] == PRICE_OUTSIDE:
            raise self._price_outside(int(run["fault_row"]))
        if run["fault"]:
            number, row = int(run["fault_trader"]), int(run["fault_row"])
            kind = self.kinds[int(self.tables["trader"]["kind"][number])].__name__
            what = {
                RULE_RAISED: "raised (NUMBA_DISABLE_JIT=1 shows where)",
                BAD_COUNT: "returned a count outside its buffer",
            }.get(
                int(run["fault"]),
                f"wrote an impossible order in row {row}: {self.tables['order_row'][row]}",
            )
            raise RuleError(
                f"the rule of {kind} (trader {number}, step {self.step_number - 1}) {what}"
            ) from next(iter(raised), None)
        self.recorder.drain(self.tables)
        if run["wider"]:
            self.tables = widened(self.tables, int(run["wider"]))
            self.connect()

    def _price_outside(self, a):
        """Return the error of a spot price that the markets' ticks cannot hold any more."""
        asset, market = self.tables["asset"][a], self.tables["market"]
        ticks = market["tick"][market["asset"] == a]
        log_price = float(asset["exogenous"] + asset["permanent"] + asset["transient"])
        return ParameterError(
            Fault(
                f"spot.{self.setup.assets[a].name}",
                f"exp({log_price:.4g}) at step {self.step_number - 1}",
                f"between {LEAST_TICKS * ticks.max():g} and {MOST_TICKS * ticks.min():g}, {LEAST_TICKS} to {MOST_TICKS} ticks, "
                "all through the run: its path, shocks or impact are too strong",
            )
        )

    @property
    def conservation_error_units(self):
        """Units of money, spot lots and position lots that are not where they must be; always 0."""
        money, spot, perpetual = total_units(self.tables)
        first_money, first_spot, _ = self.total
        errors = [
            money - first_money,
            *(now - then for now, then in zip(spot, first_spot, strict=True)),
            *perpetual,
        ]
        return sum(abs(error) for error in errors)

    def check(self):
        """Raise InvariantError unless every unit of money and every lot is accounted for."""
        if self.conservation_error_units:
            raise InvariantError(
                f"conservation error of {self.conservation_error_units} units at step {self.step_number}"
            )

    def records(self):
        """Return the `Records` of the run so far; the market can go on."""
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
        """Return the hourly rows of the kinds and, after a broken hour, one of now that is not kept."""
        rows, run = self.recorder.gathered("kind_series", self.tables), self.tables["run"]
        if len(rows) and rows["seconds"][-1, 0] == self.step_number * self.setup.dt:
            return rows
        self.call(recording.record_kinds)
        run["kind_series_count"] = 0
        return np.concatenate([rows, self.tables["kind_series"][:1]])

    def _meta(self):
        run, market, venue = (
            self.tables["run"][0],
            self.tables["market"][0],
            self.tables["venue"][0],
        )
        fields = ("decisions", "order_messages", "trades", "rounds_max", "traders")
        fund = int(venue["fund_row"])
        return {
            "seed": self.seed,
            "dt": self.setup.dt,
            "steps": self.step_number,
            "unit": self.layout.unit,
            **{field: int(run[field]) for field in fields},
            **{
                field: float(market[field])
                for field in (
                    "tick",
                    "lot",
                    "units_per_price",
                    "interest",
                    "divisor",
                    "damper",
                    "cap",
                    "interval_seconds",
                    "impact_notional",
                )
            },
            "units_per_tick": int(market["units_per_tick"]),
            "damper_mode": int(market["damper_mode"]),
            "funding_on": int(market["funding_on"]),
            "record_seconds": float(run["record_steps"] * run["dt"]),
            "round_seconds": float(venue["round_seconds"]),
            "outcomes": dict(zip(OUTCOMES, run["outcomes"].tolist(), strict=False)),
            "wall_seconds": self.wall_seconds,
            "thin_samples": int(market["thin_samples"]),
            "premium_samples": int(market["all_samples"]),
            "fund_initial": int(
                self.setup.markets[0].rulebook.units(self.setup.markets[0].rulebook.fund.initial)
            ),
            "fund_equity": self.fund_equity,
            "fund_lots": int(self.tables["position"]["lots"][fund, 0]),
            "venue_fees": int(venue["fees"]),
            "shared_loss": int(venue["shared_loss"]),
            "trader_kinds": [
                [kind, len(list(those))]
                for kind, those in itertools.groupby(
                    self.tables["trader"]["kind"][: int(run["traders"])].tolist()
                )
            ],
            "shock_seconds": [
                list(shock.seconds) for asset in self.setup.assets for shock in asset.shocks
            ],
            "conservation_error_units": self.conservation_error_units,
        }

    @property
    def fund_equity(self):
        """Equity of the first venue's insurance fund at the mark, in units."""
        fund = int(self.tables["venue"]["fund_row"][0])
        return int(self.tables["account"]["collateral"][fund, 0]) + sum(
            int(position["quote"] + position["lots"] * view["mark"] * market["units_per_price"])
            for position, view, market in zip(
                self.tables["position"][fund],
                self.tables["view"],
                self.tables["market"],
                strict=True,
            )
        )

    def save(self, path):
        """Write the whole state to a file; written whole or not at all.

        Notes
        -----
        The file holds Python objects of the setup: load only files that you trust.
        """
        self.recorder.drain(self.tables)
        state = {f"table/{name}": table for name, table in self.tables.items() if name != "kind"}
        state |= {f"traits/{number}": rows for number, rows in enumerate(self.traits)}
        state["code"] = np.array(sources_hash())
        state["python"] = np.frombuffer(pickle.dumps(self._python_state()), np.uint8)
        with atomic_file(path) as part, open(part, "wb") as file:
            np.savez(file, **state)

    def _python_state(self):
        return {
            "format": FORMAT,
            "own_kinds": kinds_hashes(self.kinds),
            "setup": self.setup,
            "seed": self.seed,
            "spot": self._spot_states,
            "sentiment": self._sentiment_states,
            "recorder": self.recorder,
            "total": self.total,
            "wall_seconds": self.wall_seconds,
        }

    @classmethod
    def load(cls, path):
        """Return the market that `save` wrote; it goes on bit for bit, in any process.

        Raises
        ------
        ParameterError
            If the file is not a whole market that this very code saved: other code could not go on bit for bit.
        """
        with open_state(path) as file:
            python = pickle.loads(file["python"].tobytes())
            kinds = Layout(python["setup"]).kinds
            if python["format"] != FORMAT or python["own_kinds"] != kinds_hashes(kinds):
                raise refused(
                    path,
                    "one saved with the kinds of trader as they are now: their files have changed since",
                )
            tables = {
                name.removeprefix("table/"): file[name]
                for name in file.files
                if name.startswith("table/")
            }
            traits = [file[f"traits/{number}"] for number in range(len(kinds))]
            if [rows.dtype for rows in traits] != [kind.traits.dtype for kind in kinds]:
                raise ValueError("traits of another layout")
            return cls._from_state(python, tables | {"kind": np.zeros(len(kinds), KIND)}, traits)

    @classmethod
    def _from_state(cls, python, tables, traits):
        market = cls.__new__(cls)
        mesa.Model.__init__(market, rng=python["seed"])
        market._build(python["setup"], python["seed"], tables, traits)
        market._spot_states, market._sentiment_states = python["spot"], python["sentiment"]
        market.recorder, market.total = python["recorder"], python["total"]
        market.wall_seconds = python["wall_seconds"]
        return market

    def branch(self, no_impact=None, setup=None):
        """Return an independent copy that goes on from the same state with the same random numbers.

        Parameters
        ----------
        no_impact : bool, optional
            Make the copy (or not) the exact twin in which forced positions go to the fund untraded.
        setup : perplab.sim.setup.Setup, optional
            Rules and traits under which the copy goes on; `perplab.sim.state.branch.adopt` says what may differ.
        """
        self.recorder.drain(self.tables)
        python = pickle.loads(pickle.dumps(self._python_state()))
        tables = {name: table.copy() for name, table in self.tables.items()}
        other = self._from_state(python, tables, [rows.copy() for rows in self.traits])
        if no_impact is not None:
            other.tables["venue"]["no_impact"] = no_impact
        if setup is not None:
            adopt(other, setup)
        return other


def _seen(name):
    """Return the property that reads a field of the first market's view."""
    return property(
        lambda market: market.tables["view"][name][0].item(),
        doc=f"`{name}` of the first market's view (`perplab.sim.state.records`)",
    )


for _name in VIEW.names:
    setattr(PerpetualMarket, _name, _seen(_name))
