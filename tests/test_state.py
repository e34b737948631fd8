"""The state is its tables: one seed, one set of bytes; copies continue bit for bit anywhere."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from perplab.sim.compiler.cache import HOUSE
from perplab.sim.compiler.entries import world_of
from perplab.sim.errors import ParameterError, RuleError
from perplab.sim.model import PerpetualMarket
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.setup import Population
from perplab.sim.state.build import build_tables
from tests.markets import (
    SPOT_PRICE,
    USD,
    Idle,
    digest,
    round_rules,
    setup_of,
    small_market,
    storm,
    zoo,
)


def in_another_process(program, *arguments):
    """Run a program in a new interpreter from the project's root; return what it printed."""
    variables = dict(os.environ, PYTHONPATH=str(HOUSE))
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, cwd=HOUSE)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


# the same seed


def test_same_seed_same_bytes_another_seed_others():
    first, again, other = zoo(1), zoo(1), zoo(2)
    for market in (first, again, other):
        market.run(90)
    assert digest(first) == digest(again) != digest(other)
    for name, table in first.tables.items():
        if name != "kind":
            assert table.tobytes() == again.tables[name].tobytes(), name


def test_what_ran_before_does_not_matter():
    alone = storm(5)
    alone.run(40)
    zoo(3).run(10)
    later = storm(5)
    for _ in range(40):
        storm(6).step()
        later.step()
    assert {name: alone.tables[name].tobytes() for name in ("account", "position", "order")} == {
        name: later.tables[name].tobytes() for name in ("account", "position", "order")
    }


def plain_digests():
    """Return hashes of small runs: every kind; isolated with ADL; two venues; further laws."""
    runs = [
        (zoo(), 100),
        (storm(3, capital_usd=40_000.0, isolated=1.0), 50),
        (
            storm(
                3,
                [("a", load_rulebook("hyperliquid")), ("b", load_rulebook("binance"))],
                capital_usd=1_500.0,
            ),
            30,
        ),
        *(
            (storm(4, [load_rulebook(name)], capital_usd=1_500.0), 25)
            for name in ("bitmex", "deribit", "dydx-v4")
        ),
        (
            storm(
                1,
                [
                    load_rulebook("binance").changed(
                        {
                            "index.law": "clamped_mean",
                            "index.weights": [1.0, 2.0],
                            "index.clamp": 0.01,
                            "index.deviation_bps": 5.0,
                            "index.deviation_seconds": 60.0,
                            "index.outages_per_day": 300.0,
                            "index.stale_seconds": 120.0,
                            "index.exclusion": 0.0008,
                        }
                    )
                ],
                capital_usd=1_500.0,
            ),
            25,
        ),
        (storm(8, fall=4.0, traders=4, capital_usd=1e6, leverage=2.0), 15),
    ]
    for market, steps in runs:
        market.run(steps)
        assert len(market.records().events) > 0 and market.conservation_error_units == 0
    return [digest(market) for market, _ in runs]


def plain_faults():
    """Return what the broken rules of `tests.test_engine` are refused with."""
    from tests.test_engine import Breaker

    said = []
    for fault in (1, 2, 3, 6, 23):
        market = small_market(
            [
                Population(
                    name="b", kind=Breaker, number=1, traits={"wake_seconds": 1e-9, "fault": fault}
                )
            ]
        )
        try:
            market.run(5)
        except RuleError as error:
            said.append(str(error).split(":")[0])
    return said


def test_without_the_compiler_the_same_bytes_and_the_same_faults(plain):
    program = "from tests import test_state as t; print(*t.plain_digests());"
    program += " print(*t.plain_faults(), sep='|')"
    digests, faults = plain.said(program).splitlines()
    assert digests.split() == plain_digests()
    assert faults.split("|") == plain_faults()


def test_hand_worked_tables_hold_without_the_compiler_too(plain):
    files = [f"tests/test_{name}.py" for name in ("liquidation", "book", "ledger")]
    options = ["-q", "-n0", "-p", "no:cacheprovider", "-x", *files]
    said = plain.said(f"import sys, pytest; sys.exit(pytest.main({options}))")
    assert "passed" in said and "failed" not in said


