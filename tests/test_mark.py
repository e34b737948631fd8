"""The inputs of the mark price and their median."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.laws.averages import decayed_average, median_of_three
from perplab.sim.laws.mark import index_plus_funding, quotes_or_last

PRICE = st.floats(0.01, 1e6)


@settings(deadline=None)
@given(PRICE, PRICE, PRICE)
def test_median_is_the_middle_in_every_order(a, b, c):
    middle = sorted((a, b, c))[1]
    assert {median_of_three(*order) for order in itertools.permutations((a, b, c))} == {middle}


@pytest.mark.parametrize("seconds, price", [(28800.0, 101.0), (14400.0, 100.5), (0.0, 100.0)])
def test_index_plus_funding_by_hand(seconds, price):
    assert index_plus_funding(100.0, 0.01, seconds, 28800.0) == pytest.approx(price)


def test_index_plus_funding_against_a_published_mark():
    assert index_plus_funding(97843.77, 0.00011, 16020.0, 28800.0) == pytest.approx(
        97849.76, abs=0.005
    )


@pytest.mark.parametrize(
    "elapsed, window, average",
    [
        (0.0, 30.0, 10.0),
        (30.0, 30.0, 20.0 - 10.0 / math.e),
        (1e6, 30.0, 20.0),
        (5.0, 0.0, 20.0),
        (5.0, math.inf, 10.0),
    ],
)
def test_decayed_average_by_hand(elapsed, window, average):
    assert decayed_average(10.0, 20.0, elapsed, window) == pytest.approx(average)


@settings(deadline=None)
@given(
    st.floats(-1e3, 1e3),
    st.floats(-1e3, 1e3),
    st.floats(0.0, 600.0),
    st.floats(0.0, 600.0),
    st.floats(0.1, 600.0),
)
def test_decayed_average_does_not_depend_on_the_step(average, sample, first, second, window):
    twice = decayed_average(decayed_average(average, sample, first, window), sample, second, window)
    assert twice == pytest.approx(
        decayed_average(average, sample, first + second, window), abs=1e-9
    )
    assert min(average, sample) - 1e-9 <= twice <= max(average, sample) + 1e-9


def test_documented_average_agrees_in_the_long_run():
    window, held, numerator, denominator, average = 150.0, 3.0, 0.0, 0.0, 0.0
    for number in range(2000):
        sample, decay = math.sin(0.1 * number), math.exp(-held / window)
        numerator, denominator = numerator * decay + sample * held, denominator * decay + held
        average = decayed_average(average, sample, held, window)
    assert average == pytest.approx(numerator / denominator, abs=1e-12)


@pytest.mark.parametrize(
    "bid, ask, last, price",
    [
        (99.0, 101.0, 100.0, 100.0),
        (99.0, 101.0, 98.0, 99.0),
        (99.0, 101.0, 102.0, 101.0),
        (99.0, 101.0, 99.0, 99.0),
        (0.0, 101.0, 98.0, 98.0),
        (99.0, 0.0, 102.0, 102.0),
        (99.0, 0.0, 98.0, 99.0),
        (0.0, 0.0, 98.0, 98.0),
    ],
)
def test_quotes_or_last_by_hand(bid, ask, last, price):
    assert quotes_or_last(bid, ask, last) == price


@settings(deadline=None)
@given(PRICE, PRICE, PRICE, st.floats(0.0, 100.0))
def test_compiled_is_plain(a, b, c, seconds):
    calls = {
        median_of_three: (a, b, c),
        quotes_or_last: (a, b, c),
        decayed_average: (a, b, seconds, 30.0),
        index_plus_funding: (a, 0.001, seconds, 100.0),
    }
    for function, arguments in calls.items():
        assert function(*arguments) == getattr(function, "py_func", function)(*arguments)


def test_a_mark_keeps_its_clock_and_its_distance():
    from perplab.sim.rulebook.rulebook import load_rulebook
    from tests.markets import storm

    free = load_rulebook("none")
    slow = storm(5, [free.changed({"mark.refresh_seconds": 300.0})], capital_usd=1_500.0)
    slow.run(300)
    marks, seconds = slow.records().series[0]["mark"], slow.records().series[0]["seconds"]
    changed = np.flatnonzero(np.diff(marks) != 0) + 1
    assert len(changed) > 10 and (seconds[changed] % 300 == 0).all()
    near = storm(5, [free.changed({"mark.clamp": 1e-4})], capital_usd=1_500.0)
    wide = storm(5, [free], capital_usd=1_500.0)
    for market in (near, wide):
        market.run(300)
    gaps = [
        np.abs(rows["mark"] / rows["index"] - 1).max()
        for rows in (market.records().series[0] for market in (near, wide))
    ]
    assert gaps[0] <= 1e-4 + 1e-12 < gaps[1]
