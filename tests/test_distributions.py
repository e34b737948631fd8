"""Distributions of traits: means, bounds, and leverage capped at the venue's largest."""

import math

import pytest

from perplab.scenarios.files.distributions import Choice, Exponential, Lognormal, Normal, Uniform
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.market_setup import setup_of
from perplab.sim.streams import generator


@pytest.mark.parametrize(
    ("distribution", "mean"),
    [
        (Lognormal(distribution="lognormal", mean=3.0, log_sd=0.5), 3.0),
        (Lognormal(distribution="lognormal", median=2.0, log_sd=0.5), 2.0 * math.exp(0.125)),
        (Normal(distribution="normal", mean=-1.0, sd=2.0), -1.0),
        (Exponential(distribution="exponential", mean=4.0), 4.0),
        (Uniform(distribution="uniform", low=1.0, high=4.0), 2.5),
        (Choice(distribution="choice", values=(1.0, 5.0), weights=(3.0, 1.0)), 2.0),
    ],
)
def test_distributions_have_their_means(distribution, mean):
    draws = distribution.draw(generator(1, "test"), 200_000)
    assert abs(draws.mean() - mean) < 5 * draws.std() / math.sqrt(200_000)


def test_draws_stay_within_their_bounds():
    draws = Lognormal(distribution="lognormal", median=10.0, log_sd=2.0, min=2.0, max=100.0).draw(
        generator(1, "test"), 10_000
    )
    assert draws.min() == 2.0 and draws.max() == 100.0


def test_the_tail_of_leverage_is_cut_at_the_venues_largest():
    wild = {
        "populations.longs.leverage": {
            "distribution": "lognormal",
            "median": 30.0,
            "log_sd": 2.0,
            "min": 1.0,
        }
    }
    for rulebook, most in (("binance", 125.0), ("hyperliquid", 40.0)):
        setup = setup_of(load("small", wild | {"market.rulebook": rulebook}), 1)
        assert (
            next(p for p in setup.populations if p.name == "longs").traits["leverage"].max() == most
        )