# copies


def test_a_branch_goes_on_as_the_original():
    market = zoo(4)
    market.run(70)
    branch = market.branch()
    assert digest(branch) == digest(market)
    branch.run(50)
    assert market.step_number == 70
    market.run(50)
    assert digest(branch) == digest(market)
    assert branch.records().events.tobytes() == market.records().events.tobytes()
    assert branch.records().series[0].tobytes() == market.records().series[0].tobytes()
    assert branch.conservation_error_units == 0


def test_branches_do_not_touch_each_other():
    market = zoo(4)
    market.run(30)
    recorded, before = market.records().prints.tobytes(), digest(market)
    first, second = market.branch(), market.branch(no_impact=True)
    first.tables["account"]["collateral"] += 1
    first.traits[0]["wake_seconds"] = 1.0
    first.run(60)
    second.run(60)
    assert digest(market) == before and market.records().prints.tobytes() == recorded
    assert (
        int(market.tables["venue"]["no_impact"][0]) == 0
        and int(second.tables["venue"]["no_impact"][0]) == 1
    )


def test_the_twin_differs_only_from_the_first_forced_order():
    market = zoo(4)
    market.run(30)
    twin, other = market.branch(no_impact=True), market.branch()
    while not len(twin.records().events) and not len(other.records().events):
        assert digest_but_for_the_switch(twin) == digest_but_for_the_switch(other)
        twin.step()
        other.step()
    first, second = twin.records().events[0], other.records().events[0]
    assert [first[name] for name in ("trader", "sequence", "step", "mark", "equity")] == [
        second[name] for name in ("trader", "sequence", "step", "mark", "equity")
    ]


def digest_but_for_the_switch(market):
    """Return a hash of the state with ``no_impact`` set to 0."""
    kept = int(market.tables["venue"]["no_impact"][0])
    market.tables["venue"]["no_impact"] = 0
    value = digest(market)
    market.tables["venue"]["no_impact"] = kept
    return value


@pytest.mark.parametrize("steps", [0, 1, 55])
def test_a_saved_run_goes_on_here(tmp_path, steps):
    market = zoo(5)
    market.run(steps)
    market.save(tmp_path / "run")
    loaded = PerpetualMarket.load(tmp_path / "run")
    assert digest(loaded) == digest(market) and loaded.step_number == steps
    market.run(50)
    loaded.run(50)
    assert digest(loaded) == digest(market)
    assert loaded.records().events.tobytes() == market.records().events.tobytes()
    assert loaded.records().meta.keys() == market.records().meta.keys()
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


GO_ON = """
import sys
from perplab.sim.model import PerpetualMarket
from tests.markets import digest
for path, steps in zip(sys.argv[1::2], sys.argv[2::2]):
    market = PerpetualMarket.load(path)
    market.run(int(steps))
    records = market.records()
    counts = len(records.events), len(records.settlements), len(records.series[0])
    print(digest(market), *counts, market.conservation_error_units)
"""


def test_a_saved_run_goes_on_in_another_process_across_a_block_of_the_path(tmp_path):
    expected, arguments = [], []
    for name, before, after in (("inside", 60, 60), ("across", 4_000, 200), ("at", 4_096, 50)):
        market = zoo(6)
        market.run(before)
        market.save(tmp_path / name)
        arguments += [tmp_path / name, after]
        market.run(after)
        records = market.records()
        expected += [
            digest(market),
            str(len(records.events)),
            str(len(records.settlements)),
            str(len(records.series[0])),
            "0",
        ]
    assert in_another_process(GO_ON, *arguments) == expected


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    market = storm()
    market.save(tmp_path / "run")
    before = (tmp_path / "run").read_bytes()
    market.run(5)
    monkeypatch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        market.save(tmp_path / "run")
    assert (tmp_path / "run").read_bytes() == before


