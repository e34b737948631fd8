"""Rulebooks: what is loaded, refused, changed, and written into the records."""

import json
import math
import pickle

import numpy as np
import pytest

from perplab.sim.errors import ParameterError
from perplab.sim.laws.funding import cap_by_law
from perplab.sim.laws.margin import leverage_limit
from perplab.sim.laws.mark import MarkInput
from perplab.sim.laws.premium import impact_notional
from perplab.sim.rulebook.rulebook import LIBRARY, Rulebook, load_rulebook, rulebook_names
from perplab.sim.state.market_rows import MARKET, VENUE
from perplab.sim.toml_files.reading import key_lines, line_of

NAMES = rulebook_names()


def filled(rules):
    venue, market = np.zeros(1, VENUE), np.zeros(1, MARKET)
    rules.fill(venue[0], market[0])
    return venue[0], market[0]


def faults_of(action, *arguments):
    with pytest.raises(ParameterError) as caught:
        action(*arguments)
    return caught.value.faults


@pytest.mark.parametrize("name", NAMES)
def test_rulebook_is_complete_dated_and_sourced(name):
    rules = load_rulebook(name)
    assert rules.name == name and rules.sources and rules.assumed
    assert not any("://" in text for text in rules.sources + rules.assumed)


@pytest.mark.parametrize("name", NAMES)
def test_rulebook_survives_copies(name):
    rules = load_rulebook(name).changed({"funding.cap": math.inf})
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert Rulebook.from_tables(json.loads(json.dumps(rules.model_dump(mode="json")))) == rules
    assert load_rulebook(LIBRARY / f"{name}.toml") == load_rulebook(name) and hash(rules)


def test_binance_records():
    venue, market = filled(load_rulebook("binance"))
    assert (
        market["units_per_tick"],
        market["units_per_price"],
        market["premium_law"]["impact_notional"],
    ) == (
        100,
        1000.0,
        25e9,
    )
    assert (market["interval_seconds"], market["funding_law"]["divisor"]) == (28800.0, 1.0)
    assert (
        market["funding_law"]["interest_rate"],
        market["funding_law"]["damper"],
        market["funding_law"]["cap"],
    ) == (1e-4, 5e-4, 3e-3)
    assert (
        market["average_law"]["average_formula"],
        market["funding_law"]["damper_mode"],
        market["funding_on"],
        market["funding_law"]["payment_notional"],
    ) == (1, 0, 1, 0)
    assert market["mark_law"]["mark_input"].tolist() == [
        MarkInput.INDEX_PLUS_FUNDING,
        MarkInput.INDEX_PLUS_BASIS,
        MarkInput.LAST_PRICE,
    ]
    assert market["mark_law"]["mark_window"].tolist() == [0.0, 30.0, 0.0]
    assert (
        market["margin_law"]["tiers"],
        market["margin_law"]["tier_floor"][11],
        market["margin_law"]["tier_deduction"][11],
    ) == (
        12,
        1.2e15,
        421_481_450e6,
    )
    assert (
        venue["takeover_after_order"],
        venue["liquidation_law"]["order_limit"],
        venue["liquidation_fee"],
    ) == (
        1,
        1,
        0.003,
    )
    assert (venue["adl_law"]["adl_price"], venue["adl_law"]["adl_rank"], venue["taker_fee"]) == (
        0,
        0,
        5e-4,
    )


def test_hyperliquid_records():
    venue, market = filled(load_rulebook("hyperliquid"))
    assert (
        market["units_per_tick"],
        market["units_per_price"],
        market["premium_law"]["impact_notional"],
    ) == (
        10,
        10.0,
        20e9,
    )
    assert (
        market["interval_seconds"],
        market["funding_law"]["divisor"],
        market["funding_law"]["cap"],
        market["average_law"]["average_formula"],
    ) == (3600.0, 8.0, 0.04, 0)
    assert market["funding_law"]["payment_notional"] == 1
    assert market["mark_law"]["mark_input"].tolist() == [
        MarkInput.INDEX_PLUS_BASIS,
        MarkInput.QUOTES_OR_LAST,
        MarkInput.QUOTES_AVERAGE,
    ]
    assert market["mark_law"]["mark_window"].tolist() == [150.0, 0.0, 30.0]
    assert (
        market["margin_law"]["tiers"],
        market["margin_law"]["tier_deduction"][1],
        market["margin_law"]["leverage_cap"],
    ) == (
        2,
        1_875_000e6,
        40.0,
    )
    assert (
        venue["liquidation_law"]["first_share"],
        venue["liquidation_law"]["first_notional"],
        venue["pause_seconds"],
    ) == (
        0.2,
        1e11,
        30.0,
    )
    assert (
        venue["takeover_share"],
        venue["takeover_after_order"],
        venue["liquidation_law"]["order_limit"],
    ) == (
        2 / 3,
        0,
        0,
    )
    assert (
        venue["adl_law"]["adl_price"],
        venue["adl_law"]["adl_rank"],
        venue["liquidation_fee"],
    ) == (
        1,
        1,
        0.0,
    )


