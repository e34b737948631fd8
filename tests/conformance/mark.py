"""The mark price: its averages, the median of its inputs, clamp and clock.

References: Binance, "Mark Price"; BitMEX, "Fair Price Marking"; Hyperliquid, "Robust price
indices"; Deribit (deep mid); Bybit, "Mark Price Calculation".
"""

import math

from tests.conformance.arithmetic import clamp, decayed
from tests.conformance.impact import impact_prices
from tests.conformance.premium import mid_of
from tests.conformance.rules import unit_value

READS = ("mark", "contract", "funding")


def elapsed(tape, step):
    """Return the seconds since the mark was last taken: the rounds of a step run ahead of it."""
    return step * tape.dt - tape.market["mark_seconds"][step - 1]


def quotes_or_last(view):
    """Return the median of best bid, best ask and last price."""
    bid, ask, last = view["best_bid"], view["best_ask"], view["last_tick"]
    if not bid and not ask:
        return view["index"]
    return (sorted((bid, ask, last))[1] if bid and ask else last) * view["tick"]


def deep_mid(tape, rules, step, size):
    """Return the mid of the prices of selling and buying a size (asset), inside the quotes."""
    view = tape.view[step]
    notional = size / rules["contract"]["lot"] * view["index"] * unit_value(rules)
    (bid, _), (ask, _) = impact_prices(tape, rules, step, notional)
    return clamp(
        0.5 * (bid + ask), view["best_bid"] * view["tick"], view["best_ask"] * view["tick"]
    )


def average_of(tape, rules, step, k, part):
    """Return the average behind input k after a step."""
    view, before = tape.view[step], tape.market["mark_average"][step - 1][k]
    window, mid = part.get("window_seconds", 0.0), mid_of(view)
    if part["input"] == "quotes_average":
        return decayed(before, quotes_or_last(view), elapsed(tape, step), window)
    if not mid:
        return before
    if part["input"] == "index_plus_deep_basis":
        mid = deep_mid(tape, rules, step, part["depth"])
    sample = mid if part["input"] == "mid_average" else mid - view["index"]
    return decayed(before, sample, elapsed(tape, step), window)


def input_of(tape, rules, step, k, part):
    """Return input k of the mark."""
    view, kind = tape.view[step], part["input"]
    index = view["index"]
    if kind == "index":
        return index
    if kind == "index_plus_funding":
        before = tape.market[step - 1]  # the mark is taken before a settlement
        left = before["interval_seconds"] - (step * tape.dt - before["settled_seconds"])
        rate = tape.view["funding_rate"][step - 1]
        return index * (1.0 + rate * left / before["interval_seconds"])
    if kind == "last_price":
        return view["last_tick"] * view["tick"]
    if kind == "quotes_or_last":
        return quotes_or_last(view)
    average = average_of(tape, rules, step, k, part)
    if kind == "index_plus_shrunk_basis":
        share = clamp(abs(average) / (index * part["basis_limit"]), 0.3, 0.7)
        return index + share * average
    return average if kind in ("quotes_average", "mid_average") else index + average


def mark_of(tape, rules, step):
    """Return the mark of a step."""
    now, clock = step * tape.dt, rules["mark"].get("refresh_seconds", 0.0)
    if clock and math.floor(now / clock) == math.floor((now - elapsed(tape, step)) / clock):
        return tape.view["mark"][step - 1]
    inputs = [
        input_of(tape, rules, step, k, part) for k, part in enumerate(rules["mark"]["inputs"])
    ]
    reach, index = rules["mark"].get("clamp", math.inf), tape.view["index"][step]
    middle = sorted(inputs)[len(inputs) // 2]
    return clamp(middle, index * (1.0 - reach), index * (1.0 + reach))


def compare(tape, rules):
    """Yield the mark of every still step, and the price band around it."""
    tick, band = rules["contract"]["tick"], rules["contract"]["band"]
    for step in tape.still.nonzero()[0]:
        yield "mark", step, tape.view["mark"][step], mark_of(tape, rules, step)
        centre, market = tape.view["mark"][step] / tick, tape.market[step]
        top = market["window_low"] + market["window"] - 1
        low = max(math.ceil(centre * (1.0 - band)), market["window_low"], 1)
        high = min(math.floor(centre * (1.0 + band)), top)
        yield "price band", step, [market["band_low"], market["band_high"]], [low, high]
