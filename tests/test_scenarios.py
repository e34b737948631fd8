"""Scenario files: what they may say, how they are refused, what is built from them, and what a run leaves."""

import json
import math
import pickle
import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from perplab.scenarios.files.distributions import Choice, Exponential, Lognormal, Normal, Uniform
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.files.overrides import changed, merged
from perplab.scenarios.files.sources import library_names
from perplab.scenarios.runs import store
from perplab.scenarios.runs.json_files import json_safe
from perplab.scenarios.runs.outcome import planned_steps, run
from perplab.sim.errors import ParameterError
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from perplab.sim.streams import generator


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def faults_of(story, changes=()):
    with pytest.raises(ParameterError) as caught:
        load(story, changes)
    return {fault.key: fault for fault in caught.value.faults}


def prices(folder, rows=None, name="prices.csv"):
    hours = range(72)
    lines = rows or [
        f"2022-01-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{100 + h % 5},{100.02 + h % 5}"
        for h in hours
    ]
    return write(folder / name, "\n".join(["timestamp,spot,perp", *lines]) + "\n")


@pytest.mark.parametrize("name", library_names())
def test_every_story_is_sound(name, tmp_path):
    changes = {"spot.price.file": prices(tmp_path), "days": 2} if name == "replay" else {}
    scenario = load(name, changes)
    assert scenario.name == name and scenario.title and scenario.question.endswith("?")
    setup = setup_of(scenario, 1)
    assert sum(population.number for population in setup.populations) > 100


def test_the_library_has_the_stories_of_the_map():
    assert {"calm", "short-crowding", "long-cascade", "weaponised-shorts", "replay"} <= set(
        library_names()
    )


def test_a_difference_is_laid_over_what_it_extends():
    calm, crowded = load("calm"), load("short-crowding")
    assert crowded.populations["longs"].number < calm.populations["longs"].number
    assert crowded.populations["longs"].traits == calm.populations["longs"].traits
    assert crowded.spot.price == calm.spot.price


def test_a_table_that_says_what_it_is_replaces():
    under = {
        "price": {"process": "geometric_brownian", "volatility": 0.5},
        "x": {"y": 1, "z": [1, 2]},
    }
    over = {"price": {"process": "mean_reverting", "level": 3.0}, "x": {"z": [3]}}
    assert merged(under, over) == {"price": over["price"], "x": {"y": 1, "z": [3]}}


def test_several_assets_take_the_place_of_one():
    assert merged({"spot": {"name": "a"}}, {"assets": [{"name": "b"}]}) == {
        "assets": [{"name": "b"}]
    }


def test_changes_reach_into_lists():
    assert load("long-cascade", {"shocks.0.move": -0.02}).shocks[0].move == -0.02
    with pytest.raises(ParameterError, match="in a list of 1"):
        changed({"shocks": [{}]}, "shocks.1.move", 0)


def test_number_zero_removes_a_population_and_moves_no_other():
    changes = {"populations.attacker.number": 0}
    with_attacker, without = (
        setup_of(load("weaponised-shorts", extra), 4) for extra in ({}, changes)
    )
    assert {p.name for p in with_attacker.populations} - {p.name for p in without.populations} == {
        "attacker"
    }
    for one in without.populations:
        other = next(p for p in with_attacker.populations if p.name == one.name)
        assert all(
            np.array_equal(values, other.traits[trait]) for trait, values in one.traits.items()
        )


