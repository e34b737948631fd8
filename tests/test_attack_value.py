"""The accounts of an attack: exact legs, hand-made costs and capital, the verdict of the study."""

import math

import numpy as np
import pytest

from perplab.analysis.metrics import episodes
from perplab.analysis.metrics.cascade import liquidated_notional, loss_shares
from perplab.analysis.metrics.losses import LEGS, legs_of, rows_of_kind
from perplab.analysis.studies.execution import branches_of
from perplab.analysis.studies.experiments.attacks import attack_laws as laws
from perplab.analysis.studies.experiments.attacks import attack_value as study
from perplab.analysis.studies.measures import attack_accounts as accounts
from perplab.analysis.studies.measures.short_exits import trader_rows
from perplab.analysis.studies.results import Result, as_json
from perplab.analysis.studies.study import Arm
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.outcome import build
from perplab.scenarios.sweeps.jobs import Job, outcomes_of
from perplab.sim.state.event_rows import KIND_SERIES, SERIES
from tests.recorded import Recorded, meta_of, rows

WEAPON, KIND, LOT, HOUR = "weaponised-shorts", "manipulation", 0.001, 3600.0
SHORT_ATTACK = {
    "days": 0.25,
    "populations.attacker.attack_start_hours": 2,
    "populations.attacker.attack_hours": 1,
    "populations.attacker.build_seconds": 3600,
    "populations.attacker.unwind_seconds": 7200,
    "populations.attacker.spot_push_usd": 300_000,
    "populations.shorts.wake_seconds": 600,
    "populations.shorts.margin_share": 0.2,
}


@pytest.fixture(scope="module")
def attack():
    """An attack and its branches."""
    arm = study.attack_arms(WEAPON)[0]
    arm = arm._replace(changes={**arm.changes, **SHORT_ATTACK})
    return dict(outcomes_of(Job("", 0, arm.scenario, arm.changes, {}, 1, branches_of(arm), ())))


def money_of(tables, row):
    """Return all money of a trader, integer units, open positions and spot at no value."""
    return sum(
        int(tables["account"][part][row].sum()) for part in ("cash", "collateral", "incoming")
    ) + sum(int(tables["position"][part][row].sum()) for part in ("isolated_margin", "quote"))


def perpetual_units(tables, prints, row):
    """Return what a trader's trades in the perpetual earned, and their fees, by the prints."""
    earned, fees, rate = 0, 0, float(tables["venue"]["taker_fee"][0])
    for each in prints[prints["taker"] == row]:
        value = int(each["lots"]) * int(each["tick"]) * int(tables["market"]["units_per_tick"][0])
        earned -= int(each["side"]) * value
        fees -= math.ceil(value * rate)
    return earned, fees


@pytest.mark.parametrize("hours", [2.5, 6.0])
def test_the_legs_of_an_attack_add_up_to_its_wealth_to_the_unit(hours):
    changes = {"record.trades": True, "record.wealth_seconds": 60.0, **SHORT_ATTACK}
    changes["market.changes.funding.interval_hours"] = 1
    market = build(load(WEAPON, changes), 1)
    row = int(trader_rows(market.records(), (KIND,))[0])
    before = money_of(market.tables, row)
    market.run(int(hours * 360))
    records, tables = market.records(), market.tables
    legs = {leg: int(units[-1]) for leg, units in legs_of(rows_of_kind(records, KIND)).items()}
    held = tables["position"]["lots"][row, 0], tables["holding"]["lots"][row, 0]
    assert (held[0] == held[1] == 0) == (hours == 6.0)
    traded, fees = perpetual_units(tables, records.prints, row)
    spot_paid = before + traded + fees - money_of(tables, row)
    spot_paid += int(tables["position"]["all_funding"][row].sum())
    worth = [
        lots * price * tables["market"]["units_per_price"][0]
        for lots, price in zip(held, tables["view"][["mark", "spot"]][0].item(), strict=True)
    ]
    assert not (records.prints["maker"] == row).any() and fees < 0 and legs["funding"] != 0
    assert legs["fees"] == fees
    assert legs["perpetual"] == pytest.approx(traded + worth[0], abs=2)
    assert legs["spot"] == pytest.approx(worth[1] - spot_paid, abs=2)
    if hours == 6.0:
        assert (legs["perpetual"], legs["spot"]) == (traded, -spot_paid)
        assert sum(legs.values()) == money_of(tables, row) - before


def test_wealth_by_kind_is_recorded_at_its_interval(attack):
    seconds = attack["base"].records.kinds["seconds"][:, 0]
    assert np.array_equal(seconds, 60.0 * np.arange(361))


