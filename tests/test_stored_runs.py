"""The folder of a run: the same bytes for the same seed, and written completely or not at all."""

import json
import pickle
import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.json_files import json_safe
from perplab.scenarios.runs.outcome import run
from perplab.sim.errors import ParameterError
from tests.scenario_files import write


def parquet_bytes(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_the_same_seed_gives_the_same_bytes(calm_hours, tmp_path):
    again = run(calm_hours.scenario, 3)
    other = run(calm_hours.scenario, 4)
    for name, outcome in (("a", calm_hours), ("b", again), ("c", other)):
        store.write_run(tmp_path / name, outcome, {}, 0.0)
    assert (
        parquet_bytes(tmp_path / "a")
        == parquet_bytes(tmp_path / "b")
        != parquet_bytes(tmp_path / "c")
    )
    assert set(parquet_bytes(tmp_path / "a")) == {
        f"{name}.parquet"
        for name in ("series", "kinds", "liquidations", "settlements", "positions", "trades")
    }


def test_a_stored_run_is_read_back(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 3}, 1.0)
    manifest, records = store.read_run(tmp_path / "run")
    assert manifest["seed"] == 3 and manifest["scenario"]["populations"]["noise"]["number"] == 400
    for name in ("kinds", "events", "settlements", "prints"):
        assert np.array_equal(getattr(records, name), getattr(calm_hours.records, name)), name
    assert np.array_equal(records.series[0], calm_hours.records.series[0])
    stated = json.loads(json.dumps(json_safe(calm_hours.records.meta)))
    assert records.meta == store.from_json(stated)
    unit = pq.read_schema(tmp_path / "run" / "series.parquet").field("mark").metadata[b"unit"]
    assert unit == b"quote currency"


def test_the_manifest_says_the_scenario_again(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {}, 1.0)
    scenario = json.loads((tmp_path / "run" / "manifest.json").read_text())["scenario"]
    assert (
        scenario["days"] == 0.1
        and scenario["spot"]["price"]["volatility"] == calm_hours.scenario.spot.price.volatility
    )


def test_an_earlier_run_is_replaced_and_nothing_else(calm_hours, tmp_path):
    folder = tmp_path / "run"
    store.write_run(folder, calm_hours, {"seed": 1}, 1.0)
    (folder / "figures").mkdir()
    store.write_run(folder, calm_hours, {"seed": 2}, 1.0)
    assert (
        json.loads((folder / "summary.json").read_text()) == {"seed": 2}
        and not (folder / "figures").exists()
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    write(foreign / "chapter.txt", "mine")
    with pytest.raises(ParameterError, match="new, empty or an earlier run"):
        store.write_run(foreign, calm_hours, {}, 1.0)
    assert (foreign / "chapter.txt").read_text() == "mine"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_a_run_that_is_stopped_while_it_writes_leaves_what_was_there(
    calm_hours, tmp_path, monkeypatch, stop
):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)

    def fail(path, value):
        raise stop

    monkeypatch.setattr(store, "write_json", fail)
    for folder in (tmp_path / "run", tmp_path / "new"):
        with pytest.raises(stop):
            store.write_run(folder, calm_hours, {"seed": 2}, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == {"seed": 1}


WRITE_FOR_EVER = """
import pickle, sys
from perplab.scenarios.runs.store import write_run
outcome, seed = pickle.load(open(sys.argv[1], "rb")), 0
while True:
    seed += 1
    write_run(sys.argv[2], outcome, {"seed": seed}, 1.0)
    print(seed, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_run(calm_hours, tmp_path):
    (tmp_path / "outcome").write_bytes(pickle.dumps(calm_hours))
    for wait in (0.0, 0.017):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, tmp_path / "outcome", tmp_path / "runs" / "run"],
            stdout=subprocess.PIPE,
            cwd=store.__file__.rsplit("/", 2)[0],
        ) as writer:
            writer.stdout.readline()
            time.sleep(wait)
            writer.kill()
        manifest, records = store.read_run(tmp_path / "runs" / "run")
        assert manifest["seed"] == calm_hours.seed and len(records.series[0]) == len(
            calm_hours.records.series[0]
        )
        assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


def test_a_run_moved_aside_by_a_killed_writer_comes_back(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "run").rename(tmp_path / f".run.{gone.stdout.strip()}.x.old")
    (tmp_path / f".run.{gone.stdout.strip()}.y.part").mkdir()
    assert store.read_run(tmp_path / "run")[0]["seed"] == calm_hours.seed
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_leaves_nothing(calm_hours, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError):
            store.write_run(tmp_path / "run", calm_hours, {}, 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


TWO_MARKETS = """extends = "small"
days = 0.05
[[assets]]
name = "btc"
price = {process = "geometric_brownian", initial_price = 30_000}
[[assets]]
name = "eth"
price = {process = "mean_reverting", initial_price = 2_000, level = 2_000}
[[markets]]
rulebook = "binance"
asset = "btc"
[[markets]]
rulebook = "hyperliquid"
asset = "eth"
[populations.providers_of_eth]
kind = "liquidity"
number = 2
market = 1
[populations.noise]
market = {distribution = "choice", values = [0, 1]}
"""


def test_a_scenario_with_two_markets(tmp_path):
    scenario = load(write(tmp_path / "two.toml", TWO_MARKETS))
    assert list(scenario.all_markets) == ["markets.0", "markets.1"] and scenario.spot is None
    outcome = run(scenario, 1)
    store.write_run(tmp_path / "run", outcome, {}, 0.0)
    _, records = store.read_run(tmp_path / "run")
    assert len(records.series) == 2 and np.array_equal(records.series[1], outcome.records.series[1])
    assert records.series[1]["volume"][-1] > 0


def test_a_stored_run_that_was_cut_short_is_refused(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    for name in ("series", "liquidations"):
        path = tmp_path / "run" / f"{name}.parquet"
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        with pytest.raises(ParameterError, match="intact Parquet"):
            store.read_run(tmp_path / "run")
        path.write_bytes(whole)
