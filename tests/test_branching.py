"""What a branch applies, and that it refuses everything else before anything runs."""

import json
import sys

import pytest

from perplab.analysis.cli import commands as cli
from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, sweep_file

SHORT = {"days": 0.05}


def branched(monkeypatch, *arms):
    """Run ``perplab branch`` and return its exit code."""
    options = [part for arm in arms for part in ("--arm", arm)]
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
            *options,
            "--out",
            "both",
        ],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


REFUSED = {
    "spot.price.volatility": 0.9,
    "spot.price.process": "jump_diffusion",
    "spot.name": "eth",
    "record_seconds": 120,
    "premium_sample_seconds": 10,
    "record.trades": True,
    "days": 0.06,
    "dt_seconds": 30,
    "shocks": [{"kind": "path", "at_hours": 0.6, "minutes": 5.0, "move": -0.1}],
    "twin.from_hours": 0.7,
    "spot.sentiment.sd": 0.7,
    "market.changes.contract.tick": 1.0,
    "market.changes.fund.initial": 5.0,
    "populations.noise.number": 7,
    "populations.longs.leverage": 2.0,
    "populations.noise.capital_usd": 5.0,
}


@pytest.mark.parametrize("key", REFUSED)
def test_what_cannot_change_in_flight_is_refused_with_its_key(key):
    base, other = load("small", SHORT), load("small", SHORT | {key: REFUSED[key]})
    faults = branch_faults(base, other)
    assert any(
        fault.key.startswith(key)
        and ("before the branch" in fault.expected or "after the branch" in fault.expected)
        for fault in faults
    ), faults
    assert branch_faults(base, base) == []


def test_the_command_refuses_before_anything_runs(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert branched(monkeypatch, "wild:spot.price.volatility=0.9") == 2
    said = capsys.readouterr().err
    assert (
        "--arm wild: spot.price.volatility was 0.9" in said
        and "cannot change in flight" in said
        and list(tmp_path.iterdir()) == []
    )


@pytest.mark.parametrize(
    "arms",
    [
        ("base:market.changes.funding.cap=0.1",),
        ("a:market.changes.funding.cap=0.1", "a:market.changes.funding.cap=0.2"),
    ],
)
def test_arms_that_cannot_be_told_apart_are_refused(monkeypatch, capsys, tmp_path, arms):
    monkeypatch.chdir(tmp_path)
    assert branched(monkeypatch, *arms) == 2
    assert (
        "named differently, and none of them 'base'" in capsys.readouterr().err
        and list(tmp_path.iterdir()) == []
    )


def test_an_arm_of_a_sweep_is_refused_before_anything_runs(tmp_path):
    text = (
        SWEEP
        + '[[arms]]\nname = "wild"\nat_hours = 0.1\nchanges = {"spot.price.volatility" = 0.9}\n'
    )
    with pytest.raises(ParameterError) as caught:
        read_sweep(sweep_file(tmp_path, text))
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [
        ("small.toml", "arms.0.changes.spot.price.volatility")
    ]


def test_terms_of_trading_in_spot_change_in_flight_and_traders_see_them():
    changes = {
        "spot.fee_bps": 3.0,
        "spot.half_spread_bps": 2.0,
        "spot.borrow_rate_per_year": 0.4,
        "spot.impact_seconds": 60.0,
        "spot.permanent_impact_bps": 0.5,
        "spot.perp_price_discovery": 0.1,
        "spot.borrow_limit_usd": 1e6,
    }
    base, other = load("small", SHORT), load("small", SHORT | changes)
    assert branch_faults(base, other) == []
    market = build(base, 1)
    market.run(10)
    branch = market.branch(setup=setup_of(other, 1))
    fresh = build(other, 1)
    names = (
        "fee",
        "half_spread",
        "borrow_rate",
        "impact_seconds",
        "permanent_impact",
        "transient_impact",
        "discovery",
        "borrow_limit_lots",
    )
    assert [branch.tables["asset"][name][0] for name in names] == [
        fresh.tables["asset"][name][0] for name in names
    ]
    for name in ("spot_fee", "spot_half_spread", "borrow_rate"):
        assert (
            branch.tables["view"][name][0]
            == fresh.tables["view"][name][0]
            != market.tables["view"][name][0]
        )
    branch.run(20)
    branch.check()


def test_a_fee_in_flight_is_in_the_manifest_and_in_the_figures(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert branched(monkeypatch, "dear:spot.fee_bps=50") == 0
    assert (
        json.loads((tmp_path / "both/dear/manifest.json").read_text())["scenario"]["spot"][
            "fee_bps"
        ]
        == 50
    )
    one, other = (
        (tmp_path / "both" / name / "kinds.parquet").read_bytes() for name in ("base", "dear")
    )
    assert one != other


def test_a_fund_keeps_what_it_was_given_under_another_rulebook():
    base, other = (
        load("small", SHORT),
        load("small", SHORT | {"market.rulebook": "bybit", "market.changes.fund.initial": 77.0}),
    )
    market = build(base, 1)
    given = market.records().meta["venues"][0]["fund_initial"]
    assert (
        market.branch(setup=setup_of(other, 1)).records().meta["venues"][0]["fund_initial"] == given
    )


def test_a_branch_takes_a_setup_only():
    market = build(load("small", SHORT), 1)
    with pytest.raises(ParameterError, match="setup was 3, must be a Setup"):
        market.branch(setup=3)


def test_an_average_that_a_new_mark_needs_begins_at_the_mark():
    market = build(load("small", SHORT), 1)
    market.run(30)
    inputs = [{"input": "quotes_average", "window_seconds": 3_000}]
    branch = market.branch(
        setup=setup_of(load("small", SHORT | {"market.changes.mark.inputs": inputs}), 1)
    )
    before = float(branch.tables["view"]["mark"][0])
    branch.run(1)
    assert float(branch.tables["view"]["mark"][0]) == pytest.approx(before, rel=1e-3)


def test_an_arm_cannot_move_a_market_to_another_venue():
    base = load("small", {"days": 0.1})
    assert [
        fault.key
        for fault in branch_faults(base, load("small", {"days": 0.1, "market.venue": "elsewhere"}))
    ] == ["market.venue"]
    assert (
        branch_faults(base, load("small", {"days": 0.1, "market.rulebook": "binance-2024"})) == []
    )
