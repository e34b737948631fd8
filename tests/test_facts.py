"""Facts of known processes, sensitivity of known functions, charts and reports of small runs."""

import dataclasses
import json
import math
import re
import sys
import types

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from perplab.analysis import figures as charts
from perplab.analysis.cli import commands as cli
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run
from perplab.scenarios.runs.results import Runs
from perplab.scenarios.runs.store import write_run
from perplab.scenarios.sweeps.sweep_design import Design, salib_shares
from tests.scenario_files import SMALL_CASCADE

pytest.importorskip("statsmodels")

from perplab.analysis.estimators import estimates, fact_rows
from perplab.analysis.metrics import stylised_facts as facts
from perplab.analysis.metrics import summary as metrics
from perplab.analysis.metrics import trader_facts

RNG = np.random.default_rng


def test_sharpe_ratio_of_known_profits():
    hourly = RNG(6).normal(1.0, 10.0, 20_000)
    assert estimates.sharpe(hourly) == pytest.approx(0.1 * math.sqrt(8_760), rel=0.1)


def ishigami(shares):
    x = np.pi * (2 * shares - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def sweep_of(kind, samples, function, seeds=(0,)):
    """Return the runs of a sweep whose figure is a function of the design's points."""
    design = Design(kind=kind, samples=samples)
    values = function(np.asarray(salib_shares(design, ["a", "b", "c"])))
    runs = pd.DataFrame(
        {"number": np.arange(len(values)), "arm": "base", "error": None, "figure": values}
    )
    manifest = {
        "factors": dict.fromkeys("abc", {}),
        "design": design.model_dump(),
        "seeds": list(seeds),
        "runs": [str(k) for k in range(len(values))],
    }
    return Runs(None, manifest, runs)


def test_sobol_indices_of_the_ishigami_function():
    pytest.importorskip("SALib")
    from perplab.analysis.estimators.sensitivity import sensitivity_indices

    found = sensitivity_indices(sweep_of("saltelli", 2_048, ishigami), "figure")
    last = found[found["samples"] == 2_048].set_index(["index", "factor"])["value"]
    for index, known in (("first", (0.3139, 0.4424, 0.0)), ("total", (0.5576, 0.4424, 0.2437))):
        assert [last[index, factor] for factor in "abc"] == pytest.approx(known, abs=0.03)
    assert (
        found["samples"].nunique() > 5
        and (found.groupby("samples")["half"].mean().diff().dropna() < 0.05).all()
    )


def test_morris_effects_of_a_linear_function():
    pytest.importorskip("SALib")
    from perplab.analysis.estimators.sensitivity import sensitivity_indices

    found = sensitivity_indices(
        sweep_of("morris", 16, lambda shares: shares @ np.array([3.0, 1.0, 0.0])), "figure"
    )
    last = found[(found["samples"] == 16)].set_index(["index", "factor"])["value"]
    assert [last["mu_star", factor] for factor in "abc"] == pytest.approx([3.0, 1.0, 0.0], abs=1e-9)
    assert [last["sigma", factor] for factor in "abc"] == pytest.approx([0.0] * 3, abs=1e-9)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    outcome = run(load("small", {"days": 0.5}), 1)
    from perplab.analysis.metrics.summary import summarize

    write_run(folder, outcome, summarize(outcome.records), 1.0)
    return folder, outcome.records


def test_facts_of_a_run_have_units_and_intervals_in_order(small_run):
    frame = facts.facts(small_run[1])
    known = frame[frame[["value", "low", "high"]].notna().all(axis=1)]
    assert (
        len(known) > 8
        and (known["low"] <= known["high"]).all()
        and frame["unit"].str.len().min() > 0
    )
    short = frame[frame["how"] == fact_rows.SHORT]
    assert len(short) > 12 and short[["low", "high"]].isna().all(axis=None)
    assert frame.equals(facts.facts(small_run[1]))


def test_facts_and_summary_say_the_same():
    """Both leave out the warm-up and use the same rows, so their shared figures are equal."""
    from tests.recorded import noisy_run

    records = noisy_run(days=25)
    records.meta["traders"] = 100
    frame, summary = facts.facts(records).set_index("fact"), metrics.summarize(records)
    for fact, key in (
        ("basis, mean", "basis_mean_bps"),
        ("basis, standard deviation", "basis_sd_bps"),
        ("funding, mean", "funding_mean_bps_8h"),
        ("funding, standard deviation", "funding_sd_bps_8h"),
        ("funding, first autocorrelation", "funding_acf1"),
        ("settlements at the interest rate", "funding_at_interest_share"),
        ("settlements below 0", "funding_negative_share"),
    ):
        assert (
            summary[key] is None
            and math.isnan(frame.loc[fact, "value"])
            or frame.loc[fact, "value"] == pytest.approx(summary[key], rel=1e-12)
        ), fact
    assert (
        frame.loc["basis, mean", "low"]
        < frame.loc["basis, mean", "value"]
        < frame.loc["basis, mean", "high"]
    )
    assert frame.loc["settlements below 0", "value"] < frame.loc["settlements below 0", "high"] <= 1
    assert math.isnan(frame.loc["liquidations per trader-year", "high"])


SWEPT = pd.DataFrame(
    {
        "factor.a": [1.0, 1.0, 2.0, 2.0] * 2,
        "factor.b": [1.0, 2.0] * 4,
        "arm": ["base"] * 4 + ["off"] * 4,
        "seed": [0, 0, 0, 0] * 2,
        "basis_mean_bps": np.arange(8.0),
        "rulebook": ["x", "y"] * 4,
    }
)


@pytest.mark.parametrize(
    "drawing",
    [
        lambda axes: charts.response_curve(SWEPT, axes, "factor.a", "basis_mean_bps"),
        lambda axes: charts.heat_map(SWEPT, axes, "factor.a", "factor.b", "basis_mean_bps"),
        lambda axes: charts.phase_map(
            SWEPT.assign(price_amplification=np.arange(8.0) / 8), axes, "factor.a", "factor.b"
        ),
        lambda axes: charts.distribution(SWEPT, axes, "rulebook", "basis_mean_bps"),
        lambda axes: charts.compare_densities(
            RNG(1).normal(size=50), RNG(2).normal(size=50), axes, "basis (bp)"
        ),
        lambda axes: charts.attack_map(
            SWEPT.assign(
                liquidated_notional=1e6, **{"pnl_by_kind.manipulation": np.arange(8.0) - 4}
            ),
            axes,
            "factor.a",
            "factor.b",
        ),
        lambda axes: charts.leverage_histogram(
            pd.DataFrame(
                {"kind": ["noise", "long"], "notional": [2.0, 30.0], "equity": [1.0, 3.0]}
            ),
            axes,
        ),
        lambda axes: charts.index_convergence(
            pd.DataFrame(
                {
                    "factor": "a",
                    "index": "first",
                    "samples": [4, 8],
                    "value": [0.1, 0.2],
                    "half": [0.1, 0.05],
                }
            ),
            axes,
        ),
    ],
)
def test_charts_draw_on_given_axes_and_say_their_units(drawing):
    axes = Figure().subplots()
    assert drawing(axes) is axes
    assert axes.get_xlabel() and axes.has_data()
    if isinstance(drawing, types.FunctionType) and axes.get_ylabel():
        assert "factor." not in axes.get_xlabel() + axes.get_ylabel()


def report_here(monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", ["perplab", "report", str(folder)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def test_the_report_of_a_run_stands_alone(small_run, monkeypatch):
    folder, _ = small_run
    assert report_here(monkeypatch, folder) == 0
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)", page) and "http" not in page.replace(
        "http-equiv", ""
    )
    assert page.count("data:image/png;base64,") == 6 and "all money is accounted for" in page
    assert "The perpetual traded" in page and "Warm-up" in page and "tail index of returns" in page
    summary = json.loads((folder / "summary.json").read_text())
    assert f"{summary['volume']:,.0f}" in page
    suffixes = {path.suffix for path in (folder / "report" / "figures").iterdir()}
    assert suffixes == {".pdf", ".svg", ".tex"}
    tex = (folder / "report" / "tables" / "facts.tex").read_text()
    assert "\\toprule" in tex and "half-life" in tex
    again = run(load(folder / "report" / "scenario.toml"), 1)
    assert again.records.series[0].tobytes() == small_run[1].series[0].tobytes()
    before = page
    assert (
        report_here(monkeypatch, folder) == 0
        and (folder / "report" / "index.html").read_text(encoding="utf-8") == before
    )


