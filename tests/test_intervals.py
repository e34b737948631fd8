"""Coverage of 95 % intervals on known processes with fixed seeds.

Bounds are those of a binomial of .88 and of .98 that are missed once in two hundred. The upper
bound can only fail with some hundreds of samples: intervals that all cover the true value are too
wide.
"""

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from perplab.analysis.estimators.block_intervals import (
    POSITIVE,
    binomial_limits,
    block_interval,
    bootstrap_interval,
    share_interval,
)
from perplab.analysis.estimators.discovery import component_share, price_discovery, regression_rows
from perplab.analysis.estimators.estimates import half_life_interval, impact_exponent, tail_index
from perplab.analysis.estimators.unit_root import autoregressions

RNG = np.random.default_rng
LOWEST, HIGHEST = 0.88, 0.98


def covers(intervals, true):
    """Return whether the number of intervals that cover the true value fits .88 to .98."""
    inside = sum(low <= true <= high for _, low, high in intervals)
    return (
        binom.ppf(0.005, len(intervals), LOWEST)
        <= inside
        <= binom.ppf(0.995, len(intervals), HIGHEST)
    )


def month(half_life, samples=400, seed=1, rows=696):
    return autoregressions(RNG(seed).standard_normal((samples, rows)), half_life)


@pytest.mark.parametrize("half_life", [1.4, 6.6, 17.0, 23.0])
def test_mean_deviation_and_share_of_a_month_of_hours(half_life):
    """A bootstrap of daily blocks covers the mean in 73 % of samples at a half-life of 23 h."""
    paths, sd = month(half_life), (1 - 0.25 ** (1 / half_life)) ** -0.5
    assert covers([block_interval(np.mean, path) for path in paths], 0.0)
    assert covers([block_interval(np.std, path, POSITIVE) for path in paths], sd)
    assert covers([share_interval(path < -0.6745 * sd) for path in paths], 0.25)


def test_the_mean_of_a_mixed_process_of_ten_days():
    """Noise at each look on a slow part: what one autoregressive coefficient does not describe."""
    slow, noise = month(8.0, rows=216), RNG(2).standard_normal((400, 216))
    moving = lfilter([1.0, 0.5], [1.0, -0.8], RNG(3).standard_normal((400, 416)), axis=1)[:, 200:]
    assert covers([block_interval(np.mean, path) for path in slow + noise], 0.0)
    assert covers([block_interval(np.mean, path) for path in moving], 0.0)


def test_no_limits_of_few_rows_nor_of_what_runs_away():
    assert math.isnan(block_interval(np.mean, RNG(1).standard_normal(59))[1]) and math.isfinite(
        block_interval(np.mean, RNG(1).standard_normal(60))[1]
    )
    assert block_interval(np.mean, np.arange(200.0))[0] == 99.5 and math.isnan(
        block_interval(np.mean, np.arange(200.0))[1]
    )
    assert math.isnan(block_interval(np.mean, np.empty(0))[0])


def test_a_share_that_none_or_all_have_is_not_certain():
    value, low, high = share_interval(np.zeros(90, bool), 30)
    assert (value, low) == (0.0, 0.0) and high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert share_interval(np.ones(90, bool))[1] == pytest.approx(0.025 ** (1 / 90))
    assert binomial_limits(True, 30) == pytest.approx((0.025 ** (1 / 30), 1.0))


def test_quantiles_of_independent_rows():
    found = [
        bootstrap_interval(lambda rows: np.quantile(rows, 0.9), RNG(seed).standard_normal(150))
        for seed in range(25)
    ]
    assert covers(found, 1.2816)
    assert math.isnan(bootstrap_interval(np.mean, np.ones(50))[1]) and math.isnan(
        bootstrap_interval(np.mean, np.arange(9.0))[1]
    )


@pytest.mark.parametrize("half_life", [1.4, 6.6, 23.0])
def test_half_life_from_one_look_to_the_next(half_life):
    found = [half_life_interval(path) for path in month(half_life, 150, seed=5)]
    assert covers(found, half_life) and np.median([value for value, *_ in found]) == pytest.approx(
        half_life, rel=0.15
    )
    walks = np.cumsum(RNG(6).standard_normal((60, 696)), axis=1)
    assert sum(half_life_interval(walk)[2] < math.inf for walk in walks) <= binom.ppf(
        0.995, 60, 0.06
    )


