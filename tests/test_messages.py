"""What a refusal names: the key, the option that gave it, and what would be right."""

import pytest

import perplab
from perplab.analysis.cli import commands as cli
from perplab.analysis.cli import sweep_command
from perplab.scenarios.files.loader import load
from perplab.scenarios.sweeps.simulation import simulator
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.model import PerpetualMarket
from tests.command import ended
from tests.scenario_files import write
from tests.small_sweeps import SWEEP, faults_of, sweep_file

LONG = "x" * 300
BRANCH = ("branch", "small", "--at-hours", "1", "--days", "1")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(PerpetualMarket, "run", lambda *_: pytest.fail("it ran"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("run", "small", "--set", "dayz=1"),
            "--set: dayz is not a known key (did you mean 'days'",
        ),
        (
            ("run", "small", "--set", "populations.noise.numbr=8"),
            "--set: populations.noise.numbr is not a trait of noise (did you mean 'number'?)",
        ),
        (
            ("run", "small", "--set", "populations.ghost.number=3"),
            "--set: populations.ghost is not one of the populations noise, longs, shorts, "
            "arbitrage, providers, nor a new one with a kind",
        ),
        (("run", "small", "--set", "populations.noise.size_usd=-5"), "size_usd was -5, must be"),
        (
            ("run", "small", "--days", "1", "--set", "days=abc"),
            "--set was 'days=abc', must be absent",
        ),
        (
            ("run", "small", "--set", "days=1", "--set", "days=2"),
            "must be absent: days sets it again",
        ),
        (
            ("run", "small", "--set", "spot.price.file=a.csv", "--spot", "b.csv"),
            "must be absent: --spot sets it again",
        ),
        (("run", "small", "--set", "market.changes.fundin={}"), "market.changes.fundin is not"),
        (("run", "small", "--set", "market.changes.funding={}"), "a table with at least one key"),
        (("run", "small", "--set", f"title={{{LONG * 400}}}"), "title was"),
        ((*BRANCH, "--arm", "a:dayz=1"), "--arm a: dayz is not a known key"),
        ((*BRANCH, "--arm", "a:days=2"), "--arm a: days was 2"),
        ((*BRANCH, "--arm", "a:days=2,days=3"), "--arm a was 'days=2', must be absent"),
        ((*BRANCH, "--arm", "a:market.changes.fundin={}"), "--arm a: market.changes.fundin"),
        ((*BRANCH, "--set", "dayz=1", "--arm", "a:title=b"), "--set: dayz is not a known key"),
        (
            ("branch", "small", "--at-hours", "1", "--days", "-1", "--arm", "a:title=b"),
            "--days: days",
        ),
        (("show", "small", "--set", "dayz=1"), "--set: dayz is not"),
        (
            ("run", "small", "--set", "spot.price.initial_price=1e9"),
            "--set: spot.price.initial_price",
        ),
        (("run", "small", "--set", "market.changes.contract.tick=1e5"), "contract.tick was"),
        (("run", f"{LONG}.toml"), "scenario was 'xxx"),
        (("show", f"{LONG}.toml"), "scenario was 'xxx"),
        (("rulebook", f"{LONG}.toml"), "rulebook was 'xxx"),
        (("sweep", f"{LONG}.toml"), "sweep was 'xxx"),
        (("check", LONG), "xxx"),
        (("report", LONG), "xxx"),
        (("run", "small", "--set", f"market.rulebook={LONG}.toml"), "market.rulebook was"),
        (("run", "small", "--set", f"populations.noise.kind={LONG}.py:X"), "noise.kind was"),
        (("run", "small", "--spot", LONG, "--column", "x"), "--spot was"),
        (("run", "small", "--out", "/proc/nowhere/x"), "--out was '/proc/nowhere/x'"),
        (("rulebook", "binance", "--figure", "/proc/nowhere/x.png"), "--figure was"),
        (("check", "/proc/nowhere"), "folder was '/proc/nowhere', must be that of"),
        (
            ("run", "long-cascade", "--checkpoint-hours", "1", "--out", "new/run"),
            "--checkpoint-hours",
        ),
    ],
)
def test_a_refusal_names_key_and_option_and_leaves_nothing(
    monkeypatch, capsys, tmp_path, arguments, words
):
    code, said = ended(monkeypatch, capsys, *arguments)
    assert code == 2 and words in said and len(said) < 3_000, said
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_key_of_a_file_is_named_with_its_line(tmp_path):
    file = write(tmp_path / "a.toml", 'extends = "small"\n[populations.noise]\nnumbr = 8\n')
    with pytest.raises(ParameterError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:3: populations.noise.numbr is not a trait")


def test_a_python_call_names_the_changes_and_not_an_option():
    with pytest.raises(ParameterError, match="^changes: dayz is not a known key"):
        load("small", {"dayz": 1})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["dayz"], "keys: dayz is not a known key"),
        (["populations.noise.numbr"], "numbr is not a trait of noise"),
        (["populations.ghost.number"], "populations.ghost is not one of the populations"),
        (["market.rulebook"], "must be a text"),
        (["spot.price"], "must be a table"),
        (["days", "days"], "apart from days"),
    ],
)
def test_a_simulator_refuses_a_wrong_key_when_it_is_made(keys, words):
    with pytest.raises(ParameterError, match=words):
        simulator("small", keys)


