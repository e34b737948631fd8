"""Index and mark of each market, and the public averages that traders see.

The mark's averages advance by elapsed time, ``exp(-elapsed / window)``, at the end of trading and between liquidation
rounds. Beside the mark stands the mark *without forced orders*: the same rule on the same inputs, less the displacement
of the mid by forced orders within the mark's longest window.
"""

import math

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.band import set_band
from perplab.sim.exchange.impact_price import average_price, book_mid
from perplab.sim.laws.funding import clamp
from perplab.sim.laws.mark import (
    decayed_average,
    index_plus_funding,
    median_of_three,
    quotes_or_last,
    shrunk_basis,
)
from perplab.sim.state.records import (
    INDEX_PLUS_BASIS,
    INDEX_PLUS_DEEP_BASIS,
    INDEX_PLUS_FUNDING,
    INDEX_PLUS_SHRUNK_BASIS,
    LAST_PRICE,
    MID_AVERAGE,
    MOST_TICKS,
    NO_INPUT,
    QUOTES_AVERAGE,
    QUOTES_OR_LAST,
    market_at,
    view_at,
)


@hot_kernel
def quotes_price(world, m):
    """Return the median of best bid, best ask and last price; the last price where a side is empty,
    the index where both are: a stale price would hold the band where nobody can quote.
    """
    view = view_at(world, m)
    last = view["last_tick"] * view["tick"]
    if view["best_bid"] == 0 and view["best_ask"] == 0:
        return view["index"]
    if view["best_bid"] == 0 or view["best_ask"] == 0:
        return last
    return quotes_or_last(view["best_bid"] * view["tick"], view["best_ask"] * view["tick"], last)


@entry("float64", 3, "float64")
def mark_input_by_law(world, m, k, mid):
    """Return what an averaged input of the mark takes in: the mid, or the basis of the deep or of the plain mid.

    Notes
    -----
    The deep mid lies between the average prices of selling and buying ``mark_number`` of the asset, kept within the quotes.
    """
    market, view = market_at(world, m), view_at(world, m)
    if market["mark_input"][k] == MID_AVERAGE:
        return mid
    if market["mark_input"][k] == INDEX_PLUS_SHRUNK_BASIS:
        return mid - view["index"]
    notional = market["mark_number"][k] / market["lot"] * view["index"] * market["units_per_price"]
    bid, _ = average_price(world, m, 1, notional)
    ask, _ = average_price(world, m, -1, notional)
    return (
        clamp(0.5 * (bid + ask), view["best_bid"] * view["tick"], view["best_ask"] * view["tick"])
        - view["index"]
    )


@kernel
def advance_averages(world, m, elapsed):
    """Let the mark's averages, and those of the forced displacement, take the present book for `elapsed` seconds."""
    market, view = market_at(world, m), view_at(world, m)
    mid, longest = book_mid(world, m), 0.0
    for k in range(3):
        kind, window = market["mark_input"][k], market["mark_window"][k]
        longest = max(longest, window)
        if kind == INDEX_PLUS_BASIS and mid > 0.0:
            market["mark_average"][k] = decayed_average(
                market["mark_average"][k], mid - view["index"], elapsed, window
            )
        if kind == QUOTES_AVERAGE:
            market["mark_average"][k] = decayed_average(
                market["mark_average"][k], quotes_price(world, m), elapsed, window
            )
        if kind >= MID_AVERAGE and mid > 0.0:
            market["mark_average"][k] = decayed_average(
                market["mark_average"][k], mark_input_by_law(world, m, k, mid), elapsed, window
            )
        if kind == INDEX_PLUS_BASIS or kind == QUOTES_AVERAGE or kind >= MID_AVERAGE:
            market["forced_average"][k] = decayed_average(
                market["forced_average"][k], market["forced_shift"], elapsed, window
            )
    market["forced_shift"] *= math.exp(-elapsed / longest) if longest > 0.0 else 0.0


@hot_kernel
def mark_input(world, m, k, forced_weight):
    """Return input k of the mark rule, less `forced_weight` times the displacement by forced orders."""
    market, view = market_at(world, m), view_at(world, m)
    kind = market["mark_input"][k]
    if kind == INDEX_PLUS_FUNDING:
        return index_plus_funding(
            view["index"],
            view["funding_rate"],
            view["seconds_to_settlement"],
            view["interval_seconds"],
        )
    if kind == INDEX_PLUS_BASIS:
        return (
            view["index"] + market["mark_average"][k] - forced_weight * market["forced_average"][k]
        )
    if kind == LAST_PRICE:
        return view["last_tick"] * view["tick"] - forced_weight * market["forced_shift"]
    if kind == QUOTES_OR_LAST:
        return quotes_price(world, m) - forced_weight * market["forced_shift"]
    if kind == INDEX_PLUS_DEEP_BASIS:
        return (
            view["index"] + market["mark_average"][k] - forced_weight * market["forced_average"][k]
        )
    if kind == INDEX_PLUS_SHRUNK_BASIS:
        basis = market["mark_average"][k] - forced_weight * market["forced_average"][k]
        return view["index"] + shrunk_basis(basis, view["index"] * market["mark_number"][k])
    if kind == QUOTES_AVERAGE or kind == MID_AVERAGE:
        return market["mark_average"][k] - forced_weight * market["forced_average"][k]
    return view["index"]


@kernel
def mark_of(world, m, forced_weight):
    """Return the mark by the venue's rule: the median of three inputs, or the single one."""
    market = market_at(world, m)
    first = mark_input(world, m, 0, forced_weight)
    if market["mark_input"][1] == NO_INPUT:
        return first
    return median_of_three(
        first, mark_input(world, m, 1, forced_weight), mark_input(world, m, 2, forced_weight)
    )


@hot_kernel
def mark_due(before, now, refresh):
    """Return whether a venue that refreshes its mark every `refresh` seconds (0: always) does so between two times.

    Examples
    --------
    >>> mark_due(61.0, 119.0, 60.0), mark_due(61.0, 120.0, 60.0), mark_due(61.0, 62.0, 0.0)
    (False, True, True)
    """
    return refresh == 0.0 or math.floor(now / refresh) > math.floor(before / refresh)


@kernel
def update_mark(world, m, seconds):
    """Advance the mark of a market to time `seconds` and set the band that hangs on it."""
    market, view = market_at(world, m), view_at(world, m)
    advance_averages(world, m, seconds - market["mark_seconds"])
    due = mark_due(market["mark_seconds"], seconds, market["mark_refresh"])
    market["mark_seconds"] = seconds
    market["previous_mark"] = view["mark"]
    if due:
        low, high = (
            view["index"] * (1.0 - market["mark_clamp"]),
            view["index"] * (1.0 + market["mark_clamp"]),
        )
        view["mark"] = clamp(
            clamp(mark_of(world, m, 0.0), low, high), market["tick"], MOST_TICKS * market["tick"]
        )
        market["counterfactual_mark"] = clamp(mark_of(world, m, 1.0), low, high)
    set_band(world, m)