def test_all_faults_of_a_file_are_told_with_file_and_line(tmp_path):
    file = write(
        tmp_path / "bad.toml",
        """extends = "calm"
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
        assert found[key].file == file and found[key].line == line and bound in found[key].bound, (
            found[key]
        )


@pytest.mark.parametrize(
    ("changes", "key", "bound"),
    [
        ({"days": 0}, "days", "above 0"),
        ({"days": math.nan}, "days", "finite"),
        ({"days": 1e-6}, "days", "at least one step"),
        ({"record_seconds": 90}, "record_seconds", "a multiple of dt_seconds"),
        (
            {"populations": {"noise": {"kind": "noise", "number": 0}}},
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
            {"market.changes.funding.interest": -2.0},
            "market.changes.funding.interest",
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
    fault = faults_of("calm", changes)[key]
    assert bound in fault.bound and fault.file == "--set"


@pytest.mark.parametrize("rulebook", rulebook_names())
def test_the_bounds_of_rates_leave_room_for_every_venue(rulebook):
    funding = load_rulebook(rulebook).funding
    assert not list(funding.too_large())


def test_a_name_or_a_file_stands_for_its_scenario(tmp_path):
    assert build("calm").setup.dt == 60.0
    assert (
        run(write(tmp_path / "short.toml", 'extends = "calm"\ndays = 0.001\n')).scenario.name
        == "short"
    )
    with pytest.raises(ParameterError, match="did you mean 'calm'"):
        build("clam")
    with pytest.raises(ParameterError, match="scenario was 7, must be a Scenario"):
        build(7)


@pytest.mark.parametrize(
    ("funding", "changes", "key", "bound"),
    [
        (
            "timestamp,rat\n2022-01-01T00:00:00Z,0.1\n",
            {},
            "comparison.funding_column",
            "did you mean 'rat'",
        ),
        (
            "when,rate\n2022-01-01T00:00:00Z,0.1\n",
            {},
            "comparison.funding_time_column",
            "when, rate",
        ),
        (
            "timestamp,rate\n2022-01-01T00:00:00Z,much\n",
            {},
            "comparison.funding_column",
            "with rates",
        ),
        ("timestamp,rate\nnoon,0.1\n", {}, "comparison.funding_time_column", "with times"),
        (None, {}, "comparison.funding_file", "existing file"),
        (
            "timestamp,rate\n2022-01-01T00:00:00Z,0.1\n",
            {"comparison.perp_column": "perpetual"},
            "comparison.perp_column",
            "timestamp, spot, perp",
        ),
    ],
)
def test_what_is_drawn_beside_a_replay_is_checked_before_it_runs(
    tmp_path, funding, changes, key, bound
):
    if funding:
        write(tmp_path / "funding.csv", funding)
    story = {
        "spot.price.file": prices(tmp_path),
        "days": 1,
        "comparison.funding_file": str(tmp_path / "funding.csv"),
    }
    fault = faults_of("replay", story | changes)[key]
    assert bound in fault.bound


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


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert load(write(tmp_path / "marked.toml", '\ufeffextends = "calm"\ndays = 3\n')).days == 3


def test_each_row_of_a_list_has_its_own_line(tmp_path):
    shock = '[[shocks]]\nkind = "path"\nat_hours = 1\nminutes = 10\nmove = {}\n'
    file = write(
        tmp_path / "two.toml", 'extends = "calm"\n' + shock.format(-0.1) + shock.format(-5)
    )
    assert faults_of(file)["shocks.1.move"].line == 11


def test_a_kind_whose_file_ends_the_process_is_refused(tmp_path):
    write(tmp_path / "leaving.py", "raise SystemExit(3)\n")
    assert (
        "SystemExit"
        in faults_of(
            "calm", {"populations.mine": {"kind": f"{tmp_path}/leaving.py:Mine", "number": 1}}
        )["populations.mine.kind"].bound
    )


def test_a_venue_has_one_set_of_fees(tmp_path):
    text = 'extends = "calm"\n[[markets]]\nrulebook = "binance"\n[[markets]]\nrulebook = "binance"\nchanges = {fees = {taker = 0.001}}\n'
    assert (
        "[fees] differs" in faults_of(write(tmp_path / "one.toml", text))["markets.1.venue"].bound
    )
    assert load(write(tmp_path / "two.toml", text + 'venue = "other"\n')).days == 30


@pytest.mark.parametrize("price", [1e9, 0.5])
def test_a_ladder_that_cannot_be_is_refused(price):
    with pytest.raises(ParameterError, match="contract.tick"):
        build(load("calm", {"spot.price.initial_price": price}), 1)


def test_an_order_beyond_what_a_venue_takes_at_once_is_cut():
    market = build(load("calm", {"days": 0.01, "populations.noise.size_usd": 1e12}), 1)
    market.run(5)
    market.check()


def test_a_story_that_is_not_there_and_one_that_extends_itself(tmp_path):
    assert "'calm'" in faults_of("clam")["scenario"].bound
    loop = write(tmp_path / "loop.toml", 'extends = "loop.toml"\n')
    assert "itself" in faults_of(loop)["extends"].bound
    orphan = write(tmp_path / "orphan.toml", '\nextends = "nobody"\n')
    assert faults_of(orphan)["extends"].line == 2
    broken = write(tmp_path / "broken.toml", "days = = 3\n")
    assert faults_of(broken)["syntax"].line == 1
    assert str(faults_of(broken)["syntax"]).endswith(
        "broken.toml:1: syntax was 'days = = 3', must be valid TOML (invalid value at column 8)"
    )
    assert faults_of(write(tmp_path / "cut.toml", "days = 3\ndt_seconds ="))["syntax"].line == 2


@pytest.mark.parametrize(
    ("rows", "line", "bound"),
    [
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,nan,1",
                "2022-01-01T02:00:00Z,100,1",
            ],
            3,
            "finite price",
        ),
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,-4,1",
                "2022-01-01T02:00:00Z,100,1",
            ],
            3,
            "finite price",
        ),
        (
            [
                "2022-01-01T02:00:00Z,100,1",
                "2022-01-01T01:00:00Z,100,1",
                "2022-01-01T03:00:00Z,100,1",
            ],
            3,
            "later than",
        ),
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,100,1",
                "2022-01-09T00:00:00Z,100,1",
            ],
            4,
            "missing bars",
        ),
    ],
)
def test_a_series_with_holes_is_refused(tmp_path, rows, line, bound):
    file = prices(tmp_path, rows)
    found = faults_of("replay", {"spot.price.file": file, "days": 0.05})
    assert any(
        fault.file == file and fault.line == line and bound in fault.bound
        for fault in found.values()
    )


def test_a_replay_needs_a_file_that_is_there_and_long_enough(tmp_path):
    assert "--spot" in faults_of("replay")["spot.price.file"].bound
    assert (
        "existing file"
        in faults_of("replay", {"spot.price.file": "no.csv"})["spot.price.file"].bound
    )
    file = prices(tmp_path)
    assert any(
        "at most" in fault.bound
        for fault in faults_of("replay", {"spot.price.file": file, "days": 30}).values()
    )
    wrong = faults_of("replay", {"spot.price.file": file, "days": 1, "spot.price.column": "spt"})
    assert any("'spot'" in fault.bound for fault in wrong.values())


def test_paths_start_from_the_folder_of_their_file(tmp_path):
    prices(tmp_path)
    story = write(
        tmp_path / "mine.toml", 'extends = "replay"\ndays = 1\n[spot.price]\nfile = "prices.csv"\n'
    )
    assert load(story).spot.price.file == tmp_path / "prices.csv"


@pytest.mark.parametrize(
    ("distribution", "mean"),
    [
        (Lognormal(distribution="lognormal", mean=3.0, log_sd=0.5), 3.0),
        (Lognormal(distribution="lognormal", median=2.0, log_sd=0.5), 2.0 * math.exp(0.125)),
        (Normal(distribution="normal", mean=-1.0, sd=2.0), -1.0),
        (Exponential(distribution="exponential", mean=4.0), 4.0),
        (Uniform(distribution="uniform", low=1.0, high=4.0), 2.5),
        (Choice(distribution="choice", values=(1.0, 5.0), weights=(3.0, 1.0)), 2.0),
    ],
)
def test_distributions_have_their_means(distribution, mean):
    draws = distribution.draw(generator(1, "test"), 200_000)
    assert abs(draws.mean() - mean) < 5 * draws.std() / math.sqrt(200_000)


def test_draws_stay_within_their_bounds():
    draws = Lognormal(distribution="lognormal", median=10.0, log_sd=2.0, min=2.0, max=100.0).draw(
        generator(1, "test"), 10_000
    )
    assert draws.min() == 2.0 and draws.max() == 100.0


def test_the_tail_of_leverage_is_cut_at_the_venues_largest():
    wild = {
        "populations.longs.leverage": {
            "distribution": "lognormal",
            "median": 30.0,
            "log_sd": 2.0,
            "min": 1.0,
        }
    }
    for rulebook, most in (("binance", 125.0), ("hyperliquid", 40.0)):
        setup = setup_of(load("calm", wild | {"market.rulebook": rulebook}), 1)
        assert (
            next(p for p in setup.populations if p.name == "longs").traits["leverage"].max() == most
        )


def test_premium_samples_follow_the_step():
    assert [
        setup_of(load("calm", {"dt_seconds": dt}), 0).premium_samples for dt in (60, 10, 5)
    ] == [12, 2, 1]


def test_a_run_keeps_every_unit(calm_hours):
    assert calm_hours.records.meta["conservation_error_units"] == 0
    assert calm_hours.records.meta["steps"] == 144 and calm_hours.twin is None
    assert calm_hours.records.meta["trades"] == len(calm_hours.records.prints) > 0


def test_the_twin_runs_beside():
    scenario = load("calm", {"days": 0.05, "twin.from_hours": 0.5})
    steps = []
    outcome = run(scenario, 1, steps.append)
    assert sum(steps) == planned_steps(scenario) == 72 + 42
    assert np.array_equal(outcome.twin.series[0][:30], outcome.records.series[0][:30])
    assert load("long-cascade", {"twin.enabled": False}).twin_step is None


def parquet_bytes(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_the_same_seed_gives_the_same_bytes(calm_hours, tmp_path):
    again = run(calm_hours.scenario, 3)
    other = run(calm_hours.scenario, 4)
    for name, outcome in (("a", calm_hours), ("b", again), ("c", other)):
        store.write_run(tmp_path / name, outcome, {}, 0.0)
    assert (
        parquet_bytes(tmp_path / "a")
        == parquet_bytes(tmp_path / "b")
        != parquet_bytes(tmp_path / "c")
    )
    assert set(parquet_bytes(tmp_path / "a")) == {
        f"{name}.parquet"
        for name in ("series", "kinds", "liquidations", "settlements", "positions", "trades")
    }


def test_a_stored_run_is_read_back(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 3}, 1.0)
    manifest, records = store.read_run(tmp_path / "run")
    assert manifest["seed"] == 3 and manifest["scenario"]["populations"]["noise"]["number"] == 400
    for name in ("kinds", "events", "settlements", "prints"):
        assert np.array_equal(getattr(records, name), getattr(calm_hours.records, name)), name
    assert np.array_equal(records.series[0], calm_hours.records.series[0])
    assert records.meta == json.loads(json.dumps(json_safe(calm_hours.records.meta)))
    unit = pq.read_schema(tmp_path / "run" / "series.parquet").field("mark").metadata[b"unit"]
    assert unit == b"quote currency"


def test_the_manifest_says_the_scenario_again(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {}, 1.0)
    scenario = json.loads((tmp_path / "run" / "manifest.json").read_text())["scenario"]
    assert (
        scenario["days"] == 0.1
        and scenario["spot"]["price"]["volatility"] == calm_hours.scenario.spot.price.volatility
    )


def test_an_earlier_run_is_replaced_and_nothing_else(calm_hours, tmp_path):
    folder = tmp_path / "run"
    store.write_run(folder, calm_hours, {"seed": 1}, 1.0)
    (folder / "figures").mkdir()
    store.write_run(folder, calm_hours, {"seed": 2}, 1.0)
    assert (
        json.loads((folder / "summary.json").read_text()) == {"seed": 2}
        and not (folder / "figures").exists()
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    write(foreign / "chapter.txt", "mine")
    with pytest.raises(ParameterError, match="new, empty or an earlier run"):
        store.write_run(foreign, calm_hours, {}, 1.0)
    assert (foreign / "chapter.txt").read_text() == "mine"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_a_run_that_is_stopped_while_it_writes_leaves_what_was_there(
    calm_hours, tmp_path, monkeypatch, stop
):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)

    def fail(path, value):
        raise stop

    monkeypatch.setattr(store, "write_json", fail)
    for folder in (tmp_path / "run", tmp_path / "new"):
        with pytest.raises(stop):
            store.write_run(folder, calm_hours, {"seed": 2}, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == {"seed": 1}


WRITE_FOR_EVER = """
import pickle, sys
from perplab.scenarios.runs.store import write_run
outcome, seed = pickle.load(open(sys.argv[1], "rb")), 0
while True:
    seed += 1
    write_run(sys.argv[2], outcome, {"seed": seed}, 1.0)
    print(seed, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_run(calm_hours, tmp_path):
    (tmp_path / "outcome").write_bytes(pickle.dumps(calm_hours))
    for wait in (0.0, 0.011, 0.023):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, tmp_path / "outcome", tmp_path / "runs" / "run"],
            stdout=subprocess.PIPE,
            cwd=store.__file__.rsplit("/", 2)[0],
        ) as writer:
            writer.stdout.readline()
            time.sleep(wait)
            writer.kill()
        manifest, records = store.read_run(tmp_path / "runs" / "run")
        assert manifest["seed"] == calm_hours.seed and len(records.series[0]) == len(
            calm_hours.records.series[0]
        )
        assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


