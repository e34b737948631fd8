"""Closed forms against golden numbers, against each other and against the market's own laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.analysis.estimators import closed_forms as theory
from perplab.sim.laws.liquidation import bankruptcy_price, liquidation_price
from tests.laws import rate_of

PAPER = dict(
    spot=10000,
    quote_rate=0.04,
    base_yield=0.02,
    period=0.25,
    premium_rate=0.01,
    interest_factor=0.005,
)
SMALL = st.floats(0.0, 0.2)


@pytest.mark.parametrize(
    "price, previous, golden",
    [
        (theory.discrete_price, True, 10025.104585),
        (theory.discrete_price, False, 9975.103752),
        (theory.discrete_inverse_price, True, 29975.041615),
        (theory.discrete_inverse_price, False, 30025.041719),
    ],
)
def test_discrete_golden_numbers(price, previous, golden):
    assert price(**PAPER, previous=previous) == pytest.approx(golden, abs=1e-6)


def test_continuous_golden_numbers():
    rates = dict(
        spot=10000, quote_rate=0.04, base_yield=0.02, premium_rate=0.2, interest_factor=0.005
    )
    assert theory.continuous_price(**rates) == pytest.approx(10833.333333, abs=1e-6)
    assert theory.continuous_inverse_price(**rates) == pytest.approx(11282.051282, abs=1e-6)


@pytest.mark.parametrize(
    "carry, basis_points", [(0.0, -1.0), (0.05, -0.5434), (0.1095, 0.0), (0.2, 0.8266)]
)
def test_realistic_premium_is_within_a_basis_point(carry, basis_points):
    premium = theory.continuous_price(1.0, carry, 0.0, 1095.0, 0.1095) - 1
    assert 1e4 * premium == pytest.approx(basis_points, abs=5e-5)


def test_price_is_spot_at_a_random_time():
    exact = theory.continuous_price(1.0, 0.05, 0.0, 1095.0, 0.0) - 1
    assert 1e4 * exact == pytest.approx(0.456642, abs=1e-6)
    grown = np.exp(0.05 * np.random.default_rng(1).exponential(1 / 1095, 200_000)) - 1
    assert abs(grown.mean() - exact) < 3 * grown.std() / math.sqrt(len(grown))


@settings(deadline=None)
@given(SMALL, SMALL, st.floats(1e-4, 1.0))
def test_price_is_spot_when_interest_is_the_carry(quote_rate, base_yield, period):
    fair = math.exp((quote_rate - base_yield) * period) - 1
    assert theory.discrete_price(1.0, quote_rate, base_yield, period, 0.9, fair) == pytest.approx(
        1.0, abs=1e-9
    )
    assert theory.continuous_price(
        1.0, quote_rate, base_yield, 9.0, quote_rate - base_yield
    ) == pytest.approx(1.0)


@settings(deadline=None)
@given(SMALL, SMALL, st.floats(0.5, 2000.0), SMALL)
def test_inverse_is_linear_with_rates_exchanged(quote_rate, base_yield, premium_rate, interest):
    linear = theory.continuous_price(1.0, base_yield, quote_rate, premium_rate, interest)
    inverse = theory.continuous_inverse_price(1.0, quote_rate, base_yield, premium_rate, interest)
    assert linear * inverse == pytest.approx(1.0, abs=1e-9)
    assert inverse == pytest.approx(
        (premium_rate + quote_rate - base_yield) / (premium_rate - interest)
    )


def test_discrete_tends_to_continuous():
    years = 1e-5
    discrete = theory.discrete_price(1.0, 0.05, 0.01, years, 2.0 * years, 0.1 * years)
    assert discrete == pytest.approx(theory.continuous_price(1.0, 0.05, 0.01, 2.0, 0.1), abs=1e-5)


@pytest.mark.parametrize("carry, basis_points", [(0.0, -5.0), (0.05, -4.54), (0.2, 6.83)])
def test_damped_premium_golden_numbers(carry, basis_points):
    premium = theory.damped_premium(carry / theory.SETTLEMENTS_PER_YEAR, 1e-4, 5e-4)
    assert 1e4 * premium == pytest.approx(basis_points, abs=0.005)


@settings(deadline=None)
@given(st.floats(-1e-3, 1e-3).filter(lambda carry: abs(carry - 1e-4) > 1e-9))
def test_damped_premium_pays_the_carry(carry):
    premium = theory.damped_premium(carry, 1e-4, 5e-4)
    assert rate_of(premium, 1e-4, 5e-4, 0, math.inf, 1.0) == pytest.approx(carry, abs=1e-15)


def test_damped_premium_is_indeterminate_at_the_interest():
    assert math.isnan(theory.damped_premium(1e-4, 1e-4, 5e-4))
    low, high = theory.dead_band(1e-4, 5e-4)
    middle = np.linspace(low, high, 11)[1:-1]
    assert {rate_of(premium, 1e-4, 5e-4, 0, math.inf, 1.0) for premium in middle} == {1e-4}


@settings(deadline=None)
@given(
    st.floats(1.0, 100.0), st.floats(0.0, 0.009), st.sampled_from((1, -1)), st.integers(1, 10**6)
)
def test_liquidation_price_is_the_engine_s(leverage, fraction, side, size):
    entry, lots = 100.0, side * size
    equity = entry * size / leverage
    engine = liquidation_price(entry, equity, lots, 1.0, fraction, 0.0)
    assert engine / entry == pytest.approx(
        theory.liquidation_price_ratio(leverage, fraction, side), abs=1e-12
    )
    bankrupt = bankruptcy_price(entry, equity, lots, 1.0)
    assert bankrupt / entry == pytest.approx(
        theory.liquidation_price_ratio(leverage, 0.0, side), abs=1e-12
    )


@pytest.mark.parametrize(
    "leverage, long, short", [(20, 0.247, 0.274), (50, 0.704, 0.711), (5, 0.0, 0.0)]
)
def test_hitting_probability_golden_numbers(leverage, long, short):
    for side, golden in ((1, long), (-1, short)):
        ratio = theory.liquidation_price_ratio(leverage, 0.005, side)
        assert theory.hitting_probability(ratio, 0.04, 1.0) == pytest.approx(golden, abs=1e-3)


def test_hitting_probability_of_a_discretely_watched_walk():
    steps, paths, ratio = 288, 20_000, theory.liquidation_price_ratio(20, 0.005, 1)
    walk = (
        np.random.default_rng(2).normal(0.0, 0.04 / math.sqrt(steps), (paths, steps)).cumsum(axis=1)
    )
    share = np.mean(walk.min(axis=1) <= math.log(ratio))
    expected = theory.hitting_probability(ratio, 0.04, 1.0, 1.0 / steps)
    assert abs(share - expected) < 3 * math.sqrt(expected * (1 - expected) / paths)


def test_branching_identities():
    assert theory.branching_total(0.0) == 1.0
    assert theory.branching_total(0.5) - 1 == 0.5 / (1 - 0.5)
    assert theory.branching_total(1.0) == theory.branching_total(2.0) == math.inf
    assert theory.branching_ratio(theory.branching_total(0.3), 1.0) == pytest.approx(0.3)


def test_branching_total_of_linear_impact():
    impact, density, shock, fall = 0.02, 15.0, 1.0, 0.0
    for _ in range(200):
        fall = shock + impact * density * fall
    assert fall == pytest.approx(shock * theory.branching_total(impact * density))
