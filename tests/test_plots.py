"""Figures are drawn from any run, the same twice, and show what they should."""

import matplotlib
import numpy as np
import pytest

from perplab.analysis.figures import funding_panels, kind_panels, price_panels, style
from perplab.analysis.figures import run_figures as plots
from perplab.sim.state.event_rows import EVENT, SETTLEMENT
from tests.recorded import noisy_run, short_run

NAMES = ["price_and_basis", "funding", "open_interest_and_liquidations", "equity_by_kind"]


@pytest.fixture(scope="module")
def run():
    return noisy_run(days=4)


@pytest.fixture
def axes():
    with matplotlib.rc_context(style.STYLE):
        yield style.panels(1, 2.0)[1][0]


def curves(axes):
    return {drawn.get_label(): drawn for drawn in axes.lines if len(drawn.get_xdata()) > 2}


def test_figures_are_written_and_the_same_twice(run, tmp_path):
    first = plots.write_figures(run, tmp_path)
    assert [path.name for path in first] == [
        f"{name}.{kind}" for name in NAMES for kind in ("png", "svg")
    ]
    before = {path: path.read_bytes() for path in first}
    plots.write_figures(run, tmp_path)
    assert all(path.read_bytes() == before[path] for path in first)


def test_style_does_not_leak(run, tmp_path):
    before = dict(matplotlib.rcParams)
    plots.write_figures(run, tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_run_with_nothing_in_it(tmp_path):
    empty = short_run()
    empty.series, empty.kinds = [empty.series[0][:0]], empty.kinds[:1]
    assert len(plots.write_figures(empty, tmp_path)) == 8
    empty.series = [short_run(mid=0.0).series[0]]
    assert len(plots.write_figures(empty, tmp_path)) == 8


def test_long_lines_are_thinned_and_keep_extremes():
    values = np.random.default_rng(0).normal(size=100_000)
    values[[0, 777, 5000]] = np.nan, 50.0, -50.0
    x, y = style.thinned(np.arange(values.size), values)
    assert len(x) <= style.LINE_POINTS and y.max() == 50 and y.min() == -50
    assert (np.diff(x) >= 0).all()


def test_price_draws_spot_and_perpetual(run, axes):
    drawn = curves(price_panels.draw_price(run, axes))
    assert set(drawn) == {"spot", "perpetual (mid)"}
    assert axes.get_ylabel() == "price (USD)"


def test_real_basis_stands_beside_the_simulated(run, axes):
    real = {"seconds": 3600.0 * np.arange(-5, 200), "basis_bps": np.arange(205.0)}
    drawn = curves(price_panels.draw_basis(run, axes, real))
    assert set(drawn) == {"real", "simulated"}
    assert drawn["real"].get_xdata()[[0, -1]].tolist() == [0, 4]
    assert len(drawn["simulated"].get_xdata()) == 4 * 24 + 1


def test_real_funding_is_read_with_or_without_its_own_times(run, axes):
    rates = np.full(97, np.nan)
    rates[8::8] = 2e-4
    real = {"seconds": 3600.0 * np.arange(97), "basis_bps": np.zeros(97), "funding": rates}
    seconds, bps = funding_panels.real_funding(run, real)
    assert seconds.tolist() == [28800.0 * k for k in range(1, 13)] and set(bps) == {2.0}
    own = {"seconds": [0.0], "funding": [2e-4] * 12, "funding_seconds": seconds}
    assert funding_panels.real_funding(run, own)[0].tolist() == seconds.tolist()
    assert {"real", "simulated"} <= set(curves(funding_panels.draw_funding_rate(run, axes, real)))


def test_cap_is_drawn_when_rates_come_near(run, axes):
    drawn = funding_panels.draw_funding_rate(run, axes).lines
    assert not any(line.get_label().startswith("cap (") for line in drawn)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "cap ±30 bp per 8 h, outside the axis" in texts
    with matplotlib.rc_context(style.STYLE):
        near = style.panels(1, 2.0)[1][0]
    run.meta["markets"][0]["funding_law"]["cap"] = 1e-4
    assert "cap (±1 bp per 8 h)" in {
        drawn.get_label() for drawn in funding_panels.draw_funding_rate(run, near).lines
    }
    run.meta["markets"][0]["funding_law"]["cap"] = 3e-3


@pytest.mark.parametrize(("name", "value"), [("damper", np.inf), ("damper", 0.0), ("cap", np.inf)])
def test_switched_off_damper_or_cap_can_be_drawn(run, tmp_path, name, value):
    facts = run.meta["markets"][0]["funding_law"]
    kept, facts[name] = facts[name], value
    plots.funding_figure(run).savefig(tmp_path / "funding.png")
    facts[name] = kept


def test_liquidated_bars_hold_the_whole_notional(run, axes):
    price_panels.draw_liquidated_notional(run, axes)
    whole = (np.abs(run.events["lots"]) * run.events["mark"]).sum() * 0.001
    scale = {"": 1, "thousand": 1e3, "million": 1e6}[axes.get_ylabel().split("(")[1].split(" ")[0]]
    assert sum(bar.get_height() for bar in axes.patches) * scale == pytest.approx(whole)


def test_no_liquidations_and_no_settlements_are_said(axes):
    quiet = noisy_run(days=1)
    quiet.events, quiet.settlements = np.zeros(0, EVENT), np.zeros(0, SETTLEMENT)
    assert (
        price_panels.draw_liquidated_notional(quiet, axes).texts[0].get_text() == "no liquidations"
    )


@pytest.mark.parametrize(
    ("steps", "unit"), [(5 * 1440, "days"), (2 * 1440, "hours"), (60, "minutes")]
)
def test_time_axis_suits_the_length(run, steps, unit):
    assert (
        style.clock(type(run)(run.series, run.kinds, [], meta={"dt": 60.0, "steps": steps}))[1]
        == unit
    )


def test_kinds_are_named_and_coloured_alike(run, axes):
    kind_panels.draw_equity_by_kind(run, axes)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "noise",
        "directional",
        "carry arbitrage",
        "liquidity",
    ]
    assert axes.get_ylabel().startswith("change of equity\n(")


