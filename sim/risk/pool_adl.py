"""The closing of winners in a pool: once the profit of a side is too large a part of what the pool is worth, the most profitable go first.

The pool's account is the venue's fund; what it is worth before it pays anybody is its equity and all open profit of traders, which it owes.

References: GMX v2, auto-deleveraging (profit over pool beyond 85 %, until 77 %).
"""

import math

import numpy as np

from perplab.sim.clearing.equity import cross_equity, open_profit
from perplab.sim.clearing.ledger import exchange
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.risk.attribution import start_event
from perplab.sim.state.records import (
    ADL,
    event_at,
    events,
    market_at,
    markets,
    open_position_at,
    position_at,
    run_row,
    venue_at,
    view_at,
)


@kernel
def side_profit(world, m, side):
    """Return the net open profit of all traders on a side of a market, float units."""
    run, width, total = run_row(world, 0), markets(world).shape[0], 0.0
    for h in range(run["open_count"]):
        i = open_position_at(world, h) // width
        if (
            open_position_at(world, h) % width == m
            and i < run["traders"]
            and position_at(world, i, m)["lots"] * side > 0
        ):
            total += open_profit(world, i, m)
    return total


@kernel
def profit_share_owed(world, m, side):
    """Return the part of the pool's worth that a side's net profit is; infinite where the pool is worth nothing."""
    profit, v = side_profit(world, m, side), market_at(world, m)["venue"]
    worth = (
        cross_equity(world, venue_at(world, v)["fund_row"], v)
        + profit
        + side_profit(world, m, -side)
    )
    if profit <= 0.0:
        return 0.0
    return profit / worth if worth > 0.0 else math.inf


@kernel
def most_profitable(world, m, side):
    """Return the trader of a side with the largest profit for what was paid, -1 if none has any."""
    run, width, best, winner = run_row(world, 0), markets(world).shape[0], 0.0, -1
    for h in range(run["open_count"]):
        i = open_position_at(world, h) // width
        if (
            open_position_at(world, h) % width == m
            and i < run["traders"]
            and position_at(world, i, m)["lots"] * side > 0
        ):
            gain = open_profit(world, i, m) / max(abs(position_at(world, i, m)["quote"]), 1)
            if gain > best:
                best, winner = gain, i
    return winner


@kernel
def close_most_profitable(world, i, m):
    """Close position (i, m) against the pool at the mark, rounded to a tick against the trader, without fees."""
    market, position = market_at(world, m), position_at(world, i, m)
    fund, lots = venue_at(world, market["venue"])["fund_row"], position["lots"]
    price = view_at(world, m)["mark"] / market["tick"]
    tick = np.int64(max(math.floor(price) if lots > 0 else math.ceil(price), 1))
    kept = start_event(world, i, m, 0, -1, -1, ADL)
    exchange(world, m, fund, i, -lots, tick, 0.0, 0.0)
    event = event_at(world, kept)
    event["counterparty"], event["lots"], event["value"] = (
        fund,
        -lots,
        abs(lots) * tick * market["units_per_tick"],
    )
    position["adl_lots"] += abs(lots)


@entry("none", 2)
def run_pool_adl(world, v):
    """Close winners in the markets of venue v where a side's profit is beyond the trigger, until it is within the target."""
    run, venue = run_row(world, 0), venue_at(world, v)
    for m in range(markets(world).shape[0]):
        for side in range(-1, 2, 2):
            if (
                market_at(world, m)["venue"] == v
                and profit_share_owed(world, m, side) > venue["pool_adl_trigger"]
            ):
                while (
                    profit_share_owed(world, m, side) > venue["pool_adl_target"]
                    and run["event_count"] < events(world).shape[0]
                ):
                    i = most_profitable(world, m, side)
                    if i < 0:
                        break
                    close_most_profitable(world, i, m)
