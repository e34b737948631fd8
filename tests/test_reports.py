"""Reports: differences by seed, intervals, branches, replays against the real market."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from perplab.analysis import figures as charts
from perplab.analysis.estimators import paired_differences as differences
from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.figures.run_figures import price_and_basis_figure
from perplab.analysis.metrics import catalogue, replay_fit, scenario_words
from perplab.analysis.metrics.branches import moment_of, since, summary_since
from perplab.analysis.metrics.losses import profit_rows
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.report import (
    sweep_drawings,
    sweep_effects,
    sweep_report,
    sweep_tables,
    text_format,
)
from tests.recorded import noisy_run

RNG = np.random.default_rng
MANIFEST = {"question": "Does a matter?", "title": ""}


def swept(seeds=6, a=(1, 2, 4), b=("x", "y"), effect=3.0):
    """Return runs whose basis rises by `effect` per level of a, plus a shock per seed."""
    shared = RNG(5).normal(0, 50, seeds)
    rows = [
        {
            "seed": seed,
            "factor.a": level,
            "factor.b": name,
            "arm": "base",
            "basis_mean_bps": shared[seed] + effect * place,
            "liquidated_notional": 2e6 * (seed == 0),
            "liquidations": int(seed == 0),
            "adl_events": 0,
        }
        for seed in range(seeds)
        for place, level in enumerate(a)
        for name in b
    ]
    return pd.DataFrame(rows)


def test_differences_by_seed_find_what_means_hide():
    runs = swept()
    found = differences.difference(runs, "factor.a", 1, 4, "basis_mean_bps")
    assert (
        found.centre == pytest.approx(6.0)
        and found.low == pytest.approx(6.0)
        and found.clear
        and found.pairs == 6
    )
    means = [mean_interval(runs["basis_mean_bps"][runs["factor.a"] == level]) for level in (1, 4)]
    assert means[0][2] > means[1][1]


def test_differences_are_the_t_intervals_of_hand_made_pairs():
    rng, runs = RNG(2), swept()
    runs["basis_mean_bps"] += rng.normal(0, 1, len(runs))
    wide = runs.pivot_table(index="seed", columns=["factor.b", "factor.a"], values="basis_mean_bps")
    for one in differences.contrasts(runs, ["factor.a", "factor.b"], "basis_mean_bps"):
        if one.factor == "factor.a":
            pairs = wide[one.place["factor.b"]][one.upper] - wide[one.place["factor.b"]][one.lower]
            assert (one.centre, one.low, one.high) == pytest.approx(mean_interval(pairs))
    assert len(differences.contrasts(runs, ["factor.a", "factor.b"], "basis_mean_bps")) == 2 * 2 + 3


def test_a_lost_seed_loses_its_pairs_only():
    runs = swept()[1:]
    assert (
        differences.difference(
            runs[runs["factor.b"] == "x"], "factor.a", 1, 4, "basis_mean_bps"
        ).pairs
        == 5
    )


def test_figure_and_table_have_one_interval():
    runs = swept()
    axes = charts.response_curve(
        runs[runs["factor.b"] == "x"], Figure().subplots(), "factor.a", "liquidated_notional"
    )
    (_, _, (bars,)) = axes.containers[0]
    drawn = np.array([[end[1] for end in segment] for segment in bars.get_segments()])
    told = catalogue.interval_of(
        runs["liquidated_notional"][(runs["factor.a"] == 1) & (runs["factor.b"] == "x")] / 1e6,
        "liquidated_notional",
    )
    assert drawn[0] == pytest.approx(told[1:]) and told[1] == 0.0
    assert axes.get_ylabel() == "liquidated notional (million USD)"


def test_a_curve_each_value_of_the_second_factor():
    axes = charts.response_curve(
        swept(), Figure().subplots(), "factor.a", "basis_mean_bps", "factor.b"
    )
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "y"] and len(
        axes.containers
    ) == 2


def test_few_seeds_are_drawn_as_points_and_many_as_violins():
    few, many = (
        charts.distribution(swept(seeds), Figure().subplots(), "factor.b", "basis_mean_bps")
        for seeds in (5, 12)
    )
    assert len(few.lines) > 0 and not any(
        type(part).__name__ in ("PolyCollection", "FillBetweenPolyCollection")
        for part in few.collections
    )
    assert any(
        type(part).__name__ in ("PolyCollection", "FillBetweenPolyCollection")
        for part in many.collections
    )


def test_tables_leave_out_what_is_zero_and_note_what_is_cut():
    made = sweep_tables.point_tables(swept(), ["factor.a", "factor.b"])
    assert (
        "points_losses" not in made
        and "cut at 0" in made["points_forced"][0]
        and "cut" not in made["points_peg"][0]
    )
    caption, table = made["points_forced"]
    assert (
        table.columns == ["a", "b", "accounts liquidated", "liquidated notional (million USD)"]
        and len(table.rows) == 6
    )
    changes = sweep_tables.difference_tables(swept(), ["factor.a", "factor.b"])["differences_peg"][
        1
    ]
    assert changes.rows[1] == ["a 1 → 4", "b x", "6 [6, 6]"]
    tex = text_format.latex(table, caption, "forced")
    assert (
        max(len(line) for line in tex.splitlines() if "&" in line) < 110
        and "95 \\%" in tex
        and "\\shortstack" in tex
    )


def test_sentences_go_from_the_lowest_to_the_highest_level_and_answer_the_question():
    told = list(sweep_effects.effects(swept(), ["factor.a", "factor.b"], MANIFEST))
    assert (
        told[0].startswith("Does a matter?")
        and "From a 1 to 4 (averaged over b x and y): basis, mean rises" in told[1]
    )
    assert (
        "by 6 [6, 6] bp" in told[1]
        and "liquidated notional shows no significant difference" in told[1]
    )


def test_sentences_name_an_interaction():
    runs = swept()
    runs.loc[runs["factor.b"] == "y", "basis_mean_bps"] *= -1
    runs["basis_mean_bps"] += RNG(3).normal(0, 0.1, len(runs))
    runs["basis_mean_bps"] -= runs.groupby(["seed", "factor.b"])["basis_mean_bps"].transform("mean")
    assert "(interaction: -" in next(
        text
        for text in sweep_effects.effects(runs, ["factor.a", "factor.b"], MANIFEST)
        if text.startswith("From a")
    )


def test_arms_alone_are_drawn_and_told_apart():
    runs = swept(a=(1,), b=("x",))
    runs = pd.concat(
        [runs, runs.assign(arm="off", basis_mean_bps=runs["basis_mean_bps"] - 2)], ignore_index=True
    )
    assert "basis_mean_bps-arm" in sweep_drawings.curves(runs, ["factor.a", "factor.b"], {})
    assert any(
        "From arm base to off: basis, mean falls" in text
        for text in sweep_effects.effects(runs, ["factor.a", "factor.b"], MANIFEST)
    )
    assert sweep_tables.difference_tables(runs, ["factor.a", "factor.b"])["differences_peg"][
        1
    ].rows == [["arm base → off", "-2 [-2, -2]"]]


def test_the_setting_of_a_sweep_states_nothing_varied_as_fixed():
    scenario = {
        "days": 1.0,
        "dt_seconds": 60.0,
        "populations": {"shorts": {"kind": "noise", "number": 50}},
        "market": {"rulebook": "binance"},
        "spot": {"price": {"process": "x"}},
    }
    told = sweep_report.sweep_setting(
        {
            "scenario": scenario,
            "factors": {"shorts": {"key": "populations.shorts.number", "values": [50, 150]}},
            "arms": ["base"],
            "seeds": [0, 1, 2],
        }
    )
    assert (
        "Traders: 50 or 150 shorts" in told
        and "shorts (populations.shorts.number): 50 and 150 traders" in told
        and "Seeds 0 to 2" in told
    )


@pytest.mark.parametrize(
    ("levels", "log"),
    [([1, 10, 100], True), ([10, 20, 30], False), ([0, 1, 10], False), ([0.001, 0.02], True)],
)
def test_axes_are_logarithmic_where_values_go_by_ratios(levels, log):
    axes = charts.response_curve(
        swept(a=levels, b=("x",)), Figure().subplots(), "factor.a", "basis_mean_bps"
    )
    assert (axes.get_xscale() == "log") == log and axes.get_xticks().tolist() == levels


def test_factors_are_named_with_meaning_and_unit():
    populations = {"populations": {"providers": {"kind": "liquidity"}}}
    assert (
        scenario_words.factor_words("depth", ["populations.providers.level_usd"], populations)
        == "depth: providers level (USD)"
    )
    assert scenario_words.factor_words("rulebook", ["market.rulebook"], {}) == "rulebook"
    assert (
        scenario_words.factor_words("fee", ["market.changes.fees.taker"], {})
        == "fee: fees taker (fraction of value)"
    )


def cut_run():
    records = noisy_run(days=4)
    records.meta["traders"] = 100
    return records


def test_what_is_cut_off_counts_no_more():
    records = cut_run()
    first, second = summarize(records, warmup_hours=0.0), summary_since(records, 48.0)
    late = records.settlements[records.settlements["seconds"] > 48 * 3600]
    assert second["funding_mean_bps_8h"] == pytest.approx(late["rate"].mean() * 1e4)
    assert (
        0.3 * first["volume"] < second["volume"] < 0.7 * first["volume"] and second["hours"] == 48
    )
    assert since(records, 0.0).series[0].tobytes() == records.series[0].tobytes()
    whole = np.abs(records.events["lots"]) * records.events["mark"] * 0.001
    assert second["liquidated_notional"] == pytest.approx(
        whole[records.events["seconds"] > 48 * 3600].sum()
    )


def test_branches_without_their_file_part_where_they_first_differ(tmp_path):
    base = cut_run()
    other = dataclasses.replace(base, series=[base.series[0].copy()])
    other.series[0]["mid"][1_440:] += 1
    assert moment_of(tmp_path, {"base": (None, base), "x": (None, other)}) == (24.0, [])
    (tmp_path / "branches.json").write_text(json.dumps({"at_hours": 3.0, "arms": ["x:days=1"]}))
    assert moment_of(tmp_path, {}) == (3.0, ["x:days=1"])


def real_beside(records, shift=1.0):
    rows = records.series[0][::60]
    settled = records.settlements
    return {
        "seconds": rows["seconds"],
        "basis_bps": (rows["mid"] / rows["spot"] - 1) * 1e4 + shift,
        "funding_seconds": settled["seconds"],
        "funding": settled["rate"] - 1e-4,
        "funding_source": "a test",
    }


def test_a_replay_is_held_to_the_real_market_on_the_same_rows():
    records = noisy_run(days=4)
    told = replay_fit.compare_replay(records, real_beside(records))
    assert told["basis_rmse_bps"] == pytest.approx(1.0) and told[
        "basis_correlation"
    ] == pytest.approx(1.0)
    assert told["real"]["basis_mean_bps"] - told["simulated"]["basis_mean_bps"] == pytest.approx(
        1.0
    )
    assert told["real"]["funding_mean_bps_8h"] - told["simulated"][
        "funding_mean_bps_8h"
    ] == pytest.approx(-1.0)
    assert (
        told["hours"] == 73
        and told["settlements"] == [9, 9]
        and "73 hours known in both" in told["rows"]
    )
    summary = summarize(records)
    assert all(told["simulated"][key] == pytest.approx(summary[key]) for key in told["simulated"])
    assert replay_fit.compare_replay(records, None) is None


def test_a_real_market_with_holes_counts_fewer_rows():
    records = noisy_run(days=4)
    real = real_beside(records)
    real["basis_bps"][50:60] = math.nan
    assert replay_fit.compare_replay(records, real)["hours"] == 63


def test_profits_sum_to_zero():
    records = noisy_run(days=3)
    records.meta["venues"][0]["fees"] = 2_000_000
    rows = profit_rows(summarize(records), records.meta)
    assert [sum(row[k] for row in rows) for k in (1, 2, 3)] == pytest.approx([0.0] * 3)
    assert {who: amounts for who, *amounts in rows}["venue, fees"] == [2.0, 0.0, 2.0]


def test_attacks_and_shocks_are_marked_in_time():
    attacker = {"kind": "manipulation", "number": 1, "attack_start_hours": 36.0}
    shock = {"kind": "index_source", "at_hours": 24.0, "minutes": 30.0, "back_minutes": 30.0}
    acting = scenario_words.acting_of(
        {
            "shocks": [shock],
            "populations": {"attacker": attacker, "longs": {"kind": "noise", "number": 3}},
        }
    )
    assert acting == [(24.0, 25.0, "stray source"), (36.0, 44.0, "attack")]
    figure = price_and_basis_figure(noisy_run(days=3), acting=acting)
    assert {text.get_text() for text in figure.axes[0].texts} == {
        "stray source",
        "attack",
    } and not figure.axes[1].texts


def test_a_curve_over_names_keeps_their_order_and_needs_no_arm():
    runs = pd.DataFrame(
        {
            "factor.mix": ["few", "many", "all"] * 3,
            "seed": np.repeat([0, 1, 2], 3),
            "basis_mean_bps": np.arange(9.0),
        }
    )
    axes = charts.response_curve(runs, Figure().subplots(), "factor.mix", "basis_mean_bps")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["few", "many", "all"] and len(
        axes.lines[0].get_xdata()
    ) == 3


def opposed(swing=10.0):
    """Return runs of three factors: the basis has the sign of `side`, whatever `a` and `b`."""
    noise = RNG(7).normal(0, 0.5, 200)
    rows = [
        {
            "seed": seed,
            "factor.a": a,
            "factor.b": b,
            "factor.side": side,
            "arm": "base",
            "basis_mean_bps": swing * (1 if side == "long" else -1) + a,
        }
        for seed in range(5)
        for a in (1, 2, 3)
        for b in ("x", "y")
        for side in ("long", "short")
    ]
    return pd.DataFrame(rows).assign(
        basis_mean_bps=lambda frame: frame["basis_mean_bps"] + noise[: len(frame)]
    )


def test_opposite_regimes_are_not_averaged():
    factors = ["factor.a", "factor.b", "factor.side"]
    assert sweep_tables.opposite_signs(opposed(), ["factor.side"], "basis_mean_bps")
    assert not sweep_tables.opposite_signs(opposed(), ["factor.b"], "basis_mean_bps")
    assert not sweep_tables.opposite_signs(opposed(0.0), ["factor.side"], "basis_mean_bps")
    told = next(
        text
        for text in sweep_effects.effects(opposed(), factors, MANIFEST)
        if text.startswith("From a 1 to 3")
    )
    assert "basis, mean is not averaged, its sign depends on the other factors" in told
    assert "side long" in told and "side short" in told
    drawn = sweep_drawings.curves(opposed(), factors, {})
    caption, draw = drawn["basis_mean_bps-a"]
    assert "one curve per value of b and side" in caption and "averaged" not in caption
    assert len(draw().axes[0].get_legend().get_texts()) == 4
    averaged = sweep_drawings.curves(opposed(0.0), factors, {})["basis_mean_bps-a"][0]
    assert "averaged over side within each seed" in averaged


def test_zero_has_no_sign():
    assert text_format.amount(-0.0) == "0" and text_format.amount(-1e-3) == "-0.001"
    assert text_format.interval_text(-0.0, -0.0, 0.5) == "0 [0, 0.5]"
