"""Commands killed at random moments: nothing is half-written, and again they give the same bytes.

The suite kills each command a few times; ``PERPLAB_KILLS=50`` sets how often in all.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from perplab.scenarios.runs.manifest import altered_files, foreign_files
from perplab.scenarios.runs.results import faults_of_folder
from perplab.scenarios.runs.store import is_run
from perplab.sim.compiler.cache import HOUSE
from tests.small_sweeps import SWEEP

KILLS = int(os.environ.get("PERPLAB_KILLS", "4"))
QUICK = KILLS < 50
"""Draw no figures and sweep on one worker: more of the moments are those of writing files."""
STAGES = (".figures.", ".report.")
# Started once: a fork of it runs each command, and no kill has to wait for imports.
STARTER = f"""
import json, os, sys
from perplab.analysis.cli.commands import main
import perplab.analysis.cli.run_command, perplab.analysis.cli.sweep_command
import perplab.analysis.figures.run_figures, perplab.analysis.report.page
if {QUICK}:
    from tests.command import blank_figure
    perplab.analysis.report.page.save_figure = blank_figure
from perplab.scenarios.files.loader import build
build("small", 0).run(2)
print("ready", flush=True)
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        os.setsid()
        for number in (1, 2):
            os.dup2(os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.argv = ["perplab", *json.loads(line)]
        main()
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class Commands:
    """Commands of perplab in a folder, each in a process of its own."""

    def __init__(self, folder):
        self.starter = subprocess.Popen(
            [sys.executable, "-c", STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(HOUSE), "MPLBACKEND": "Agg"},
            text=True,
        )
        self.said = pathlib.Path(folder) / "said.txt"
        assert self.starter.stdout.readline() == "ready\n"

    def ended(self, arguments, signal_number=None, wait=0.0):
        """Run a command, or kill it after a while; return its exit code."""
        self.said.unlink(missing_ok=True)
        self.starter.stdin.write(json.dumps([str(one) for one in arguments]) + "\n")
        self.starter.stdin.flush()
        process = int(self.starter.stdout.readline())
        if signal_number is not None:
            time.sleep(wait)
            try:
                os.kill(process, signal_number)
            except ProcessLookupError:
                pass  # it had ended by itself
        return int(self.starter.stdout.readline())

    def completed(self, arguments):
        """Run a command to its end, which must be a good one; return how long it took."""
        started = time.monotonic()
        assert self.ended(arguments) == 0, self.said.read_text()
        return time.monotonic() - started


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    made = Commands(tmp_path_factory.mktemp("commands"))
    yield made
    made.starter.stdin.close()
    assert made.starter.wait(30) == 0


def contents(folder, *patterns):
    """Return the bytes of the files of a folder that match one of some patterns."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for pattern in patterns
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


class Run:
    """A run; killed, it leaves no folder or that of a whole run."""

    options = ("--days", "0.2", *(("--no-figures",) if QUICK else ()))

    def __init__(self, place):
        self.place, self.folder = place, place / "out" / "run"

    def arguments(self, again):
        return ("run", "small", *self.options, "--seed", "4", "--out", self.folder)

    def refuse_halves(self):
        assert not self.folder.exists() or is_run(self.folder)
        assert not self.folder.exists() or faults_of_folder(self.folder) == []
        assert all(one.startswith(STAGES) for one in foreign_files(self.folder))

    def bytes(self):
        assert [path.name for path in self.folder.parent.iterdir()] == ["run"]
        return contents(self.folder, "*.parquet", "figures/*")


class Checkpoint(Run):
    """A run that saves its state every simulated hour and resumes from it."""

    options = ("--days", "1", "--checkpoint-hours", "1", "--no-figures")


class Report(Run):
    """The report of a run; killed, it leaves no report or a whole one, and the run as it was."""

    options = ("--days", "0.2", "--no-figures")

    def prepare(self, commands):
        first = self.place.parent / "first" / "run"
        if not first.exists():
            commands.completed(("run", "small", *self.options, "--seed", "4", "--out", first))
        shutil.copytree(first, self.folder)

    def arguments(self, again):
        return ("report", self.folder)

    def refuse_halves(self):
        super().refuse_halves()
        report = self.folder / "report"
        assert not report.exists() or altered_files(report) == []
        assert not report.exists() or (report / "index.html").exists()

    def bytes(self):
        assert sorted(path.name for path in self.folder.parent.iterdir()) == ["run"]
        assert not list(self.folder.glob(".report*")) + list(self.folder.glob("report.*"))
        return contents(self.folder, "*", "report/tables/*", "report/scenario.toml")


class Sweep(Run):
    """A sweep; killed, every run that it marks as finished is whole, and its workers end."""

    def __init__(self, place):
        super().__init__(place)
        self.folder, self.file = place / "out" / "sweep", place / "small.toml"
        self.file.write_text(SWEEP)

    def arguments(self, again):
        resume = ("--resume",) if again and (self.folder / "manifest.json").exists() else ()
        workers = 1 if QUICK else 2
        return ("sweep", self.file, "--workers", workers, "--out", self.folder, *resume)

    def refuse_halves(self):
        for path in self.folder.glob("done/*.json"):
            done = json.loads(path.read_text())
            for table in done["tables"]:
                assert (self.folder / table / path.name.replace(".json", ".parquet")).exists()

    def bytes(self):
        assert [path.name for path in self.folder.parent.iterdir()] == ["sweep"]
        assert faults_of_folder(self.folder) == [] and not list(self.folder.rglob("*.part"))
        return contents(self.folder, "series/*", "settlements/*")


KINDS = (Run, Checkpoint, Report, Sweep)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.lower())
def test_killed_commands_leave_nothing_half_written(kind, commands, tmp_path):
    chance, whole = (
        random.Random(f"{kind.__name__} {KILLS}"),
        started(kind, commands, tmp_path / "a"),
    )
    seconds = commands.completed(whole.arguments(False))
    killed = 0
    for number in range(-(-KILLS // len(KINDS))):
        one = started(kind, commands, tmp_path / f"b{number}")
        signal_number = (signal.SIGKILL, signal.SIGTERM)[number % 2]
        code = commands.ended(one.arguments(False), signal_number, chance.uniform(0, seconds))
        killed += code == -signal_number
        one.refuse_halves()
        if code:
            commands.completed(one.arguments(True))
        assert one.bytes() == whole.bytes(), (number, signal_number)
    print(f"{kind.__name__}: {killed} of {number + 1} ended by the signal")
    assert killed or KILLS < 10 * len(KINDS), "every command had ended before it was killed"


def started(kind, commands, place):
    """Return a command of a kind in a new folder, prepared."""
    place.mkdir()
    one = kind(place)
    if hasattr(one, "prepare"):
        one.prepare(commands)
    return one
