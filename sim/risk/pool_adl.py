"""Pool ADL: close the most profitable positions when open profit exceeds a share of the pool.

The pool's account is the venue's fund. Its worth is its equity before it pays anybody: with all
open profit of traders, which it owes.

References: GMX v2, auto-deleveraging (profit over pool beyond 85 %, until 77 %).
"""

import math

import numpy as np

from perplab.sim.clearing.equity import account_equity, cross_equity, unrealised_at_mark
from perplab.sim.clearing.ledger import book_trade
from perplab.sim.clearing.open_list import open_on_side
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.adl import pool_is_above_target, pool_is_over
from perplab.sim.risk.attribution import NO_CAUSE, NO_PARENT, Trigger, start_event
from perplab.sim.state.codes import ADL
from perplab.sim.state.records import (
    event_at,
    events,
    market_at,
    markets,
    position_at,
    run_row,
    venue_at,
    view_at,
)


@kernel
def side_profit(world, m, side):
    """Return the net unrealised profit of all traders on a side of a market, float units."""
    run, total = run_row(world, 0), 0.0
    for k in range(run["open_count"]):
        i = open_on_side(world, k, m, side)
        if 0 <= i < run["traders"]:
            total += unrealised_at_mark(world, i, m)
    return total


@kernel
def profit_share_owed(world, m, side):
    """Return a side's net profit as a share of the pool's worth; infinite if it has none."""
    profit, v = side_profit(world, m, side), market_at(world, m)["venue"]
    fund_equity = cross_equity(world, venue_at(world, v)["fund_row"], v)
    worth = fund_equity + profit + side_profit(world, m, -side)
    if profit <= 0.0:
        return 0.0
    return profit / worth if worth > 0.0 else math.inf


@kernel
def most_profitable(world, m, side):
    """Return the trader of a side with the largest profit over entry value, -1 if none."""
    run, best, first = run_row(world, 0), 0.0, -1
    for k in range(run["open_count"]):
        i = open_on_side(world, k, m, side)
        if 0 <= i < run["traders"]:
            entry_value = max(abs(position_at(world, i, m)["quote"]), 1)
            gain = unrealised_at_mark(world, i, m) / entry_value
            if gain > best:
                best, first = gain, i
    return first


@kernel
def close_at_mark(world, i, m):
    """Close (i, m) against the pool at the mark, rounded against the trader, without fees."""
    market, position = market_at(world, m), position_at(world, i, m)
    fund, lots = venue_at(world, market["venue"])["fund_row"], position["lots"]
    price = view_at(world, m)["mark"] / market["tick"]
    tick = np.int64(max(math.floor(price) if lots > 0 else math.ceil(price), 1))
    trigger = Trigger(0, NO_PARENT, NO_CAUSE)
    event_index = start_event(world, i, m, trigger, ADL, account_equity(world, i, m))
    book_trade(world, m, fund, i, -lots, tick, 0.0, 0.0)
    event = event_at(world, event_index)
    event["counterparty"], event["lots"] = fund, -lots
    event["value"] = abs(lots) * tick * market["units_per_tick"]
    position["adl_lots"] += abs(lots)


@kernel
def close_side(world, m, side):
    """Close the most profitable positions of a side until its profit is within the target."""
    run, venue = run_row(world, 0), venue_at(world, market_at(world, m)["venue"])
    while pool_is_above_target(venue["adl_law"], profit_share_owed(world, m, side)):
        i = most_profitable(world, m, side)
        if i < 0 or run["event_count"] >= events(world).shape[0]:
            break
        close_at_mark(world, i, m)


@entry("none", 2)
def run_pool_adl(world, v):
    """Run pool ADL in the markets of venue v where a side's profit is beyond the trigger."""
    venue = venue_at(world, v)
    for m in range(markets(world).shape[0]):
        for side in range(-1, 2, 2):
            if market_at(world, m)["venue"] == v and pool_is_over(
                venue["adl_law"], profit_share_owed(world, m, side)
            ):
                close_side(world, m, side)
