"""Figures of hand-made runs, of edge cases, and of real series by the same estimators."""

import csv
import gzip
import json
import math
import pathlib
import re

import numpy as np
import pytest

from perplab.analysis.estimators import impulse_response as responses
from perplab.analysis.estimators import series as run_series
from perplab.analysis.estimators import unit_root as walks
from perplab.analysis.metrics import cascade, catalogue, peg_metrics
from perplab.analysis.metrics import summary as metrics
from perplab.analysis.metrics.branches import summary_since
from perplab.sim.errors import ParameterError
from perplab.sim.state.codes import ADL, TWIN_TAKEOVER
from perplab.sim.state.event_rows import SETTLEMENT
from tests.recorded import (
    Recorded,
    events_of,
    noisy_run,
    reverting,
    rows,
    series_of,
    short_run,
)

HOUSE = pathlib.Path(__file__).parents[1]
DATA = HOUSE.parent / "shared" / "data"
PRICES, FUNDING = (
    "perp_spot_binance_BTCUSDT_1h_2020_2023.csv.gz",
    "funding_binance_BTCUSDT_8h_2020_2023.csv",
)

real_data = pytest.mark.skipif(
    not (DATA / PRICES).exists(), reason="real series not beside the checkout"
)


def real_closes(year=""):
    with gzip.open(DATA / PRICES, "rt") as file:
        kept = [
            row
            for row in csv.DictReader(file)
            if row["outage_flag"] == "0" and row["timestamp"].startswith(year)
        ]
    return (np.array([float(row[column]) for row in kept]) for column in ("perp", "spot"))


def real_rates(year=""):
    with open(DATA / FUNDING) as file:
        return np.array(
            [
                float(row["rate"])
                for row in csv.DictReader(file)
                if row["timestamp"].startswith(year)
            ]
        )


@pytest.fixture(scope="module")
def moments():
    return json.loads((DATA / "moments_btc_2020_2023.json").read_text())


@real_data
def test_real_half_life_is_the_published_one_and_longer_without_the_future(moments):
    """The published figure is of a centred 7-day mean.

    Against the mean of the last 7 days the same closes revert more slowly.
    """
    perpetual, spot = real_closes()
    figures, published = peg_metrics.basis_figures(perpetual, spot), moments["basis_bps_1h"]
    basis = run_series.basis_bps(perpetual, spot)
    centred = basis[84:-83] - np.convolve(basis, np.full(168, 1 / 168), "valid")
    slope = float(walks.regression(centred[:-1], np.diff(centred))[0])
    assert math.log(0.5) / math.log1p(slope) == pytest.approx(
        published["dev7d"]["half_life_h"], abs=1e-4
    )
    assert figures["basis_half_life_hours"] == pytest.approx(1.982, abs=2e-3)
    assert figures["basis_mean_bps"] == pytest.approx(published["mean"], abs=1e-5)
    assert figures["basis_sd_bps"] == pytest.approx(published["sd"], abs=1e-5)
    assert figures["perp_to_spot_return_sd"] == pytest.approx(1.0028, abs=1e-4)


@real_data
@pytest.mark.parametrize("year", ["2020", "2021", "2022", "2023"])
def test_real_basis_of_a_year(moments, year):
    figures = peg_metrics.basis_figures(*real_closes(year))
    assert figures["basis_mean_bps"] == pytest.approx(moments[f"basis_{year}"]["mean"], abs=1e-5)
    assert figures["basis_sd_bps"] == pytest.approx(moments[f"basis_{year}"]["sd"], abs=1e-5)


@real_data
@pytest.mark.parametrize("year", ["", "2020", "2021", "2022", "2023"])
def test_real_funding(moments, year):
    figures = peg_metrics.funding_figures(real_rates(year), 1e-4, 28800.0)
    published = moments[f"funding_{year}"] if year else moments["funding_bps_per_8h"]
    for key, name in (
        ("funding_mean_bps_8h", "mean"),
        ("funding_sd_bps_8h", "sd"),
        ("funding_negative_share", "share_negative"),
        ("funding_at_interest_share", "share_pinned"),
    ):
        assert figures[key] == pytest.approx(published[name], abs=6e-5)
    if not year:
        assert figures["funding_acf1"] == pytest.approx(published["acf"]["1"], abs=2e-4)


@real_data
def test_real_reversion_is_slower_inside_the_plateau():
    perpetual, spot = real_closes("2022")
    basis = run_series.basis_bps(perpetual, spot)
    speeds = responses.split_reversion(basis, basis / 1e4, -4e-4, 6e-4)
    assert speeds["inside"]["hours"] + speeds["outside"]["hours"] == len(basis) - 168
    assert 0 < speeds["inside"]["speed"] < speeds["outside"]["speed"] < 1
    assert speeds["outside"]["random_walk_share"] < 0.01