def test_a_report_without_the_libraries_of_the_facts_says_so(small_run, no_drawing, monkeypatch):
    folder, _ = small_run
    monkeypatch.setitem(sys.modules, "statsmodels.regression.linear_model", None)
    assert report_here(monkeypatch, folder) == 0
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert (
        "pip install -e &#39;.[stats]&#39;" in page
        and "block bootstrap" not in page
        and not (folder / "report" / "tables" / "facts.tex").exists()
    )
    assert page.count("data:image/png;base64,") == 6


def test_no_report_of_what_is_no_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "thesis").mkdir()
    assert report_here(monkeypatch, tmp_path / "thesis") == 2
    assert (
        "intact run or sweep" in capsys.readouterr().err
        and list((tmp_path / "thesis").iterdir()) == []
    )


def test_the_report_of_a_sweep_and_of_branches(tmp_path, monkeypatch):
    from perplab.analysis.metrics.summary import summarize
    from tests.small_sweeps import SWEEP, run_here, sweep_file

    run_here(
        sweep_file(
            tmp_path,
            SWEEP.replace('keep = ["series", "settlements"]\n', "").replace(
                "days = 0.01", "days = 0.1"
            ),
        ),
        tmp_path / "sweep",
        summarize=summarize,
    )
    assert report_here(monkeypatch, tmp_path / "sweep") == 0
    page = (tmp_path / "sweep" / "report" / "index.html").read_text(encoding="utf-8")
    assert "2 seeds at each of 2 points" in page and "market.changes.funding.cap" in page
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
            "1",
            "--arm",
            "off:market.changes.funding.enabled=false",
            "--out",
            str(tmp_path / "both"),
        ],
    )
    with pytest.raises(SystemExit):
        cli.main()
    assert report_here(monkeypatch, tmp_path / "both") == 0
    page = (tmp_path / "both" / "report" / "index.html").read_text(encoding="utf-8")
    assert (
        "Changed in off" in page
        and "market.changes.funding.enabled = false" in page
        and page.count("data:image/png;base64,") == 2
    )


