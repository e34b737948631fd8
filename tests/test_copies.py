"""Copies of a market in every way, seeds at every door, and ids of agents beside a user's own."""

import copy
import gc
import json
import os
import pickle
import random
import subprocess
import sys
import weakref

import mesa
import numpy as np
import pytest

from perplab.agents.noise import Noise
from perplab.agents.trader_check import check_trader
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.runs.outcome import run
from perplab.scenarios.runs.store import write_run
from perplab.scenarios.sweeps.simulation import simulator
from perplab.scenarios.sweeps.sweep_design import Sweep
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.setup import Population
from perplab.sim.state.build import PATH_STEPS
from perplab.sim.streams import seed_or_drawn, stated_seed
from tests.command import ended, own_kind
from tests.markets import Idle, digest, small_market, zoo
from tests.markets import setup_of as small_setup


def saved_and_loaded(market, folder):
    market.save(folder / "saved")
    return PerpetualMarket.load(folder / "saved")


def state_of(market):
    """Return a hash of the state with all records in the recorder."""
    market.recorder.drain(market.tables)
    return digest(market)


COPIERS = {
    "deepcopy": lambda market, folder: copy.deepcopy(market),
    "copy": lambda market, folder: copy.copy(market),
    "pickle": lambda market, folder: pickle.loads(pickle.dumps(market)),
    "copied in a list": lambda market, folder: copy.deepcopy([market.agents, market])[1],
    "copied by a handle": lambda market, folder: copy.deepcopy(next(iter(market.agents))).model,
    "twice": lambda market, folder: copy.deepcopy(pickle.loads(pickle.dumps(market))),
    "branch": lambda market, folder: market.branch(),
    "saved": saved_and_loaded,
}
WHOLE = ("deepcopy", "copy", "pickle", "copied in a list", "twice")
every_copy = pytest.mark.parametrize("copied", COPIERS.values(), ids=COPIERS)


@every_copy
@pytest.mark.parametrize("steps", [0, 37])
def test_a_copy_and_its_original_go_on_apart(copied, steps, tmp_path):
    market, reference = zoo(4), zoo(4)
    market.run(steps)
    other = copied(market, tmp_path)
    before = state_of(market)
    other.run(40)
    assert state_of(market) == before and market.step_number == steps
    reference.run(steps + 40)
    assert state_of(other) == state_of(reference) and other.steps == steps + 40
    market.run(40)
    assert state_of(market) == state_of(reference)
    for one in (market, other):
        assert one.records().series[0].tobytes() == reference.records().series[0].tobytes()
        assert one.conservation_error_units == 0


@every_copy
def test_a_handle_of_a_copy_writes_to_the_copy(copied, tmp_path):
    market = zoo(4)
    other = copied(market, tmp_path)
    for agent in other.agents:
        assert agent.model is other
    first = next(iter(other.agents_by_type[Noise]))
    first.size_usd = 77
    first.remove()
    twin = next(agent for agent in market.agents if agent.row == first.row)
    assert twin.size_usd != 77 and len(market.agents) == len(other.agents) + 1


class Regulator(mesa.Agent):
    """An agent of the user's own."""

    equity = 0.0
    seen = 0

    def watch(self):
        """Count and draw."""
        self.seen += 1
        return self.random.random()


def equity_of(agent):
    """Return an agent's equity: a function, since Mesa cannot pickle a reporter that is a text."""
    return agent.equity


class Watched(PerpetualMarket):
    """A market with an agent and a collector of its own, as Mesa's visualisation copies it."""

    def __init__(self, setup, seed=0):
        super().__init__(setup, seed)
        self.regulator = Regulator(self)
        self.datacollector = mesa.DataCollector(agent_reporters={"equity": equity_of})

    def step(self):
        super().step()
        self.regulator.watch()
        self.datacollector.collect(self)


