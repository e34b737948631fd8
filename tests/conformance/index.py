"""The index: spot, or a mean or median of sources, and its lag.

References: Binance and OKX, price index (clamped to 3 % of the median; stale sources out); Deribit
(.5 %); Bybit (5 % excluded, 15 min stale); dYdX v4 and Hyperliquid, oracles (weighted medians).
"""

import numpy as np

from tests.conformance.arithmetic import decayed

READS = ("index",)


def weighted_median(prices, weights):
    """Return the price at which half of the weight is reached from below."""
    order = np.argsort(prices, kind="stable")
    reached = np.cumsum(weights[order]) >= 0.5 * np.sum(weights)
    return prices[order][reached][0]


def combined(rules, prices, ages, before):
    """Return the price that sources give; the one before where none has a weight."""
    weights = np.array(rules["weights"], float) * (ages <= rules.get("stale_seconds", np.inf))
    if weights.sum() > 0.0:
        away = np.abs(prices / weighted_median(prices, weights) - 1.0)
        weights[away > rules.get("exclusion", np.inf)] = 0.0
    if weights.sum() <= 0.0:
        return before
    middle = weighted_median(prices, weights)
    if rules["law"] == "weighted_median" or np.ptp(prices[weights > 0.0]) == 0.0:
        return middle
    low, high = middle * (1.0 - rules["clamp"]), middle * (1.0 + rules["clamp"])
    return np.sum(weights * np.clip(prices, low, high)) / np.sum(weights)


def price_now(tape, rules, step):
    """Return the index of a step before its lag."""
    if rules.get("law", "one_source") == "one_source":
        return tape.asset["spot"][step]
    count, state = len(rules["weights"]), tape.market["sources"]
    ages = (step - 1) * tape.dt - state["source_seconds"][step][:count]
    prices = state["source_price"][step][:count]
    return combined(rules, prices, ages, state["source_index"][step - 1])


def compare(tape, rules):
    """Yield the index of every step."""
    for step in range(1, tape.steps + 1):
        before, now = tape.view["index"][step - 1], price_now(tape, rules["index"], step)
        expected = decayed(before, now, tape.dt, rules["index"]["window_seconds"])
        yield "index", step, tape.view["index"][step], expected
