"""Index and mark of each market, and the public averages that traders see.

The mark's averages advance by elapsed time, ``exp(-elapsed / window)``, at the end of trading and between liquidation
rounds. Beside the mark stands the mark *without forced orders*: the same rule on the same inputs, less the displacement
of the mid by forced orders within the mark's longest window.
"""

import math

from perplab.sim.exchange.book import depth_to, shift_window
from perplab.sim.laws.funding import clamp
from perplab.sim.prices.sources import price_of_sources
from perplab.sim.compiler.jit import entry, hot_kernel, kernel
from perplab.sim.laws.mark import decayed_average, index_plus_funding, median_of_three, moved, quotes_or_last, shrunk_basis
from perplab.sim.exchange.amm import pool_room, quote_pool
from perplab.sim.state.records import (
    BOOK,
    INDEX_PLUS_BASIS,
    INDEX_PLUS_DEEP_BASIS,
    INDEX_PLUS_FUNDING,
    INDEX_PLUS_SHRUNK_BASIS,
    LAST_PRICE,
    MID_AVERAGE,
    MOST_TICKS,
    NO_INPUT,
    ONE_SOURCE,
    QUOTES_AVERAGE,
    QUOTES_OR_LAST,
    asset_at,
    market_at,
    run_row,
    view_at,
)
from perplab.sim.funding.premium_samples import average_price, book_mid

DEPTH_BAND = 0.001
BANDS_BELOW = 4                     # widths of the band that a ladder must have at least: a quarter lies on either side of the mark


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
def other_input(world, m, k, mid):
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
    return clamp(0.5 * (bid + ask), view["best_bid"] * view["tick"], view["best_ask"] * view["tick"]) - view["index"]


@kernel
def advance_averages(world, m, elapsed):
    """Let the mark's averages, and those of the forced displacement, take the present book for `elapsed` seconds."""
    market, view = market_at(world, m), view_at(world, m)
    mid, longest = book_mid(world, m), 0.0
    for k in range(3):
        kind, window = market["mark_input"][k], market["mark_window"][k]
        longest = max(longest, window)
        if kind == INDEX_PLUS_BASIS and mid > 0.0:
            market["mark_average"][k] = decayed_average(market["mark_average"][k], mid - view["index"], elapsed, window)
        if kind == QUOTES_AVERAGE:
            market["mark_average"][k] = decayed_average(market["mark_average"][k], quotes_price(world, m), elapsed, window)
        if kind >= MID_AVERAGE and mid > 0.0:
            market["mark_average"][k] = decayed_average(market["mark_average"][k], other_input(world, m, k, mid), elapsed, window)
        if kind == INDEX_PLUS_BASIS or kind == QUOTES_AVERAGE or kind >= MID_AVERAGE:
            market["forced_average"][k] = decayed_average(market["forced_average"][k], market["forced_shift"], elapsed, window)
    market["forced_shift"] *= math.exp(-elapsed / longest) if longest > 0.0 else 0.0


@hot_kernel
def mark_input(world, m, k, forced_weight):
    """Return input k of the mark rule, less `forced_weight` times the displacement by forced orders."""
    market, view = market_at(world, m), view_at(world, m)
    kind = market["mark_input"][k]
    if kind == INDEX_PLUS_FUNDING:
        return index_plus_funding(view["index"], view["funding_rate"], view["seconds_to_settlement"], view["interval_seconds"])
    if kind == INDEX_PLUS_BASIS:
        return view["index"] + market["mark_average"][k] - forced_weight * market["forced_average"][k]
    if kind == LAST_PRICE:
        return view["last_tick"] * view["tick"] - forced_weight * market["forced_shift"]
    if kind == QUOTES_OR_LAST:
        return quotes_price(world, m) - forced_weight * market["forced_shift"]
    if kind == INDEX_PLUS_DEEP_BASIS:
        return view["index"] + market["mark_average"][k] - forced_weight * market["forced_average"][k]
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
    return median_of_three(first, mark_input(world, m, 1, forced_weight), mark_input(world, m, 2, forced_weight))


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
        low, high = view["index"] * (1.0 - market["mark_clamp"]), view["index"] * (1.0 + market["mark_clamp"])
        view["mark"] = clamp(clamp(mark_of(world, m, 0.0), low, high), market["tick"], MOST_TICKS * market["tick"])
        market["unforced_mark"] = clamp(mark_of(world, m, 1.0), low, high)
    set_band(world, m)


