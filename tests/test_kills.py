"""Commands killed at random moments: nothing is half-written, and again they give the same bytes.

The suite kills each command a few times; ``PERPLAB_KILLS=50`` sets how often in all.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import time

import pytest

from perplab.scenarios.runs.manifest import altered_files, foreign_files
from perplab.scenarios.runs.results import faults_of_folder
from perplab.scenarios.runs.store import is_run
from tests.small_sweeps import SWEEP

KILLS = int(os.environ.get("PERPLAB_KILLS", "4"))
QUICK = KILLS < 50
"""Draw no figures and sweep on one worker: more of the moments are those of writing files."""
STAGES = (".figures.", ".report.")
PROGRAM = "from perplab.analysis.cli.commands import main; main()"
BLANK = """
import perplab.analysis.report.page
from tests.command import blank_figure
perplab.analysis.report.page.save_figure = blank_figure
"""


def ended(commands, arguments, signal_number=None, wait=0.0):
    """Run a command, or kill it after a while; return its exit code."""
    process = commands.begin(BLANK * QUICK + PROGRAM, *arguments)
    if signal_number is not None:
        time.sleep(wait)
        with contextlib.suppress(ProcessLookupError):  # it had ended by itself
            os.kill(process, signal_number)
    return commands.ended()


def completed(commands, arguments):
    """Run a command to its end, which must be a good one; return how long it took."""
    started = time.monotonic()
    assert ended(commands, arguments) == 0, commands.errors()
    return time.monotonic() - started


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
            completed(commands, ("run", "small", *self.options, "--seed", "4", "--out", first))
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
    seconds = completed(commands, whole.arguments(False))
    killed = 0
    for number in range(-(-KILLS // len(KINDS))):
        one = started(kind, commands, tmp_path / f"b{number}")
        signal_number = (signal.SIGKILL, signal.SIGTERM)[number % 2]
        code = ended(commands, one.arguments(False), signal_number, chance.uniform(0, seconds))
        killed += code == -signal_number
        one.refuse_halves()
        if code:
            completed(commands, one.arguments(True))
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
