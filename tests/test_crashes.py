"""Crashes: moves of prices, a fall and its twin by hand, the closed form of a small cascade."""

import math
import types

import numpy as np
import pytest

from perplab.analysis.estimators.closed_forms import liquidation_price_ratio
from perplab.analysis.estimators.price_moves import (
    WATCH_SECONDS,
    largest_fall,
    low_row,
    moves,
    price_amplification,
    rebound,
)
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.studies.experiments import cascade_traits, linear_corner, ten_october
from perplab.analysis.studies.measures.crashes import (
    crash_figures,
    displaced_minutes,
    month_figures,
    volume_multiple,
)
from perplab.analysis.studies.measures.linear_corner import (
    DISTANCES,
    STATES,
    closed_form,
    corner_run,
    state_figures,
)
from perplab.analysis.studies.results import Result
from perplab.analysis.studies.study import Arm
from perplab.scenarios.files.loader import load
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.codes import ADL
from perplab.sim.state.event_rows import KIND_SERIES, OPEN_POSITION, SERIES
from tests.recorded import Recorded, events_of, meta_of, rows

HOUR, STEP = 3600.0, 300.0
NEWS = 8 * HOUR
LOT = 0.001


def path(fall, back=0.5):
    """Return twelve hours of rows of five minutes: a fall at the news, part of it back later."""
    seconds = STEP * np.arange(1, 145)
    mid = np.full(len(seconds), 100.0)
    at = int(NEWS / STEP)
    mid[at : at + 3] = 100.0 * (1.0 - fall)
    mid[at + 3 :] = 100.0 * (1.0 - fall * (1.0 - back))
    return rows(
        SERIES,
        seconds=seconds,
        mid=mid,
        last=mid,
        spot=mid,
        mark=mid,
        open_interest=1_000_000,
        volume=(10 * np.arange(len(seconds)) + np.where(seconds > NEWS, 990, 0)).astype(int),
        depth_bid=np.where(seconds > NEWS, 10_000, 100_000),
        spot_impact=np.where(seconds > NEWS, 4e-9, 1e-9),
        makers_profit=np.where(seconds > NEWS, 500.0, 0.0),
    )


def crashed(fall, back=0.5, events=()):
    """Return the records of a fall at the news."""
    kinds = np.zeros((13, 2), KIND_SERIES)
    kinds["seconds"] = HOUR * np.arange(13)[:, None]
    kinds["spot_lots"][:, 0] = 1_000
    kinds["equity"][9:, 1] = -2_000_000_000
    records = Recorded([path(fall, back)], kinds, ["carry", "provider"], meta=meta_of())
    if len(events):
        records.events = events
    return records


def test_a_fall_is_from_the_highest_price_of_35_minutes():
    series = path(0.1)
    assert largest_fall(series, NEWS, NEWS + HOUR) == pytest.approx(-0.1)
    assert largest_fall(series, NEWS + HOUR, NEWS + 2 * HOUR) == pytest.approx(0)
    slow = rows(SERIES, seconds=60.0 * np.arange(1, 121), mid=100.0 - 0.1 * np.arange(120))
    assert largest_fall(slow, 0, 7200) == pytest.approx(-3.5 / (100 - 0.1 * 84))
    assert moves(slow)[1].max() == 0


def test_price_amplification_and_rebound_by_hand():
    series, twin = path(0.12), path(0.06)
    assert price_amplification(series, twin, NEWS) == pytest.approx(0.5)
    assert math.isnan(price_amplification(path(0.0), twin, NEWS))
    low = low_row(series, NEWS, NEWS + WATCH_SECONDS)
    assert series["seconds"][low] == NEWS + STEP and rebound(series, NEWS, low) == 0
    assert rebound(series, NEWS, low + 1) == pytest.approx(0.5)


def test_price_amplification_of_a_run_needs_a_shock_and_a_twin():
    run, twin = crashed(0.1), crashed(0.04)
    assert summarize(run, twin)["price_amplification"] is None
    run.meta["shock_seconds"] = [[NEWS, NEWS + 60]]
    assert summarize(run)["price_amplification"] is None
    assert summarize(run, twin)["price_amplification"] == pytest.approx(0.6)


