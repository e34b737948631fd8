"""Sweeps: what a file may say, results that do not depend on who ran them, and troubles made for real."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from perplab.analysis.cli import commands as cli
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.scenarios.sweeps.jobs import Job
from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_design import changes_at, points_of
from perplab.scenarios.sweeps.sweep_file import read_sweep, stated_arm
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from tests.troubles import figures, figures_but_one, figures_or_death

SWEEP = """scenario = "calm"
seeds = 2
keep = ["series", "settlements"]
[changes]
days = 0.01
"populations.noise.number" = 20
[factors.cap]
key = "market.changes.funding.cap"
values = [0.001, 0.003]
"""


def sweep_file(folder, text=SWEEP):
    path = pathlib.Path(folder) / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run_here(path, out, workers=1, resume=False, summarize=figures):
    """Run a sweep through its functions and return the bytes of its runs table."""
    sweep, text = read_sweep(path)
    jobs, waiting = prepare(sweep, text, out, resume)
    execute(waiting, out, summarize, lambda: local_pool(workers))
    gather(out, jobs)
    return (pathlib.Path(out) / "runs.parquet").read_bytes(), len(waiting)


def faults_of(folder, text):
    with pytest.raises(ParameterError) as caught:
        read_sweep(sweep_file(folder, text))
    return {fault.key: fault.bound for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("old", "new", "key", "bound"),
    [
        ('key = "market', 'key = "populations.nois', "populations.nois", "given"),
        ("values = [0.001, 0.003]", "values = []", "factors.cap.values", "values to visit"),
        (
            "[0.001, 0.003]",
            "[0.001, -1.0]",
            "factors.cap.values[1]",
            "(it sets market.changes.funding.cap)",
        ),
        (
            "values = [0.001, 0.003]",
            "values = [30, 0.001]",
            "factors.cap.values[0]",
            "0.003 being 0.3 %",
        ),
        ("seeds = 2", "seeds = 0", "seeds", "at least 1"),
        ("seeds = 2", 'seeds = "4"', "seeds", "or a list of seeds"),
        ("seeds = 2", "seeds = [1, -1]", "seeds", "each at least 0"),
        ("seeds = 2", "seeds = true", "seeds", "at least 1"),
        ("seeds = 2", "seeds = [1, 1]", "seeds", "each once"),
        ("[factors.cap]", "[factor.cap]", "factor", "did you mean 'factors'"),
        ("days = 0.01", "dayz = 0.01", "changes.dayz", "did you mean 'days'"),
        (
            "values = [0.001, 0.003]",
            'values = [0.001, 0.003]\nlabels = ["one"]',
            "factors.cap.labels",
            "one for each of 2 values",
        ),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[[arms]]\nname = "x"\nat_hours = 0.1\nchanges = {"market.changes.funding.kap" = 1}',
            "arms.0.changes.market.changes.funding.kap",
            "'cap'",
        ),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[[arms]]\nname = "x"\nat_hours = 9',
            "arms.0.at_hours",
            "before the end",
        ),
        ("seeds = 2", 'seeds = 2\ndesign = {kind = "sobol"}', "design.samples", "given"),
        ("[0.001, 0.003]", "[0.001, 0.001]", "factors.cap.values", "differ from one another"),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[factors.all]\nkey = "market.changes.funding"\nvalues = [{cap = 0.001}, {cap = 0.002}]',
            "factors.all.key",
            "no effect",
        ),
    ],
)
def test_a_wrong_sweep_is_refused_before_anything_runs(tmp_path, old, new, key, bound):
    found = faults_of(tmp_path, SWEEP.replace(old, new))
    assert any(name.startswith(key) and bound in text for name, text in found.items()), found


def test_faults_of_a_sweep_stand_at_their_lines_all_at_once(tmp_path):
    text = SWEEP.replace("[0.001, 0.003]", "[]").replace(
        '"populations.noise.number" = 20', '"populations.noise.number" = 2.5'
    )
    text += """[factors.shorts]