def test_what_is_no_saved_market_is_refused(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", python=np.frombuffer(pickle.dumps({"format": 99}), np.uint8))
    storm().save(tmp_path / "whole")
    (tmp_path / "half").write_bytes((tmp_path / "whole").read_bytes()[:5000])
    for name in ("array.npy", "other.npz", "half", "absent"):
        with pytest.raises(ParameterError, match="an intact file written by save"):
            PerpetualMarket.load(tmp_path / name)


def test_setups_survive_pickling():
    setup = pickle.loads(pickle.dumps(zoo().setup))
    first, again = PerpetualMarket(setup, 9), PerpetualMarket(zoo().setup, 9)
    first.run(20)
    again.run(20)
    assert digest(first) == digest(again)


# building


def test_tables_hold_no_addresses_but_in_kinds():
    market = storm()
    assert all(table.dtype.hasobject is False for table in market.tables.values())
    assert market.tables["kind"]["act_at"].all()


def test_traders_rows_are_as_declared():
    traits = {
        "capital_usd": np.array([10.0, 20.0, 30.0]),
        "margin_share": 0.25,
        "borrow_share": 0.5,
        "leverage": np.array([5.0, 70.0, 1.0]),
        "isolated": np.array([0.0, 1.0, 0.0]),
    }
    tables, rows = build_tables(
        setup_of([Population(name="idle", kind=Idle, number=3, traits=traits)]), 1
    )
    assert tables["account"]["collateral"][:, 0].tolist() == [
        2_500_000,
        5_000_000,
        7_500_000,
        1_000 * USD,
    ]
    assert tables["account"]["cash"][:3, 0].tolist() == [7_500_000, 15_000_000, 22_500_000]
    assert tables["account"]["borrow_limit"][:3, 0].tolist() == [5 * USD, 10 * USD, 15 * USD]
    assert tables["position"]["leverage"][:3, 0].tolist() == [5.0, 50.0, 1.0], (
        "no more than the venue allows"
    )
    assert tables["position"]["isolated"][:3, 0].tolist() == [0, 1, 0]
    assert tables["trader"]["first_slot"][:3].tolist() == [0, 6, 12]
    assert rows[0]["leverage"].tolist() == [5.0, 70.0, 1.0]
    assert float(tables["view"]["mark"][0]) == pytest.approx(SPOT_PRICE)


def test_odd_units_are_not_lost_between_venues():
    setup = setup_of(
        [Population(name="idle", kind=Idle, number=1, traits={"capital_usd": 1.000001})],
        [("one", round_rules()), ("two", round_rules()), ("three", round_rules())],
    )
    tables, _ = build_tables(setup, 1)
    account = tables["account"][0]
    assert int(account["collateral"].sum() + account["cash"].sum()) == 1_000_001


@pytest.mark.parametrize(("number", "capital"), [(1, 1e13), (1_000, 1e10), (2, 6e12)])
def test_money_beyond_64_bits_is_refused(number, capital):
    with pytest.raises(ParameterError, match="below 4.6e"):
        small_market(
            [Population(name="idle", kind=Idle, number=number, traits={"capital_usd": capital})]
        )


def test_nobody_is_no_market():
    with pytest.raises(ParameterError, match="at least one trader"):
        small_market([Population(name="idle", kind=Idle, number=0)])


def test_populations_of_one_kind_share_its_table():
    populations = [
        Population(name="a", kind=Idle, number=2),
        Population(name="b", kind=Idle, number=3, traits={"leverage": 7.0}),
    ]
    market = small_market(populations)
    assert len(market.traits) == 1 and market.traits[0]["leverage"].tolist() == [
        50.0,
        50.0,
        7.0,
        7.0,
        7.0,
    ]
    assert market.tables["trader"]["number"][:5].tolist() == [0, 1, 2, 3, 4]
    assert len(set(market.tables["trader"]["key"][:5].tolist())) == 5


def test_tables_of_another_layout_are_refused():
    tables, _ = build_tables(setup_of([Population(name="idle", kind=Idle, number=1)]), 1)
    with pytest.raises(TypeError, match="account"):
        world_of(dict(tables, account=tables["account"].ravel()))
    with pytest.raises(TypeError, match="view"):
        world_of(dict(tables, view=tables["market"]))
    with pytest.raises(TypeError, match="level"):
        world_of(dict(tables, level=tables["level"][:, ::2]))
