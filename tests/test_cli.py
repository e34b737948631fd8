"""The command line: what it prints, what it leaves, how it ends."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from perplab.analysis.cli import commands as cli
from perplab.analysis.cli import run_command as session
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import store
from perplab.sim.errors import RuleError
from perplab.sim.model import PerpetualMarket
from tests.scenario_files import SMALL_CASCADE

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEYS = (
    "seed",
    "steps",
    "decisions",
    "orders",
    "trades",
    "wall_seconds",
    "basis_mean_bps",
    "basis_sd_bps",
    "basis_half_life_hours",
    "funding_mean_bps_8h",
    "funding_sd_bps_8h",
    "funding_at_interest_share",
    "funding_negative_share",
    "open_interest_mean",
    "volume",
    "liquidations",
    "liquidated_notional",
    "liquidation_rounds_max",
    "amplification",
    "insurance_fund_change",
    "fund_deficit_max",
    "adl_events",
    "conservation_error_units",
    "pnl_by_kind",
    "funding_by_kind",
)
FIGURES = {
    f"{name}.{form}"
    for name in ("price_and_basis", "funding", "open_interest_and_liquidations", "equity_by_kind")
    for form in ("png", "svg")
}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def only_run(folder, name):
    """Return the only run in ``runs``: NAME and a hash of what its options have changed."""
    (found,) = (folder / "runs").iterdir()
    assert found.name.rpartition("-")[0] == name
    return found


def perplab(monkeypatch, *arguments):
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["perplab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def prices(folder):
    rows = [
        f"2022-01-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{100 + h % 5},{100.05 + h % 5}"
        for h in range(72)
    ]
    (folder / "prices.csv").write_text(
        "\n".join(["timestamp,spot,perp", *rows]) + "\n", encoding="utf-8"
    )
    return "prices.csv"


def test_json_is_one_object_with_every_key(monkeypatch, capsys, tmp_path):
    assert (
        perplab(
            monkeypatch, "run", "small", "--days", "0.1", "--json", "--no-figures", "--seed", "2"
        )
        == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert (
        set(KEYS) <= set(summary)
        and summary["seed"] == 2
        and summary["conservation_error_units"] == 0
    )
    folder = only_run(tmp_path, "small-seed2")
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert not (folder / "figures").exists()


def test_a_run_prints_its_table_and_draws(monkeypatch, capsys, tmp_path):
    assert perplab(monkeypatch, "run", "small", "--days", "0.1", "--out", "here/small") == 0
    out, err = capsys.readouterr()
    assert "basis, mean" in out and "directional short" in out and "\x1b" not in out + err
    assert {
        path.name for path in (tmp_path / "here" / "small" / "figures").glob("[!.]*")
    } == FIGURES
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["small"]
    _, records = store.read_run(tmp_path / "here" / "small")
    again = summarize(records)
    stored = json.loads((tmp_path / "here" / "small" / "summary.json").read_text())
    assert stored.pop("warnings") == []
    assert {key: again[key] for key in stored} == stored


def test_the_twins_events_are_kept_and_amplification_is_counted_again(
    monkeypatch, capsys, tmp_path
):
    fall = {
        "days": "0.4",
        "twin.from_hours": "1",
        "shocks.0.at_hours": "1",
        "shocks.0.minutes": "5",
        "shocks.0.move": "-0.06",
        "populations.longs.wake_seconds": "600",
        "populations.longs.margin_share": "0.2",
    }
    settings = [part for key, value in fall.items() for part in ("--set", f"{key}={value}")]
    assert (
        perplab(
            monkeypatch, "run", SMALL_CASCADE, "--out", "fall", "--no-figures", "--json", *settings
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)["amplification"]
    _, records = store.read_run(tmp_path / "fall")
    window = records.meta["shock_seconds"]
    assert window == [[3600.0, 3900.0]] and 0 < told < 1
    real, twin = (
        sum(
            abs(int(event["lots"])) * event["mark"]
            for event in events
            if event["node"] >= 0 and 3600 <= event["seconds"] < 3900 + 6 * 3600
        )
        for events in (records.events, store.read_twin_events(tmp_path / "fall"))
    )
    assert told == pytest.approx(1 - twin / real)
    assert perplab(monkeypatch, "check", "fall") == 0
    summary = tmp_path / "fall" / "summary.json"
    summary.write_text(
        summary.read_text().replace(f'"amplification": {told}', '"amplification": 0.5')
    )
    assert (
        perplab(monkeypatch, "check", "fall") == 1
        and "summary.json has changed since it was written" in capsys.readouterr().err
    )
    (tmp_path / "fall" / "twin_events.parquet").unlink()
    assert (
        perplab(monkeypatch, "check", "fall") == 1
        and "twin_events.parquet is missing" in capsys.readouterr().err
    )


def test_settings_reach_the_run(monkeypatch, tmp_path):
    assert (
        perplab(
            monkeypatch,
            "run",
            "small",
            "--no-figures",
            "--set",
            "days=0.05",
            "--set",
            "populations.noise.number=7",
            "--set",
            "market.rulebook=hyperliquid",
            "--set",
            "market.changes.funding.cap=0.01",
        )
        == 0
    )
    scenario = json.loads((only_run(tmp_path, "small-seed0") / "manifest.json").read_text())[
        "scenario"
    ]
    assert scenario["populations"]["noise"]["number"] == 7 and scenario["market"]["changes"][
        "funding"
    ] == {"cap": 0.01}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "clam"), "did you mean 'calm'"),
        (("run", "small", "--days", "-1"), "days was -1.0, must be above 0"),
        (("run", "small", "--set", "days"), "KEY=VALUE"),
        (("run", "small", "--set", "populations.noise.number=0.5"), "whole number"),
        (("run", "small", "--funding", "rates.csv"), "replays no real prices"),
        (("run", "replay", "--spot", "absent.csv"), "existing file"),
        (("run", "replay"), "--spot FILE"),
        (("run", "small", "--spot", __file__), "--column is missing"),
        (("show", "clam"), "did you mean 'calm'"),
        (("rulebook", "binanc"), "did you mean 'binance'"),
        (("run", "small", "--days", "many"), "days"),
        (("run", "small", "--seed", "-1"), "seed"),
    ],
)
def test_bad_input_ends_with_code_2_and_nothing_written(
    monkeypatch, capsys, tmp_path, arguments, words
):
    assert perplab(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert words in err and out == "" and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_refused_before_the_run(monkeypatch, capsys, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    monkeypatch.setattr(session, "run", lambda *_: pytest.fail("it ran"))
    assert perplab(monkeypatch, "run", "small", "--out", "thesis") == 2
    assert "an earlier run of perplab" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine")
    assert perplab(monkeypatch, "run", "small", "--out", "file/below") == 2


def raising(error):
    def fail(*arguments, **keywords):
        raise error

    return fail


def test_ctrl_c_while_running_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(PerpetualMarket, "run", raising(KeyboardInterrupt()))
    assert perplab(monkeypatch, "run", "small", "--days", "0.1") != 0
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_drawing_leaves_a_whole_run_without_figures(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "perplab.analysis.figures.run_figures.write_figures", raising(KeyboardInterrupt())
    )
    assert perplab(monkeypatch, "run", "small", "--days", "0.05") != 0
    folder = only_run(tmp_path, "small-seed0")
    assert store.is_run(folder) and len(store.read_run(folder)[1].series[0]) == 72
    assert not [path for path in folder.iterdir() if path.name.startswith((".", "figures"))]


def test_a_full_disk_ends_with_code_1_and_leaves_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(store, "write_parquet", raising(OSError(28, "No space left on device")))
    assert perplab(monkeypatch, "run", "small", "--days", "0.05", "--no-figures") == 1
    assert "No space left" in capsys.readouterr().err
    assert not any((tmp_path / "runs").iterdir())


def test_a_broken_rule_ends_with_code_1(monkeypatch, capsys):
    monkeypatch.setattr(PerpetualMarket, "run", raising(RuleError("the rule of Noise raised")))
    assert perplab(monkeypatch, "run", "small", "--days", "0.05") == 1
    assert "the rule of Noise raised" in capsys.readouterr().err


@pytest.fixture
def replayed(monkeypatch, tmp_path):
    """Return a function that runs a replay and returns the real market drawn beside it."""
    drawn = []
    monkeypatch.setattr(
        "perplab.analysis.figures.run_figures.write_figures",
        lambda records, folder, real, **_: drawn.append(real),
    )

    def replay(*options):
        assert perplab(monkeypatch, "run", "replay", "--spot", prices(tmp_path), *options) == 0
        return drawn.pop()

    return replay


def test_replay_draws_the_real_perpetual_beside(replayed, capsys):
    real = replayed("--column", "spot", "--start", "2022-01-01T12:00", "--days", "1.5")
    assert len(real["seconds"]) == 37 and real["basis_bps"] == pytest.approx(5.0, abs=0.25)
    assert real["funding_seconds"].tolist() == [28_800.0 * k for k in range(1, 6)]
    assert real["funding"] == pytest.approx(1e-4) and "binance formula" in capsys.readouterr().err


def test_replay_takes_real_funding_from_a_file(replayed, tmp_path):
    (tmp_path / "funding.csv").write_text(
        "timestamp,rate\n2022-01-01T00:00:00Z,0.0002\n2022-01-01T08:00:00Z,0.0003\n"
    )
    real = replayed("--funding", "funding.csv", "--days", "0.5")
    assert real["funding_seconds"].tolist() == [0.0, 28_800.0]
    assert real["funding"].tolist() == [0.0002, 0.0003]


def test_funding_of_a_venue_s_file_without_a_perpetual(monkeypatch, capsys, tmp_path):
    rows = [f"2022-01-01T{hour:02d}:00:00Z,{100 + hour % 5}" for hour in range(24)]
    (tmp_path / "spot.csv").write_text("\n".join(["timestamp,spot", *rows]) + "\n")
    (tmp_path / "funding.csv").write_text(
        "calc_time,hours,last\n1640995200000,4,0.0001\n1641009600000,4,0.0002\n"
    )
    command = ["run", "replay", "--spot", "spot.csv", "--funding", "funding.csv", "--days", "0.25"]
    named = ["--funding-column", "last", "--funding-time-column", "calc_time"]
    assert perplab(monkeypatch, *command, *named, "--json") == 0
    said = capsys.readouterr()
    real = json.loads(said.out)["real"]
    assert "per 4 h (the spacing of the rows), converted to per 8 h" in real["funding_source"]
    assert real["hours"] == 0 and real["real"]["basis_mean_bps"] is None
    assert perplab(monkeypatch, *command, *named[2:]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert perplab(monkeypatch, *command[:4], "--days", "0.25", *named) == 2
    assert "--funding-column was 'last'" in capsys.readouterr().err


def test_any_story_runs_on_real_prices(monkeypatch, tmp_path):
    assert (
        perplab(
            monkeypatch,
            "run",
            "short-crowding",
            "--spot",
            prices(tmp_path),
            "--column",
            "spot",
            "--days",
            "0.1",
            "--no-figures",
        )
        == 0
    )
    _, records = store.read_run(only_run(tmp_path, "short-crowding-seed0"))
    assert records.series[0]["spot"].max() < 110


def test_list_show_and_rulebook(monkeypatch, capsys):
    assert perplab(monkeypatch, "list") == 0
    assert "short-crowding" in capsys.readouterr().out
    assert perplab(monkeypatch, "show", "weaponised-shorts-tight", "--set", "days=9") == 0
    out = capsys.readouterr().out
    assert (
        "days = 9" in out
        and "cap = 0.02" in out
        and 'leverage = {distribution = "lognormal"' in out
    )
    assert "# quote currency: mean order size" in out and "(default)" in out
    assert perplab(monkeypatch, "show", "replay") == 0
    assert 'file = "FILE"' in capsys.readouterr().out
    assert perplab(monkeypatch, "rulebook", "binance") == 0
    assert "interval_hours = 8" in capsys.readouterr().out


def test_rulebooks_are_listed_told_compared_and_drawn(monkeypatch, capsys, tmp_path):
    assert perplab(monkeypatch, "rulebook") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("bitmex", "gmx-v2", "perp-v1", "none"))
    assert perplab(monkeypatch, "rulebook", "deribit") == 0
    told = capsys.readouterr().out
    assert "no rate from a premium within ±2.5 bp" in told
    assert "Profitable positions pay" in told and "sources:" in told
    assert perplab(monkeypatch, "rulebook", "--compare", "binance", "binance-2024") == 0
    assert capsys.readouterr().out.split() == [
        "key",
        "binance",
        "binance-2024",
        "funding.period_scales",
        '"bracket"',
        '"interest"',
        "mark.inputs.1.window_seconds",
        "30.0",
        "60.0",
    ]
    assert perplab(monkeypatch, "rulebook", "binance", "deribit", "--figure", "law.pdf") == 0
    assert (tmp_path / "law.pdf").stat().st_size > 5_000
    for arguments in (
        ("--compare", "binance"),
        ("gmx-v2", "--figure", "law.png"),
        ("binance", "--figure", "law.txt"),
    ):
        assert perplab(monkeypatch, "rulebook", *arguments) == 2


def test_what_show_prints_is_a_scenario_again(monkeypatch, capsys, tmp_path):
    from perplab.scenarios.files.loader import load

    assert perplab(monkeypatch, "show", "long-cascade") == 0
    (tmp_path / "again.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    before, after = load("long-cascade"), load("again.toml")
    assert (after.spot, after.market, after.shocks, after.twin) == (
        before.spot,
        before.market,
        before.shocks,
        before.twin,
    )
    for name, population in before.populations.items():
        assert population.traits.items() <= after.populations[name].traits.items()


def test_quiet_when_piped(tmp_path):
    code = "import sys; from perplab.analysis.cli.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "small", "--days", "0.05", "--no-figures", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert json.loads(done.stdout)["steps"] == 72
    folder = store.default_folder(load("small", {"days": 0.05}), 0, True)
    assert done.stderr.splitlines() == [f"written to {folder}"]
