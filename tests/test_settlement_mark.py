"""A settlement takes the notional at the mark of its own moment; each mark is computed once."""

import math

import numpy as np
import pytest

from perplab.sim.setup import Population
from perplab.sim.spot.shocks import PathShock
from perplab.sim.state.codes import LIMIT
from perplab.sim.state.trader_rows import ORDER_ROW
from tests.markets import Idle, round_rules, small_market
from tests.probes import drive

LOTS, RATE, STEPS = 10, 0.01, 3
FIXED = {
    "funding__interval_hours": STEPS / 60,
    "funding__period_hours": STEPS / 60,
    "funding__interest_rate": RATE,
    "funding__damper": math.inf,
    "funding__cap": 1.0,
}
"""Settled every three minutes at 1 %, whatever the premium."""


def held(inputs, shocks=(), resting=(), **changes):
    """Return a market in which trader 0 is long ten lots of .01 against trader 1, at 20,000."""
    rules = round_rules(mark__inputs=inputs, **FIXED, **changes)
    market = small_market(
        [Population(name="idle", kind=Idle, number=2)], rulebooks=[rules], shocks=list(shocks)
    )
    orders = [(1, -1, 20_000, LOTS, 0), (0, 1, 20_000, LOTS, 0), *resting]
    messages = np.zeros(len(orders), ORDER_ROW)
    for message, (_, side, tick, lots, slot) in zip(messages, orders, strict=True):
        message["kind"], message["side"], message["tick"] = LIMIT, side, tick
        message["lots"], message["slot"] = lots, slot
    outcomes, bests = np.zeros(len(orders), "i8"), np.zeros((len(orders), 2), "i8")
    market.call(drive, np.array([order[0] for order in orders]), messages, outcomes, bests)
    assert not outcomes.any() and market.tables["position"]["lots"][0, 0] == LOTS
    return market


def test_the_notional_is_taken_at_the_mark_of_the_settlement():
    """Spot rises by 1 % in the minute that ends with the settlement: 10 x .01 x 20,200 x 1 %."""
    market = held([{"input": "index"}], [PathShock(at_hours=2 / 60, minutes=1.0, move=0.01)])
    market.run(STEPS)
    settled = market.records().settlements[0]
    assert settled["seconds"] == 180.0 and settled["rate"] == RATE
    assert settled["mark"] == pytest.approx(20_200.0)
    assert settled["long_paid"] / 1e6 == pytest.approx(20.20, abs=1e-6)


def test_averages_of_the_mark_advance_once_before_the_settlement():
    """The mid is 100 above the index, of which three minutes let 1 - e^-3 into the mark."""
    market = held(
        [{"input": "index_plus_basis", "window_seconds": 60.0}],
        resting=[(0, 1, 20_090, 1, 1), (1, -1, 20_110, 1, 1)],
    )
    market.run(STEPS)
    settled = market.records().settlements[0]
    mark = 20_000 + 100 * (1 - math.exp(-3))
    assert settled["mark"] == pytest.approx(mark)
    assert settled["long_paid"] / 1e6 == pytest.approx(LOTS * 0.01 * mark * RATE, abs=1e-6)
    assert market.mark == settled["mark"]


def test_the_mark_at_a_settlement_has_no_funding_left_to_pay():
    """Index x (1 + F tau / T): tau is 0 at the settlement, two thirds of T a minute later.

    The rate in force at the start is the interest rate.
    """
    market = held([{"input": "index_plus_funding"}])
    marks = []
    for _ in range(2 * STEPS):
        market.run(1)
        marks.append(market.mark)
    expected = 2 * [1 + RATE * 2 / 3, 1 + RATE / 3, 1]
    assert marks == pytest.approx(20_000 * np.array(expected))
    assert market.records().settlements["mark"] == pytest.approx([20_000.0, 20_000.0])
    assert market.tables["view"]["seconds_to_settlement"][0] == 60.0 * STEPS
