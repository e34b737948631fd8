"""Scenarios as functions, saved states of runs, and a sweep on a Dask cluster of processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import Checkpoint, run
from perplab.scenarios.sweeps.simulation import simulator
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from tests.command import ended
from tests.small_sweeps import run_here, sweep_file

VARIABLES = dict(os.environ, PYTHONPATH=str(HOUSE))


def test_a_scenario_is_a_function_of_its_parameters():
    simulate = simulator(
        "small",
        ["populations.noise.size_usd", "market.changes.funding.cap"],
        ("mid", "funding_rate"),
        {"populations.noise.number": 50},
    )
    first, again, other = (
        simulate(theta, 40, seed)
        for theta, seed in (([3e3, 0.003], 1), ([3e3, 0.003], 1), ([9e3, 0.003], 1))
    )
    assert (
        first.shape == (40, 2) and np.array_equal(first, again) and not np.array_equal(first, other)
    )
    with pytest.raises(ParameterError, match="one value for each of 2"):
        simulate([1.0], 10)
    with pytest.raises(ParameterError, match="at least 0"):
        simulate([-1.0, 0.003], 10)
    with pytest.raises(ParameterError, match="columns among"):
        simulator("small", [], ("price",))


def test_a_calibrator_of_scipy_can_drive_it():
    from scipy.optimize import minimize_scalar

    simulate = simulator(
        "small", ["spot.half_spread_bps"], ("mid", "spot"), {"populations.noise.number": 30}
    )

    def loss(value):
        rows = simulate([value], 60, 2)
        return float(((rows[:, 0] / rows[:, 1] - 1) ** 2).mean())

    found = minimize_scalar(loss, bounds=(0.1, 5.0), method="bounded", options={"maxiter": 4})
    assert np.isfinite(found.fun)


KEEP = """
import sys
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import Checkpoint, run
import pathlib
checkpoint = Checkpoint(pathlib.Path(sys.argv[1]), 1.0)
outcome = run(load("small", {"days": 1.5}), 3, lambda steps: print(steps, flush=True), checkpoint)
"""


def test_a_killed_run_goes_on_from_its_last_state_to_the_same_bytes(tmp_path):
    scenario, checkpoint = load("small", {"days": 1.5}), Checkpoint(tmp_path / "run", 1.0)
    path = checkpoint.path(scenario, 3)
    with subprocess.Popen(
        [sys.executable, "-c", KEEP, tmp_path / "run"],
        env=VARIABLES,
        cwd=HOUSE,
        stdout=subprocess.PIPE,
    ) as process:
        for _ in range(9):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert path.exists()
    path.with_name(f".{path.name}.{process.pid}.part").write_bytes(b"half of a state")
    steps = []
    kept = run(scenario, 3, steps.append, checkpoint).records
    whole = run(scenario, 3).records
    assert steps[0] > 0 and sum(steps) == scenario.steps, "the bar begins where the state was kept"
    checkpoint.clear()
    assert (
        kept.series[0].tobytes() == whole.series[0].tobytes()
        and kept.events.tobytes() == whole.events.tobytes()
    )
    assert (
        kept.settlements.tobytes() == whole.settlements.tobytes()
        and kept.kinds.tobytes() == whole.kinds.tobytes()
    )
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_another_run_is_not_gone_on_from(tmp_path):
    checkpoint, scenario = Checkpoint(tmp_path / "run", 0.5), load("small", {"days": 0.05})
    other = checkpoint.path(scenario, 4)
    other.write_bytes(b"whatever")
    kept = run(scenario, 3, None, checkpoint).records
    assert not other.exists()
    assert (
        kept.series[0].tobytes()
        == run(load("small", {"days": 0.05}), 3).records.series[0].tobytes()
    )
    with pytest.raises(ParameterError, match="twin"):
        run(load("long-cascade"), 0, None, checkpoint)


@pytest.fixture
def scheduler(tmp_path):
    """Return the address of a Dask scheduler with two workers, started as Dask documents."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [["scheduler", "--port", "0"], *[["worker", "--nthreads", "1", "--no-nanny"]] * 2]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command, *options],
            env=VARIABLES | {"NUMBA_NUM_THREADS": "1"},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def test_a_dask_cluster_gives_the_same_bytes(scheduler, tmp_path, monkeypatch, capsys):
    from perplab.analysis.metrics.summary import summarize

    path, out = sweep_file(tmp_path), tmp_path / "far"
    options = ("--scheduler", scheduler, "--out", str(out))
    assert ended(monkeypatch, capsys, "sweep", str(path), *options)[0] == 0
    here, _ = run_here(path, tmp_path / "here", summarize=summarize)
    assert (out / "runs.parquet").read_bytes() == here


def test_the_examples_of_the_page_on_sweeps_run(tmp_path, monkeypatch):
    page = (HOUSE / "docs" / "sweeps.md").read_text(encoding="utf-8")
    blocks = (
        dict(re.findall(r"```(toml|python)\n(.*?)```", page, re.DOTALL)[:1]),
        re.findall(r"```python\n(.*?)```", page, re.DOTALL),
    )
    text = blocks[0]["toml"].replace("seeds = 20", "seeds = 1").replace("days = 10", "days = 0.5")
    monkeypatch.chdir(tmp_path)
    from perplab.analysis.metrics.summary import summarize

    path = tmp_path / "caps.toml"
    path.write_text(text, encoding="utf-8")
    run_here(path, tmp_path / "sweeps" / "caps", summarize=summarize)
    names = {}
    for code in blocks[1]:
        exec(compile(code, "docs/sweeps.md", "exec"), names)
    assert len(names["opened"].runs) == 3 and names["rows"].shape == (1_440, 3)


def test_the_tutorial_runs_from_the_first_block_to_the_last(
    no_workers, tmp_path, monkeypatch, capsys
):
    page, names = (
        (HOUSE / "docs" / "tutorial.md").read_text(encoding="utf-8"),
        {"__name__": "tutorial"},
    )
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(code, "docs/tutorial.md", "exec"), names)
    printed = capsys.readouterr().out
    assert (
        "bp per 8 h" in printed
        and "loss against the mark" in printed
        and (tmp_path / "shorts" / "report" / "index.html").exists()
    )
    assert {path.name for path in tmp_path.glob("*.pdf")} == {"shorts.pdf", "trees.pdf"}


def test_the_sweep_of_the_page_on_rulebooks_runs(tmp_path):
    from perplab.analysis.metrics.summary import summarize
    from perplab.scenarios.runs.results import open_runs

    page = (HOUSE / "docs" / "rulebooks.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(scenario.*?)```", page, re.DOTALL)
    path = tmp_path / "stray.toml"
    path.write_text(
        text.replace("seeds = 20", "seeds = 1").replace("days = 1.1", "days = 1.02"),
        encoding="utf-8",
    )
    run_here(path, tmp_path / "out", summarize=summarize)
    runs = open_runs(tmp_path / "out").runs.set_index(["factor.rulebook", "factor.fall"])[
        "liquidated_notional"
    ]
    more = {name: runs[name, -0.2224] - runs[name, 0.0] for name in runs.index.unique(0)}
    assert more["hyperliquid"] == 0.0 < more["bitmex"]