@pytest.fixture(scope="module")
def fallen(tmp_path_factory):
    """A market of leveraged longs through a fall, its trades recorded."""
    folder = tmp_path_factory.mktemp("runs") / "fall"
    outcome = run(
        load(SMALL_CASCADE, {"days": 1.1, "record.trades": True, "twin.enabled": False}), 1
    )
    from perplab.analysis.metrics.summary import summarize

    write_run(folder, outcome, summarize(outcome.records), 1.0)
    return folder, outcome.records


def test_losses_add_up_to_what_the_events_say(fallen):
    """Every liquidated lot has a counterparty, and losses against the mark are those of the trades.

    Whether makers are known or not.
    """
    from perplab.analysis.metrics.cascade import liquidated_notional
    from perplab.analysis.metrics.losses import BOOK, FUND, loss_network

    records = fallen[1]
    lot, unit, events = (
        records.meta["markets"][0]["lot"],
        records.meta["unit"],
        records.events[records.events["node"] >= 0],
    )
    assert len(events) > 50
    known = loss_network(records)
    without = loss_network(dataclasses.replace(records, prints=records.prints[:0]))
    for graph in (known, without):
        edges = [data for *_, data in graph.edges(data=True)]
        assert sum(data["notional"] for data in edges) == pytest.approx(
            liquidated_notional(events, lot)
        )
        worse = (
            np.sign(events["lots"])
            * (events["value"] * unit - np.abs(events["lots"]) * events["mark"] * lot)
            + events["fund_change"] * unit
        )
        assert sum(data["loss"] for data in edges) == pytest.approx(worse.sum())
    assert (
        set(without) == {"directional_long", BOOK, FUND}
        and {"liquidity", FUND} <= set(known)
        and BOOK not in known
    )
    numbers = loss_network(records, by="trader")
    assert {node for node, degree in numbers.out_degree if degree} == set(events["trader"].tolist())


