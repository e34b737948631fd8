"""The mark price of each market.

Its averages advance by elapsed time, ``exp(-elapsed / window)``, at the end of trading and between
liquidation rounds. Beside the mark stands the counterfactual mark, without liquidation orders: the
same rule on the same inputs, less the displacement of the mid by liquidation orders within the
longest window of the mark.
"""

import math

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.band import set_band
from perplab.sim.exchange.impact_price import average_price, book_mid
from perplab.sim.laws import mark as rule
from perplab.sim.laws.averages import clamp, decayed_average, median_of_three
from perplab.sim.state.codes import LARGEST_NOTIONAL, MOST_TICKS, OPEN_INTEREST_OUTSIDE
from perplab.sim.state.records import end_with, market_at, view_at


@hot_kernel
def quotes_price(world, m):
    """Return the median of best bid, best ask and last price.

    That is the last price where a side is empty, the index where both are: a stale price would hold
    the band where nobody can quote.
    """
    view = view_at(world, m)
    last = view["last_tick"] * view["tick"]
    if view["best_bid"] == 0 and view["best_ask"] == 0:
        return view["index"]
    if view["best_bid"] == 0 or view["best_ask"] == 0:
        return last
    return rule.quotes_or_last(
        view["best_bid"] * view["tick"], view["best_ask"] * view["tick"], last
    )


@entry("float64", 2, "float64")
def deep_mid(world, m, size):
    """Return the mid of the average prices of selling and buying `size` (asset), within the best
    quotes.
    """
    market, view = market_at(world, m), view_at(world, m)
    notional = size / market["lot"] * view["index"] * market["units_per_price"]
    bid, _ = average_price(world, m, 1, notional)
    ask, _ = average_price(world, m, -1, notional)
    best_bid, best_ask = view["best_bid"] * view["tick"], view["best_ask"] * view["tick"]
    return clamp(0.5 * (bid + ask), best_bid, best_ask)


@hot_kernel
def sample_of(world, m, k, mid):
    """Return what the average of mark input k takes in at a mid price."""
    law, index = market_at(world, m)["mark_law"], view_at(world, m)["index"]
    if rule.reads_quotes(law, k):
        return quotes_price(world, m)
    size = rule.deep_size(law, k)
    return rule.sample_of_mid(law, k, deep_mid(world, m, size) if size > 0.0 else mid, index)


@kernel
def advance_averages(world, m, elapsed):
    """Advance the averages of the mark and of the displacement by liquidations by some seconds."""
    market = market_at(world, m)
    law, mid, longest = (
        market["mark_law"],
        book_mid(world, m),
        rule.longest_window(market["mark_law"]),
    )
    averages, forced = market["mark_average"], market["forced_average"]
    for k in range(rule.INPUTS):
        if rule.is_averaged(law, k):
            window = rule.window_of(law, k)
            if mid > 0.0 or rule.reads_quotes(law, k):
                sample = sample_of(world, m, k, mid)
                averages[k] = decayed_average(averages[k], sample, elapsed, window)
            forced[k] = decayed_average(forced[k], market["forced_shift"], elapsed, window)
    market["forced_shift"] *= math.exp(-elapsed / longest) if longest > 0.0 else 0.0


@hot_kernel
def input_of(world, m, k, forced_weight):
    """Return input k of the mark rule, less `forced_weight` times the displacement by liquidation
    orders.
    """
    market, view = market_at(world, m), view_at(world, m)
    shift = forced_weight * market["forced_shift"]
    return rule.mark_input(
        market["mark_law"],
        k,
        view,
        market["mark_average"][k],
        forced_weight * market["forced_average"][k],
        quotes_price(world, m) - shift,
        view["last_tick"] * view["tick"] - shift,
    )


@kernel
def mark_of(world, m, forced_weight):
    """Return the mark by the venue's rule: the median of three inputs, or the single one."""
    first = input_of(world, m, 0, forced_weight)
    if not rule.has_three_inputs(market_at(world, m)["mark_law"]):
        return first
    second, third = input_of(world, m, 1, forced_weight), input_of(world, m, 2, forced_weight)
    return median_of_three(first, second, third)


@kernel
def update_mark(world, m, seconds):
    """Advance the mark of a market to time `seconds` and set the price band around it."""
    market, view = market_at(world, m), view_at(world, m)
    law, tick = market["mark_law"], market["tick"]
    advance_averages(world, m, seconds - market["mark_seconds"])
    due = rule.is_due(law, market["mark_seconds"], seconds)
    market["mark_seconds"] = seconds
    market["previous_mark"] = view["mark"]
    if due:
        mark = rule.within_clamp(law, mark_of(world, m, 0.0), view["index"])
        view["mark"] = clamp(mark, tick, MOST_TICKS * tick)
        market["counterfactual_mark"] = rule.within_clamp(
            law, mark_of(world, m, 1.0), view["index"]
        )
    set_band(world, m)
    check_open_interest(world, m)


@hot_kernel
def check_open_interest(world, m):
    """End the run if open interest, at the highest price of the band, leaves 64-bit units."""
    market, view = market_at(world, m), view_at(world, m)
    highest = view["mark"] * (1.0 + market["band"]) * market["units_per_price"]
    if rarely(view["open_interest"] * highest > LARGEST_NOTIONAL):
        end_with(world, OPEN_INTEREST_OUTSIDE, m)
