"""Sweeps: the same results on any number of workers, folders, arms, and the command."""

import os
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest

from perplab.analysis.cli import commands as cli
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.scenarios.sweeps.jobs import Job
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, run_here, sweep_file


def test_a_sweep_works_from_a_script_without_a_guard(tmp_path):
    sweep_file(tmp_path)
    (tmp_path / "script.py").write_text("""
from perplab import sweep
print("once")
print(len(sweep("small.toml", "out", workers=1).runs))
""")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines().count("once") == 1 and done.stdout.splitlines()[-1] == "4"


def test_a_sweep_of_which_every_run_fails_says_why_and_ends_with_code_1(
    no_workers, tmp_path, monkeypatch, capsys
):
    (tmp_path / "mine.py").write_text("""
from perplab.agents.trader import Trader, Trait, Traits, rule
TRAITS = Traits(wake_seconds=Trait(60, "s", "wake"),
                capital_usd=Trait(1, "quote currency", "money"))

@rule(TRAITS)
def wrong(me, accounts, positions, views, mine, rng, orders):
    return 500 if views[0]["volume"] < 1_000_000 else 0

class Wrong(Trader):
    kind, traits, decide, slots = "wrong", TRAITS, wrong, 0
""")
    path = sweep_file(
        tmp_path,
        SWEEP.replace(
            "[changes]",
            f'[changes]\n"populations.mine" = {{kind = "{tmp_path}/mine.py:Wrong", number = 3}}',
        ),
    )
    monkeypatch.setattr(
        sys,
        "argv",
        ["perplab", "sweep", str(path), "--out", str(tmp_path / "out"), "--workers", "1"],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert (
        ended.value.code == 1
        and out == ""
        and "runs failed (first: seed 0): RuleError: the rule of Wrong" in err
    )


def test_results_do_not_depend_on_the_workers_and_are_read_by_others(tmp_path):
    path = sweep_file(tmp_path)
    one, two = run_here(path, tmp_path / "one"), run_here(path, tmp_path / "two", workers=2)
    assert one == two and one[1] == 4
    opened = open_runs(tmp_path / "two")
    assert opened.runs["factor.cap"].tolist() == [0.001, 0.001, 0.003, 0.003] and opened.runs[
        "seed"
    ].tolist() == [0, 1, 0, 1]
    series = opened.to_frame("series")
    assert len(series) == 4 * 14 and set(series["factor.cap"]) == {0.001, 0.003}
    assert pd.read_parquet(tmp_path / "two" / "runs.parquet").equals(opened.runs)
    schema = pq.read_schema(next((tmp_path / "two" / "series").glob("*.parquet")))
    assert schema.field("mark").metadata[b"unit"] == b"quote currency"
    assert faults_of_folder(tmp_path / "two") == []


def test_two_sweeps_do_not_work_in_one_folder(no_workers, tmp_path, monkeypatch, capsys):
    from perplab.sim.atomic_files import alone

    path, arguments = (
        sweep_file(tmp_path),
        [
            "perplab",
            "sweep",
            str(tmp_path / "small.toml"),
            "--out",
            str(tmp_path / "out"),
            "--workers",
            "1",
        ],
    )
    assert path.exists()
    monkeypatch.setattr(sys, "argv", arguments)
    with alone(tmp_path / ".out.lock"), pytest.raises(SystemExit) as ended:
        cli.main()
    assert (
        ended.value.code == 2
        and "no other sweep is running" in capsys.readouterr().err
        and not (tmp_path / "out").exists()
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (
        not ended.value.code
        and len(open_runs(tmp_path / "out").runs) == 4
        and not list(tmp_path.glob(".*"))
    )


def test_folders_of_others_are_refused_and_untouched(tmp_path):
    path = sweep_file(tmp_path)
    before, _ = run_here(path, tmp_path / "out")
    with pytest.raises(ParameterError, match="--resume"):
        run_here(path, tmp_path / "out")
    other = sweep_file(tmp_path, SWEEP.replace("0.003", "0.002"))
    for resume in (False, True):
        with pytest.raises(ParameterError, match="another sweep"):
            run_here(other, tmp_path / "out", resume=resume)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(ParameterError, match="something else"):
        run_here(path, tmp_path / "thesis", resume=True)
    assert (tmp_path / "out" / "runs.parquet").read_bytes() == before
    assert [file.name for file in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]


def test_check_finds_what_is_cut_short_missing_or_lost(tmp_path, monkeypatch, capsys):
    run_here(sweep_file(tmp_path), tmp_path / "out")
    files = sorted((tmp_path / "out" / "series").glob("*.parquet"))
    files[0].write_bytes(files[0].read_bytes()[:200])
    files[1].unlink()
    monkeypatch.setattr(sys, "argv", ["perplab", "check", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (
        ended.value.code == 1
        and f"{files[0].name} cannot be read" in said
        and f"{files[1].name} is missing" in said
    )
    (tmp_path / "out" / "runs.parquet").write_bytes(b"PAR1")
    with pytest.raises(ParameterError, match="runs.parquet.*must be an intact Parquet file"):
        open_runs(tmp_path / "out")


def test_arms_share_their_past_and_their_random_numbers(tmp_path):
    text = (
        SWEEP.replace("seeds = 2", "seeds = 1")
        + '[[arms]]\nname = "same"\nat_hours = 0.1\n[[arms]]\nname = "free"\nat_hours = 0.1\n'
        'changes = {"market.changes.premium.impact_notional" = 1_000_000}\n'
    )
    run_here(sweep_file(tmp_path, text), tmp_path / "out")
    series = open_runs(tmp_path / "out").to_frame("series").drop(columns=["key", "factor.cap"])
    base, same, free = (
        series[series["arm"] == arm].drop(columns="arm").reset_index(drop=True)
        for arm in ("base", "same", "free")
    )
    assert base.equals(same) and not base.equals(free)
    early = base["seconds"] <= 360
    assert early.sum() == 12 and base[early].equals(free[early])


def test_a_job_is_small():
    import pickle

    assert len(pickle.dumps(Job("k", 0, "small", {}, {}, 0, (), ()))) < 500


def test_the_bar_tells_a_rate_on_a_terminal(monkeypatch):
    import io

    from perplab.analysis.cli import progress
    from perplab.analysis.cli.terminal import Terminal

    seen = io.StringIO()
    monkeypatch.setattr(
        progress, "Terminal", lambda **_: Terminal(file=seen, force_terminal=True, width=120)
    )
    with progress.run_bar("caps", 2) as advance:
        advance()
        advance()
    assert "2/2" in seen.getvalue() and "runs/s" in seen.getvalue()


def test_a_function_of_the_program_itself_is_refused_before_a_worker_looks_for_it(tmp_path):
    def mine(records, twin):
        return {}

    mine.__module__ = "__main__"
    with pytest.raises(ParameterError, match="of a module that can be imported"):
        run_here(sweep_file(tmp_path, SWEEP), tmp_path / "out", summarize=mine)
