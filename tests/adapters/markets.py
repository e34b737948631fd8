"""Rows of the records as a rulebook fills them, and the rate that its numbers give."""

import numpy as np

from perplab.sim.laws.funding import funding_rate
from perplab.sim.state.records import MARKET, VENUE


def market_of(rules):
    row = np.zeros(1, MARKET)[0]
    rules.fill(np.zeros(1, VENUE)[0], row)
    return row


def rate_by(rules, average_premium, interest):
    market = market_of(rules)
    assert market["interest"] == interest
    names = ("interest", "damper", "damper_mode", "cap", "divisor")
    return funding_rate(average_premium, *(market[name] for name in names))