def test_figures_of_four_hours_by_hand():
    figures = metrics.summarize(short_run(premium=[0.0, 1e-4, 2e-4, 3e-4]))
    assert figures["basis_mean_bps"] == pytest.approx(3)
    assert figures["basis_sd_bps"] == pytest.approx(math.sqrt(5))
    assert figures["premium_mean_bps"] == pytest.approx(1.5)
    assert figures["open_interest_mean"] == pytest.approx(
        (0 + 10 * 100.02 + 20 * 100.04 + 30 * 100.06) / 4 * 0.001
    )
    assert figures["volume"] == pytest.approx((5 * 100.02 + 4 * 100.06) * 0.001)
    assert figures["insurance_fund_change"] == pytest.approx(2.5)
    assert figures["pnl_by_kind"] == {"noise": 3.0, "directional": -5.0}
    assert figures["funding_by_kind"] == {"noise": 1.0, "directional": -1.0}
    assert figures["thin_premium_share"] == 0.25
    assert figures["order_refusals"] == {"refused_margin": 3, "refused_band": 0}
    assert (figures["orders"], figures["liquidations"], figures["liquidated_notional"]) == (
        50,
        0,
        0.0,
    )


@pytest.mark.parametrize(
    ("rows", "end", "bad"),
    [([1, 2, 3, 4], 4, 0.0), ([1, -2_500_000, 3, 4], 4, 2.5), ([0, 0, 0, -1], -4_000_000, 4.0)],
)
def test_bad_debt_is_the_most_that_the_fund_was_below_zero(rows, end, bad):
    run = short_run(fund=rows)
    run.meta["venues"][0]["fund_equity"] = end
    assert metrics.summarize(run)["fund_deficit_max"] == bad


def test_unknown_is_none_and_json_has_no_nan():
    figures = metrics.summarize(short_run())
    for key in (
        "basis_half_life_hours",
        "funding_mean_bps_8h",
        "funding_at_interest_share",
        "funding_acf1",
        "amplification",
        "perp_to_spot_return_sd",
    ):
        assert figures[key] is None
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_run_without_a_record():
    run = short_run()
    run.series = [run.series[0][:0]]
    figures = metrics.summarize(run)
    assert (
        figures["basis_mean_bps"] is None
        and figures["open_interest_mean"] is None
        and figures["volume"] == 0
    )


def test_closes_with_an_empty_book_are_left_out():
    run = short_run()
    run.series[0]["mid"][3] = run.series[0]["best_bid"][3] = 0
    figures = metrics.summarize(run)
    assert figures["basis_mean_bps"] == pytest.approx(2)
    assert figures["one_sided_book_share"] == 0.25


def test_closes_are_the_last_rows_not_after_whole_hours():
    series = series_of([100.0] * 7, range(7), 2500.0)
    assert run_series.hourly_closes(series)["seconds"].tolist() == [0, 2500, 5000, 10000, 12500]
    assert run_series.hourly_closes(series, 7200.0)["seconds"].tolist() == [5000, 10000, 12500]
    assert run_series.hourly_closes(series[[0, 1, 6]], 0.0)["seconds"].tolist() == [0, 2500]


def test_warmup_holds_from_three_days_on():
    run = short_run()
    run.meta["steps"] = 3 * 1440
    assert run_series.warmup(run, 24.0) == 86400.0
    run.meta["steps"] -= 1
    assert run_series.warmup(run, 24.0) == 0.0


def test_funding_shares_by_hand():
    figures = peg_metrics.funding_figures(
        np.array([1e-4, 1e-4, -1e-4, 0.0, 0.5e-4, 3e-4]), 1e-4, 28800.0
    )
    assert figures["funding_at_interest_share"] == pytest.approx(2 / 6)
    assert figures["funding_negative_share"] == pytest.approx(1 / 6)
    assert figures["funding_below_interest_share"] == pytest.approx(2 / 6)
    assert figures["funding_mean_bps_8h"] == pytest.approx(4.5 / 6)


def test_hourly_funding_is_stated_per_eight_hours_and_pinned_at_its_eighth():
    run = short_run()
    run.meta["markets"][0]["interval_seconds"] = 3600.0
    run.meta["markets"][0]["funding_law"]["divisor"] = 8.0
    run.settlements = rows(SETTLEMENT, seconds=[3600.0, 7200.0], rate=[1e-4 / 8, 1e-4 / 8 + 1e-18])
    figures = metrics.summarize(run)
    assert figures["funding_mean_bps_8h"] == pytest.approx(1)
    assert figures["funding_at_interest_share"] == 0.5


