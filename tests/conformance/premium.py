"""The premium sample of every step.

References: Binance, FAQ 360033525031; BitMEX, "Perpetual Contracts Guide"; Deribit, article
31424939178397; dYdX v4, perpetuals module; Perp v2 and Drift v2 (average gap).
"""

import math

from tests.conformance.arithmetic import clamp, cut, decayed
from tests.conformance.impact import IMPACT, impact_prices, uses_book
from tests.conformance.rules import units

READS = ("premium", "contract")


def gap(bid, ask, price):
    """Return how far both impact prices lie beyond a price, in quote currency."""
    return max(0.0, bid - price) - max(0.0, price - ask)


def mid_of(view):
    """Return the mid of the best quotes, 0 where a side is empty."""
    bid, ask = view["best_bid"], view["best_ask"]
    return 0.5 * (bid + ask) * view["tick"] if bid and ask else 0.0


def quotes_in_sample(tape, rules, step):
    """Return the impact prices of the sample, None where a thin side cannot be seen."""
    view, bid, ask = tape.view[step], tape.view["impact_bid"][step], tape.view["impact_ask"][step]
    thin = tape.market["thin_samples"][step] - tape.market["thin_samples"][step - 1]
    if rules["premium"]["law"] != "impact_or_zero" or not thin:
        return bid, ask
    if not tape.quiet[step]:
        return None
    notional = units(rules, rules["premium"]["impact_notional"])
    (_, thin_bid), (_, thin_ask) = impact_prices(tape, rules, step, notional)
    return (view["index"] if thin_bid else bid), (view["index"] if thin_ask else ask)


def impact_sample(tape, rules, step):
    """Return a sample from impact prices, None where it cannot be seen."""
    quotes = quotes_in_sample(tape, rules, step)
    if quotes is None:
        return None
    index, before = tape.view["index"][step], tape.view[step - 1]
    if rules["premium"]["law"] == "impact_mean":
        return 0.5 * sum(quotes) / index - 1.0
    if rules["premium"]["law"] == "impact_plus_pending":
        return gap(*quotes, before["mark"]) / index + before["funding_rate"]
    return gap(*quotes, index) / index


def average_gap(tape, rules, step):
    """Return the averages of mid and index after the sample; the mid is seen in quiet steps."""
    before, now = tape.market["gap_state"][step - 1], tape.market["gap_state"][step]
    index, window = tape.view["index"][step], rules["premium"]["window_seconds"]
    mid = mid_of(tape.view[step]) or index
    index_average = decayed(before["index_average"], index, tape.dt, window)
    mid_average = decayed(before["mid_average"], mid, tape.dt, window)
    return (mid_average if tape.quiet[step] else now["mid_average"]), index_average


def sample(tape, rules, step):
    """Return the sample of a step before limit and quantum, None where it cannot be seen."""
    law, index = rules["premium"]["law"], tape.view["index"][step]
    if law in IMPACT:
        return impact_sample(tape, rules, step)
    if law == "mark":
        return tape.view["mark"][step - 1] / index - 1.0
    if law == "mid":
        mid = mid_of(tape.view[step])
        return (mid / index - 1.0 if mid else 0.0) if tape.quiet[step] else None
    if law == "average_gap":
        mid_average, index_average = average_gap(tape, rules, step)
        return mid_average / index_average - 1.0
    return None


def compare(tape, rules):
    """Yield the samples that the tables show."""
    limit, quantum = rules["premium"].get("limit", math.inf), rules["premium"].get("quantum", 0.0)
    if tape.samples > 1 and not uses_book(rules):
        return
    for step in range(1, tape.steps + 1):
        premium = sample(tape, rules, step)
        if premium is not None and (tape.samples == 1 or tape.quiet[step]):
            expected = cut(clamp(premium, -limit, limit), quantum)
            yield "premium sample", step, tape.view["premium"][step], expected
