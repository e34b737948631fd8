"""Saved states of runs: damaged, of other code or kinds, and resumed."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from perplab.scenarios.files.loader import build, load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.outcome import Checkpoint, run
from perplab.sim.atomic_files import alone
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from tests.command import CALM, ended, own_kind


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_two_runs_that_keep_their_state_in_one_place_do_not_meet(monkeypatch, capsys, tmp_path):
    with alone(tmp_path / "runs" / ".calm-seed0.lock"):
        code, said = ended(monkeypatch, capsys, *CALM, "--checkpoint-hours", "0.1")
    assert code == 2 and "no other run is using" in said
    assert ended(monkeypatch, capsys, *CALM, "--checkpoint-hours", "0.1")[0] == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["calm-seed0"]


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
    scenario = load("calm", {"days": 0.02})
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


def test_a_full_disk_leaves_no_part_of_a_state(small_disk):
    command = [
        sys.executable,
        "-m",
        "perplab",
        *CALM,
        "--checkpoint-hours",
        "0.1",
        "--out",
        str(small_disk / "r"),
    ]
    done = subprocess.run(
        [*command[:1], "-c", "from perplab.__main__ import main; main()", *command[3:]],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
    )
    assert (
        done.returncode == 1 and "No space left" in done.stderr and "Traceback" not in done.stderr
    )
    assert list(small_disk.iterdir()) == []


def test_a_state_saved_by_other_code_is_refused(tmp_path, monkeypatch):
    market = build(load("calm"), 1)
    market.save(tmp_path / "state")
    monkeypatch.setattr("perplab.sim.state.saved_market.sources_hash", lambda: "another")
    with pytest.raises(ParameterError, match="other code would not continue"):
        PerpetualMarket.load(tmp_path / "state")


@pytest.mark.parametrize("name", ["table/account", "table/view", "traits/0", "table/order"])
def test_a_state_of_other_tables_is_refused(tmp_path, name):
    build(load("calm"), 1).save(tmp_path / "state")
    with np.load(tmp_path / "state") as file:
        parts = dict(file)
    for changed in (
        parts | {name: np.zeros(3)},
        {key: part for key, part in parts.items() if key != name},
    ):
        with open(tmp_path / "other", "wb") as file:
            np.savez(file, **changed)
        with pytest.raises(ParameterError, match="an intact file written by save"):
            PerpetualMarket.load(tmp_path / "other")


def test_a_state_whose_kind_was_edited_or_lost_is_refused(tmp_path):
    population = {"kind": own_kind("mine.py"), "number": 1}
    program = (
        "from perplab.scenarios.files.loader import build, load;"
        f" build(load('calm', {{'populations.mine': {population}}}), 1).save('state')"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        check=True,
    )
    path = pathlib.Path("mine.py")
    path.write_text(path.read_text() + "\n# edited\n")
    with pytest.raises(ParameterError, match="their files have changed"):
        PerpetualMarket.load("state")
    sys.modules.pop(next(name for name in sys.modules if name.startswith("kind_mine_")))
    path.unlink()
    with pytest.raises(ParameterError, match="trader kinds can be imported"):
        PerpetualMarket.load("state")
