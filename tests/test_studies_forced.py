"""Studies of forced trading: hand-made figures, and a short run of each scenario."""

import numpy as np
import pytest

from perplab.analysis.metrics import episodes as forced
from perplab.analysis.metrics import losses
from perplab.analysis.studies.experiments import forced_trading as study
from perplab.analysis.studies.measures.forced_trading import fall_run
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run
from perplab.sim.state.codes import NO_ROW, TAKEOVER, TWIN_TAKEOVER
from perplab.sim.state.event_rows import KIND_SERIES, SERIES, SETTLEMENT
from tests.recorded import Recorded, events_of, meta_of, rows, series_of
from tests.scenario_files import SMALL_CASCADE

LOT, HOUR = 0.001, 3600.0
SHORT_FALL = {
    "days": 0.06,
    "twin.from_hours": 1,
    "shocks.0.at_hours": 1,
    "shocks.0.minutes": 5,
    "shocks.0.move": -0.06,
    "populations.longs.wake_seconds": 600,
    "populations.longs.margin_share": 0.2,
}


@pytest.fixture(scope="module")
def fall():
    """A fall of 6 % within five minutes, and the start and end of it."""
    return run(load(SMALL_CASCADE, SHORT_FALL), 1), HOUR, HOUR + 300


def test_amplification_comes_from_the_events(fall):
    outcome, start, end = fall
    figures = forced.fall_figures(outcome.records, outcome.twin, start, end)
    real, twin = (
        sum(
            abs(int(event["lots"])) * event["mark"] * LOT
            for event in each.events
            if start <= event["seconds"] < end + 6 * HOUR and event["node"] != NO_ROW
        )
        for each in (outcome.records, outcome.twin)
    )
    assert real > 0 and twin > 0
    assert figures["liquidated_usd"] == pytest.approx(real) and figures[
        "liquidated_twin_usd"
    ] == pytest.approx(twin)
    assert figures["amplification"] == pytest.approx(1 - twin / real)
    assert set(outcome.twin.events["kind"][outcome.twin.events["seconds"] >= start]) == {
        TWIN_TAKEOVER
    }


def test_all_that_is_liquidated_is_absorbed_somewhere(fall):
    outcome, start, end = fall
    figures = forced.fall_figures(outcome.records, outcome.twin, start, end)
    assert sum(figures[name] for name in losses.ABSORBERS) == pytest.approx(1)


def test_fund_change_is_what_it_got_less_what_it_paid(fall):
    outcome, start, end = fall
    figures = forced.fall_figures(outcome.records, outcome.twin, start, end)
    fund = outcome.records.series[0]["fund"]
    assert figures["fund_change_usd"] == pytest.approx((fund[-1] - fund[60]) * 1e-6)
    assert figures["fund_change_usd"] == pytest.approx(
        figures["fund_received_usd"] - figures["fund_paid_usd"], abs=0.02
    )


def test_twin_branches_off_at_the_start_of_the_fall():
    scenario = load("long-cascade")
    assert scenario.twin.from_hours == scenario.shocks[0].at_hours


def test_figures_of_a_fall_by_hand():
    series = series_of(
        [100.0] * 28,
        [2.0] + [-30.0] + [-4.0] * 26,
        open_interest=[10_000] + [6_000] * 27,
        depth_bid=100,
    )
    market = forced.market_figures(series, LOT, HOUR, HOUR + 60)
    assert market["depth_usd"] == pytest.approx(100 * 100.02 * LOT)
    assert market["open_interest_over_depth"] == pytest.approx(6_000 * 99.7 / (100 * 100.02))
    assert market["open_interest_fall"] == pytest.approx(0)
    assert forced.market_figures(series, LOT, 0, 60)["open_interest_fall"] == pytest.approx(0.4)
    overshoot = forced.overshoot_figures(series, series, HOUR, 2 * HOUR)
    assert overshoot["basis_lowest_bps"] == pytest.approx(-30) and overshoot[
        "spot_displaced_bps"
    ] == pytest.approx(0)
    assert np.isnan(forced.basis_mean(series, 27 * HOUR, 28 * HOUR))


def test_shorts_are_nodes_that_buy():
    events = events_of(
        (0, -1, 1, 0, 100.0),
        (0, -2, -1, 500, 100.0),
        (1, -1, 1, -700, 100.0),
        (-1, -1, 0, 300, 100.0),
    )
    events["kind"][1] = TAKEOVER
    assert forced.of_shorts(events)["node"].tolist() == [0, 0]


def test_a_fall_is_measured_from_its_shock(fall):
    outcome, start, end = fall
    figures = forced.fall_figures(outcome.records, outcome.twin, start, end)
    assert fall_run({"base": outcome})["amplification"] == figures["amplification"]


def test_luck_is_exposure_times_the_returns_of_the_control():
    kinds = rows(
        KIND_SERIES, seconds=HOUR * np.arange(3), lots=[0, 1_000, 0], spot_lots=[0, 1_000, 0]
    )
    series = rows(SERIES, seconds=HOUR * np.arange(3), spot=[100.0, 110.0, 110.0])
    control = rows(SERIES, seconds=HOUR * np.arange(3), spot=[100.0, 100.0, 101.0])
    assert forced.luck_of(kinds, series, control, LOT) == pytest.approx(
        0.5 * 2 * 110 * np.log(1.01)
    )


def test_funding_is_stated_for_eight_hours():
    records = Recorded([], np.zeros(0), [], meta=meta_of({"interval_seconds": 4 * HOUR}))
    records.settlements = rows(
        SETTLEMENT, seconds=HOUR * np.array([4, 8, 12]), rate=[0.001, 0.002, 0.9]
    )
    assert forced.funding_bps(records, 0, 8 * HOUR) == pytest.approx(30)


def test_depths_scale_what_they_say():
    name = "long-cascade"
    providers = load(name).populations["providers"].traits
    thin = load(name, study.depth_changes(name, 0.2)).populations["providers"].traits
    scaled = {trait for trait in providers if thin[trait] != providers[trait]}
    assert scaled == {"level_usd", "inventory_limit_usd"}
    assert all(thin[trait] == pytest.approx(0.2 * providers[trait]) for trait in scaled)
