"""Processes of a sweep end with it: after Ctrl-C, SIGTERM and SIGKILL, at any moment."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from perplab.scenarios.runs.results import open_runs
from perplab.sim.compiler.cache import HOUSE
from tests.small_sweeps import SWEEP, sweep_file

LONG = (
    SWEEP.replace("seeds = 2", "seeds = [1]").replace("days = 0.01\n", "")
    + """
[factors.days]
key = "days"
values = [0.01, 1000, 1001]
"""
)
"""A short run, and two that take minutes."""
pytestmark = pytest.mark.usefixtures("calm_hours")
"""The market is compiled before: a worker that compiles does not run for a minute."""
LONGEST_INTERRUPT, LONGEST_END = 2.0, 20.0


def here(seconds):
    """Return a limit of seconds, more if processes queue for a processor here."""
    return seconds * max(1.0, os.getloadavg()[0] / os.cpu_count())


def descendants(process):
    """Return the numbers of the processes that a process has started, theirs included."""
    parents = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if status[0] != "Z":
                parents[int(folder.name)] = int(status[1])
    found = {process}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def alive(processes):
    """Return those of some processes that run."""
    return {one for one in processes if pathlib.Path(f"/proc/{one}/exe").exists() and running(one)}


def running(process):
    try:
        text = pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def waited(condition, seconds=60.0):
    """Wait until a condition holds and return whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def finished(folder):
    """Return the files of the finished runs of a sweep."""
    return list((folder / "out" / "done").glob("*.json"))


MOMENTS = {
    "starting": lambda process, folder: len(descendants(process)) >= 3,
    "importing": lambda process, folder: (
        MOMENTS["starting"](process, folder) and not time.sleep(0.7)
    ),
    "running": lambda process, folder: len(finished(folder)) == 1,
}
"""When a sweep is ended: its workers have just started, are importing, or run."""


@pytest.fixture
def sweep(commands, moment, tmp_path):
    """Start a sweep of long runs on two workers and wait until a moment; give its process."""
    arguments = ("sweep", sweep_file(tmp_path, LONG), "--out", tmp_path / "out")
    process = commands.begin("from perplab.__main__ import main; main()", *arguments)
    try:
        assert waited(lambda: MOMENTS[moment](process, tmp_path), here(60.0))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        commands.ended()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("moment", ["starting", "running"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_their_parent_is_gone(sweep, number):
    workers = descendants(sweep)
    assert len(workers) >= 3
    os.kill(sweep, number)
    assert waited(lambda: not alive({sweep}), here(10.0))
    assert waited(lambda: not alive(workers), here(LONGEST_END)), alive(workers)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("starting", os.kill),
        ("running", os.kill),
        ("importing", os.killpg),
        ("running", os.killpg),
    ],
)
def test_ctrl_c_ends_everything_within_two_seconds(sweep, commands, moment, end, tmp_path):
    """Ctrl-C reaches the sweep alone, or the group of processes that a terminal started."""
    workers, before = descendants(sweep), len(finished(tmp_path))
    begun = time.monotonic()
    end(sweep, signal.SIGINT)
    assert waited(lambda: not alive({sweep}), 30.0)
    spent, said = time.monotonic() - begun, commands.errors()
    assert commands.ended() == 130 and "Traceback" not in said, said
    assert spent < here(LONGEST_INTERRUPT), spent
    assert waited(lambda: not alive(workers), 5), alive(workers)
    assert not list((tmp_path / "out").rglob("*.part"))
    assert len(open_runs(tmp_path / "out").runs) == len(finished(tmp_path)) == before


LONG_RUN = """
import pathlib
from perplab.sim.model import PerpetualMarket

own = PerpetualMarket.run
def run(market, *arguments):
    pathlib.Path("begun").touch()
    own(market, *arguments)

PerpetualMarket.run = run
from perplab.__main__ import main
main()
"""
RUN = ("run", "small", "--days", "365", "--no-figures", "--out", "r")


def test_ctrl_c_ends_a_run_within_two_seconds(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, *RUN, "--set", "populations.noise.number=30000"],
        env=dict(os.environ, PYTHONPATH=str(HOUSE)),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert waited(lambda: process.poll() or (tmp_path / "begun").exists(), here(60.0))
    time.sleep(1.0)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "Traceback" not in said, said
    assert time.monotonic() - begun < here(LONGEST_INTERRUPT) and not (tmp_path / "r").exists()


HANGING = """
import math
from perplab import Trader, Trait, Traits, rule

TRAITS = Traits(
    wake_seconds=Trait(60, "s", "mean time between decisions", low=0),
    capital_usd=Trait(20_000, "quote currency", "initial capital", low=0),
)

@rule(TRAITS)
def hang(me, accounts, positions, views, mine, rng, orders):
    x = 1.0
    while x >= -5.0 and 29_980.0 < views[0]["spot"] < 30_020.0:
        {body}
    return 0

class Hanging(Trader):
    kind, traits, decide, slots = "hanging", TRAITS, hang, 0
"""
"""A rule that passes the checks before a run, and then goes through a loop for half a minute."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_a_guarded_rule_that_hangs(commands, tmp_path):
    lines = ["x = math.exp(math.sin(x)) ** 0.37 + math.atan(x)"] * 15
    (tmp_path / "hanging.py").write_text(HANGING.format(body="\n        ".join(lines)))
    scenario = '[populations.h]\nkind = "hanging.py:Hanging"\nnumber = 3\n'
    (tmp_path / "h.toml").write_text(f'extends = "small"\ndays = 1\n{scenario}')
    program = LONG_RUN.replace('"begun"', repr(str(tmp_path / "begun")))
    out = ("--no-figures", "--out", tmp_path / "r")
    process = commands.begin(program, "run", tmp_path / "h.toml", *out)
    try:
        assert waited(lambda: not alive({process}) or (tmp_path / "begun").exists(), here(60.0))
        time.sleep(1.0)
        assert alive({process}), commands.errors()
        begun = time.monotonic()
        os.kill(process, signal.SIGINT)
        assert waited(lambda: not alive({process}), here(20.0))
        spent, said = time.monotonic() - begun, commands.errors()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
    assert commands.ended() == 130 and "Traceback" not in said, said
    assert spent < here(LONGEST_INTERRUPT) and not (tmp_path / "r").exists()