keys = ["populations.longs.number", "populations.shorts.number"]
values = [
  [189, 111],
  [100],
]
[factors.size]
key = "populations.longs.size_usd"
values = [1.0, -5.0]
"""
    with pytest.raises(ParameterError) as caught:
        read_sweep(sweep_file(tmp_path, text))
    places = {fault.key: (fault.file, fault.line) for fault in caught.value.faults}
    assert places == {
        "factors.cap.values": ("small.toml", 9),
        "factors.shorts.values[1]": ("small.toml", 14),
        "changes.populations.noise.number": ("small.toml", 6),
        "factors.size.values[1]": ("small.toml", 18),
    }
    assert str(
        next(fault for fault in caught.value.faults if fault.key == "factors.size.values[1]")
    ).startswith("small.toml:18: factors.size.values[1] was -5.0, must be at least 0")


MIXED = """scenario = "calm"
[changes]
days = 0.005
[factors.mix]
keys = ["populations.longs.number", "populations.shorts.number"]
values = [[240, 60], [150, 150], 20]
{}[factors.size]
key = "populations.noise.size_usd"
values = [5_000, {{distribution = "uniform", low = 1, high = 9_000}}]
"""


def test_a_list_gives_each_key_its_own_and_lists_and_tables_have_labels(tmp_path):
    sweep, _ = read_sweep(sweep_file(tmp_path, MIXED.format("")))
    numbers = [
        (one["populations.longs.number"], one["populations.shorts.number"])
        for one in (changes_at(sweep, point) for point in points_of(sweep))
    ]
    assert numbers == [(240, 60), (240, 60), (150, 150), (150, 150), (20, 20), (20, 20)]
    run_here(sweep_file(tmp_path, MIXED.format("")), tmp_path / "out")
    runs = open_runs(tmp_path / "out").runs
    assert runs["factor.mix"].tolist() == [
        "[240, 60]",
        "[240, 60]",
        "[150, 150]",
        "[150, 150]",
        "20",
        "20",
    ]
    assert set(runs["factor.size"]) == {
        "5000",
        '{"distribution": "uniform", "low": 1, "high": 9000}',
    }
    sweep, _ = read_sweep(
        sweep_file(tmp_path, MIXED.format('labels = ["a fifth", "a half", "few"]\n'))
    )
    assert [sweep.factors["mix"].label(value) for value in sweep.factors["mix"].values] == [
        "a fifth",
        "a half",
        "few",
    ]


def test_labels_reach_the_table_and_the_report(tmp_path, monkeypatch, capsys):
    from perplab.analysis.report.run_report import write_report

    path = sweep_file(tmp_path, MIXED.format('labels = ["a fifth", "a half", "few"]\n'))
    monkeypatch.setattr(
        sys,
        "argv",
        ["perplab", "sweep", str(path), "--out", str(tmp_path / "out"), "--workers", "1"],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and "a fifth" in capsys.readouterr().out
    page = pathlib.Path(write_report(tmp_path / "out"))
    text = page.read_text(encoding="utf-8")
    assert "a half" in text and load("calm").question not in text


def test_a_sweep_works_from_a_script_without_a_guard(tmp_path):
    sweep_file(tmp_path)
    (tmp_path / "script.py").write_text("""