@pytest.mark.parametrize(("days", "ticks"), [(4, 0.5), (2, 6), (30, 3), (365, 60), (9000, 900)])
def test_ticks_stand_at_round_times(run, axes, days, ticks):
    style.time_axis(
        type(run)(run.series, run.kinds, [], meta={"dt": 60.0, "steps": days * 1440}), axes
    )
    assert np.diff(axes.get_xticks())[0] == pytest.approx(ticks)


def test_a_kind_that_flattens_the_others_gets_a_second_panel(run):
    unit = run.meta["unit"]
    kinds = run.kinds.copy()
    kinds["equity"] = kinds["equity"][0]
    kinds["equity"][-1] += np.round(np.array([10.0, -1.0, 1.5, -2.0]) / unit).astype(np.int64)
    flattened = type(run)(run.series, kinds, run.kind_names, meta=run.meta)
    assert kind_panels.zoom_ranges(flattened) == [pytest.approx((-2.0, 1.5))]
    figure = plots.equity_figure(flattened)
    assert len(figure.axes) == 2 and figure.axes[1].get_ylim() == pytest.approx((-2.175, 1.675))
    kinds["equity"][-1][0] = kinds["equity"][0][0]
    assert kind_panels.zoom_ranges(flattened) == []
    assert len(plots.equity_figure(flattened).axes) == 1


def test_no_kind_is_flat_in_every_panel_that_draws_it(run):
    """Kinds of four sizes: each is drawn at a fifth of the largest in some panel, or more."""
    kinds = run.kinds.copy()
    kinds["equity"] = kinds["equity"][0]
    peaks = np.array([900_000.0, -70_000.0, 4_000.0, 100.0])
    kinds["equity"][-1] += np.round(peaks / run.meta["unit"]).astype(np.int64)
    figure = plots.equity_figure(type(run)(run.series, kinds, run.kind_names, meta=run.meta))
    lines = [[line for line in axes.lines if len(line.get_ydata()) > 2] for axes in figure.axes]
    drawn = [[abs(line.get_ydata()[-1]) for line in part] for part in lines]
    assert [len(heights) for heights in drawn] == [4, 3, 2, 1]
    for axes, heights in zip(figure.axes, drawn, strict=True):
        assert max(heights) > 0.9 * np.abs(axes.get_ylim()).max() / 1.1
    assert [line.get_color() for part in lines[1:] for line in part] == [
        line.get_color() for start in (1, 2, 3) for line in lines[0][start:]
    ]


def test_a_span_at_the_left_edge_is_named_on_its_right(axes, run):
    price_panels.shade_spans(run, axes, [(1.0, 2.0, "attack"), (48.0, 49.0, "shock")])
    assert [text.get_ha() for text in axes.texts] == ["left", "right"]


def test_a_short_shock_gets_a_closer_figure(tmp_path):
    run = noisy_run(days=4)
    names = {path.name for path in plots.write_figures(run, tmp_path, acting=[(60, 60.5, "shock")])}
    assert "price_and_basis_closer.png" in names
    assert plots.short_span(run, [(60, 60.5, "shock")]) == (59.5, 62.0)
    assert plots.short_span(run, [(10, 60, "shock")]) is None
    assert plots.short_span(run, [(95.9, 96, "shock")]) is None
    rows = plots.within(run, (59.5, 62.0)).series[0]["seconds"]
    assert 59.5 * 3600 <= rows[0] and rows[-1] <= 62 * 3600
