"""Saved states of runs: damaged, planted, of other code or kinds, and resumed."""

import copy
import dataclasses
import json
import pathlib
import pickle
import sys

import numpy as np
import pytest

from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.outcome import Checkpoint, run
from perplab.scenarios.runs.store import default_folder
from perplab.sim.atomic_files import alone
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.rulebook.rulebook import rulebook_names
from perplab.sim.spot.processes import GeometricBrownian
from perplab.sim.state.branch import differences
from tests.command import CALM, ended, own_kind, said_by


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_two_runs_that_keep_their_state_in_one_place_do_not_meet(monkeypatch, capsys, tmp_path):
    folder = default_folder(load("small", {"days": 0.02}), 0, True)
    with alone(folder.with_name(f".{folder.name}.lock")):
        code, said = ended(monkeypatch, capsys, *CALM, "--checkpoint-hours", "0.1")
    assert code == 2 and "no other run is using" in said
    assert ended(monkeypatch, capsys, *CALM, "--checkpoint-hours", "0.1")[0] == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder.name]


def interrupted(scenario, checkpoint, steps):
    """Run with checkpoints until so many steps are done, then stop as a kill would."""
    done = []

    def stop(count):
        done.append(count)
        if sum(done) >= steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(scenario, 1, stop, checkpoint)


def test_a_kept_state_that_was_cut_short_says_what_to_do(monkeypatch, capsys, tmp_path):
    scenario = load("small", {"days": 0.02})
    checkpoint = Checkpoint(tmp_path / "r", 0.1)
    interrupted(scenario, checkpoint, 18)
    path = checkpoint.path(scenario, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ParameterError) as caught:
        run(scenario, 1, None, checkpoint)
    said = str(caught.value)
    assert (
        f"delete it to start again (rm {path})" in said
        and "numpy" not in said
        and "zip" not in said
        and "\n" not in said
    )
    path.write_bytes(whole)
    assert (
        run(scenario, 1, None, checkpoint).records.series[0].tobytes()
        == run(scenario, 1).records.series[0].tobytes()
    )
    checkpoint.clear()
    assert list(tmp_path.iterdir()) == []


def test_the_state_goes_only_when_the_result_is_there(monkeypatch, capsys, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_parquet", full)
    code, said = ended(monkeypatch, capsys, *CALM, "--checkpoint-hours", "0.1")
    left = [path.name for path in (tmp_path / "runs").iterdir()]
    assert (
        code == 1 and "No space left" in said and len(left) == 1 and left[0].endswith(".checkpoint")
    )


def test_a_full_disk_leaves_no_part_of_a_state(small_disk, monkeypatch, capsys):
    options = ("--checkpoint-hours", "0.1", "--out", str(small_disk / "r"))
    code, said = ended(monkeypatch, capsys, *CALM, *options)
    assert code == 1 and "No space left" in said
    assert list(small_disk.iterdir()) == []


def test_a_state_saved_by_other_code_is_refused(tmp_path, monkeypatch):
    market = build(load("small"), 1)
    market.save(tmp_path / "state")
    monkeypatch.setattr("perplab.sim.saved_market.sources_hash", lambda: "another")
    with pytest.raises(ParameterError, match="saved by this very code"):
        PerpetualMarket.load(tmp_path / "state")


@pytest.mark.parametrize("name", ["table/account", "table/view", "traits/0", "table/order"])
def test_a_state_of_other_tables_is_refused(tmp_path, name):
    build(load("small"), 1).save(tmp_path / "state")
    with np.load(tmp_path / "state") as file:
        parts = dict(file)
    for changed in (
        parts | {name: np.zeros(3)},
        parts | {name: parts[name][:-1]},
        parts | {name: np.concatenate([parts[name], parts[name]])},
        {key: part for key, part in parts.items() if key != name},
    ):
        with open(tmp_path / "other", "wb") as file:
            np.savez(file, **changed)
        with pytest.raises(ParameterError, match="an intact file written by save"):
            PerpetualMarket.load(tmp_path / "other")


def forget(stem):
    """Let a user's file of kinds be imported no more, as in a new process."""
    for name in [name for name in sys.modules if name.startswith(f"kind_{stem}_")]:
        del sys.modules[name]


def test_a_state_whose_kind_was_edited_or_lost_is_refused(tmp_path):
    population = {"kind": own_kind("stateful.py"), "number": 1}
    build(load("small", {"populations.mine": population}), 1).save("state")
    forget("stateful")
    path = pathlib.Path("stateful.py")
    with pytest.raises(ParameterError, match="stateful.py:U is not imported"):
        PerpetualMarket.load("state")
    assert not any(name.startswith("kind_stateful_") for name in sys.modules)
    assert PerpetualMarket.load("state", [kind_named(population["kind"])]).step_number == 0
    assert PerpetualMarket.load("state").kinds[-1] is kind_named(population["kind"])
    forget("stateful")
    path.write_text(path.read_text() + "\n# edited\n")
    with pytest.raises(ParameterError, match="their files have changed"):
        PerpetualMarket.load("state", [kind_named(population["kind"])])
    forget("stateful")


class Planted:
    """Unpickling it makes a file."""

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("planted"),)


def planted_files(market):
    """Yield the bytes of files that would make the file ``planted`` if they were unpickled."""
    yield pickle.dumps(Planted())
    for name in ("code", "facts", "table/account"):
        market.save("state")
        with np.load("state") as file:
            parts = dict(file)
        parts[name] = np.array([Planted()], dtype=object)
        with open("state", "wb") as file:
            np.savez(file, **parts)
        yield pathlib.Path("state").read_bytes()
    market.save("state")
    with np.load("state") as file:
        parts = dict(file)
    parts["python"] = np.frombuffer(pickle.dumps(Planted()), np.uint8)
    facts = json.loads(parts.pop("facts").tobytes())
    for kind in ("evil.py:X", f"{pathlib.Path('evil.py').absolute()}:X", "evil:X", "os:system"):
        facts["setup"]["populations"][0]["kind"] = kind
        with open("state", "wb") as file:
            np.savez(file, **parts, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8))
        yield pathlib.Path("state").read_bytes()


