"""The period for which a funding formula is stated, and what a change of the interval does."""

import math

import numpy as np
import pytest

from perplab.scenarios.files.loader import load
from perplab.scenarios.files.market_setup import setup_of
from perplab.sim.errors import ParameterError
from perplab.sim.laws.funding import funding_rate
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.adapters.markets import market_of
from tests.laws import NOTHING_SEEN
from tests.markets import World, round_rules

AS_SHIPPED = {
    "binance": (8.0, 0.0001, 1.0, 0.003, -math.inf, math.inf),
    "binance-2024": (8.0, 0.0001, 1.0, 0.003, -math.inf, math.inf),
    "bitmex": (8.0, 0.0001, 1.0, 0.00375, -math.inf, 0.00375),
    "bybit": (8.0, 0.0001, 1.0, 0.00375, -math.inf, math.inf),
    "deribit": (8.0, 0.0, 1.0, 0.05, -math.inf, math.inf),
    "drift-v2": (1.0, 0.0002, 24.0, 0.0012626262626262627, -math.inf, math.inf),
    "dydx-v1": (8.0, 0.0001, 1.0, 0.0075, -math.inf, 0.16),
    "dydx-v4": (1.0, 0.0, 8.0, 0.006, -math.inf, math.inf),
    "gmx-v2": (24.0, 0.0, 1.0, math.inf, -math.inf, math.inf),
    "hyperliquid": (1.0, 0.0001, 8.0, 0.04, -math.inf, math.inf),
    "ideal": (24.0, 0.0, 1.0, math.inf, -math.inf, math.inf),
    "none": (8.0, 0.0001, 1.0, 0.003, -math.inf, math.inf),
    "okx": (8.0, 0.0001, 1.0, 0.00375, -math.inf, math.inf),
    "okx-2023": (8.0, 0.0, 1.0, 0.00375, -math.inf, math.inf),
    "perp-v1": (1.0, 0.0, 24.0, math.inf, -math.inf, math.inf),
    "perp-v2": (24.0, 0.0, 1.0, math.inf, -math.inf, math.inf),
    "synthetix-v3": (24.0, 0.0, 1.0, math.inf, -math.inf, math.inf),
}
"""Hours of the interval; interest rate, divisor, cap, floor and step limit of the formula in it."""


def rate(rules, premium):
    return float(funding_rate(market_of(rules)["funding_law"], premium, NOTHING_SEEN))


@pytest.mark.parametrize("name", rulebook_names())
def test_each_file_has_its_rate_at_its_own_interval(name):
    rules, law = load_rulebook(name), load_rulebook(name).funding_law
    fields = ("interest_rate", "divisor", "cap", "floor", "step_limit")
    found = (rules.funding.interval_hours, *(float(law[field]) for field in fields))
    assert found == AS_SHIPPED[name]


@pytest.mark.parametrize(
    ("name", "hours", "premium", "expected"),
    [
        ("binance", 1.0, 0.002, (0.002 - 0.0005) / 8),
        ("binance", 4.0, 0.001, 0.00025),
        ("binance", 1.0, 0.0003, 0.0001 / 8),
        ("okx", 1.0, 0.002, (0.002 - 0.0005) / 8),
        ("bybit", 1.0, 0.002, 0.002 - 0.0005),
        ("bybit", 1.0, 0.0003, 0.0001 / 8),
        ("binance-2024", 4.0, 0.0003, 0.00005),
        ("bitmex", 2.0, 0.002, 0.0015),
        ("hyperliquid", 8.0, 0.002, 0.0015),
        ("hyperliquid", 1.0, 1.0, 0.04),
        ("hyperliquid", 8.0, 1.0, 0.04),
        ("dydx-v4", 8.0, 0.4, 6 * (0.02 - 0.012)),
        ("dydx-v4", 8.0, 0.002, 0.002),
        ("drift-v2", 24.0, 1.0, 1 / 33),
        ("deribit", 1.0, 0.2, 0.05 / 8),
        ("perp-v1", 8.0, 0.003, 0.001),
    ],
)
def test_a_change_of_the_interval_alone_keeps_the_venue_s_convention(
    name, hours, premium, expected
):
    rules = load_rulebook(name).changed({"funding.interval_hours": hours})
    assert rate(rules, premium) == pytest.approx(expected, rel=1e-12)


def test_the_one_key_question_from_a_scenario():
    setup = setup_of(load("small", {"market.changes.funding.interval_hours": 1.0}), 0)
    rules = setup.markets[0].rulebook
    assert rate(rules, 0.002) == pytest.approx(0.0015 / 8)


@pytest.mark.parametrize("name", ["dydx-v1", "deribit"])
def test_continuous_funding_does_not_depend_on_the_hours_of_its_record(name):
    """Per second: the rate, its bound, and the bound of its change (per second squared)."""
    found = []
    for hours in (8.0, 1.0):
        rules = load_rulebook(name).changed({"funding.interval_hours": hours})
        law = rules.funding_law
        found.append([rate(rules, 0.003) / hours, law["cap"] / hours, law["step_limit"] / hours**2])
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize(("scales", "whole"), [("bracket", 1 / 8), ("interest", 1.0)])
def test_a_shortened_interval_has_the_terms_of_a_rulebook_with_that_interval(scales, whole):
    rules = round_rules(
        funding__period_scales=scales, funding__short_interval_hours=1.0, funding__restore_after=2
    )
    hourly = round_rules(funding__period_scales=scales, funding__interval_hours=1.0)
    world = World(rules)
    world["market"]["premium_sums"]["weighted_sum"] = 0.1
    world["market"]["premium_sums"]["weights"] = 1.0
    world.settle()
    for table in ("market", "view"):
        law = world[table]["funding_law"][0]
        assert all(law[name] == hourly.funding_law[name] for name in law.dtype.names)
        assert law["interest_rate"] / law["divisor"] == pytest.approx(1e-4 / 8)
        assert float(funding_rate(law, 0.001, NOTHING_SEEN)) == pytest.approx(
            (0.001 - 0.0005) * whole
        )
    assert world["market"]["interval_seconds"][0] == 3_600.0
    for _ in range(2):
        world.settle()
    back = world["market"]["funding_law"][0]
    assert np.array_equal(back, rules.funding_law) and back["divisor"] == 1.0


def test_the_divisor_is_refused_with_its_new_name():
    with pytest.raises(ParameterError, match="renamed to funding.period_hours"):
        load_rulebook("binance").changed({"funding.divisor": 2.0})


def test_bounds_of_a_period_are_refused_where_the_interval_may_be_cut():
    with pytest.raises(ParameterError, match="bounds_per was 'period'"):
        round_rules(
            funding__bounds_per="period",
            funding__short_interval_hours=1.0,
            funding__restore_after=2,
        )