@kernel
def set_band(world, m):
    """Set the band of prices around the mark, inside the ladder; ask for a wider ladder where that cuts it, or soon may."""
    run, market = run_row(world, 0), market_at(world, m)
    centre, top = view_at(world, m)["mark"] / market["tick"], market["window_low"] + market["window"] - 1
    market["band_low"] = max(int(math.ceil(centre * (1.0 - market["band"]))), market["window_low"], 1)
    market["band_high"] = min(int(math.floor(centre * (1.0 + market["band"]))), top)
    if BANDS_BELOW * market["band"] * centre > market["window"]:
        run["wider"] = max(run["wider"], int(2.0 * BANDS_BELOW * market["band"] * centre))


@kernel
def recentre(world, m):
    """Move the ladder's window, and cut the band to it, when the mark has left its middle half."""
    market = market_at(world, m)
    offset = int(view_at(world, m)["mark"] / market["tick"]) - market["window_low"]
    low = max(market["window_low"] + offset - market["window"] // 2, 1)
    if abs(offset - market["window"] // 2) > market["window"] // 4 and low != market["window_low"]:
        shift_window(world, m, low)
        set_band(world, m)


@kernel
def update_index(world, m):
    """Set index and spot of a market's view from its asset; the index lags by its window."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    asset = asset_at(world, market["asset"])
    view["spot"], view["sentiment"], view["borrow_rate"] = asset["spot"], asset["sentiment"], asset["borrow_rate"]
    now = asset["spot"] if market["index_law"] == ONE_SOURCE else price_of_sources(world, m)
    index = decayed_average(view["index"], now, run["dt"], market["index_window"])
    view["index"] = clamp(index, market["tick"], MOST_TICKS * market["tick"])
    if market["place"] != BOOK:
        quote_pool(world, m)


@hot_kernel
def depth_near(world, m, side, tick):
    """Return the lots of a side (+1: bids) as far as a tick, of the book or of the pool."""
    market = market_at(world, m)
    if market["place"] != BOOK:
        return pool_room(world, m, -side, tick * market["tick"])
    return depth_to(world, m, side, tick)


@kernel
def update_public_averages(world, m):
    """Bring basis, depth, trends and volatility of a view up to date at the end of trading."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    mid = book_mid(world, m)
    if mid > 0.0:
        log_mid = math.log(mid)
        change = log_mid - view["log_mid"]
        variance = moved(view["volatility"] * view["volatility"], change * change / run["dt"], run["weight_1h"])
        view["volatility"], view["log_mid"] = math.sqrt(variance), log_mid
        view["log_mid_1h"] = moved(view["log_mid_1h"], log_mid, run["weight_1h"])
        view["log_mid_1d"] = moved(view["log_mid_1d"], log_mid, run["weight_1d"])
        view["trend_1h"], view["trend_1d"] = log_mid - view["log_mid_1h"], log_mid - view["log_mid_1d"]
        view["basis_mid"] = mid / view["spot"] - 1.0
        view["mid_110m"] = moved(view["mid_110m"], log_mid - math.log(view["spot"]), run["weight_110m"])
        reach = int(mid / market["tick"] * DEPTH_BAND)
        centre = int(mid / market["tick"])
        view["depth_bid"] = depth_near(world, m, 1, centre - reach)
        view["depth_ask"] = depth_near(world, m, -1, centre + reach)
    else:
        view["depth_bid"] = depth_to(world, m, 1, market["window_low"])
        view["depth_ask"] = depth_to(world, m, -1, market["window_low"] + market["window"])
