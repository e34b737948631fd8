"""Branches: what may change in flight, and the command."""

import json
import sys

import pytest

from perplab.analysis.cli import commands as cli
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.runs.results import faults_of_folder
from perplab.sim.errors import ParameterError


def test_a_branch_changes_rules_and_traits_and_refuses_the_rest():
    scenario = load("small", {"days": 0.05})
    market = build(scenario, 3)
    market.run(20)
    for key, value, words in (
        ("market.changes.contract.tick", 1.0, "in flight"),
        ("populations.noise.number", 7, "kinds and numbers"),
        ("populations.longs.leverage", 2.0, "accounts are open"),
        ("dt_seconds", 30, "dt_seconds was 30.0, must be 60.0 as before the branch"),
    ):
        with pytest.raises(ParameterError, match=words):
            market.branch(setup=setup_of(load("small", {"days": 0.05, key: value}), 3))
    assert (
        market.branch(
            setup=setup_of(load("small", {"days": 0.05, "market.rulebook": "bybit"}), 3)
        ).tables["market"]["funding_law"]["cap"][0]
        == 0.00375
    )
    other = market.branch(
        setup=setup_of(
            load(
                "small",
                {
                    "days": 0.05,
                    "market.changes.adl.selection": "pro_rata",
                    "populations.noise.size_usd": 10.0,
                },
            ),
            3,
        )
    )
    assert (
        other.tables["venue"]["adl_law"]["adl_selection"][0] == 2
        and market.tables["venue"]["adl_law"]["adl_selection"][0] == 0
    )
    noise = market.kinds.index(market.setup.populations[0].kind)
    assert (
        set(other.traits[noise]["size_usd"]) == {10.0}
        and 10.0 not in market.traits[noise]["size_usd"]
    )
    market.run(30)
    other.run(30)
    assert other.conservation_error_units == market.conservation_error_units == 0


def test_a_branch_after_the_end_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "perplab",
            "branch",
            "small",
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
            "small",
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