def test_settlements_of_other_markets_and_of_the_warmup_do_not_count():
    run = noisy_run(days=4)
    run.settlements = rows(
        SETTLEMENT,
        seconds=[28800.0, 86400.0, 115200.0, 144000.0],
        rate=[9e-4, 9e-4, 1e-4, 9e-4],
        market=[0, 0, 0, 1],
    )
    assert metrics.summarize(run)["funding_mean_bps_8h"] == pytest.approx(1)


def test_half_life_recovers_a_known_autoregression():
    values = reverting(np.random.default_rng(3), 40_000, 0.3, 1.0)
    assert peg_metrics.half_life_hours(values) == pytest.approx(
        math.log(0.5) / math.log(0.7), rel=0.03
    )
    assert math.isnan(peg_metrics.half_life_hours(values[:190]))


@pytest.mark.parametrize(("half_life", "told"), [(1.4, 60), (6.6, 60), (23.0, 45)])
def test_half_life_of_a_month_has_no_bias(half_life, told):
    """The median of 60 samples lies within two of its standard errors, and most are significant.

    The standard error is 1.25 x sd / sqrt(60), on the logarithm.
    """
    samples = walks.autoregressions(np.random.default_rng(12).standard_normal((60, 696)), half_life)
    found = np.log([walks.median_half_life(sample) for sample in samples]) - math.log(half_life)
    assert abs(np.median(found)) < 2 * 1.25 * np.subtract(
        *np.percentile(found, [75, 25])
    ) / 1.35 / math.sqrt(60)
    assert sum(math.isfinite(peg_metrics.half_life_hours(sample)) for sample in samples) >= told


def test_a_random_walk_has_no_half_life():
    """At the 5 % level at most 12 of 120 random walks (binomial, .995) look like reversion.

    In the whole sample, and outside a dead band.
    """
    paths = np.cumsum(np.random.default_rng(4).normal(0, 1, (120, 696)), axis=1)
    assert 0 < sum(math.isfinite(peg_metrics.half_life_hours(path)) for path in paths) <= 12
    shares = [
        responses.split_reversion(path, path / 1e4, -4e-4, 6e-4)["outside"]["random_walk_share"]
        for path in paths
    ]
    assert 0 < sum(share is not None and share < 0.05 for share in shares) <= 12
    assert (
        responses.split_reversion(paths[0][:100], paths[0][:100] / 1e4, -4e-4, 6e-4)["outside"][
            "speed"
        ]
        is None
    )


def test_deviation_from_the_week_knows_only_the_past():
    shift = walks.weekly_deviation(np.arange(200.0))
    assert len(shift) == 33
    np.testing.assert_allclose(shift, 83.5)
    later = np.arange(200.0)
    later[190:] = 1e6
    np.testing.assert_array_equal(walks.weekly_deviation(later)[:23], shift[:23])
    assert len(walks.weekly_deviation(np.arange(100.0))) == 0


def test_regression_by_hand():
    x = np.arange(30.0)
    slope, error = walks.regression(x, 3 - 0.5 * x)
    assert slope == pytest.approx(-0.5) and error == pytest.approx(0, abs=1e-12)
    assert math.isnan(walks.regression(x[:5], x[:5])[0])
    twice = np.stack([np.append(x, 99.0), np.append(x[::-1], 7.0)])
    kept = np.arange(31) < 30
    np.testing.assert_allclose(
        walks.regression(twice, 3 - 0.5 * twice + 5 * ~kept, kept)[0], [-0.5, -0.5]
    )


def test_autocorrelation_of_a_constant_is_unknown():
    assert math.isnan(run_series.autocorrelation(np.full(50, 1e-4)))


def test_amplification_compares_with_the_twin_around_the_shock():
    run, twin = short_run(), short_run()
    times = [0.0, 3600.0, 3600.0 + 60 + 6 * 3600]
    slices = [(0, -1, 1, -100, 100.0), (1, -1, 1, -8, 100.0), (2, -1, 1, -100, 100.0)]
    run.events, twin.events = (
        events_of(*slices, seconds=times),
        events_of((1, -1, 1, -2, 100.0), seconds=times[1:2]),
    )
    twin.events["kind"] = TWIN_TAKEOVER
    assert metrics.summarize(run, twin)["amplification"] is None
    for each in (run, twin):
        each.meta = each.meta | {"shock_seconds": [[3600.0, 3660.0]]}
    assert metrics.summarize(run, twin)["amplification"] == pytest.approx(0.75)
    assert cascade.shock_window([(7200.0, 7260.0), (3600.0, 3660.0)]) == (3600.0, 7260.0 + 6 * 3600)
    run.events["kind"] = ADL
    assert metrics.summarize(run, twin)["adl_events"] == 3