def arch(rng, samples, rows):
    """Return GARCH(1, 1) returns with weights .1 and .87, whose tail index is 6.95."""
    returns, variance = np.empty((samples, rows)), np.ones(samples)
    for k in range(rows):
        returns[:, k] = np.sqrt(variance) * rng.standard_normal(samples)
        variance = 0.03 + 0.1 * returns[:, k] ** 2 + 0.87 * variance
    return returns


@pytest.mark.parametrize(
    ("index", "draw"),
    [
        (3.0, lambda rng: rng.standard_t(3, (40, 43_200))),
        (4.0, lambda rng: rng.standard_t(4, (40, 43_200))),
        (3.0, lambda rng: rng.pareto(3, (40, 43_200)) + 1),
    ],
)
def test_tail_index_of_fat_tails(index, draw):
    found = [tail_index(sample, 0.0025) for sample in draw(RNG(9))]
    assert covers(found, index) and sum(math.isfinite(value) for value, *_ in found) >= 34


def test_thin_tails_are_not_called_fat():
    rng = RNG(10)
    for samples in (rng.standard_normal((40, 43_200)), rng.laplace(size=(40, 43_200))):
        assert sum(math.isfinite(tail_index(sample, 0.0025)[0]) for sample in samples) <= binom.ppf(
            0.995, 40, 0.05
        )
    clustered = [tail_index(sample, 0.0025) for sample in arch(rng, 40, 20_000)]
    assert sum(low <= 6.95 <= high for _, low, high in clustered) >= binom.ppf(0.005, 40, LOWEST)
    assert all(math.isnan(part) for part in tail_index(rng.standard_normal(9_000), 0.0025))


def meeting(own, other, samples=60, rows=2_500, seed=7):
    """Return log prices of two markets that close these parts of the gap in a row."""
    noise, prices = RNG(seed).standard_normal((rows, samples, 2)), np.zeros((rows, samples, 2))
    for k in range(1, rows):
        gap = prices[k - 1, :, 0] - prices[k - 1, :, 1]
        prices[k] = prices[k - 1] + noise[k] + np.stack([-own * gap, other * gap], axis=1)
    return prices.transpose(1, 0, 2)


@pytest.mark.parametrize(("own", "other"), [(0.01, 0.03), (0.03, 0.0), (0.03, -0.005)])
def test_component_share_within_and_beyond_its_boundary(own, other):
    """Spot leads alone: the share is 0; the perpetual closes more than the gap: below 0."""
    pytest.importorskip("statsmodels")
    found = [component_share(regression_rows(prices, 1)) for prices in meeting(own, other)]
    assert covers(found, other / (own + other)) and np.isfinite([low for _, low, _ in found]).all()


def test_information_share_of_two_that_meet():
    pytest.importorskip("statsmodels")
    found = [price_discovery(*prices.T) for prices in meeting(0.01, 0.03, samples=14)]
    true = 0.03**2 / (0.03**2 + 0.01**2)
    for bound in ("information_lowest", "information_highest"):
        assert sum(
            getattr(one, bound)[1] <= true <= getattr(one, bound)[2] for one in found
        ) >= binom.ppf(0.005, 14, LOWEST)
    assert all(one.information_lowest[0] <= one.information_highest[0] for one in found)


@pytest.mark.parametrize(("exponent", "noise"), [(0.5, 0.3), (1.0, 0.3), (0.5, 5.0)])
def test_impact_exponent_where_flow_explains_much_and_little(exponent, noise):
    """With noise of 5 flow explains 1 % of the variance.

    Groups whose mean goes against the flow stay in.
    """
    found = []
    for seed in range(20):
        rng = RNG(seed)
        flow = rng.lognormal(0, 1.0, 6_000) * rng.choice([-1, 1], 6_000)
        found.append(
            block_interval(
                impact_exponent,
                np.column_stack(
                    [flow, np.sign(flow) * np.abs(flow) ** exponent + rng.normal(0, noise, 6_000)]
                ),
            )
        )
    assert np.median([value for value, *_ in found]) == pytest.approx(exponent, rel=0.1)
    assert sum(low - 0.02 <= exponent <= high + 0.02 for _, low, high in found) >= binom.ppf(
        0.005, 20, LOWEST
    )