def test_what_the_attacker_gains_others_lose(attack):
    figures = accounts.attack_value_run(attack)
    gains = [value for key, value in figures.items() if key.startswith("gain_")]
    assert len(gains) == len(accounts.GROUPS) and figures["profit_usd"] != 0
    assert sum(gains) == pytest.approx(-figures["profit_usd"], abs=0.01)
    assert figures["profit_usd"] == pytest.approx(sum(figures[f"{leg}_usd"] for leg in LEGS))
    assert figures["net_of_luck_usd"] == figures["profit_usd"] - figures["luck_usd"]


def test_channels_of_the_excess_sum_to_it(attack):
    figures, market = accounts.attack_value_run(attack), attack["base"].records
    assert figures["liquidated_shorts_usd"] == pytest.approx(
        liquidated_notional(episodes.of_shorts(market.events), LOT)
    )
    assert figures["liquidated_shorts_usd"] > figures["liquidated_control_usd"]
    assert figures["excess_usd"] == pytest.approx(
        figures["liquidated_shorts_usd"] - figures["liquidated_control_usd"]
    )
    assert figures["excess_usd"] == pytest.approx(
        sum(figures[f"excess_{channel}_usd"] for channel in loss_shares(market.events[0])), abs=1e-3
    )


def test_the_attacker_owns_nothing_in_the_end(attack):
    figures = accounts.attack_value_run(attack)
    assert figures["left_usd"] == 0 and figures["attacker_liquidations"] == 0
    assert figures["largest_loss_usd"] > 0 and figures["peak_capital_usd"] > 1_000_000


def test_the_branches_of_an_attack_hold_nothing_and_push_nothing(attack):
    market, control = (attack[name].records.series[0] for name in ("base", "without"))
    assert not np.array_equal(market["spot"], control["spot"])
    idle, quiet = (rows_of_kind(attack[name].records, KIND) for name in ("without", "no push"))
    assert not idle["lots"].any() and not quiet["spot_lots"].any() and quiet["lots"].max() > 0


def made_by_hand():
    """Return records of an attacker that buys 2 of spot at 101 when spot is 100, then 110."""
    kinds = rows(
        KIND_SERIES,
        seconds=60 * np.arange(3),
        spot_lots=[0, 2_000, 2_000],
        spot_profit=[0, -2_000_000, 18_000_000],
        equity=[0, -2_100_000, 17_900_000],
        fees=[0, -100_000, -100_000],
        margin=[0, 5_000_000, 0],
    ).reshape(3, 1)
    series = rows(
        SERIES, seconds=60 * np.arange(3), spot=[100.0, 100.0, 110.0], mark=[100.0, 100.0, 110.0]
    )
    return Recorded([series], kinds, [KIND], meta=meta_of({"lot": LOT}))


def test_cost_and_capital_of_a_push_by_hand():
    records = made_by_hand()
    control = made_by_hand()
    control.series[0]["spot"] = 99.0
    figures = accounts.push_figures(records, control, KIND, (0, 60))
    assert figures["push_cost_usd"] == pytest.approx(2 * (101 - 100) + 0.1)
    assert figures["push_shortfall_usd"] == pytest.approx(2 * (101 - 99) + 0.1)
    assert accounts.push_figures(records, control, KIND, (500, 600))["push_cost_usd"] == 0
    capital = accounts.capital_figures(records, KIND)
    assert capital["peak_capital_usd"] == pytest.approx(5 + 2 * 100 + 2.1)
    assert capital["largest_loss_usd"] == pytest.approx(2.1)
    assert capital["left_usd"] == pytest.approx(2 * 110)


def judged(with_victims, without, changes=()):
    """Return the JSON object of a study of one attack from its profits by seed."""
    arms = [
        Arm(name, WEAPON, dict(changes), story=WEAPON)
        for name in ("x 1", f"x 1, {study.NO_VICTIMS}")
    ]
    figures = {
        (arm.name, seed): {"net_of_luck_usd": value}
        for arm, values in zip(arms, (with_victims, without), strict=True)
        for seed, value in enumerate(values)
    }
    return as_json(Result(study.STUDIES[0], arms, list(range(len(without))), figures))