@pytest.mark.parametrize("name", WHOLE)
def test_agents_and_attributes_of_a_user_are_copied(name, tmp_path):
    market = Watched(small_setup([Population(name="n", kind=Noise, number=5)]), 1)
    for _ in range(3):
        market.step()
    other = COPIERS[name](market, tmp_path)
    for _ in range(4):
        other.step()
    assert type(other) is Watched and other.regulator.model is other is not market
    assert (market.regulator.seen, other.regulator.seen, other.regulator.unique_id) == (3, 7, 6)
    frames = [each.datacollector.get_agent_vars_dataframe() for each in (market, other)]
    assert [len(frame) for frame in frames] == [18, 42]
    assert not any(frame.index.duplicated().any() for frame in frames)
    assert Regulator(other).unique_id == 7 == Regulator(market).unique_id


@every_copy
def test_mesas_random_streams_go_on_in_a_copy(copied, tmp_path):
    market = zoo(4)
    market.random.random(), market.rng.random()
    other = copied(market, tmp_path)
    assert other.random.random() == market.random.random()
    assert other.rng.random() == market.rng.random()


IN_ANOTHER_PROCESS = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
from tests.markets import digest
market = pickle.load(open(sys.argv[1], "rb"))
market.run(20)
print(digest(market))
"""


def test_a_pickled_market_of_a_users_kind_goes_on_in_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    population = {"kind": own_kind("mine.py"), "number": 2}
    market = build(load("small", {"days": 0.1, "populations.mine": population}), 1)
    market.run(10)
    (tmp_path / "market").write_bytes(pickle.dumps(market))
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "market")],
        env=dict(os.environ, PYTHONPATH=str(HOUSE)),
        capture_output=True,
        text=True,
    )
    market.run(20)
    assert done.stdout.strip() == digest(market), done.stderr


def test_a_pickle_of_other_code_is_refused(monkeypatch):
    stored = pickle.dumps(zoo(4))
    monkeypatch.setattr("perplab.sim.copies.sources_hash", lambda: "another")
    with pytest.raises(ParameterError, match="by this very code"):
        pickle.loads(stored)


def test_copies_are_freed():
    market = zoo(4)
    left = [weakref.ref(market)]
    for copied in ("deepcopy", "pickle", "branch"):
        left.append(weakref.ref(COPIERS[copied](market, None)))
    Regulator(market)
    del market
    gc.collect()
    assert [reference() for reference in left] == [None] * 4


# seeds

WRONG = [-1, 1.0, "x", True, 10**30, 2**63, 10**5000, np.float64(1), np.True_, [1], (1,), b"1", {}]
DOORS = {
    "PerpetualMarket": lambda seed: PerpetualMarket(zoo().setup, seed),
    "build": lambda seed: build("small", seed),
    "setup_of": lambda seed: setup_of(load("small"), seed),
    "run": lambda seed: run(load("small", {"days": 0.01}), seed),
    "simulator": lambda seed: simulator("small", ["days"])([1.0], 1, seed),
    "check_trader": lambda seed: check_trader(Noise, 5, seed),
    "sweep": lambda seed: Sweep(scenario="small", seeds=[0, seed]),
    "design": lambda seed: Sweep(scenario="small", design={"kind": "sobol", "seed": seed}),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("seed", WRONG, ids=lambda seed: str(type(seed).__name__))
def test_what_is_no_seed_is_refused_at_every_door(door, seed):
    with pytest.raises(ValueError, match="a whole number from 0 to") as caught:
        door(seed)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1, np.int8(7), np.uint64(2**40), np.array(5)])
def test_whole_numbers_are_seeds(seed):
    assert stated_seed(seed) == int(seed) and type(stated_seed(seed)) is int
    market = build(load("small", {"days": 0.01}), seed)
    assert market.seed == int(seed) and digest(market.branch()) == digest(market)


@pytest.mark.parametrize("seed", ["-1", "1.0", "x", "1e3", str(10**30), "True"])
def test_the_command_refuses_what_is_no_seed(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, said = ended(monkeypatch, capsys, "run", "small", f"--seed={seed}")
    assert code == 2 and "--seed" in said
    assert not any(tmp_path.iterdir())


def test_a_drawn_seed_is_recorded_and_reproduces_everything(tmp_path):
    small = load("small", {"days": 4, "populations.noise.number": 5})
    market, other = build(small, None), build(small, None)
    assert market.seed != other.seed and 0 <= market.seed < 2**53
    again, branch = build(small, market.seed), market.branch()
    market.run(30)
    loaded, copied = saved_and_loaded(market, tmp_path), copy.deepcopy(market)
    everyone = (market, again, branch, loaded, copied)
    for each in everyone:
        each.run(PATH_STEPS + 100 - each.step_number)
    assert len({each.records().series[0].tobytes() for each in everyone}) == 1  # empties buffers
    assert {digest(each) for each in everyone} == {digest(market)}
    assert market.records().meta["seed"] == market.seed == loaded.seed == copied.seed


def test_a_drawn_seed_is_in_the_manifest(tmp_path):
    outcome = run(load("small", {"days": 0.01}), None)
    write_run(tmp_path / "run", outcome, {}, 1.0)
    seed = json.loads((tmp_path / "run" / "manifest.json").read_text())["seed"]
    again = run(load("small", {"days": 0.01}), seed)
    assert outcome.seed == seed == outcome.records.meta["seed"]
    assert again.records.series[0].tobytes() == outcome.records.series[0].tobytes()


def test_a_market_of_a_setup_draws_its_seed_too():
    setup = small_setup([Population(name="n", kind=Noise, number=5)])
    first = PerpetualMarket(setup, None)
    again = PerpetualMarket(setup, first.seed)
    for market in (first, again):
        market.run(50)
    assert digest(first) == digest(again) and seed_or_drawn(None) != seed_or_drawn(None)


# ids


def ids(market):
    return [agent.unique_id for agent in market.agents]


def test_agents_of_the_users_own_have_the_numbers_after_the_traders():
    market = build(load("small", {"days": 3}), 1)
    traders = market.layout.traders
    own = [Regulator(market) for _ in range(3)]
    assert [agent.unique_id for agent in own] == [traders + 1, traders + 2, traders + 3]
    assert ids(market) == list(range(1, traders + 4))
    collector = mesa.DataCollector(agent_reporters={"equity": "equity"})
    collector.collect(market)
    assert not collector.get_agent_vars_dataframe().index.duplicated().any()


def test_an_id_is_not_given_twice():
    market = small_market([Population(name="i", kind=Idle, number=3)])
    first = Regulator(market)
    first.remove()
    next(iter(market.agents)).remove()
    assert Regulator(market).unique_id == 5 and ids(market) == [2, 3, 5]
    assert ids(market.branch()) == [2, 3]


@pytest.mark.parametrize("seed", range(8))
def test_ids_are_unique_and_stay_those_of_their_rows(seed, tmp_path):
    """Remove traders, add agents and copy the market in random order."""
    draw = random.Random(seed)
    market = small_market(
        [Population(name="i", kind=Idle, number=9), Population(name="n", kind=Noise, number=9)]
    )
    for _ in range(40):
        choice = draw.choice(["remove", "add", "add", "copy", "run"])
        if choice == "remove" and len(market.agents):
            draw.choice(list(market.agents)).remove()
        elif choice == "add":
            Regulator(market)
        elif choice == "copy":
            before = ids(market)
            name = draw.choice(list(COPIERS)) if len(market.agents) else "deepcopy"
            market = COPIERS[name](market, tmp_path)
            stays = name not in ("branch", "saved")
            assert ids(market) == (before if stays else [one for one in before if one <= 18])
        else:
            market.run(1)
        assert len(set(ids(market))) == len(ids(market))
        for agent in market.agents:
            row = getattr(agent, "row", None)
            assert agent.unique_id == row + 1 if row is not None else agent.unique_id > 18