def test_interval_over_seeds():
    mean, low, high = run_series.mean_interval([1.0, 2.0, 3.0, 4.0, None, math.nan])
    assert mean == 2.5
    assert high - mean == pytest.approx(3.182446 * math.sqrt(5 / 3) / 2, rel=1e-6)
    assert run_series.mean_interval([4.0]) == (4.0, None, None)
    assert run_series.mean_interval([]) == (None, None, None)


def test_document_states_every_key():
    stated = re.findall(r"^\| `(\w+)` \|", (HOUSE / "docs" / "estimators.md").read_text(), re.M)
    assert sorted(stated) == sorted(metrics.summarize(short_run()))


def responding(basis, seconds=3600.0):
    return Recorded([series_of([100.0] * len(basis), basis, seconds)], short_run().kinds, [])


def test_response_to_an_order_by_hand():
    control = responding([1.0] * 12)
    treated = responding([1.0, 5.0, 9.0, 7.0, 5.0, 3.0, 2.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    result = responses.response(treated, control, 3600.0, 7200.0, hours=(1, 8, 24))
    assert result["peak_bps"] == pytest.approx(8)
    assert result["share"][1] == pytest.approx(0.75)
    assert result["share"][8] == pytest.approx(-0.125)
    assert result["bps"][24] is None and result["share"][24] is None
    wide = responses.response(treated, control, 3600.0, 7200.0, hours=(3,), window_seconds=7200.0)
    assert wide["bps"][3] == pytest.approx((4 + 2) / 2)


def test_mean_response_over_seeds():
    results = [
        {"peak_bps": peak, "bps": {1: None}, "share": {1: share}}
        for peak, share in ((8.0, 0.5), (6.0, None), (7.0, 0.7))
    ]
    over_seeds = responses.mean_response(results)
    assert over_seeds["peak_bps"][0] == 7 and over_seeds["share"][1][0] == pytest.approx(0.6)


def test_response_refuses_runs_that_are_no_twins():
    with pytest.raises(ParameterError, match="control"):
        responses.response(responding([1.0] * 4), responding([1.0] * 5), 0.0, 0.0)


def test_reversion_is_told_apart_inside_and_outside():
    rng, basis = np.random.default_rng(2), [0.0]
    for shock in rng.normal(0, 3, 8_000):
        basis.append(basis[-1] * (0.98 if abs(basis[-1]) < 5 else 0.6) + shock)
    speeds = responses.split_reversion(np.array(basis), np.array(basis) / 1e4, -5e-4, 5e-4)
    assert speeds["inside"]["speed"] < 0.2 < speeds["outside"]["speed"]
    assert (
        speeds["outside"]["half_life_hours"] < speeds["inside"]["half_life_hours"]
        and speeds["outside"]["random_walk_share"] < 0.05
    )


def test_reversion_of_a_run_reads_its_own_plateau():
    speeds = responses.reversion_speed(noisy_run(days=30))
    assert speeds["inside"]["hours"] + speeds["outside"]["hours"] == 30 * 24 - 24 + 1 - 168
    assert metrics.summarize(noisy_run(days=2))["basis_half_life_hours"] is None


def test_a_new_metric_is_a_function_with_its_entry(monkeypatch):
    """Summary, tables, sweeps and labels follow from the entry; nothing else lists metrics."""
    monkeypatch.setattr(catalogue, "METRICS", dict(catalogue.METRICS))

    @catalogue.metric("largest bid", "USD", group="market", sweep_table="activity", whole_run=True)
    def bid_max(run):
        return run.series["best_bid"].max() + run.facts["tick"]

    run = short_run()
    assert metrics.summarize(run)["bid_max"] == pytest.approx(99.06 + 0.1)
    assert catalogue.tabled_metrics()["bid_max"].words == "largest bid"
    assert catalogue.sweep_columns("activity")[-1] == "bid_max"
    assert catalogue.label("bid_max", "thousand ") == "largest bid (thousand USD)"
    assert catalogue.interval_of([0.0, 0.0, 9.0], "bid_max")[1] == 0.0
    assert "bid_max" not in summary_since(run, 1.0)
    assert metrics.summarize(short_run(best_bid=[math.nan] * 4))["bid_max"] is None
    assert catalogue.why_unknown("bid_max", {}, 1.0, False) == "no rows to compute it from"


def test_the_catalogue_states_group_and_unit_of_every_metric():
    for key, entry in catalogue.all_metrics().items():
        assert entry.group in catalogue.GROUPS and entry.of in ("run", "closes", "funding"), key
        assert entry.compute.__doc__.startswith("Return "), key
        for ending, unit in (("_bps", "bp"), ("_bps_8h", "bp per 8 h"), ("_share", "share")):
            assert not key.endswith(ending) or entry.unit == unit, key