import pathlib
from perplab.analysis.cli.sweep_command import run_sweep
from perplab.scenarios.runs.results import open_runs
print("once")
assert run_sweep(pathlib.Path("small.toml"), workers=2, scheduler=None, resume=False, out=pathlib.Path("out")) == 0
print(len(open_runs("out").runs))
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
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "mine.py").write_text("""
from perplab.agents.trader import Trader, Trait, Traits, rule
TRAITS = Traits(wake_seconds=Trait(60, "s", "wake"), capital_usd=Trait(1, "quote currency", "money"))

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
        and "runs failed (the first: seed 0): RuleError: the rule of Wrong" in err
    )


def test_designs_visit_what_they_say(tmp_path):
    text = SWEEP.replace("values = [0.001, 0.003]", "low = 0.001\nhigh = 0.1\nlog = true")
    for kind, samples, count in (("latin_hypercube", 5, 5), ("sobol", 8, 8)):
        sweep, _ = read_sweep(
            sweep_file(
                tmp_path,
                text.replace(
                    "seeds = 2", f'seeds = 2\ndesign = {{kind = "{kind}", samples = {samples}}}'
                ),
            )
        )
        caps = [point["cap"] for point in points_of(sweep)]
        assert len(caps) == count and min(caps) >= 0.001 and max(caps) <= 0.1
        strata = np.floor(np.log(np.array(caps) / 0.001) / np.log(100) * count)
        assert sorted(strata) == list(range(count))


def test_saltelli_and_morris_come_from_their_library(tmp_path):
    pytest.importorskip("SALib")
    text = (
        SWEEP.replace("values = [0.001, 0.003]", "low = 0.001\nhigh = 0.1")
        + '[factors.noise]\nkey = "market.changes.funding.damper"\nlow = 0.0\nhigh = 0.001\n'
    )
    for kind, count in (("saltelli", 4 * 4), ("morris", 4 * 3)):
        sweep, _ = read_sweep(
            sweep_file(
                tmp_path,
                text.replace("seeds = 2", f'seeds = 1\ndesign = {{kind = "{kind}", samples = 4}}'),
            )
        )
        assert len(points_of(sweep)) == count


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


def test_other_libraries_read_the_folder_without_us(tmp_path):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    run_here(sweep_file(tmp_path), tmp_path / "out")
    opened = open_runs(tmp_path / "out")
    read = polars.read_parquet(tmp_path / "out" / "runs.parquet")
    assert (
        read["factor.cap"].to_list() == opened.runs["factor.cap"].tolist()
        and read["seed"].to_list() == opened.runs["seed"].tolist()
    )
    settled = (
        polars.scan_parquet(tmp_path / "out" / "series" / "*.parquet")
        .select(polars.len())
        .collect()
        .item()
    )
    ((count, mark),) = duckdb.sql(
        f"select count(*), max(mark) from '{tmp_path}/out/series/*.parquet'"
    ).fetchall()
    joined = duckdb.sql(f"""select "factor.cap", count(*) from '{tmp_path}/out/series/*.parquet' join '{tmp_path}/out/runs.parquet' using (key, arm)
                            group by 1 order by 1""").fetchall()
    assert joined == [(0.001, 28), (0.003, 28)]
    series = opened.to_frame("series")
    assert settled == count == len(series) and mark == series["mark"].max()


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
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_ends_the_sweep_and_what_is_finished_counts(tmp_path, small_disk):
    path, out = sweep_file(tmp_path, SWEEP.replace("seeds = 2", "seeds = 12")), small_disk / "out"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "perplab.analysis.cli.commands",
            "sweep",
            str(path),
            "--workers",
            "1",
            "--out",
            str(out),
        ],
        cwd=HOUSE,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (
        done.returncode not in (0, 2)
        and "No space left" in done.stderr
        and "Traceback" not in done.stderr
    )
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
    run_here(sweep_file(tmp_path), tmp_path / "out", workers=2, summarize=figures_or_death)
    runs = open_runs(tmp_path / "out").runs
    assert runs["error"].notna().tolist() == [False, False, False, True]
    assert "died" in runs["error"].iloc[3]


def test_a_main_that_is_killed_resumes_to_the_same_bytes(tmp_path):
    path = sweep_file(tmp_path, SWEEP.replace("seeds = 2", "seeds = 6"))
    command = [
        sys.executable,
        "-m",
        "perplab.analysis.cli.commands",
        "sweep",
        str(path),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
    ]
    variables = dict(os.environ, PYTHONPATH=str(HOUSE))
    with subprocess.Popen(
        command,
        env=variables,
        cwd=HOUSE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as main:
        waited = time.monotonic()
        while (
            len(list((tmp_path / "out" / "done").glob("*.json"))) < 2
            and time.monotonic() - waited < 120
        ):
            time.sleep(0.02)
        os.killpg(main.pid, signal.SIGKILL)
    done = len(list((tmp_path / "out" / "done").glob("*.json")))
    assert done >= 2
    again = subprocess.run(
        [*command, "--resume"], env=variables, cwd=HOUSE, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert f"{done} of them done before" in again.stderr
    whole = subprocess.run(
        [*command[:5], "--out", str(tmp_path / "whole")],
        env=variables,
        cwd=HOUSE,
        capture_output=True,
        text=True,
    )
    assert whole.returncode == 0
    assert (tmp_path / "whole" / "runs.parquet").read_bytes() == (
        tmp_path / "out" / "runs.parquet"
    ).read_bytes()


def test_ctrl_c_keeps_what_is_finished_and_the_rest_resumes(tmp_path):
    path = sweep_file(tmp_path, SWEEP.replace("seeds = 2", "seeds = 200"))
    command = [
        sys.executable,
        "-m",
        "perplab.analysis.cli.commands",
        "sweep",
        str(path),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
    ]
    with subprocess.Popen(
        command,
        env=dict(os.environ, PYTHONPATH=str(HOUSE)),
        cwd=HOUSE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as main:
        waited = time.monotonic()
        while (
            len(list((tmp_path / "out" / "done").glob("*.json"))) < 2
            and time.monotonic() - waited < 120
        ):
            time.sleep(0.02)
        main.send_signal(signal.SIGINT)
        said = main.communicate(timeout=60)[1].decode()
    done = len(list((tmp_path / "out" / "done").glob("*.json")))
    assert main.returncode != 0 and "Traceback" not in said and 2 <= done < 400
    assert len(open_runs(tmp_path / "out").runs) == done
    assert not list((tmp_path / "out").rglob("*.part"))


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


def test_two_sweeps_do_not_work_in_one_folder(tmp_path, monkeypatch, capsys):
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
        and "no other sweep is at work" in capsys.readouterr().err
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
    with pytest.raises(ParameterError, match="intact run or sweep"):
        open_runs(tmp_path / "out")


def test_arms_share_their_past_and_their_random_numbers(tmp_path):
    text = (
        SWEEP.replace("seeds = 2", "seeds = 1")
        + '[[arms]]\nname = "same"\nat_hours = 0.1\n[[arms]]\nname = "free"\nat_hours = 0.1\nchanges = {"market.changes.premium.impact_notional" = 1_000_000}\n'
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


def test_a_branch_changes_rules_and_traits_and_refuses_the_rest():
    scenario = load("calm", {"days": 0.05})
    market = build(scenario, 3)
    market.run(20)
    for key, value, words in (
        ("market.changes.contract.tick", 1.0, "in flight"),
        ("populations.noise.number", 7, "kinds and numbers"),
        ("populations.longs.leverage", 2.0, "accounts are open"),
        ("dt_seconds", 30, "dt_seconds was 30.0, must be 60.0 as before the branch"),
    ):
        with pytest.raises(ParameterError, match=words):
            market.branch(setup=setup_of(load("calm", {"days": 0.05, key: value}), 3))
    assert (
        market.branch(
            setup=setup_of(load("calm", {"days": 0.05, "market.rulebook": "bybit"}), 3)
        ).tables["market"]["cap"][0]
        == 0.00375
    )
    other = market.branch(
        setup=setup_of(
            load(
                "calm",
                {
                    "days": 0.05,
                    "market.changes.deleveraging.picking": "pro_rata",
                    "populations.noise.size_usd": 10.0,
                },
            ),
            3,
        )
    )
    assert (
        other.tables["venue"]["adl_selection"][0] == 2
        and market.tables["venue"]["adl_selection"][0] == 0
    )
    noise = market.kinds.index(market.setup.populations[0].kind)
    assert (
        set(other.traits[noise]["size_usd"]) == {10.0}
        and 10.0 not in market.traits[noise]["size_usd"]
    )
    market.run(30)
    other.run(30)
    assert other.conservation_error_units == market.conservation_error_units == 0


def test_an_arm_of_the_command_line_needs_its_form():
    assert stated_arm("a:x.y=1,z=b", 2.0).changes == {"x.y": 1, "z": "b"}
    for text in ("a", "a:", ":x=1", "a:x"):
        with pytest.raises(ParameterError, match="KEY=VALUE"):
            stated_arm(text, 0.0)


def test_a_branch_after_the_end_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "perplab",
            "branch",
            "calm",
            "--days",
            "0.1",
            "--at-hours",
            "5",
            "--arm",
            "a:market.changes.funding.cap=0.1",
        ],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (
        ended.value.code == 2
        and "before the end of the run (2.4 hours)" in capsys.readouterr().err
        and list(tmp_path.iterdir()) == []
    )


def test_branches_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "perplab",
            "branch",
            "calm",
            "--days",
            "0.05",
            "--at-hours",
            "0.5",
            "--arm",
            "off:market.changes.funding.enabled=false",
            "--out",
            "both",
        ],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and "basis, mean" in capsys.readouterr().out
    assert json.loads((tmp_path / "both" / "off" / "manifest.json").read_text())["scenario"][
        "market"
    ]["changes"]["funding"] == {"enabled": False}
    assert faults_of_folder(tmp_path / "both" / "base") == []


@pytest.mark.parametrize("kept", ["series", "runs"])
def test_frames_become_xarray(tmp_path, kept):
    pytest.importorskip("xarray")
    run_here(sweep_file(tmp_path), tmp_path / "out")
    opened = open_runs(tmp_path / "out")
    if kept == "series":
        data = opened.to_xarray("series")
        assert (
            dict(data.sizes) == {"key": 4, "arm": 1, "market": 1, "seconds": 14}
            and float(data["mark"].min()) > 0
        )
    else:
        with pytest.raises(ParameterError, match="one of series"):
            opened.to_frame("runs")


@pytest.fixture(scope="module")
def every_table(tmp_path_factory):
    """A sweep that keeps all tables."""
    folder = tmp_path_factory.mktemp("tables")
    tables = '["series", "kinds", "settlements", "liquidations", "positions", "trades"]'
    text = (
        SWEEP.replace('["series", "settlements"]', tables)
        .replace("days = 0.01", "days = 0.06")
        .replace("seeds = 2", "seeds = 1")
    )
    run_here(sweep_file(folder, text), folder / "out")
    return open_runs(folder / "out")


@pytest.mark.parametrize(
    "table", ["series", "kinds", "settlements", "liquidations", "positions", "trades"]
)
def test_every_table_becomes_xarray(every_table, table):
    pytest.importorskip("xarray")
    if not (every_table.folder / table).exists():
        pytest.skip("nothing of it happened")
    data, frame = every_table.to_xarray(table), every_table.to_frame(table)
    assert data.sizes["key"] == frame["key"].nunique() and set(data.dims) >= {"key", "arm"}
    assert len(frame) or table in ("settlements", "liquidations")


def test_money_is_given_in_quote_currency_if_asked(every_table):
    units, usd = every_table.to_frame("kinds"), every_table.to_frame("kinds", usd=True)
    assert (
        every_table.unit == 1e-6
        and np.allclose(units["equity"] * 1e-6, usd["equity"])
        and usd["equity"].max() > 1_000
    )
    assert usd["lots"].equals(units["lots"]) and usd["seconds"].equals(units["seconds"])


def test_a_job_is_small():
    import pickle

    assert len(pickle.dumps(Job("k", 0, "calm", {}, {}, 0, (), ()))) < 500


def test_the_bar_tells_a_rate_on_a_terminal(monkeypatch):
    import io

    from rich.console import Console

    from perplab.analysis.cli import sweep_command as sweeping

    seen = io.StringIO()
    monkeypatch.setattr(
        sweeping, "Console", lambda **_: Console(file=seen, force_terminal=True, width=120)
    )
    with sweeping.bar("caps", 2) as advance:
        advance()
        advance()
    assert "2/2" in seen.getvalue() and "a second" in seen.getvalue()


def test_a_function_of_the_program_itself_is_refused_before_a_worker_looks_for_it(tmp_path):
    def mine(records, twin):
        return {}

    mine.__module__ = "__main__"
    with pytest.raises(ParameterError, match="of a module that can be imported"):
        run_here(sweep_file(tmp_path, SWEEP), tmp_path / "out", summarize=mine)