def test_a_run_moved_aside_by_a_killed_writer_comes_back(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "run").rename(tmp_path / f".run.{gone.stdout.strip()}.x.old")
    (tmp_path / f".run.{gone.stdout.strip()}.y.part").mkdir()
    assert store.read_run(tmp_path / "run")[0]["seed"] == calm_hours.seed
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_leaves_nothing(calm_hours, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError):
            store.write_run(tmp_path / "run", calm_hours, {}, 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


TWO_MARKETS = """extends = "calm"
days = 0.05
[[assets]]
name = "btc"
price = {process = "geometric_brownian", initial_price = 30_000}
[[assets]]
name = "eth"
price = {process = "mean_reverting", initial_price = 2_000, level = 2_000}
[[markets]]
rulebook = "binance"
asset = "btc"
[[markets]]
rulebook = "hyperliquid"
asset = "eth"
[populations.providers_of_eth]
kind = "liquidity"
number = 2
market = 1
[populations.noise]
market = {distribution = "choice", values = [0, 1]}
"""


def test_a_story_with_two_markets(tmp_path):
    scenario = load(write(tmp_path / "two.toml", TWO_MARKETS))
    assert list(scenario.all_markets) == ["markets.0", "markets.1"] and scenario.spot is None
    outcome = run(scenario, 1)
    store.write_run(tmp_path / "run", outcome, {}, 0.0)
    _, records = store.read_run(tmp_path / "run")
    assert len(records.series) == 2 and np.array_equal(records.series[1], outcome.records.series[1])
    assert records.series[1]["volume"][-1] > 0


def test_one_market_beside_several_is_refused():
    assert (
        "absent beside [market]"
        in faults_of("calm", {"markets": [{"rulebook": "binance"}]})["markets"].bound
    )


def test_a_market_is_built_at_time_zero():
    market = build(load("calm"), 5)
    assert market.step_number == 0 and market.seed == 5 and market.mark == pytest.approx(30_000)


def test_a_stored_run_that_was_cut_short_is_refused(calm_hours, tmp_path):
    store.write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    for name in ("series", "liquidations"):
        path = tmp_path / "run" / f"{name}.parquet"
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        with pytest.raises(ParameterError, match="intact Parquet"):
            store.read_run(tmp_path / "run")
        path.write_bytes(whole)


@pytest.mark.parametrize("name", sorted(set(library_names()) - {"replay"}))
def test_a_story_runs_on_every_rulebook_or_says_that_its_leverage_is_too_large(name):
    from perplab.sim.rulebook.rulebook import rulebook_names

    for rulebook in rulebook_names():
        try:
            market = build(load(name, {"market.rulebook": rulebook}), 1)
        except ParameterError as error:
            assert name.startswith("weaponised") and [
                fault.key.rpartition(".")[2] for fault in error.faults
            ] == ["leverage"], (rulebook, error)
            continue
        market.run(15)
        assert market.conservation_error_units == 0
