"""Scenario files that are refused: all faults at once, each with its line and bound."""

import math

import pytest

from perplab.scenarios.files.loader import build, load
from perplab.sim.errors import ParameterError
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.scenario_files import faults_of, write


def test_all_faults_of_a_file_are_told_with_file_and_line(tmp_path):
    file = write(
        tmp_path / "bad.toml",
        """extends = "small"
dayz = 3
dt_seconds = -60

[spot]
half_spread_bps = "1 bp"

[market]
rulebook = "binanse"

[populations.noise]
number = 2.5
size_usd = -1

[populations.longs]
leverage = 500
levarage = 3

[populations.crowd]
kind = "nois"
number = 3
""",
    )
    found = faults_of(file)
    expected = {
        "dayz": (2, "did you mean 'days'"),
        "dt_seconds": (3, "at least 0.01"),
        "spot.half_spread_bps": (6, "a number"),
        "market.rulebook": (9, "did you mean 'binance'"),
        "populations.noise.number": (12, "whole number"),
        "populations.longs.levarage": (17, "did you mean 'leverage'"),
        "populations.crowd.kind": (20, "'noise'"),
    }
    for key, (line, bound) in expected.items():
        assert (
            found[key].file == file and found[key].line == line and bound in found[key].expected
        ), found[key]


@pytest.mark.parametrize(
    ("changes", "key", "bound"),
    [
        ({"days": 0}, "days", "above 0"),
        ({"days": math.nan}, "days", "finite"),
        ({"days": 1e-6}, "days", "at least one step"),
        ({"record_seconds": 90}, "record_seconds", "a multiple of dt_seconds"),
        (
            {f"populations.{name}.number": 0 for name in load("small").populations},
            "populations",
            "at least one trader",
        ),
        ({"populations.noise.number": -1}, "populations.noise.number", "at least 0"),
        ({"populations.noise.size_usd": -5.0}, "populations.noise.size_usd", "at least 0"),
        ({"populations.noise.size_usd": math.nan}, "populations.noise.size_usd", "at least 0"),
        (
            {"populations.noise.size_usd": {"distribution": "lognormal", "median": 3.0}},
            "populations.noise.size_usd.log_sd",
            "given",
        ),
        (
            {"populations.noise.size_usd": {"distribution": "cauchy"}},
            "populations.noise.size_usd",
            "one of lognormal",
        ),
        (
            {"populations.noise.size_usd": {"distribution": "uniform", "low": 2.0, "high": 1.0}},
            "populations.noise.size_usd.high",
            "at least low",
        ),
        (
            {"populations.noise.size_usd": {"distribution": "normal", "mean": 5.0, "sd": 1.0}},
            "populations.noise.size_usd.min",
            "at least 0",
        ),
        ({"populations.longs.leverage": 126}, "populations.longs.leverage", "at most 125"),
        (
            {
                "populations.longs.leverage": {
                    "distribution": "uniform",
                    "low": 130.0,
                    "high": 140.0,
                }
            },
            "populations.longs.leverage.low",
            "at most 125",
        ),
        (
            {"populations.longs.leverage": 100, "populations.longs.size_usd": 4e6},
            "populations.longs.leverage",
            "at most 50",
        ),
        ({"populations.noise.market": 1}, "populations.noise.market", "from 0 to 0"),
        (
            {"populations.mine": {"kind": "nowhere.py:Mine", "number": 1}},
            "populations.mine.kind",
            "no file",
        ),
        (
            {"populations.mine": {"kind": "perplab.sim.errors:Fault", "number": 1}},
            "populations.mine.kind",
            "a subclass",
        ),
        ({"market.changes.funding.cap": -1.0}, "market.changes.funding.cap", "at least 0"),
        ({"market.changes.funding.kap": 1.0}, "market.changes.funding.kap", "'cap'"),
        ({"market.changes.funding.cap": 30.0}, "market.changes.funding.cap", "0.003 being 0.3 %"),
        ({"market.changes.funding.damper": 5.0}, "market.changes.funding.damper", "at most 1"),
        (
            {"market.changes.funding.interest_rate": -2.0},
            "market.changes.funding.interest_rate",
            "at most 1 either side",
        ),
        (
            {"market.rulebook": "bitmex", "market.changes.funding.cap": 75.0},
            "market.changes.funding.cap",
            "a multiple of at most 10",
        ),
        ({"populations.shorts.side": 1}, "populations.shorts.side", "-1"),
        (
            {"populations.longs.side": {"distribution": "choice", "values": [1.0, -1.0]}},
            "populations.longs.side.values",
            "1 (sign",
        ),
        (
            {"populations.noise.capital": "50k"},
            "populations.noise.capital",
            "did you mean 'capital_usd'",
        ),
        ({"populations.noise.numbr": 5}, "populations.noise.numbr", "did you mean 'number'"),
        (
            {"populations.new": {"kind": "noise", "numbr": 5}},
            "populations.new.number",
            "'numbr' is no key: did you mean 'number'",
        ),
        (
            {"comparison.funding_file": "funding.csv"},
            "comparison.funding_file",
            "replays no real prices",
        ),
        ({"comparison.perp_column": "close"}, "comparison.perp_column", "replays no real prices"),
        (
            {"spot.price": {"process": "replay", "file": "a.csv", "column": "a", "start": "soon"}},
            "spot.price.start",
            "such as 2022-11-01",
        ),
        ({"market.asset": "eth"}, "market.asset", "one of btc"),
        (
            {"shocks": [{"kind": "path", "at_hours": 1.0, "minutes": 5.0, "move": -1.5}]},
            "shocks.0.move",
            "above -1",
        ),
        ({"shocks": [{"kind": "jump"}]}, "shocks.0.kind", "one of path, programme"),
        (
            {"shocks": [{"kind": "path", "at_hours": 1e4, "minutes": 5.0, "move": -0.1}]},
            "shocks.0.at_hours",
            "before the end",
        ),
        ({"twin.from_hours": 1e4}, "twin.from_hours", "before the end"),
        ({"spot.price.initial_price": True}, "spot.price.initial_price", "a number"),
        ({"name": "a" * 101}, "name", "at most 100 letters"),
        ({"market.changes.contract.tick": 1e308}, "market.changes.contract.tick", "at most"),
        (
            {"market.changes.funding.interval_hours": 1e308},
            "market.changes.funding.interval_hours",
            "at most 8760",
        ),
        ({"spot.price.volatility": -0.5}, "spot.price.volatility", "at least 0"),
        ({"spot.price": {"process": "levy"}}, "spot.price.process", "one of geometric_brownian"),
        (
            {"spot.price": {"process": "mean_reverting", "initial_price": 3, "levl": 3}},
            "spot.price.levl",
            "'level'",
        ),
    ],
)
def test_a_wrong_value_is_refused(changes, key, bound):
    fault = faults_of("small", changes)[key]
    assert bound in fault.expected and fault.file == "changes"