def test_stated_numbers_follow_from_the_venue_s_own_laws():
    binance, hyperliquid = load_rulebook("binance"), load_rulebook("hyperliquid")
    assert binance.premium.impact_notional == impact_notional(
        1 / binance.margin.maximum_leverage, 200.0
    )
    assert binance.funding.cap == cap_by_law(
        "maintenance", 0.75, 0.0, binance.margin.tiers[0].maintenance_fraction
    )
    assert all(
        tier.maintenance_fraction == 0.5 / tier.leverage for tier in hyperliquid.margin.tiers
    )


def test_fill_leaves_the_state_alone():
    venue, market = np.zeros(1, VENUE), np.zeros(1, MARKET)
    (
        venue["fund_row"],
        venue["fees"],
        market["window"],
        market["premium_sums"]["weighted_sum"],
        market["premium_sums"]["samples"],
    ) = (
        7,
        5,
        100,
        0.5,
        3,
    )
    load_rulebook("binance").fill(venue[0], market[0])
    assert (venue["fund_row"][0], venue["fees"][0]) == (7, 5)
    assert (
        market["window"][0],
        market["premium_sums"]["weighted_sum"][0],
        market["premium_sums"]["samples"][0],
    ) == (100, 0.5, 3)


def test_changes_dotted_nested_and_as_keywords():
    rules = load_rulebook("binance")
    assert rules.changed({"funding.cap": 0.02}) == rules.changed({"funding": {"cap": 0.02}})
    assert rules.changed(**{"funding.cap": 0.02}).funding.cap == 0.02 and rules.funding.cap == 0.003
    assert rules.changed({"mark.inputs": [{"input": "index"}]}).mark.inputs[0].window_seconds == 0.0
    assert (
        filled(rules.changed({"funding.damper_mode": "sum"}))[1]["funding_law"]["damper_mode"] == 1
    )


def test_leverage_is_limited_by_the_first_tier():
    rules = load_rulebook("binance").changed({"margin.tiers": [[0, 0.02, 20], [1e6, 0.05, 10]]})
    assert leverage_limit(filled(rules)[1]["margin_law"]) == 20.0
    assert rules.margin.deductions == pytest.approx((0.0, 30_000.0))


