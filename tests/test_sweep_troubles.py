"""Failed runs, killed workers, full disks: a sweep loses nothing that is finished."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.scenarios.sweeps.sweep_folder import prepare
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.compiler.cache import HOUSE
from tests.command import ended
from tests.small_sweeps import SWEEP, run_here, sweep_file
from tests.troubles import figures, figures_but_one, figures_or_death


def test_a_disk_that_fills_up_ends_the_sweep_and_what_is_finished_counts(
    no_workers, monkeypatch, capsys, tmp_path, small_disk
):
    path, out = sweep_file(tmp_path, SWEEP.replace("seeds = 2", "seeds = 12")), small_disk / "out"
    code, said = ended(monkeypatch, capsys, "sweep", str(path), "--out", str(out))
    assert code not in (0, 2) and "No space left" in said
    kept = {file.stem: json.loads(file.read_text()) for file in (out / "done").glob("*.json")}
    assert 0 < len(kept) < 24 and not list(out.rglob("*.part"))
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert run_here(path, out, resume=True, summarize=figures)[1] == 24 - len(kept)


def test_a_failed_run_is_kept_and_stops_nothing(tmp_path):
    path = sweep_file(tmp_path)
    _, ran = run_here(path, tmp_path / "out", summarize=figures_but_one)
    runs = open_runs(tmp_path / "out").runs
    assert ran == 4 and runs["error"].notna().sum() == 1
    assert (
        runs.loc[runs["error"].notna(), "error"].iloc[0].startswith("ZeroDivisionError")
        and runs.loc[runs["error"].notna(), "seed"].iloc[0] == 1
    )
    assert len(faults_of_folder(tmp_path / "out")) == 1
    bytes_, ran = run_here(path, tmp_path / "out", resume=True)
    assert ran == 1 and bytes_ == run_here(path, tmp_path / "whole")[0]


def test_a_killed_worker_costs_nothing_but_its_own_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PERPLAB_TROUBLE", str(tmp_path / "killed"))
    path = sweep_file(tmp_path)
    bytes_, _ = run_here(path, tmp_path / "out", workers=2, summarize=figures_or_death)
    assert (tmp_path / "killed").exists()
    assert bytes_ == run_here(path, tmp_path / "whole")[0]


def test_a_run_that_always_kills_its_worker_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("PERPLAB_TROUBLE", "always")
    run_here(sweep_file(tmp_path), tmp_path / "out", workers=1, summarize=figures_or_death)
    runs = open_runs(tmp_path / "out").runs
    assert runs["error"].notna().tolist() == [False, False, False, True]
    assert "died" in runs["error"].iloc[3]


def finished(out):
    """Return the files of the finished runs of a sweep."""
    return list((out / "done").glob("*.json"))


@contextlib.contextmanager
def sweep_at_work(path, out):
    """Start a sweep with one worker and yield its process once two runs are finished."""
    command = [sys.executable, "-m", "perplab.analysis.cli.commands", "sweep", str(path)]
    with subprocess.Popen(
        [*command, "--out", str(out), "--workers", "1"],
        env=dict(os.environ, PYTHONPATH=str(HOUSE)),
        cwd=HOUSE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as main:
        begun = time.monotonic()
        while len(finished(out)) < 2 and time.monotonic() - begun < 120:
            time.sleep(0.02)
        yield main


def test_ctrl_c_keeps_what_is_finished_and_the_rest_resumes(tmp_path):
    path, out = sweep_file(tmp_path, SWEEP.replace("seeds = 2", "seeds = 200")), tmp_path / "out"
    with sweep_at_work(path, out) as main:
        main.send_signal(signal.SIGINT)
        said = main.communicate(timeout=60)[1].decode()
    done = len(finished(out))
    assert main.returncode != 0 and "Traceback" not in said and 2 <= done < 400
    assert len(open_runs(out).runs) == done
    assert not list(out.rglob("*.part"))


def test_a_full_disk_ends_the_sweep_and_loses_nothing(tmp_path):
    import resource

    path = sweep_file(tmp_path)
    sweep, text = read_sweep(path)
    jobs, waiting = prepare(sweep, text, tmp_path / "out", False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))
    try:
        with pytest.raises(OSError):
            execute(waiting, tmp_path / "out", figures, lambda: local_pool(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "out").rglob("*.part"))
    assert run_here(path, tmp_path / "out", resume=True)[0] == run_here(path, tmp_path / "whole")[0]