@pytest.mark.parametrize(
    ("with_victims", "without", "words"),
    [
        ([90, 91, 92], [-60, -60, -61], "the attack pays"),
        ([90, 91, 92], [60, 60, 60], "no verdict: the push may earn without victims"),
        ([90, 91, 92], [90, 91, 92.5], "not shown that the attack pays"),
        ([-9, -8, -7], [-60, -60, -61], "the attack does not pay"),
        ([50, 51, 52], [60, 60, 60], "the attack does not pay"),
        ([90], [60], "no verdict: it takes two seeds or more"),
    ],
)
def test_an_attack_pays_only_net_of_the_same_push_without_victims(
    monkeypatch, with_victims, without, words
):
    key = "profit net of the push without victims: x 1"
    labelled = judged(with_victims, without)
    assert labelled["contrasts"][key]["verdict"] == f"no claim: {words}"
    assert labelled["notes"] == [laws.NOT_FREE]
    monkeypatch.setitem(laws.SPOT_LAWS, "free", laws.SpotLaw({"spot.fee_bps": 1.0}))
    free = judged(with_victims, without, {"spot.fee_bps": 1.0})
    assert free["contrasts"][key]["verdict"] == words and free["notes"] == []


@pytest.mark.parametrize("setting", study.STUDIES[0].settings)
def test_each_attack_has_its_twin_without_leverage(setting):
    arms = {arm.name: arm for arm in study.attack_arms(setting.story)}
    pairs = [name for name in arms if f"{name}, {study.NO_VICTIMS}" in arms]
    assert 2 * len(pairs) == len(arms)
    for name in pairs:
        attack, twin = (
            load(arm.scenario, arm.changes)
            for arm in (arms[name], arms[f"{name}, {study.NO_VICTIMS}"])
        )
        changed = {
            name
            for name in attack.populations
            if attack.populations[name] != twin.populations[name]
        }
        assert "attacker" not in changed
        assert bool(changed) == (attack.market == twin.market)
        same = {"populations": {}, "market": attack.market}
        assert attack.model_copy(update=same) == twin.model_copy(update=same)


def test_sizes_scale_what_they_say():
    one, two = (
        load(WEAPON, study.size_changes(WEAPON, size)).populations["attacker"].traits
        for size in (1, 2)
    )
    assert {trait for trait in one if two[trait] != one[trait]} == set(study.SIZED_TRAITS)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_attacker_that_withdraws_keeps_little_more_than_its_initial_margin(share):
    still = {f"{study.ATTACKER}.{trait}": 0 for trait in ("perp_push_usd", "spot_push_usd")}
    changes = SHORT_ATTACK | still | {f"{study.ATTACKER}.withdraw_share": share}
    market = build(load(WEAPON, changes), 1)
    row = int(trader_rows(market.records(), (KIND,))[0])
    market.run(int(2.5 * 360))
    margin = rows_of_kind(market.records(), KIND)["margin"][-1]
    collateral = market.tables["account"]["collateral"][row, 0]
    assert margin > 0 and (collateral < 1.1 * margin) == (share == 1.0)
    assert market.records().meta["outcomes"]["refused_margin"] == 0
    assert market.conservation_error_units == 0


def test_where_the_fund_is_the_victim_it_takes_nothing_over_in_the_twin():
    changes = study.without_victims("backstop-dump")
    rules = rulebook_of(load("backstop-dump", changes).market)
    assert rules.liquidation.takeover_share == 0.0
    assert not rules.liquidation.takeover_after_order


def test_every_defence_changes_rules_and_at_most_the_leverage_that_they_allow():
    for story, defences in study.DEFENCES.items():
        plain = load(story)
        for changes in defences.values():
            defended = load(story, changes)
            assert rulebook_of(defended.market) != rulebook_of(plain.market)
            others = ({**each.populations, "attacker": None} for each in (defended, plain))
            assert next(others) == next(others) and defended.spot == plain.spot


@pytest.mark.parametrize(
    ("story", "changes", "label"),
    [
        ("index-attack", {}, ""),
        ("index-attack", {"populations.attacker.size_usd": 9e6}, laws.BEYOND_PROVIDERS),
        ("short-squeeze", {}, ""),
        ("premium-push", {}, ""),
        ("sell-into-news", {}, ""),
        ("backstop-dump", {}, laws.BEYOND_PROVIDERS),
    ],
)
def test_claims_rest_on_attacks_whose_law_is_free_of_manipulation(story, changes, label):
    (law,) = laws.laws_of(story, changes).values()
    assert law.label == label


@pytest.mark.parametrize("story", ["weaponised-shorts", "weaponised-shorts-tight"])
def test_nothing_is_claimed_under_any_law_of_a_scenario_with_linear_impact(story):
    arms = study.attack_arms(story)
    assert {"x 1", "x 1, displacement"} <= {arm.name for arm in arms}
    assert all(study.label_of(arm) for arm in arms)
