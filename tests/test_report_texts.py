"""What reports print: captions, numbers and labels, units, estimates that do not exist."""

import math
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest

from perplab.analysis import figures
from perplab.analysis.estimators.discovery import Discovery
from perplab.analysis.figures import frame_figures, price_panels, style
from perplab.analysis.metrics import catalogue, stylised_facts
from perplab.analysis.report import (
    branch_report,
    page,
    run_plots,
    summary_tables,
    sweep_drawings,
    sweep_report,
    sweep_tables,
    text_format,
)
from perplab.analysis.report.page import Report, Table
from tests.recorded import noisy_run
from tests.test_reports import opposed, swept


def made(**parts):
    empty = {"notes": [], "results": [], "tables": {}, "figures": {}, "faults": []}
    texts = {"title": "t", "question": "", "setting": "s", "commands": "c"}
    return Report(**{**empty, **texts, "versions": {}, "scenario": {"days": 1.0}, **parts})


def test_tables_and_figures_have_numbers_and_labels(tmp_path):
    panel = figures.single_panel
    report = made(
        tables={name: (f"caption {name}", Table(["x (USD)"], [["-1"]])) for name in ("one", "two")},
        figures={"three": ("caption three", lambda: panel(lambda axes: axes.plot([1, 2])))},
    )
    folder = page.write_page(report, tmp_path / "report").parent
    text = (folder / "index.html").read_text(encoding="utf-8")
    plain = re.sub("<.*?>", "", text)
    for caption in ("Table 1. caption one", "Table 2. caption two", "Figure 1. caption three"):
        assert caption in plain
    assert 'name="viewport" content="width=device-width' in text and 'id="fig:three"' in text
    assert r"\label{tab:two}" in (folder / "tables" / "two.tex").read_text()
    source = (folder / "figures" / "three.tex").read_text()
    assert r"\label{fig:three}" in source and "{figures/three.pdf}" in source


def test_a_long_table_breaks_over_pages_and_prints_only_some_columns():
    table = Table(
        ["a", "b (USD)", "c"], [[f"x{k}", "-1", "hidden"] for k in range(50)], ["a", "b (USD)"]
    )
    text = text_format.latex(table, "50 %", "long")
    assert r"\begin{longtable}{lr}" in text and "hidden" not in text and r"50 \%" in text
    assert text.count("$-$1") == 50 and r"\shortstack{b\\(USD)}" in text


def test_every_figure_of_a_run_has_a_unit():
    without = [key for key, each in catalogue.tabled_metrics().items() if not each.unit]
    assert not without
    assert catalogue.label("liquidations") == "accounts liquidated"
    assert catalogue.label("funding_acf1") == "funding, first autocorrelation"


@pytest.mark.parametrize(
    ("seeds", "words"), [(12, "Violins"), (4, "diamonds means"), (1, "One seed")]
)
def test_the_caption_of_a_distribution_says_what_is_drawn(seeds, words):
    runs = swept(seeds, a=(1,))
    runs["basis_mean_bps"] += runs["factor.b"] == "y"
    caption, draw = sweep_drawings.curves(runs, ["factor.b"], {})["basis_mean_bps-b"]
    assert words in caption and ("Student" in caption) == (seeds == 4)
    with matplotlib.rc_context(style.STYLE):
        drawn = {type(part).__name__ for part in draw().axes[0].collections}
    assert any("Poly" in name for name in drawn) == (words == "Violins")


def test_the_attackers_profit_is_not_averaged_over_opposite_regimes():
    for swing, there in ((10.0, False), (0.0, True)):
        runs = opposed(swing).assign(**{"factor.c": lambda frame: frame["seed"] % 2 + 1.0})
        runs["pnl_by_kind.manipulation"] = runs["basis_mean_bps"]
        runs["liquidated_notional"] = 1.0
        found = sweep_drawings.maps(runs, ["factor.a", "factor.c", "factor.side"], {})
        assert ("attack_map" in found) == ("heat_map" in found) == there


def test_a_sweep_with_price_amplification_has_its_map_with_the_boundary():
    runs = opposed(0.0).assign(**{"factor.c": lambda frame: frame["seed"] % 2 + 1.0})
    assert "phase_map" not in sweep_drawings.maps(runs, ["factor.a", "factor.c"], {})
    runs["price_amplification"] = runs["factor.a"] / runs["factor.a"].max() * runs["factor.c"] / 2
    caption, draw = sweep_drawings.maps(runs, ["factor.a", "factor.c"], {})["phase_map"]
    with matplotlib.rc_context(style.STYLE):
        drawn = {type(part).__name__ for part in draw().axes[0].collections}
    assert "0.25" in caption and any("ContourSet" in name for name in drawn)


def test_opposite_regimes_are_seen_with_one_seed_too():
    one = opposed().query("seed == 0")
    assert sweep_tables.opposite_signs(one, ["factor.side"], "basis_mean_bps")


def test_half_lives_and_shares_that_do_not_exist_are_not_estimated(monkeypatch):
    rng = np.random.default_rng(1)
    noise, drift = rng.normal(size=4_000), np.exp(np.arange(4_000) / 400)
    for basis, why in ((np.diff(noise), "reverts within one lag"), (drift, "no reversion found")):
        fact = stylised_facts.half_life_fact(basis, 1.0, 1)
        assert math.isnan(fact.value) and math.isnan(fact.low) and why in fact.how
    share = (76.1, math.nan, math.nan)
    found = next(stylised_facts.share_facts(Discovery(share, (0.1, 0, 1), (0.9, 0, 1))))
    assert math.isnan(found.value) and "not estimated: error correction" in found.how
    rows = pd.DataFrame([found._asdict()])
    monkeypatch.setattr(stylised_facts, "facts", lambda records: rows)
    ((_, table),) = summary_tables.fact_tables(None)[0].values()
    assert table.rows[0][1:4] == ["not estimated", "", "dimensionless"]