@pytest.mark.parametrize(
    "change, key",
    [
        ({"funding.cap": -0.001}, "funding.cap"),
        ({"funding.damper": math.nan}, "funding.damper"),
        ({"funding.interest_rate": math.inf}, "funding.interest_rate"),
        ({"funding.interest_rate": "0.1"}, "funding.interest_rate"),
        ({"funding.interval_hours": 0}, "funding.interval_hours"),
        ({"contract.unit": 3e-5}, "contract.unit"),
        ({"contract.tick": 1e-5}, "contract.unit"),
        ({"contract.band": 1}, "contract.band"),
        ({"fees.maker": -0.0006}, "fees.maker"),
        ({"margin.tiers": []}, "margin.tiers"),
        ({"margin.tiers": [[5, 0.01, 10]]}, "margin.tiers.0.floor"),
        ({"margin.tiers": [[0, 0.1, 10]]}, "margin.tiers.0.maintenance_fraction"),
        ({"margin.tiers": [[0, 0.01]]}, "margin.tiers.0"),
        ({"margin.tiers": [[n, 0.01, 10] for n in range(17)]}, "margin.tiers"),
        ({"margin.tiers": [[0, 0.02, 10], [9, 0.01, 10]]}, "margin.tiers.1.maintenance_fraction"),
        ({"margin.tiers": [[0, 0.01, 10], [0, 0.01, 10]]}, "margin.tiers.1.floor"),
        ({"margin.tiers": [[0, 0.01, 10], [9, 0.01, 20]]}, "margin.tiers.1.leverage"),
        ({"margin.tiers": [[0, 0.01, 10], [100, 0.02, 10, 2]]}, "margin.tiers.1.deduction"),
        ({"mark.inputs": [{"input": "index"}] * 2}, "mark.inputs"),
        ({"mark.inputs": [{"input": "last"}]}, "mark.inputs.0.input"),
        (
            {"mark.inputs": [{"input": "index", "window_seconds": 3}]},
            "mark.inputs.0.window_seconds",
        ),
        ({"liquidation.first_share": 0}, "liquidation.first_share"),
        ({"liquidation.takeover_share": 1.1}, "liquidation.takeover_share"),
        ({"liquidation.takeover_after_order": 1}, "liquidation.takeover_after_order"),
        ({"liquidation.fee": -0.1}, "liquidation.fee"),
        ({"fund.initial": 5e12}, "fund.initial"),
        ({"fund.unwind_seconds": 0}, "fund.unwind_seconds"),
        ({"fund.leverage": 0}, "fund.leverage"),
        ({"adl.price": "market"}, "adl.price"),
        ({"funding.dampre": 0}, "funding.dampre"),
        ({"fnding.cap": 0}, "fnding.cap"),
        ({"funding.cap.x": 0}, "funding.cap.x"),
        ({"contract": 3}, "contract"),
        ({"premium.impact_notional": 0}, "premium.impact_notional"),
        ({"dated": "soon"}, "dated"),
    ],
)
def test_nonsense_is_refused_by_key(change, key):
    assert [fault.key for fault in faults_of(load_rulebook("binance").changed, change)] == [key]


def test_all_faults_come_at_once():
    changes = {
        "funding.cap": -1,
        "fees.taker": 2.0,
        "premium.average": "ramp",
        "contract.unit": 3e-5,
    }
    assert {fault.key for fault in faults_of(load_rulebook("binance").changed, changes)} == set(
        changes
    )


def test_a_file_s_faults_name_line_and_meaning(tmp_path):
    text = (LIBRARY / "binance.toml").read_text(encoding="utf-8")
    broken = text.replace("damper = ", "dampre = ").replace(
        "[100_000_000, 0.05", "[100_000_000, 0.2"
    )
    path = tmp_path / "mine.toml"
    path.write_text(broken, encoding="utf-8")
    faults = {fault.key: fault for fault in faults_of(load_rulebook, path)}
    lines = broken.splitlines()
    assert set(faults) == {
        "funding.damper",
        "funding.dampre",
        "margin.tiers.6.maintenance_fraction",
    }
    assert "did you mean 'damper'" in faults["funding.dampre"].expected
    assert lines[faults["funding.dampre"].line - 1] == "dampre = 0.0005" and faults[
        "funding.dampre"
    ].file == str(path)
    assert (
        lines[faults["margin.tiers.6.maintenance_fraction"].line - 1]
        .strip()
        .startswith("[100_000_000, 0.2")
    )


def test_unknown_name_and_broken_syntax(tmp_path):
    assert "did you mean 'binance'" in faults_of(load_rulebook, "binanse")[0].expected
    path = tmp_path / "broken.toml"
    path.write_text("name = 'x'\n[contract\n", encoding="utf-8")
    assert faults_of(load_rulebook, path)[0].line == 2


def test_lines_of_keys():
    text = "a = 1\n[b.c] # note\nrows = [\n    [1, 2],\n    [3, 4],\n]\n"
    assert key_lines(text) == {"a": 1, "b.c": 2, "b.c.rows": 3, "b.c.rows.0": 4, "b.c.rows.1": 5}
    assert (
        line_of(text, "b.c.rows.1.floor"),
        line_of(text, "b.c.lacking"),
        line_of(text, "d"),
    ) == (5, 2, None)


def test_rulebooks_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_rulebook("binance").funding.cap = 1.0
