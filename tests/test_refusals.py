"""Errors of users at the command line: one clear message, nothing lost, nothing left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import perplab.__main__ as perplab_command
from perplab.analysis.cli import interrupts, progress
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import atomic_folders as folders
from perplab.scenarios.runs import store
from perplab.sim.atomic_files import alone
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from tests.command import CALM, ended, own_kind
from tests.small_sweeps import SWEEP, faults_of


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--checkpoint-hours", "inf"), "--checkpoint-hours was inf, must be a finite number"),
        (("--checkpoint-hours", "nan"), "--checkpoint-hours was nan"),
        (("--checkpoint-hours", "0"), "at least 0.001"),
        (("--set", ".".join("a" * 3_000) + "=1"), "3000 parts"),
        (("--set", "days.=1"), "none of them empty"),
        (("--set", "=1"), "none of them empty"),
        (("--set", "extends=small"), "extends was 'small', must be in a file"),
        (("--set", "spot.name="), "spot.name was '', must be at least 1 letters long"),
        (("--set", "market.venue="), "market.venue was ''"),
        (("--set", "assets=[]"), "assets was [], must be absent beside [spot]"),
        (("--days", "nan"), "perplab: --days was nan, must be finite"),
        (("--spot", "absent.csv", "--column", "x"), "absent.csv"),
    ],
)
def test_a_wrong_option_is_named(monkeypatch, capsys, tmp_path, arguments, words):
    code, said = ended(monkeypatch, capsys, "run", "small", *arguments)
    assert code == 2 and words in said and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "scenario.toml: dt_seconds is missing, must be given"),
        (
            "extends = 'small'\n[populations.'']\nkind = 'noise'\nnumber = 1\n",
            "populations was '', must be a name: at least 1 letters long",
        ),
        (
            "extends = 'small'\n[populations.noise]\ncapital_usd = 1e18\n",
            "scenario.toml:3: populations.noise.capital_usd was",
        ),
        ("extends = 'small'\n" + "a." * 3_000 + "b = 1\n", "nested tables"),
    ],
)
def test_a_wrong_file_is_named(monkeypatch, capsys, tmp_path, text, words):
    (tmp_path / "scenario.toml").write_text(text)
    code, said = ended(monkeypatch, capsys, "run", "scenario.toml", "--days", "0.02")
    assert (
        code == 2
        and words in said
        and [path.name for path in tmp_path.iterdir()] == ["scenario.toml"]
    )


@pytest.mark.parametrize("content", [b"\xff\xfe\x00days", b"days = 1\n[" * 3])
@pytest.mark.parametrize("command", ["run", "sweep", "rulebook", "show"])
def test_a_file_that_is_no_toml_is_refused(monkeypatch, capsys, tmp_path, content, command):
    (tmp_path / "bad.toml").write_bytes(content)
    code, said = ended(monkeypatch, capsys, command, "bad.toml")
    assert code == 2 and "bad.toml" in said and "could not" not in said


@pytest.mark.parametrize(
    "name", ["we ird é.toml", "(1).toml", "a'b\".toml", "---.toml", "x" * 150 + ".toml"]
)
def test_a_file_of_any_name_is_run(monkeypatch, capsys, tmp_path, name):
    (tmp_path / name).write_text("extends = 'small'\ndays = 0.02\n")
    code, said = ended(monkeypatch, capsys, "run", f"./{name}", "--no-figures")
    assert code == 0 and store.is_run(next((tmp_path / "runs").iterdir())), said


def test_two_factors_on_one_key_are_refused(tmp_path):
    for key in ("market.changes.funding.cap", "market.changes.funding"):
        found = faults_of(tmp_path, SWEEP + f'[factors.other]\nkey = "{key}"\nvalues = [0.002]\n')
        assert "the factor cap: one would have no effect" in found["factors.other.key"]
    assert (
        "the factor cap"
        in faults_of(
            tmp_path, SWEEP.replace('key = "market.changes.funding.cap"', 'keys = ["days", "days"]')
        )["factors.cap.key"]
    )


def test_a_sweep_does_not_choose_its_place(tmp_path):
    assert "name" in faults_of(tmp_path, 'name = "../../elsewhere"\n' + SWEEP)


def test_two_kinds_of_one_name_are_refused():
    populations = {
        f"populations.{name}": {"kind": own_kind(f"{name}.py"), "number": 1} for name in ("v", "w")
    }
    with pytest.raises(ParameterError, match="of another name than 'u', which the kind of v has"):
        load("small", populations)
    assert load(
        "small",
        {f"populations.{name}": {"kind": own_kind("v.py"), "number": 1} for name in ("v", "w")},
    )


def test_files_of_one_name_in_two_folders_are_two_kinds(tmp_path):
    from perplab.sim.setup import kind_reference, resolve_kind

    first, second = own_kind("one/u.py"), own_kind("two/u.py")
    kinds = [resolve_kind(reference) for reference in (first, second, first)]
    assert kinds[0] is kinds[2] is not kinds[1] and [kind_reference(kind) for kind in kinds] == [
        first,
        second,
        first,
    ]


def test_a_rule_that_returns_minus_one_is_told_so(monkeypatch, capsys):
    for count in (-1, 1_000):
        reference = own_kind(f"count{count}.py", count)
        code, said = ended(
            monkeypatch,
            capsys,
            *CALM,
            "--set",
            f"populations.mine={{kind = '{reference}', number = 1}}",
        )
        assert code == 2 and f"returned a count of {count}, must be from 0 to 128" in said


@pytest.mark.parametrize("target", ["/proc/nowhere/run", "a" * 300, "b/" + "c" * 300, "file/run"])
def test_a_place_that_cannot_be_written_is_refused_before_the_run(
    monkeypatch, capsys, tmp_path, target
):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(PerpetualMarket, "run", lambda *_: pytest.fail("it ran"))
    code, said = ended(monkeypatch, capsys, *CALM, "--out", target)
    assert code == 2 and "--out" in said and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_to_a_folder_stays_one(monkeypatch, capsys, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):
        code, said = ended(monkeypatch, capsys, *CALM, "--out", "link")
        assert code == 0, said
    assert (tmp_path / "link").is_symlink() and store.is_run(tmp_path / "real")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_writer_of_a_like_name_is_left_alone(tmp_path):
    theirs = tmp_path / ".a.99999999.x.y.part"
    theirs.mkdir()
    folders.recover(tmp_path / "a")
    assert theirs.exists()


def test_a_lock_that_changed_hands_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: (tmp_path / "lock").unlink())
    with pytest.raises(BlockingIOError), alone(tmp_path / "lock"):
        pytest.fail("it was taken")


def test_an_interrupt_while_loading_ends_with_code_130(monkeypatch, capsys):
    def stop(name, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.__import__", stop)
    try:
        with pytest.raises(SystemExit) as stopped:
            perplab_command.main()
    finally:
        monkeypatch.undo()
    assert stopped.value.code == 130 and "interrupted" in capsys.readouterr().err


def test_an_interrupt_that_is_swallowed_is_raised_at_the_next_progress(monkeypatch):
    monkeypatch.setattr(interrupts, "_seen", [])
    interrupts.raise_if_interrupted(1)
    with contextlib.suppress(KeyboardInterrupt):
        interrupts.note_interrupt(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt), progress.step_bar("run", 10) as advance:
        advance(1)


@pytest.mark.parametrize("wait", [0.3, 1.0])
def test_ctrl_c_ends_with_code_130(tmp_path, wait):
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        " print(flush=True); from perplab.__main__ import main; main()"
    )
    command = [sys.executable, "-c", program, "run", "small", "--days", "500", "--no-figures"]
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130 and "Traceback" not in said and list(tmp_path.iterdir()) == []


def test_a_run_whose_record_is_not_json_is_no_target(monkeypatch, capsys, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(json.dumps([]))
    code, said = ended(monkeypatch, capsys, *CALM, "--out", "run")
    assert code == 2 and "an earlier run of perplab" in said


def test_a_rulebook_beyond_what_integers_hold_is_refused():
    with pytest.raises(ParameterError, match="premium.impact_notional was 1e[+]308, must be below"):
        load("small", {"market.changes.premium.impact_notional": 1e308})


LAW = "spot.displacement"
ARM = ("branch", "small", "--at-hours", "1", "--days", "1", "--arm")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("run", "calm", "--set", f"{LAW}.depth=-1"),
            f"--set: {LAW}.depth was -1, must be at least 1",
        ),
        (("run", "calm", "--set", f"{LAW}.depth=0"), f"{LAW}.depth was 0, must be at least 1"),
        (("run", "calm", "--set", f"{LAW}.depth=inf"), f"{LAW}.depth was inf, must be"),
        (
            ("run", "calm", "--set", f"{LAW}.curvature=0.6"),
            "curvature was 0.6, must be at most 0.5",
        ),
        (("run", "calm", "--set", f"{LAW}.seconds=0"), f"{LAW}.seconds was 0, must be above 0"),
        (
            ("run", "calm", "--set", f"{LAW}.least_depth=0"),
            "depth was 0, must be at least 1e-06",
        ),
        (
            ("run", "calm", "--set", f"{LAW}.makers_capital=0"),
            "makers_capital was 0, must be above",
        ),
        (
            ("run", "calm", "--set", f"{LAW}.recovery=6"),
            f"--set: {LAW}.recovery was 6, must be absent: log depth returns at 2 times the",
        ),
        (
            ("run", "calm", "--set", "spot.transient_impact_bps=0.1"),
            "--set: spot.transient_impact_bps was 0.1, must be 0 beside displacement",
        ),
        (
            ("run", "calm", "--set", "spot.perp_price_discovery=0.5"),
            "--set: spot.perp_price_discovery was 0.5, must be 0 beside displacement",
        ),
        (
            ("run", "small", "--set", f"{LAW}.depth=1e9"),
            "small.toml:16: spot.transient_impact_bps was 0.1, must be 0 beside displacement",
        ),
        (
            (*ARM, f"a:{LAW}.depth=1e9,spot.transient_impact_bps=0"),
            f"--arm a: {LAW} was 'another law', must be linear as before the branch",
        ),
    ],
)
def test_laws_of_impact_that_do_not_go_together(monkeypatch, capsys, tmp_path, arguments, words):
    code, said = ended(monkeypatch, capsys, *arguments)
    assert code == 2 and words in said and list(tmp_path.iterdir()) == []
