"""Stop orders: one a position, triggered by the mark, that close it at market.

A trader states the trigger; the venue watches it at every step. A long is closed when the mark is
at the trigger or below, a short when it is at the trigger or above: a reduce-only market order
within the price band, at the taker fee. What it cannot fill is tried again at every step while the
mark is there. Each market keeps the outermost triggers of its positions, so that all positions are
looked at only when the mark has reached one.
"""

import numpy as np

from perplab.sim.clearing.open_list import open_position
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.matching import after_discount, match
from perplab.sim.state.codes import DONE, NOTHING_TO_DO
from perplab.sim.state.records import (
    account_at,
    market_at,
    markets,
    position_at,
    put_stop_tick,
    run_row,
    stop_tick_at,
    venue_at,
    view_at,
)


@hot_kernel
def watch(market, tick, lots):
    """Widen what the market watches by the trigger of a position of `lots`."""
    if lots > 0:
        market["highest_long_stop"] = max(market["highest_long_stop"], tick)
    else:
        market["lowest_short_stop"] = min(market["lowest_short_stop"], tick)


@hot_kernel
def place_stop(world, i, row):
    """Set the trigger of trader i in a market, in ticks; 0 lots remove it. Return the outcome.

    There is none without a position.
    """
    m = row["market"]
    lots, tick = position_at(world, i, m)["lots"], (row["tick"] if row["lots"] > 0 else 0)
    if lots == 0:
        return NOTHING_TO_DO
    put_stop_tick(world, i, m, tick)
    if tick > 0:
        watch(market_at(world, m), tick, lots)
    return DONE


@kernel
def is_triggered(mark_ticks, tick, lots):
    """Return whether a position of signed lots with a stop at `tick` is to be closed."""
    if tick == 0 or lots == 0:
        return False
    return mark_ticks <= tick if lots > 0 else mark_ticks >= tick


@kernel
def close_at_market(world, i, m):
    """Send the market order of a triggered stop."""
    market, lots = market_at(world, m), position_at(world, i, m)["lots"]
    v, side = market["venue"], (-1 if lots > 0 else 1)
    fee = after_discount(venue_at(world, v)["taker_fee"], account_at(world, i, v)["taker_discount"])
    limit = market["band_high"] if side > 0 else market["band_low"]
    match(world, i, m, side, limit, abs(lots), 0, fee)


@kernel
def reset_watch(market):
    """Forget the outermost triggers of a market."""
    market["highest_long_stop"], market["lowest_short_stop"] = 0, np.int64(1) << 62


@entry("none", 2, "float64")
def run_stops(world, m, mark_ticks):
    """Close the positions of market m whose stop is triggered; find the outermost ones left."""
    run, market = run_row(world, 0), market_at(world, m)
    reset_watch(market)
    for k in range(run["open_count"] - 1, -1, -1):
        if k >= run["open_count"]:
            continue
        i, other = open_position(world, k)
        if other == m and i < run["traders"]:
            if is_triggered(
                mark_ticks, stop_tick_at(world, i, m), position_at(world, i, m)["lots"]
            ):
                close_at_market(world, i, m)
            if stop_tick_at(world, i, m) > 0:
                watch(market, stop_tick_at(world, i, m), position_at(world, i, m)["lots"])


@kernel
def is_reached(market, mark_ticks):
    """Return whether the mark has reached an outermost trigger of a market."""
    return not market["highest_long_stop"] < mark_ticks < market["lowest_short_stop"]


@kernel
def stops_are_due(world, v):
    """Return whether some stop of venue v may be triggered by the marks."""
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        if market["venue"] == v and is_reached(market, view_at(world, m)["mark"] / market["tick"]):
            return True
    return False


@kernel
def trigger_stops(world, v):
    """Look at the stops of venue v after its marks have changed."""
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        ticks = view_at(world, m)["mark"] / market["tick"]
        if market["venue"] == v and is_reached(market, ticks):
            run_stops(world, m, ticks)
