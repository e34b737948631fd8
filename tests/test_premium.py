"""The premium index and the weights of its samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.laws.premium import impact_notional, premium_index
from perplab.sim.laws.premium_average import sample_weight

PRICE = st.floats(0.5, 2.0)


@pytest.mark.parametrize(
    "impact_bid, impact_ask, premium",
    [
        (99.9, 100.1, 0.0),
        (100.0, 100.1, 0.0),
        (100.1, 100.2, 0.001),
        (99.8, 99.9, -0.001),
        (99.8, 100.0, 0.0),
        (110.0, 111.0, 0.1),
        (89.0, 90.0, -0.1),
    ],
)
def test_premium_index_by_hand(impact_bid, impact_ask, premium):
    assert premium_index(impact_bid, impact_ask, 100.0) == pytest.approx(premium, abs=1e-14)


@settings(deadline=None)
@given(PRICE, PRICE, PRICE)
def test_premium_has_the_sign_of_the_book(first, second, index):
    bid, ask = sorted((first, second))
    premium = premium_index(bid, ask, index)
    assert (premium > 0) == (bid > index) and (premium < 0) == (ask < index)


@settings(deadline=None)
@given(PRICE, PRICE, PRICE, st.floats(0.0, 0.5))
def test_premium_rises_with_the_book(first, second, index, shift):
    bid, ask = sorted((first, second))
    assert premium_index(bid + shift, ask + shift, index) >= premium_index(bid, ask, index)


@settings(deadline=None)
@given(PRICE, PRICE, PRICE)
def test_premium_compiled_is_plain(bid, ask, index):
    plain = getattr(premium_index, "py_func", premium_index)
    assert premium_index(bid, ask, index) == plain(bid, ask, index)


@pytest.mark.parametrize("samples", [1, 2, 480, 5760])
def test_last_sample_of_the_ramp_weighs_two_over_n_plus_one(samples):
    weights = np.array([sample_weight(number, 1) for number in range(1, samples + 1)])
    assert weights[-1] / weights.sum() == pytest.approx(2 / (samples + 1))
    assert {sample_weight(number, 0) for number in range(1, samples + 1)} == {1.0}


def test_half_an_interval_counts_three_quarters_under_the_ramp():
    weights = np.array([sample_weight(number, 1) for number in range(1, 5761)])
    assert weights[2880:].sum() / weights.sum() == pytest.approx(0.75, abs=1e-4)


def test_impact_notional_by_hand():
    assert [impact_notional(fraction, 200.0) for fraction in (0.008, 0.05, 1.0)] == [
        25000.0,
        4000.0,
        200.0,
    ]
