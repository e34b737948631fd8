"""The studies of the peg, on small hand-made runs and on short real ones."""

import math

import numpy as np
import pytest

from perplab.agents.parent_order import TRAITS, ParentOrder, work
from perplab.agents.trader import check_trader
from perplab.analysis.estimators.series import HOUR_SECONDS
from perplab.analysis.studies import parent_order as reversion
from perplab.analysis.studies import peg as studies_peg
from perplab.analysis.studies import seeds
from perplab.scenarios.files.loader import build, load
from perplab.sim.state.codes import MARKET_ORDER
from perplab.sim.state.event_rows import KIND_SERIES, SETTLEMENT
from perplab.sim.state.market_rows import VIEW
from perplab.sim.state.trader_rows import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION
from tests.recorded import MARKET, Recorded, rows, series_of

BRIEF = {**reversion.PARENT, "days": 1, "populations.parent.start_hours": 6}
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
    figures = studies_peg.crowd_figures(crowded_run())
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


def test_a_target_is_met_by_the_mean_over_seeds():
    results = [
        dict.fromkeys(studies_peg.CALM, 0.0) | {"basis_mean_bps": basis}
        for basis in (-8.0, -3.0, -1.0)
    ]
    cells = studies_peg.target_cells(
        seeds.of_seeds(results, "basis_mean_bps"), studies_peg.CALM["basis_mean_bps"]
    )
    assert cells[:2] == ["-6 .. -2", "yes"]
    assert (
        studies_peg.target_cells(np.array([-7.0, -7.5]), studies_peg.CALM["basis_mean_bps"])[1]
        == "NO"
    )
    assert studies_peg.calm_table(results, 60.0).row_count == len(studies_peg.CALM)


def test_seeds_without_a_figure_are_left_out():
    assert seeds.of_seeds([{"x": 1.0}, {"x": None}], "x").tolist() == [1.0]
    assert (
        seeds.numbers(np.array([])) == ["-", "", "-"]
        and seeds.numbers(np.array([2.0]))[0] == "2.00"
    )


def test_closed_forms_of_the_costless_study():
    interest, damper = 1e-4, 5e-4
    for carry, expected in studies_peg.CARRIES.items():
        due = carry / 1095
        edge = due + damper if due > interest else due - damper
        assert edge * 1e4 == pytest.approx(expected, abs=0.001)


def test_a_story_gives_its_figures_and_the_control_differs_only_in_tolerance():
    figures = seeds.scenario_figures("calm", {"days": 0.2}, ("seed", "conservation_error_units"), 3)
    assert figures == {"seed": 3, "conservation_error_units": 0}
    control = load("short-crowding", studies_peg.CONTROL).populations["shorts"].traits
    assert control == load("short-crowding").populations["shorts"].traits | {
        "tolerance_bps": math.inf
    }


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
    market = build(load("calm", BRIEF), 1)
    market.run(7 * 60 + 10)
    trader = next(iter(market.agents_by_type[ParentOrder]))
    sold = -trader.lots() * market.tables["view"]["mark"][0] * market.tables["market"]["lot"][0]
    assert sold == pytest.approx(-reversion.SIZE_USD, rel=0.03)


def test_states_are_told_by_the_premium():
    assert reversion.premium_state(5.4e-4, -4e-4, 6e-4) == "inside"
    assert reversion.premium_state(7e-4, -4e-4, 6e-4) is None


def test_twins_differ_by_the_order_alone():
    market = build(load("calm", {**reversion.PARENT, "days": 1}), 2)
    market.run(120)
    plain, again, treated = (
        reversion.copy_run(market, 2, order, "on") for order in (False, False, True)
    )
    assert plain.series[0].tobytes() == again.series[0].tobytes()
    assert plain.series[0][:120].tobytes() == treated.series[0][:120].tobytes()
    assert treated.series[0]["mid"][-1] < plain.series[0]["mid"][-1]


def test_without_funding_nothing_is_settled_and_carry_traders_stop_quoting():
    market = build(load("calm", {**reversion.PARENT, "days": 1}), 1)
    market.run(120)
    off = reversion.copy_run(market, 9, False, "off")
    carry = off.kinds["lots"][:, off.kind_names.index("arbitrage")]
    assert len(off.settlements) == 0 and np.ptp(carry[3:]) == 0
    assert len(reversion.copy_run(market, 9, False, "on").settlements) == 1
    zero = reversion.copy_run(market, 9, False, "zero")
    assert zero.settlements["rate"].tolist() == [0.0] and not zero.settlements["long_paid"].any()
    assert np.ptp(zero.kinds["lots"][3:, zero.kind_names.index("arbitrage")]) > 0
    assert market.tables["market"]["funding_on"][0] == 1


def test_the_table_of_responses_leaves_out_states_that_never_came():
    one = {"peak_bps": -2.0, "bps": dict.fromkeys(reversion.RESPONSE_HOURS, -1.0)}
    made = reversion.response_table(
        {"as it is": [{"inside": dict.fromkeys(reversion.FUNDING, one)}] * 2}, 2, 60.0
    )
    assert made.row_count == 3