def test_a_wrong_value_of_a_simulator_is_that_of_theta():
    simulate = simulator("small", ["populations.noise.size_usd"])
    with pytest.raises(ParameterError, match="^theta: populations.noise.size_usd was -1.0"):
        simulate([-1.0], 10)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("agents.noise:Noise", "perplab.agents.noise:Noise"),
        ("agents.arbitrage:Arbitrage", "perplab.agents.carry.arbitrage:Arbitrage"),
        ("agents.mine:Mine", "perplab.agents.mine:Mine"),
    ],
)
def test_an_old_reference_to_a_kind_is_refused_with_the_new_one(old, new):
    with pytest.raises(ParameterError, match=f"must be renamed to {new}"):
        load("small", {"populations.noise.kind": old})


def test_the_version_is_that_which_the_command_prints(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["perplab", "--version"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out == f"perplab {perplab.__version__}\n"


@pytest.mark.parametrize(
    "raised", ["class E(BaseException): pass\nraise E('x' * 100_000)", "exit(3)"]
)
def test_a_file_of_a_kind_may_raise_anything(tmp_path, raised):
    write(tmp_path / "leaving.py", raised)
    with pytest.raises(ParameterError) as caught:
        load("small", {"populations.noise.kind": f"{tmp_path}/leaving.py:Mine"})
    assert "populations.noise.kind was" in str(caught.value) and len(str(caught.value)) < 3_000


@pytest.mark.parametrize(
    ("old", "new", "key", "bound"),
    [
        ("seeds = 2", "seeds = [1" + "0" * 30 + "]", "seeds", "at most 64 bits"),
        ("seeds = 2", "seeds = 600_000", "seeds", "at most 1,000,000"),
        (
            "seeds = 2",
            'seeds = 2\ndesign = {kind = "sobol", samples = 900_000}',
            "seeds",
            "at most",
        ),
        ("[factors.cap]", '[factors." "]', "factors", "a name: not blank"),
        ("values = [", 'labels = ["", "b"]\nvalues = [', "factors.cap.labels.0", "at least 1"),
        ("days = 0.01", "spot.price = {}", "changes", "at least one key"),
    ],
)
def test_a_sweep_is_bounded_and_named(tmp_path, old, new, key, bound):
    found = faults_of(tmp_path, SWEEP.replace(old, new))
    assert any(name.startswith(key) and bound in text for name, text in found.items()), found


def test_a_sweep_without_its_scheduler_leaves_nothing(monkeypatch, capsys, tmp_path):
    def refuse(address):
        raise ParameterError(Fault("--scheduler", address, "the address of a Dask scheduler"))

    monkeypatch.setattr(sweep_command, "dask_pool", refuse)
    file = sweep_file(tmp_path)
    code, said = ended(monkeypatch, capsys, "sweep", str(file), "--scheduler", "nowhere:1")
    assert code == 2 and "--scheduler" in said and list(tmp_path.iterdir()) == [file]
