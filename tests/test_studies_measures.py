"""What studies measure, on small hand-made runs and on short real ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from perplab.agents.parent_order import TRAITS, ParentOrder, work
from perplab.agents.trader import check_trader
from perplab.analysis.estimators.series import HOUR_SECONDS
from perplab.analysis.studies.execution import branches_of
from perplab.analysis.studies.experiments import crowding
from perplab.analysis.studies.measures.crowds import crowd_figures
from perplab.analysis.studies.measures.panics import panic_run
from perplab.analysis.studies.measures.pulls import branch_seconds, pull_run
from perplab.analysis.studies.measures.responses import PAIRS, response_run
from perplab.analysis.studies.measures.run_figures import (
    MID,
    measured_run,
    profit_figures,
    warmup_hours,
)
from perplab.analysis.studies.measures.settlements import flip_figures, variance_of_changes
from perplab.analysis.studies.measures.short_exits import hazards, positions_at
from perplab.analysis.studies.study import Arm
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.sweeps.jobs import Job, outcomes_of
from perplab.sim.state.codes import MARKET_ORDER
from perplab.sim.state.event_rows import KIND_SERIES, PRINT, SETTLEMENT
from perplab.sim.state.market_rows import VIEW
from perplab.sim.state.trader_rows import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION
from tests.recorded import MARKET, Recorded, meta_of, rows, series_of

BRIEF = {
    **crowding.order_changes("small"),
    "days": 1,
    "populations.parent": {
        "kind": "parent_order",
        "number": 1,
        "start_hours": 6,
        "size_usd": -1_000_000,
    },
}
HOURS = 30 * 24


def crowded_run():
    """Return a month in which shorts hold 40 lots on days 2 and 3 and 10 afterwards.

    Carry traders hold as much, long.
    """
    hours = np.arange(HOURS + 1)
    shorts = np.where((hours >= 24) & (hours < 72), -40, -10)
    kinds = np.zeros((HOURS + 1, 2), KIND_SERIES)
    kinds["seconds"] = HOUR_SECONDS * hours[:, None]
    kinds["lots"] = np.stack([shorts, -shorts], axis=1)
    kinds["spot_lots"][:, 1] = shorts
    seconds = 8 * HOUR_SECONDS * np.arange(1, 91)
    settled = rows(
        SETTLEMENT,
        seconds=seconds,
        rate=np.where(seconds < 10 * 86400.0, -30e-4, -2e-4),
        capped=seconds < 10 * 86400.0,
    )
    return Recorded(
        [series_of(np.full(HOURS + 1, 100.0), np.zeros(HOURS + 1))],
        kinds,
        ["directional_short", "arbitrage"],
        settlements=settled,
    )


def test_a_crowd_is_described_by_its_peak_and_what_is_left():
    figures = crowd_figures(crowded_run())
    lot_usd = MARKET["lot"] * 100.0
    assert figures["crowd_peak_usd"] == pytest.approx(40 * lot_usd)
    assert figures["crowd_peak_day"] == pytest.approx(1.25)
    assert figures["crowd_late_usd"] == pytest.approx(10 * lot_usd)
    assert figures["crowd_left_2_days_later"] == pytest.approx((6 * 40 + 18 * 10) / 24 / 40)
    assert (figures["carry_late_usd"], figures["carry_spot_late_usd"]) == pytest.approx(
        (10 * lot_usd, -10 * lot_usd)
    )
    assert figures["funding_first_bps_8h"] == pytest.approx(-30) and figures[
        "funding_late_bps_8h"
    ] == pytest.approx(-2)
    assert figures["funding_lowest_bps_8h"] == pytest.approx(-30) and figures[
        "capped_share"
    ] == pytest.approx(29 / 90)


def test_a_parent_order_keeps_to_its_schedule():
    me, orders = (
        TRAITS.table(1, {"start_hours": 1.0, "size_usd": -2_000.0})[0],
        np.zeros(128, ORDER_ROW),
    )
    views, positions = np.zeros(1, VIEW), np.zeros(1, POSITION)
    views["mark"], views["units_per_price"], views["lot"] = 100.0, 1e3, 1e-3
    arguments = (
        np.zeros(1, ACCOUNT),
        positions,
        views,
        np.zeros(0, ORDER),
        np.zeros(1, DRAW)[0],
        orders,
    )
    for hours, held, sold in (
        (1.0, 0, 0),
        (1.25, 0, 5_000),
        (1.5, -5_000, 5_000),
        (2.5, -20_000, 0),
        (3.0, -5_000, 0),
    ):
        views["seconds"], positions["lots"] = hours * HOUR_SECONDS, held
        assert work.function(me, *arguments) == (1 if sold else 0)
        if sold:
            assert (orders[0]["kind"], orders[0]["side"], orders[0]["lots"]) == (
                MARKET_ORDER,
                -1,
                sold,
            )


def test_the_parent_order_kind_keeps_the_contract():
    check_trader(ParentOrder)


def test_a_parent_order_sells_its_amount_in_a_run():
    market = build(load("small", BRIEF), 1)
    market.run(7 * 60 + 10)
    trader = next(iter(market.agents_by_type[ParentOrder]))
    sold = -trader.lots() * market.tables["view"]["mark"][0] * market.tables["market"]["lot"][0]
    assert sold == pytest.approx(1_000_000, rel=0.03)


@pytest.fixture(scope="module")
def ordered():
    """A run of the small market with its branches: an order at hour 3, by funding."""
    changes = {**crowding.order_changes("small"), "days": 13 / 24}
    arm = Arm("order", "small", changes, crowding.order_branches(3.0, 1.0, off=True))
    job = Job("", 0, arm.scenario, changes, {}, 1, branches_of(arm), ())
    return dict(outcomes_of(job))


def test_branches_differ_by_the_order_alone(ordered):
    base, treated = (ordered[name].records.series[0] for name in ("base", "sell"))
    before = base["seconds"] <= 3 * HOUR_SECONDS
    assert base[before].tobytes() == treated[before].tobytes()
    assert treated["mid"][240] < base["mid"][240]


def test_without_funding_nothing_is_settled_and_carry_traders_stop_quoting(ordered):
    off, zero, base = (ordered[name].records for name in ("off", "zero", "base"))
    carry = base.kind_names.index("arbitrage")
    assert len(off.settlements) == 0 and np.ptp(off.kinds["lots"][4:, carry]) == 0
    assert len(base.settlements) == 1 and base.settlements["rate"][0] != 0
    assert zero.settlements["rate"].tolist() == [0.0] and not zero.settlements["long_paid"].any()
    assert np.ptp(zero.kinds["lots"][4:, carry]) > 0


def test_the_response_is_the_difference_of_the_branches(ordered):
    found = response_run(ordered)
    for arm, (treated, control) in PAIRS.items():
        basis = [
            (row["mid"] / row["spot"] - 1)[240:300] * 1e4
            for row in (ordered[name].records.series[0] for name in (treated, control))
        ]
        assert found[f"{arm}_1"] == pytest.approx(np.mean(basis[0] - basis[1]))
    assert found["on_peak"] < -1 and found["on_24"] is None
    assert found["pull_1"] == pytest.approx(found["on_1"] - found["zero_1"])
    series = ordered["base"].records.series[0][179]
    share = 1e8 / (series["open_interest"] * series["mark"] * MARKET["lot"])
    assert found["order_share"] == pytest.approx(share) and found["inside"] in (0, 1)


def test_the_pull_is_the_difference_from_zero_rates(ordered):
    found = pull_run(ordered)
    base, zero = (ordered[name].records for name in ("base", "zero"))
    assert found["pull_bps"] is not None and found["funding_mean"] == pytest.approx(
        base.settlements["rate"][0] * 1e4
    )
    since = branch_seconds(base, zero)
    assert 2 * HOUR_SECONDS <= since < 8 * HOUR_SECONDS
    start = since + 0.1 * (13 * HOUR_SECONDS - since)
    held = [
        each.kinds["lots"][each.kinds["seconds"][:, 0] >= start, each.kind_names.index("arbitrage")]
        for each in (base, zero)
    ]
    price = MARKET["lot"] * base.series[0]["spot"][0]
    assert found["carry_usd"] == pytest.approx((held[0].mean() - held[1].mean()) * price)


def panic(basis_by_hour, **columns):
    """Return the outcome of a run of half hours whose news comes at hour 30."""
    basis = np.repeat(np.asarray(basis_by_hour, float), 2)
    spot = np.where(np.arange(len(basis)) < 60, 100.0, 45.0)
    settled = rows(
        SETTLEMENT,
        seconds=HOUR_SECONDS * np.array([28.0, 32.0, 36.0, 40.0]),
        rate=np.array([-0.02, -0.02, -0.015, 0.02]),
        capped=np.array([1, 1, 0, 1]),
    )
    series = series_of(spot, basis, 1800.0, **columns)
    records = Recorded([series], np.zeros((1, 0)), [], settlements=settled)
    scenario = SimpleNamespace(shocks=[SimpleNamespace(at_hours=30.0)])
    return SimpleNamespace(records=records, scenario=scenario)


def test_a_panic_is_described_by_its_depth_and_its_length():
    basis = [-5.0] * 30 + [-600.0, -900.0, -2_000.0, -700.0, -140.0] + [-5.0] * 35
    lots = np.full(140, 50)
    lots[64], lots[112:] = 140, 70
    base = panic(basis, open_interest=lots)
    base.records.series[0]["mid"][65] = 0.0
    found = panic_run({"base": base, "zero": panic(np.asarray(basis) * 2.0)})
    assert found == pytest.approx(
        {
            "basis_before": -5.0,
            "lowest_hour": -2_000.0,
            "zero_lowest_hour": -4_000.0,
            "hours_deep": 4,
            "hours_back": 2,
            "at_cap": 1,
            "shorts_paid": 1.5,
            "open_interest_multiple": 2.8,
            "open_interest_day_after": 0.5,
            "spot_fall": -55.0,
        }
    )


def test_a_panic_that_does_not_end_has_no_time_of_return():
    found = panic_run({"base": panic([-5.0] * 30 + [-600.0] * 5, open_interest=np.ones(70))})
    assert found["hours_back"] is None and found["zero_lowest_hour"] is None
    assert found["open_interest_day_after"] is None
    assert found["lowest_hour"] == pytest.approx(-600.0)


def test_moves_before_settlements_are_compared_with_other_times():
    seconds = 60.0 * np.arange(1, 4 * 1440 + 1)
    basis = np.zeros(len(seconds))
    basis[seconds % 28_800 == 28_740] = 6.0 * (-1.0) ** np.arange(12)
    basis[seconds % 28_800 == 14_340] = 3.0 * (-1.0) ** np.arange(12)
    series = series_of(np.full(len(seconds), 100.0), basis, 60.0, seconds=seconds)
    records = Recorded([series], np.zeros((1, 0)), [])
    ends = 28_800.0 * np.arange(2, 12)
    assert variance_of_changes(records, ends, 300.0) == pytest.approx(36.0)
    assert variance_of_changes(records, ends - 14_400.0, 300.0) == pytest.approx(9.0)


def test_the_cost_of_a_flip_is_what_carry_loses_in_the_day_after():
    hours = 6 * 24
    kinds = np.zeros((hours + 1, 1), KIND_SERIES)
    kinds["seconds"] = HOUR_SECONDS * np.arange(hours + 1)[:, None]
    kinds["lots"], kinds["long_lots"] = 2_000, 6_000
    seconds = 8 * HOUR_SECONDS * np.arange(1, 19)
    rate = np.where(seconds < 3 * 86_400.0, 1e-4, -1e-4)
    gains = np.full(hours, 2_000_000)
    gains[72:96] = -1_000_000
    kinds["equity"][1:, 0] = np.cumsum(gains)
    records = Recorded(
        [series_of(np.full(hours + 1, 100.0), np.zeros(hours + 1))],
        kinds,
        ["carry"],
        settlements=rows(SETTLEMENT, seconds=seconds, rate=rate),
    )
    found = flip_figures(records, 0)
    assert found["flips"] == pytest.approx(30 / 6)
    assert found["flip_cost_bps"] == pytest.approx(24 * 3.0 / (10_000 * 0.001 * 100.0) * 1e4)


def test_the_hazard_counts_accounts_that_cut_their_short():
    traders = 7
    trades = [(1, 6, -10, who) for who in range(6)] + [
        (150, 6, 5, 0),
        (150, 6, 5, 1),
        (150, 0, 1, 2),
    ]
    prints = rows(
        PRINT,
        step=[step for step, *_ in trades],
        maker=[maker for _, maker, *_ in trades],
        side=[1 if lots > 0 else -1 for *_, lots, _ in trades],
        lots=[abs(lots) for *_, lots, _ in trades],
        taker=[taker for *_, taker in trades],
    )
    meta = meta_of(traders=traders, trader_kinds=[[0, 6], [1, 1]])
    records = Recorded([], np.zeros(0), ["speculator", "provider"], prints=prints, meta=meta)
    held = positions_at(records, [0.0, 60.0 * 100, 60.0 * 200])
    assert held[1].tolist() == [-10] * 6 + [60] and held[2].tolist()[:3] == [-6, -5, -9]
    assert hazards(records, [60.0 * 100, 60.0 * 200]).tolist() == pytest.approx([100 * 3 / 6])
    assert np.isnan(hazards(records, [0.0, 60.0 * 100]))


def test_shares_of_a_run_are_those_of_its_rows(calm_hours):
    found = measured_run({"base": calm_hours})
    records = calm_hours.records
    first = warmup_hours(records)
    assert first == 0 and found["conservation_error_units"] == 0
    wealth = records.kinds["equity"].astype(float)
    years = (len(wealth) - 1) / 24 / 365
    for k, name in enumerate(records.kind_names):
        expected = 100 * (wealth[-1, k] / wealth[0, k] - 1) / years
        assert found[f"return_{name}"] == pytest.approx(expected)
    assert found["basis_mean"] != found[MID + "basis_mean"]


def test_a_kind_below_half_of_its_wealth_is_ruined():
    kinds = np.zeros((3, 2), KIND_SERIES)
    kinds["seconds"] = HOUR_SECONDS * np.arange(3)[:, None]
    kinds["equity"] = [[100, 100], [49, 51], [90, 100]]
    found = profit_figures(Recorded([], kinds, ["carry", "provider"]), 0)
    assert found["ruined_share"] == 0.5
    assert found["return_carry"] == pytest.approx(-10 / (2 / 24 / 365))