def test_figures_of_a_crash_by_hand():
    events = events_of(
        (0, -1, 1, -1_000, 100.0),
        (1, -1, 1, -3_000, 100.0),
        (2, -1, 1, -4_000, 100.0),
        seconds=[NEWS + 60, NEWS + 120, NEWS + 200],
    )
    events["kind"][1:] = ADL
    found = crash_figures(crashed(0.1, events=events), crashed(0.04), NEWS)
    assert found["fall"] == pytest.approx(-10) and found["cascades"] == 1
    assert found["twin_fall"] == pytest.approx(-4)
    assert found["price_amplification"] == pytest.approx(0.6)
    assert found["depth_left"] == pytest.approx(0.1 * 0.9) and found["depth_spot_left"] == 0.25
    assert found["volume_multiple"] == pytest.approx(1_000 / 10)
    assert found["share_adl"] == pytest.approx(7 / 8) and found["share_book"] == pytest.approx(
        1 / 8
    )
    assert found["first_adl_seconds"] == 60 and found["adl_burst"] == 1
    assert found["adl_of_liquidation"] == 1
    assert found["liquidated"] == pytest.approx(100 * 8_000 / 1_000_000)
    assert found["profit_provider"] == pytest.approx(-2) and found["makers_profit"] == 0.5
    assert found["latent_profit"] == pytest.approx(1_000 * LOT * -5 / 1e3)
    assert crash_figures(crashed(0.1), None, NEWS).get("price_amplification") is None


def test_a_month_counts_rises_too():
    rising = crashed(-0.09)
    found = month_figures(rising)
    assert found["large_move"] == 1 and found["largest_move"] == pytest.approx(9)
    assert month_figures(crashed(0.05))["large_move"] == 0


def test_a_displacement_that_stays_has_no_half_life():
    assert math.isnan(displaced_minutes(np.array([0.0, -0.04, -0.03]), np.arange(3.0)))
    assert volume_multiple(path(0.1)[:100], NEWS) > 1


def test_accounts_are_liquidated_where_the_closed_form_says():
    leverage, mark = np.array([20.0, 50.0]), 100.0
    lots = np.array([100, 300])
    notional = lots * mark * LOT
    records = crashed(0.0)
    records.positions = rows(
        OPEN_POSITION,
        trader=[0, 1],
        lots=lots,
        mark=mark,
        equity=notional / leverage / records.meta["unit"],
    )
    found = state_figures(records, load_rulebook("binance").margin)
    falls = [1 - liquidation_price_ratio(each, 0.004, 1) for each in leverage]
    for state, distance in zip(STATES, DISTANCES, strict=True):
        share = sum(notional[k] for k in (0, 1) if distance > falls[k]) / notional.sum()
        assert found[state] == pytest.approx(share), distance


def test_states_of_accounts_are_measured_beside_a_shock_of_nothing():
    changes = {"shocks.0.move": 0, "shocks.0.at_hours": NEWS / HOUR, "twin.enabled": False}
    records = crashed(0.1)
    equity = 0.02 * 10 / records.meta["unit"]
    records.positions = rows(OPEN_POSITION, trader=[0], lots=100, mark=100.0, equity=equity)
    outcome = types.SimpleNamespace(
        scenario=load("ten-october", changes), records=records, twin=None
    )
    found = corner_run({"base": outcome})
    assert found["fall"] == pytest.approx(-math.log(0.9)) and found["amplification"] is None
    assert found["interest_usd"] == pytest.approx(10)
    assert found["liquidated_at_0.015"] == 0 and found["liquidated_at_0.02"] == 1


def test_the_closed_form_is_the_linear_one_where_g_is_constant():
    slope, interest, depth, passed, news = 5.0, 6e7, 1e9, 0.9, 0.01
    states = [slope * -math.log1p(-distance) for distance in DISTANCES]
    linear = passed * slope * interest / depth
    assert closed_form(states, interest, depth, passed, news) == pytest.approx(linear, rel=2e-3)
    assert closed_form([0.0] * len(DISTANCES), interest, depth, passed, news) == 0


