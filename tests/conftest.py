"""What several test files share: one small run of a scenario."""

import gc
import os
import signal
import subprocess
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of linear algebra only wait for each other
# A job that a shell starts in the background ignores Ctrl-C, and so would every command of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session):
    """Compile the market once, before several processes of tests would each compile it."""
    if getattr(session.config.option, "numprocesses", None):
        from perplab.sim.compiler.cache import HOUSE, is_filled

        if not is_filled():
            program = [sys.executable, "-c", "from tests.markets import zoo; zoo()"]
            subprocess.run(program, cwd=HOUSE, stderr=subprocess.DEVNULL)


def pytest_collection_finish(session):
    """Look through what collection has made no more when memory is tidied, and tidy seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def unsynced():
    """Do not wait until the disk has written each file: no test cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def calm_hours():
    """Two hours of the scenario small, with its trades."""
    from perplab.scenarios.files.loader import load
    from perplab.scenarios.runs.outcome import run

    return run(load("small", {"days": 0.1, "record.trades": True}), seed=3)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """Programs run without the compiler."""
    from tests.forks import Forks

    imports = "import pytest, perplab.scenarios.files.loader, tests.markets"
    programs = Forks(tmp_path_factory.mktemp("plain"), imports, NUMBA_DISABLE_JIT="1")
    yield programs
    programs.end()


COMMANDS = """
import perplab.analysis.cli.run_command, perplab.analysis.cli.sweep_command
import perplab.analysis.figures.run_figures, perplab.analysis.report.page
from perplab.scenarios.files.loader import build
build("small", 0).run(2)
"""


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """Commands of perplab that need not wait for imports."""
    from tests.forks import Forks

    programs = Forks(tmp_path_factory.mktemp("commands"), COMMANDS)
    yield programs
    programs.end()


@pytest.fixture
def no_workers(monkeypatch):
    """Let the command ``perplab sweep`` execute its runs in this process."""
    from tests.small_sweeps import pool_here

    monkeypatch.setattr("perplab.analysis.cli.sweep_command.local_pool", pool_here)


@pytest.fixture
def no_drawing(monkeypatch):
    """Leave the figures of reports empty: their files are there, nothing is drawn."""
    from tests.command import blank_figure

    monkeypatch.setattr("perplab.analysis.report.page.save_figure", blank_figure)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