@pytest.mark.parametrize("rulebook", rulebook_names())
def test_the_bounds_of_rates_leave_room_for_every_venue(rulebook):
    funding = load_rulebook(rulebook).funding
    assert not list(funding.too_large())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 3000 + "]" * 3000, "valid TOML"),
        ("days = " + "9" * 5000, "valid TOML"),
        ("x = = 1", r"bad.toml:1: syntax was .x = = 1."),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused(tmp_path, text, words):
    with pytest.raises(ParameterError, match=words):
        load(write(tmp_path / "bad.toml", text))


def test_each_row_of_a_list_has_its_own_line(tmp_path):
    shock = '[[shocks]]\nkind = "path"\nat_hours = 1\nminutes = 10\nmove = {}\n'
    file = write(
        tmp_path / "two.toml", 'extends = "small"\n' + shock.format(-0.1) + shock.format(-5)
    )
    assert faults_of(file)["shocks.1.move"].line == 11


def test_a_kind_whose_file_ends_the_process_is_refused(tmp_path):
    write(tmp_path / "leaving.py", "raise SystemExit(3)\n")
    assert (
        "SystemExit"
        in faults_of(
            "small", {"populations.mine": {"kind": f"{tmp_path}/leaving.py:Mine", "number": 1}}
        )["populations.mine.kind"].expected
    )


def test_a_venue_has_one_set_of_fees(tmp_path):
    market = '[[markets]]\nrulebook = "binance"\n'
    text = f'extends = "small"\n{market}{market}changes = {{fees = {{taker = 0.001}}}}\n'
    assert (
        "[fees] differs"
        in faults_of(write(tmp_path / "one.toml", text))["markets.1.venue"].expected
    )
    assert load(write(tmp_path / "two.toml", text + 'venue = "other"\n')).days == 30


@pytest.mark.parametrize("price", [1e9, 0.5])
def test_a_ladder_that_cannot_be_is_refused(price):
    with pytest.raises(ParameterError, match="contract.tick"):
        build(load("small", {"spot.price.initial_price": price}), 1)


def test_a_scenario_that_is_not_there_and_one_that_extends_itself(tmp_path):
    assert "'calm'" in faults_of("clam")["scenario"].expected
    loop = write(tmp_path / "loop.toml", 'extends = "loop.toml"\n')
    assert "itself" in faults_of(loop)["extends"].expected
    orphan = write(tmp_path / "orphan.toml", '\nextends = "nobody"\n')
    assert faults_of(orphan)["extends"].line == 2
    broken = write(tmp_path / "broken.toml", "days = = 3\n")
    assert faults_of(broken)["syntax"].line == 1
    assert str(faults_of(broken)["syntax"]).endswith(
        "broken.toml:1: syntax was 'days = = 3', must be valid TOML (invalid value at column 8)"
    )
    assert faults_of(write(tmp_path / "cut.toml", "days = 3\ndt_seconds ="))["syntax"].line == 2


def test_one_market_beside_several_is_refused():
    assert (
        "absent beside [market]"
        in faults_of("small", {"markets": [{"rulebook": "binance"}]})["markets"].expected
    )


def test_a_displaced_spot_is_read_back_as_it_is_stored():
    calm = load("calm")
    assert calm.spot.transient_impact_bps == 0.0 and load("small").spot.transient_impact_bps == 0.1
    assert type(calm).model_validate(calm.model_dump()) == calm
