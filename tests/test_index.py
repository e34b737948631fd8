"""The index of several sources: laws by hand and as properties, and what it does in a market."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.scenarios.files.loader import build, load
from perplab.sim.errors import ParameterError
from perplab.sim.laws.index import clamped_mean, weighted_median
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.markets import storm

PRICES = st.lists(st.tuples(st.floats(50.0, 150.0), st.floats(0.1, 5.0)), min_size=1, max_size=16)


@pytest.mark.parametrize(
    ("prices", "weights", "expected"),
    [
        ([3, 1, 2], [1, 1, 1], 2),
        ([1, 2], [1, 1], 1),
        ([1, 2, 9], [1, 1, 2.5], 9),
        ([5, 5, 7], [1, 1, 1], 5),
    ],
)
def test_weighted_median_by_hand(prices, weights, expected):
    assert (
        weighted_median(np.array(prices, float), np.array(weights, float), len(prices)) == expected
    )


@settings(deadline=None)
@given(PRICES, st.floats(0.001, 0.2))
def test_one_source_moves_a_clamped_mean_by_no_more_than_its_weight_times_the_clamp(pairs, clamp):
    prices, weights = (np.array(column) for column in zip(*pairs))
    middle = weighted_median(prices, weights, len(prices))
    assert prices.min() <= middle <= prices.max()
    assert weights[prices <= middle].sum() >= weights.sum() / 2 - 1e-9
    assert abs(clamped_mean(prices, weights, len(prices), clamp) / middle - 1) <= clamp + 1e-12


def noisy(law, **more):
    keys = {
        "index.law": law,
        "index.weights": [3.0, 2.0, 2.0, 1.0, 1.0],
        "index.deviation_bps": 5.0,
        "index.deviation_seconds": 120.0,
    }
    return load_rulebook("none").changed(keys | more)


@pytest.mark.parametrize(
    ("law", "more"), [("clamped_mean", {"index.clamp": 0.0005}), ("weighted_median", {})]
)
def test_a_market_on_several_sources_keeps_its_money_and_its_index_near_spot(law, more):
    market, again = (storm(7, [noisy(law, **more)], capital_usd=1_500.0) for _ in range(2))
    market.run(200)
    again.run(200)
    rows = market.records().series[0]
    gap = rows["index"] / rows["spot"] - 1
    assert market.conservation_error_units == 0 and 0.5e-4 < gap.std() < 5e-4
    assert rows.tobytes() == again.records().series[0].tobytes()


def test_keys_of_several_sources_belong_together():
    with pytest.raises(ParameterError) as caught:
        load_rulebook("none").changed({"index.law": "clamped_mean"})
    assert {fault.key for fault in caught.value.faults} == {"index.clamp", "index.weights"}
    with pytest.raises(ParameterError) as caught:
        load_rulebook("none").changed({"index.weights": [1.0], "index.stale_seconds": 60.0})
    assert {fault.key for fault in caught.value.faults} == {"index.weights", "index.stale_seconds"}


CRASH = {
    "kind": "index_source",
    "source": 0,
    "at_hours": 0.5,
    "minutes": 10.0,
    "move": -0.2,
    "back_minutes": 20.0,
}


def through_a_crash(rulebook, **more):
    """Return index over spot, a row per minute, while one source falls by 20 % and recovers."""
    changes = {
        "days": 0.1,
        "populations.noise.number": 20,
        "market.rulebook": rulebook,
        "shocks": [CRASH | more],
    }
    market = build(load("small", changes), 1)
    market.run(144)
    rows = market.records().series[0]
    return rows["index"] / rows["spot"]


@pytest.mark.parametrize(
    ("rulebook", "lowest"),
    [
        ("bitmex", 1 - 0.5 * 0.2),
        ("binance", 1 - 0.03 / 15),
        ("deribit", 1 - 0.005 / 8),
        ("okx", 1 - 0.03 / 3),
        ("bybit", 1 - 0.05 / 5),
        ("hyperliquid", 1.0),
        ("none", 1.0),
    ],
)
def test_one_source_in_a_crash_moves_each_venue_s_index_by_its_law(rulebook, lowest):
    gap = through_a_crash(rulebook)
    if rulebook in ("bybit", "hyperliquid"):
        assert gap.min() >= lowest - 1e-3
    else:
        assert gap.min() == pytest.approx(lowest, abs=1e-9)
    assert gap[:29] == pytest.approx(1.0, abs=1e-3) and gap[65:] == pytest.approx(1.0, abs=1e-3)


def test_a_source_beyond_the_exclusion_has_no_weight():
    gap = through_a_crash("bybit")
    assert gap[39] == pytest.approx(1.0, abs=1e-12) and gap.min() < 0.995


def test_the_last_index_stands_while_all_sources_are_out():
    keys = {
        "index.law": "weighted_median",
        "index.weights": [1.0],
        "index.outages_per_day": 200.0,
        "index.outage_seconds": 1_200.0,
    }
    market = storm(3, [load_rulebook("none").changed(keys)], capital_usd=1_500.0)
    market.run(300)
    rows = market.records().series[0]
    still = np.diff(rows["index"]) == 0
    assert still.mean() > 0.5 and (np.diff(rows["spot"]) != 0).all() and not still.all()
    assert (rows["index"][1:][~still] == rows["spot"][1:][~still]).all()


def test_a_stale_source_counts_no_more_while_others_do():
    """With one of two sources stale and excluded, the index is the other one, spot."""
    keys = {
        "index.law": "clamped_mean",
        "index.weights": [1.0, 1.0],
        "index.clamp": 1.0,
        "index.outages_per_day": 100.0,
        "index.outage_seconds": 3_000.0,
    }
    gaps = {}
    for stale in (60.0, 1e9):
        market = storm(
            3,
            [load_rulebook("none").changed(keys | {"index.stale_seconds": stale})],
            capital_usd=1_500.0,
        )
        market.run(300)
        rows = market.records().series[0]
        gaps[stale] = np.abs(rows["index"] / rows["spot"] - 1)
    assert (gaps[60.0] > 1e-12).mean() < 0.7 * (gaps[1e9] > 1e-12).mean()


def test_a_source_that_no_venue_has_is_harmless_and_one_beyond_the_room_is_refused():
    assert through_a_crash("okx", source=15) == pytest.approx(np.ones(144), abs=1e-12)
    with pytest.raises(ParameterError):
        through_a_crash("okx", source=16)
