"""Rows of the records as a rulebook fills them, and the rate that its numbers give."""

import numpy as np

from perplab.sim.laws.funding import funding_rate
from perplab.sim.state.market_rows import MARKET, VENUE
from tests.laws import NOTHING_SEEN


def market_of(rules):
    row = np.zeros(1, MARKET)[0]
    rules.fill(np.zeros(1, VENUE)[0], row)
    return row


def venue_of(rules):
    row = np.zeros(1, VENUE)[0]
    rules.fill(row, np.zeros(1, MARKET)[0])
    return row


def rate_by(rules, average_premium, interest):
    market = market_of(rules)
    assert market["funding_law"]["interest_rate"] == interest
    return float(funding_rate(market["funding_law"], average_premium, NOTHING_SEEN))
