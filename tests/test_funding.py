"""The funding rate and its payment."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.agents.carry.reservation import REACH, reservation_basis, short_receipt
from perplab.sim.laws.averages import clamp
from perplab.sim.laws.funding import (
    KINKS,
    SEEN,
    DamperMode,
    cap_by_law,
    dead_band,
    funding_law,
    funding_rate,
    rate_kink,
)
from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.state.market_rows import VIEW
from perplab.sim.streams import generator
from tests.laws import NOTHING_SEEN, rate_of

INTEREST, DAMPER, CAP = 0.0001, 0.0005, 0.003
PREMIUM = st.floats(-0.1, 0.1)
LOTS = st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=40)


def damped(premium, interest=INTEREST, damper=DAMPER, cap=CAP, divisor=1.0):
    return rate_of(premium, interest, damper, 0, cap, divisor)


@pytest.mark.parametrize(
    "premium, rate",
    [
        (-0.0005, 0.0),
        (-0.00041, 0.00009),
        (-0.0004, 0.0001),
        (0.0, 0.0001),
        (0.0006, 0.0001),
        (0.00061, 0.00011),
        (0.001, 0.0005),
        (-0.001, -0.0005),
        (0.0035, 0.003),
        (0.00351, 0.003),
        (0.00349, 0.00299),
        (-0.0035, -0.003),
        (-0.0036, -0.003),
        (0.1, 0.003),
    ],
)
def test_rate_by_hand(premium, rate):
    assert damped(premium) == pytest.approx(rate, abs=1e-16)


@pytest.mark.parametrize(
    "interest, damper, damper_mode, expected",
    [
        (0.0001, 0.0, 0, 0.01),
        (0.0001, math.inf, 0, 0.0001),
        (0.0001, 0.0005, 1, 0.0101),
        (0.0, 0.0, 1, 0.01),
    ],
)
def test_three_meanings_of_no_damper(interest, damper, damper_mode, expected):
    assert rate_of(0.01, interest, damper, damper_mode, math.inf, 1.0) == expected


@pytest.mark.parametrize("divisor, rate", [(1.0, 0.0005), (2.0, 0.00025), (8.0, 0.0000625)])
def test_divisor_comes_before_the_cap(divisor, rate):
    assert damped(0.001, divisor=divisor) == pytest.approx(rate, abs=1e-18)
    assert damped(1.0, divisor=divisor) == CAP


@settings(deadline=None)
@given(st.floats(-0.000399, 0.000599))
def test_plateau_is_the_interest_to_the_bit(premium):
    assert damped(premium) == INTEREST


@settings(deadline=None)
@given(PREMIUM, PREMIUM, st.floats(0.0, 0.01), st.floats(0.0, 0.1), st.integers(0, 1))
def test_rate_never_falls_with_the_premium(first, second, damper, cap, damper_mode):
    low, high = sorted((first, second))
    rates = [rate_of(premium, INTEREST, damper, damper_mode, cap, 1.0) for premium in (low, high)]
    assert -cap <= rates[0] <= rates[1] <= cap


@settings(deadline=None)
@given(PREMIUM, st.floats(-0.001, 0.001), st.floats(0.0, 0.01))
def test_rate_is_the_documented_bracket(premium, interest, damper):
    documented = premium + min(max(interest - premium, -damper), damper)
    assert damped(premium, interest, damper, math.inf) == pytest.approx(documented, abs=1e-16)


@settings(deadline=None)
@given(
    PREMIUM,
    st.floats(0.0, 0.01),
    st.integers(0, 1),
    st.floats(0.0, 0.1),
    st.sampled_from((1.0, 2.0, 8.0)),
)
def test_rate_compiled_is_plain(premium, damper, damper_mode, cap, divisor):
    law = funding_law(
        interest_rate=INTEREST, damper=damper, damper_mode=damper_mode, cap=cap, divisor=divisor
    )
    plain = getattr(funding_rate, "py_func", funding_rate)
    assert funding_rate(law, premium, NOTHING_SEEN) == plain(law, premium, NOTHING_SEEN)


@pytest.mark.parametrize(
    "lots, price, units_per_price, rate, pays",
    [
        (7, 0.7, 1.0, 1.0, 5),
        (-3, 0.7, 1.0, 1.0, -2),
        (-4, 0.7, 1.0, 1.0, -2),
        (10, 0.5, 1.0, 1.0, 5),
        (-10, 0.5, 1.0, 1.0, -5),
        (7, 0.7, 1.0, -1.0, -4),
        (-7, 0.7, 1.0, -1.0, 5),
        (5, 100.0, 1.0, 0.0, 0),
        (1, 1e-9, 1.0, 1.0, 1),
        (-1, 1e-9, 1.0, 1.0, 0),
        (0, 100.0, 1.0, 1.0, 0),
    ],
)
def test_payment_by_hand(lots, price, units_per_price, rate, pays):
    assert funding_payment(lots, price, units_per_price, rate) == pays


def test_payment_of_a_whole_position():
    assert funding_payment(30_000, 2.77, 1000.0, -0.000008) == -664
    assert funding_payment(-30_000, 2.77, 1000.0, -0.000008) == 665


@settings(deadline=None)
@given(LOTS, st.floats(1e-3, 1e5), st.floats(-0.04, 0.04))
def test_residue_is_small_and_never_negative(lots, price, rate):
    closed = [*lots, -sum(lots)]
    paid = [funding_payment(position, price, 1000.0, rate) for position in closed]
    assert 0 <= sum(paid) < len(closed)


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9), st.floats(1e-3, 1e5), st.floats(-0.04, 0.04))
def test_payment_compiled_is_plain(lots, price, rate):
    plain = getattr(funding_payment, "py_func", funding_payment)
    compiled = funding_payment(lots, price, 1000.0, rate)
    assert compiled == plain(lots, price, 1000.0, rate) and isinstance(compiled, int)


def test_clamp_and_cap():
    assert [clamp(value, -1.0, 1.0) for value in (-2.0, -1.0, 0.5, 1.0, 2.0)] == [
        -1.0,
        -1.0,
        0.5,
        1.0,
        1.0,
    ]
    assert [cap_by_law("maintenance", 0.75, 0.0, fraction) for fraction in (0.004, 0.005)] == [
        0.003,
        0.00375,
    ]


def random_law(mode, draw):
    """Return a law of a damper mode with random terms, and what it sees."""
    law, seen = funding_law(), np.zeros(1, SEEN)[0]
    for record in (law, seen):
        for name in record.dtype.names:
            if record.dtype[name] == "f8":
                record[name] = draw.uniform(1e-4, 1e-3)
    law["damper_mode"], law["divisor"], law["floor"] = mode, 8.0, -draw.uniform(0.2, 1) * law["cap"]
    return law, seen


@pytest.mark.parametrize("mode", DamperMode)
def test_the_rate_is_linear_between_kinks(mode):
    draw = generator(1, "kinks")
    for _ in range(50):
        law, seen = random_law(mode, draw)
        kinks = sorted(rate_kink(law, number, seen) for number in range(KINKS))
        kinks = [kinks[0] - 0.01, *kinks, kinks[-1] + 0.01]
        for low, high in itertools.pairwise(kinks):
            ends = [funding_rate(law, premium, seen) for premium in (low, high)]
            assert funding_rate(law, (low + high) / 2, seen) == pytest.approx(
                np.mean(ends), abs=1e-15
            )


@pytest.mark.parametrize("mode", DamperMode)
def test_the_rate_is_the_interest_rate_in_the_dead_band_alone(mode):
    draw = generator(1, "dead band")
    for _ in range(50):
        law, seen = random_law(mode, draw)
        law["floor"] = -law["cap"]
        low, high = dead_band(law, seen)
        if np.isnan(low):
            continue
        interest = law["interest_rate"] / law["divisor"]
        for premium in (low, (low + high) / 2, high):
            assert funding_rate(law, premium, seen) == pytest.approx(interest, abs=1e-15)
        assert funding_rate(law, low - 1e-6, seen) < interest - 1e-8
        assert funding_rate(law, high + 1e-6, seen) > interest + 1e-8


@pytest.mark.parametrize("mode", DamperMode)
def test_a_reservation_basis_earns_the_receipt(mode):
    draw, view = generator(1, "reservation"), np.zeros(1, VIEW)[0]
    for _ in range(200):
        view["funding_law"], view["seen"] = random_law(mode, draw)
        receipt, forecast = draw.uniform(-1e-3, 1e-3, 2)
        belief = forecast, draw.uniform(0, 0.9), draw.uniform(0.01, 0.5), draw.uniform(-1e-3, 1e-3)
        for side in (1, -1):
            basis = reservation_basis(view, side, receipt, *belief)
            assert abs(basis) < REACH
            assert short_receipt(view, basis, *belief) == pytest.approx(receipt, abs=1e-12)