def test_what_stands_open_has_the_equity_that_the_ledger_knows():
    from perplab.scenarios.files.loader import build
    from perplab.sim.clearing.equity import account_equity, cross_equity

    market = build(load("small", {"days": 0.2}), 3)
    market.run(288)
    rows = market.records().positions
    assert (
        np.abs(rows["lots"]).sum()
        == np.abs(market.tables["position"]["lots"][: market.tables["run"]["traders"][0]]).sum()
        > 0
    )
    isolated = market.tables["position"]["isolated"]
    for row in rows[:40]:
        equity = (
            account_equity(market._world, row["trader"], 0)
            if isolated[row["trader"], 0]
            else cross_equity(market._world, row["trader"], 0)
        )
        assert row["equity"] == pytest.approx(equity, abs=1)


def test_facts_of_cascades_and_of_trades(fallen):
    frame = facts.facts(fallen[1]).set_index("fact")
    for name in (
        "effective spread",
        "impact of flow, exponent",
        "branching ratio of liquidations",
        "leverage at the end, median",
    ):
        assert frame.loc[name, "low"] <= frame.loc[name, "value"] <= frame.loc[name, "high"], name
    shares = [
        frame.loc[f"liquidated notional, share of {name}", "value"]
        for name in ("book", "fund", "ADL")
    ]
    assert sum(shares) == pytest.approx(1.0) and frame.loc["largest tree", "value"] >= 1


def test_an_attack_is_accounted_for():
    from perplab.analysis.metrics.losses import LEGS
    from tests.recorded import noisy_run

    records = noisy_run(days=3, kind_names=("noise", "manipulation"))
    records.kinds["spot_lots"][10, 1], records.kinds["lots"][-1, 1] = 700, -300
    told = {row[0]: row[1] for row in trader_facts.attack_facts(metrics.market_run(records))}
    profit = (records.kinds["equity"][-1, 1] - records.kinds["equity"][0, 1]) * 1e-6
    assert (
        told["attacker: profit"]
        == pytest.approx(profit)
        == pytest.approx(sum(told[f"attacker: of it {leg}"] for leg in LEGS))
    )
    last = records.series[0]["spot"][-1]
    assert told["attacker: largest spot holding"] == pytest.approx(0.7 * last) and told[
        "attacker: still held at the end"
    ] == pytest.approx(0.3 * last)
    shorts = records.events[records.events["lots"] > 0]
    whole = sum(amount for name, amount in told.items() if name.startswith("liquidated shorts"))
    assert whole == pytest.approx((shorts["lots"] * shorts["mark"] * 0.001).sum())
    assert not list(trader_facts.attack_facts(metrics.market_run(noisy_run(days=3))))


def test_the_report_of_a_fall_draws_trees_and_losses(fallen, monkeypatch):
    assert report_here(monkeypatch, fallen[0]) == 0
    drawn = {path.stem for path in (fallen[0] / "report" / "figures").iterdir()}
    assert {"cascade_trees", "losses", "leverage"} <= drawn


def test_a_tree_is_drawn_as_wide_as_it_lasts():
    from perplab.analysis.figures.network_figures import cascade_trees
    from perplab.analysis.metrics.cascade import forest
    from tests.recorded import events_of

    events = events_of(
        (0, -1, 1, -1000, 100.0),
        (1, 0, 0, -2000, 99.0),
        (2, 0, 0, -1000, 98.0),
        (3, 2, 0, -1000, 97.0),
        (4, -1, 3, 3000, 99.0),
        seconds=[0.0, 60.0, 120.0, 300.0, 900.0],
    )
    axes = cascade_trees(forest(events, 0.001), Figure().subplots())
    dots = axes.collections[0].get_offsets()
    assert (
        len(dots) == 5
        and dots[:, 0].max() == 5.0
        and len(set(dots[:, 1])) == 5
        and len(axes.lines) == 3
    )
