"""The index of several sources: laws by hand and as properties, and what it does in a market."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import ParameterError
from sim.index import clamped_mean, weighted_median
from sim.rulebook import load_rulebook
from tests.markets import storm

PRICES = st.lists(st.tuples(st.floats(50.0, 150.0), st.floats(0.1, 5.0)), min_size=1, max_size=16)


@pytest.mark.parametrize(("prices", "weights", "expected"), [
    ([3, 1, 2], [1, 1, 1], 2), ([1, 2], [1, 1], 1), ([1, 2, 9], [1, 1, 2.5], 9), ([5, 5, 7], [1, 1, 1], 5)])
def test_weighted_median_by_hand(prices, weights, expected):
    assert weighted_median(np.array(prices, float), np.array(weights, float), len(prices)) == expected


@settings(deadline=None)
@given(PRICES, st.floats(0.001, 0.2))
def test_one_source_moves_a_clamped_mean_by_no_more_than_its_weight_times_the_clamp(pairs, clamp):
    prices, weights = (np.array(column) for column in zip(*pairs))
    middle = weighted_median(prices, weights, len(prices))
    assert prices.min() <= middle <= prices.max()
    assert weights[prices <= middle].sum() >= weights.sum() / 2 - 1e-9
    assert abs(clamped_mean(prices, weights, len(prices), clamp) / middle - 1) <= clamp + 1e-12


def noisy(law, **more):
    keys = {"index.law": law, "index.weights": [3.0, 2.0, 2.0, 1.0, 1.0], "index.deviation_bps": 5.0, "index.deviation_seconds": 120.0}
    return load_rulebook("binance").changed(keys | more)


@pytest.mark.parametrize(("law", "more"), [("clamped_mean", {"index.clamp": 0.0005}), ("weighted_median", {})])
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
        load_rulebook("binance").changed({"index.law": "clamped_mean", "index.weights": [1.0]})
    assert {fault.key for fault in caught.value.faults} == {"index.clamp", "index.deviation_bps", "index.deviation_seconds"}
    with pytest.raises(ParameterError):
        load_rulebook("binance").changed({"index.weights": [1.0]})
