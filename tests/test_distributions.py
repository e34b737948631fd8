"""Distributions of traits: means, bounds, and leverage capped at the venue's largest."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.scenarios.files.distributions import Choice, Exponential, Lognormal, Normal, Uniform
from perplab.scenarios.files.kinds import KINDS
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.market_setup import population_setup, setup_of
from perplab.scenarios.files.population_checks import trait_faults
from perplab.scenarios.files.schema import Population
from perplab.scenarios.files.schema_faults import part_of, structural_faults
from perplab.sim.errors import ParameterError
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


SIZES = st.sampled_from([0.0, 1e-9, 0.5, 1.0, 7.0, 1e4, 1e15, 1e18])
NUMBERS = SIZES | SIZES.map(lambda size: -size)
ENDS = {"min": NUMBERS, "max": NUMBERS}
TABLES = st.one_of(
    st.fixed_dictionaries({"mean": NUMBERS, "sd": SIZES}, optional=ENDS).map(
        lambda keys: keys | {"distribution": "normal"}
    ),
    st.fixed_dictionaries({"median": SIZES, "log_sd": st.floats(0, 10)}, optional=ENDS).map(
        lambda keys: keys | {"distribution": "lognormal"}
    ),
    st.fixed_dictionaries({"mean": SIZES}, optional=ENDS).map(
        lambda keys: keys | {"distribution": "exponential"}
    ),
    st.fixed_dictionaries({"low": NUMBERS, "high": NUMBERS}).map(
        lambda keys: keys | {"distribution": "uniform"}
    ),
    st.fixed_dictionaries({"values": st.lists(NUMBERS, min_size=1)}).map(
        lambda keys: keys | {"distribution": "choice"}
    ),
)
TRAITS = [(kind, trait) for kind in KINDS.values() for trait in kind.traits.traits]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TRAITS), TABLES)
def test_every_draw_is_within_the_bounds_of_its_trait_or_refused_by_name(which, table):
    kind, trait = which
    population = {"kind": kind.kind, "number": 50, trait: table}
    key = f"populations.x.{trait}"
    valid = part_of(Population, population)
    faults = (
        structural_faults({"populations": {"x": population}})
        if valid is None
        else trait_faults("populations.x", kind, trait, valid.traits[trait])
    )
    if faults:
        assert any(fault.key.startswith(key) for fault in faults), faults
    else:
        draws = population_setup("x", valid, 1, {}).traits[trait]
        assert kind.traits.traits[trait].accepts(draws)


def test_a_normal_distribution_of_a_size_needs_an_end():
    size = {"distribution": "normal", "mean": 1e4, "sd": 1e4}
    with pytest.raises(ParameterError, match="noise.size_usd.min is missing, must be given: draws"):
        load("small", {"populations.noise.size_usd": size})
    load("small", {"populations.noise.size_usd": size | {"min": 0}})


@pytest.mark.parametrize("market", [0.5, {"distribution": "uniform", "low": 0, "high": 0.9}])
def test_a_market_is_a_whole_number(market):
    with pytest.raises(ParameterError, match="noise.market was .*, must be from 0 to 0"):
        load("small", {"populations.noise.market": market})