def test_no_text_has_a_negative_zero():
    assert text_format.amount(-0.0) == "0" and style.signed(-0.0) == "0"
    assert sweep_drawings.value_text(-0.0) == "0"


def test_values_of_factors_and_arms_have_units():
    factor = {"key": "market.changes.funding.cap", "values": [0.001, 0.003]}
    assert sweep_report.unit_of_factor(factor, {}) == " fraction per interval"
    assert sweep_report.unit_of_factor(factor | {"labels": ["a", "b"]}, {}) == ""
    here, there = {"market": {}}, {"market": {"changes": {"funding": {"cap": 0.02}}}}
    assert branch_report.changes_text(here, there).endswith("cap = 0.02 (fraction per interval)")


@pytest.mark.parametrize("seconds", [59.0, 3_600.0, 5 * 3_600.0, 86_400.0, 30 * 86_400.0, 4e8])
def test_bars_of_liquidations_are_round_and_at_most_sixty(seconds):
    width, edges = price_panels.bars_of(seconds)
    assert width in price_panels.BAR_SECONDS and edges[0] == 0 and edges[-1] == seconds
    assert len(edges) <= price_panels.MOST_BARS + 1
    assert (np.diff(edges)[:-1] == width).all() and np.diff(edges)[-1] <= width


def test_bars_of_liquidations_state_their_length():
    records = noisy_run(days=4)
    caption, _ = run_plots.time_drawings(records, None, [])["open_interest_and_liquidations"]
    with matplotlib.rc_context(style.STYLE):
        axes = figures.open_interest_figure(records).axes[1]
    assert "USD per 2 h" in caption and axes.get_ylabel().endswith("USD\nper 2 h)")


@pytest.mark.parametrize("spans", [
    [(0.5, 95.0, "attack")],
    [(1.0, 400.0, "attack"), (2.0, 3.0, "shock to spot")],
    [(95.0, 95.5, "attack"), (95.2, 95.4, "stray source")],
    [(200.0, 300.0, "attack")],
])  # fmt: skip
def test_names_of_spans_are_within_the_axes_and_apart(spans):
    with matplotlib.rc_context(style.STYLE):
        figure = figures.price_and_basis_figure(noisy_run(days=4), acting=spans)
        figure.draw_without_rendering()
        above, below = figure.axes
        inside = above.get_window_extent()
        boxes = [text.get_window_extent() for text in above.texts]
    assert len(boxes) == sum(first < 96 for first, *_ in spans) and not below.texts
    for box in boxes:
        assert box.x0 >= inside.x0 - 1 and box.x1 <= inside.x1 + 1
    assert not any(one.overlaps(two) for k, one in enumerate(boxes) for two in boxes[:k])


def test_the_legend_of_a_replay_covers_nothing():
    records = noisy_run(days=4)
    real = {"seconds": 3600.0 * np.arange(97), "basis_bps": np.zeros(97)}
    real |= {"funding": np.full(97, 1e-4), "funding_label": "formula applied to the real basis"}
    with matplotlib.rc_context(style.STYLE):
        figure = figures.funding_figure(records, real)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        legend = axes.get_legend().get_window_extent()
    assert legend.y0 >= axes.get_window_extent().y1 - 1 and not axes.texts
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.x1


def test_the_last_settlement_is_within_sight():
    records = noisy_run(days=4)
    with matplotlib.rc_context(style.STYLE):
        axes = figures.funding_figure(records).axes[-1]
    assert axes.get_xlim()[1] > 4.0 == max(axes.get_xticks()[axes.get_xticks() <= 4.0])


def test_a_curve_that_flattens_the_others_gets_a_second_panel():
    runs = swept(4)
    runs.loc[runs["factor.b"] == "y", "basis_mean_bps"] *= 1_000
    _, draw = sweep_drawings.curves(runs, ["factor.a", "factor.b"], {})["basis_mean_bps-a"]
    with matplotlib.rc_context(style.STYLE):
        above, below = draw().axes
    flat = runs[runs["factor.b"] == "x"]["basis_mean_bps"]
    assert below.get_ylim()[0] <= flat.min() and flat.max() <= below.get_ylim()[1]
    assert np.ptp(below.get_ylim()) < np.ptp(above.get_ylim()) / 100


@pytest.mark.parametrize("rows", [0, 1, 5_000])
def test_a_phase_portrait_holds_all_time(rows):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({
        "seconds": 60.0 * np.arange(rows), "mid": 100 + rng.normal(size=rows),
        "spot": np.full(rows, 100.0), "predicted_funding": rng.normal(size=rows) * 1e-4,
    })  # fmt: skip
    with matplotlib.rc_context(style.STYLE):
        figure = figures.single_panel(lambda axes: frame_figures.phase_portrait(frame, axes))
        figure.draw_without_rendering()
    assert figure.axes[0].collections[0].get_array().sum() == pytest.approx(rows)


def test_captions_of_differences_state_the_units_of_factors():
    units = {"factor.a": " USD", "factor.b": ""}
    tables = sweep_tables.difference_tables(swept(), ["factor.a", "factor.b"], units)
    assert all(caption.endswith(" Values of a: USD.") for caption, _ in tables.values())