def hand_made(study, figures, arms):
    """Return a result of three seeds."""
    chosen = [Arm(name, "ten-october", story="ten-october", dt=5.0) for name in arms]
    rows_of = {(name, k): figures[name][k] for name in arms for k in range(3)}
    return Result(study, chosen, [0, 1, 2], rows_of)


def test_medians_are_of_the_seeds_that_cascade():
    falls = {"news -4 %": (-12.0, -5.0, -9.0), "leverage 2, no stops": (-4.2, -4.0, -5.5)}
    figures = {
        name: [{"fall": fall, "cascades": float(fall < -8)} for fall in each]
        for name, each in falls.items()
    }
    result = hand_made(ten_october.TEN_OCTOBER, figures, list(falls))
    found = ten_october.crash_verdicts(result)
    fall = found["fall in 35 minutes: news -4 %"]
    assert (fall.effect, fall.low, fall.high, fall.seeds) == (-10.5, -12, -9, 2)
    assert fall.verdict == "inside -15.5 to -10"
    assert found["fall in 35 minutes: leverage 2, no stops"].effect == -4.2
    assert found["seeds that fall beyond 8 %: news -4 %"].effect == pytest.approx(2 / 3)
    text = "\n".join(ten_october.crash_lines(result))
    assert "2 of 3" in text and "-10.5 [-12.0, -9.00]" in text and "-13.1" in text


def test_a_trait_is_judged_by_its_documented_sign():
    flying, other = cascade_traits.VARIATIONS[0], cascade_traits.VARIATIONS[7]
    assert cascade_traits.is_in_flight(flying) and not cascade_traits.is_in_flight(other)
    assert (flying.sign, other.sign) == (-1, 1)
    low, high = (f"{flying.name} {level} {flying.figure}" for level in ("low", "high"))
    both = [{low: 0.5 + 0.01 * k, high: 0.2 + 0.011 * k} for k in range(3)]
    figures = {cascade_traits.IN_FLIGHT: both}
    for level, change in (("low", 0.0), ("high", -1.0)):
        figures[f"{other.name} {level}"] = [{other.figure: change + 0.1 * k**2} for k in range(3)]
        figures[f"{other.name} {level}"][0][other.figure] += 0.01 * change
    result = hand_made(cascade_traits.CASCADE_TRAITS, figures, list(figures))
    found = cascade_traits.variation_contrasts(result)
    assert found[flying.name].verdict == "moves as documented"
    assert found[other.name].verdict == "moves AGAINST its documentation"
    unknown = found[cascade_traits.VARIATIONS[8].name]
    assert unknown.effect is None and unknown.verdict == "unknown: not measured in any seed"


def test_every_dose_changes_its_trait():
    for variation in cascade_traits.VARIATIONS:
        key = f"{variation.owner}.{variation.trait}"
        low, high = (load("ten-october", {key: value}) for value in (variation.low, variation.high))
        assert low != high and variation.figure in cascade_traits.FIGURES


def test_measured_and_predicted_amplification_are_compared_at_each_point():
    depth, news = linear_corner.POINTS[1]
    name, slope = linear_corner.point_name(depth, news), 5.0
    inputs = [f"{depth:.0e}, {part}" for part in ("accounts", "order", "no order")]
    linear = slope * 6e7 / depth
    accounts = {"interest_usd": 6e7}
    accounts |= {s: -slope * math.log1p(-d) for s, d in zip(STATES, DISTANCES, strict=True)}
    figures = {
        name: [{"amplification": linear + 0.01 * k} for k in (-1, 0, 1)],
        inputs[0]: [accounts] * 3,
        inputs[1]: [{"spot_fall": linear_corner.ORDER_USD / depth}] * 3,
        inputs[2]: [{"spot_fall": 0.0}] * 3,
    }
    result = hand_made(linear_corner.LINEAR_CORNER, figures, [name, *inputs])
    found = linear_corner.corner_contrasts(result)
    assert found[f"phi: {name}"].effect == pytest.approx(1)
    assert found[f"predicted: {name}"].effect == pytest.approx(linear, rel=2e-3)
    assert found[f"measured less predicted: {name}"].verdict.startswith("within 3")