def test_a_planted_state_runs_nothing(tmp_path, monkeypatch):
    """Neither `load` nor a run with checkpoints executes what a file beside the run says."""
    monkeypatch.syspath_prepend(tmp_path)
    pathlib.Path("evil.py").write_text("open('planted', 'w'); X = object\n")
    scenario, checkpoint = load("small", {"days": 0.02}), Checkpoint(tmp_path / "r", 0.1)
    path, count = checkpoint.path(scenario, 1), 0
    for contents in planted_files(build(scenario, 1)):
        count += 1
        path.write_bytes(contents)
        with pytest.raises(ParameterError, match="delete it to start again"):
            run(scenario, 1, None, checkpoint)
        with pytest.raises(ParameterError, match="saved market"):
            PerpetualMarket.load(path)
    assert count == 8 and not pathlib.Path("planted").exists() and "evil" not in sys.modules


def test_a_state_of_another_run_is_not_resumed(tmp_path):
    scenario, checkpoint = load("small", {"days": 0.02}), Checkpoint(tmp_path / "r", 0.1)
    for changes, seed in (({}, 2), ({"populations.noise.size_usd": 7.0}, 1), ({"days": 0.03}, 1)):
        market = build(load("small", {"days": 0.02, **changes}), seed)
        market.save(checkpoint.path(scenario, 1))
        with pytest.raises(ParameterError, match="the state of this very run"):
            run(scenario, 1, None, checkpoint)


def test_a_saved_market_keeps_its_setup(tmp_path):
    """Rulebooks, processes, shocks, distributions and infinities come back equal."""
    start = 1_704_067_200
    prices = [f"{start + step},{100 + step % 7}" for step in range(0, 90_000, 60)]
    pathlib.Path("prices.csv").write_text("\n".join(["timestamp,price", *prices]))
    replay = {"process": "replay", "file": str(tmp_path / "prices.csv"), "column": "price"}
    given = [("small", {"market.rulebook": rulebook}) for rulebook in rulebook_names()]
    given += [(name, {}) for name in ("stray-source", "weaponised-shorts")]
    law = {"spot.displacement": {"depth": 1e9}, "spot.transient_impact_bps": 0}
    given.append(("small", law))
    given.append(("small", {"days": 1, "spot.price": replay}))
    for name, changes in given:
        market = build(load(name, {"populations.noise.number": 3} | changes), 3)
        market.save("state")
        loaded = PerpetualMarket.load("state").setup
        assert (loaded.assets, loaded.markets) == (market.setup.assets, market.setup.markets)
        assert not list(differences(market.setup, loaded))


def test_a_spot_process_of_a_users_own_is_not_saved():
    class Mine(GeometricBrownian):
        pass

    setup = build(load("small"), 1).setup
    asset = dataclasses.replace(setup.assets[0], process=Mine(initial_price=100.0, volatility=0.1))
    market = PerpetualMarket(dataclasses.replace(setup, assets=[asset]), 1)
    with pytest.raises(ParameterError, match="process was .*Mine|of a class of perplab"):
        market.save("state")
    assert not pathlib.Path("state").exists() and copy.deepcopy(market).mark == market.mark


EVIL = "open('imported', 'a').write('x')\n"


@pytest.fixture
def evil_scenario(tmp_path):
    """Return a scenario file with a kind whose file leaves a mark when it is imported."""
    own_kind("evil.py")
    pathlib.Path("evil.py").write_text(EVIL + pathlib.Path("evil.py").read_text())
    pathlib.Path("x.toml").write_text(
        'extends = "small"\ndays = 0.02\n[populations.mine]\nkind = "evil.py:U"\nnumber = 1\n'
        "capital_usd = 5.0\n"
    )
    return "x.toml"


@pytest.fixture
def command(monkeypatch, capsys, no_workers, no_drawing):
    """Return the command, run as in a new process: no kind of the user's own is imported yet."""

    def run_command(*arguments):
        forget("evil")
        code, said = said_by(monkeypatch, capsys, *arguments)
        assert code == 0, said.err
        return said

    return run_command


def test_only_run_imports_a_kind_and_says_so(evil_scenario, command):
    shown = command("show", evil_scenario).out
    assert "evil.py:U" in shown and "capital_usd = 5" in shown and "not imported" in shown
    assert not pathlib.Path("imported").exists()
    told = command("run", evil_scenario, "--no-figures", "--out", "r").err
    assert told.count("importing the trader kind") == 1
    assert f"{pathlib.Path('evil.py').absolute()}:U" in told
    pathlib.Path("imported").unlink()
    for name in ("check", "report"):
        command(name, "r")
    assert not pathlib.Path("imported").exists()


def test_a_sweep_says_what_it_imports_and_its_report_imports_nothing(evil_scenario, command):
    pathlib.Path("sweep.toml").write_text(
        f'scenario = "{evil_scenario}"\nseeds = 2\n[factors.money]\n'
        'key = "populations.mine.capital_usd"\nvalues = [1.0, 2.0]\n'
    )
    told = command("sweep", "sweep.toml", "--workers", "1", "--out", "s").err
    assert "importing the trader kind" in told
    pathlib.Path("imported").unlink()
    for name in ("report", "check"):
        command(name, "s")
    assert not pathlib.Path("imported").exists()
