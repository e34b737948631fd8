"""Forced events and who pushed whom: the parent and the cause of each account's fall below maintenance.

A node is one (account, market, episode): partial slices of one liquidation share it. It is *endogenous* if the equity
behind the position would be at or above maintenance at the mark without forced orders; its parent is then the node
of the first forced order, in sequence, after which equity was below maintenance. Otherwise it is an immigrant,
and its cause is whatever took most of its equity: the index, trading (the basis), funding, fees, or a collateral
transfer when none of them took any.
"""

import math

import numpy as np

from perplab.sim.clearing.equity import account_equity
from perplab.sim.clearing.ledger import fees_received, funding_received
from perplab.sim.clearing.maintenance import tier_maintenance
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.margin import bankruptcy_price
from perplab.sim.laws.mark import longest_window
from perplab.sim.state.records import (
    CAUSE_COLLATERAL,
    CAUSE_FEE,
    CAUSE_FUNDING,
    CAUSE_INDEX,
    CAUSE_TRADING,
    ENDOGENOUS,
    event_at,
    forced,
    forced_at,
    market_at,
    position_at,
    run_row,
    view_at,
)


@kernel
def index_profit(world, i, m):
    """Return what the index's moves have earned the open position, float units."""
    position, market = position_at(world, i, m), market_at(world, m)
    return (position["index_cost"] + position["lots"] * view_at(world, m)["index"]) * market[
        "units_per_price"
    ]


@kernel
def price_profit(world, i, m):
    """Return what the open position has earned at the mark, realised parts included, float units."""
    position, market = position_at(world, i, m), market_at(world, m)
    return (
        position["realised"]
        + position["quote"]
        + position["lots"] * view_at(world, m)["mark"] * market["units_per_price"]
    )


@kernel
def immigrant_cause(world, i, m):
    """Return the code of the component that took most of the position's equity."""
    position = position_at(world, i, m)
    by_index = index_profit(world, i, m)
    cause, worst = CAUSE_COLLATERAL, 0.0
    if by_index < worst:
        cause, worst = CAUSE_INDEX, by_index
    if price_profit(world, i, m) - by_index < worst:
        cause, worst = CAUSE_TRADING, price_profit(world, i, m) - by_index
    if funding_received(position) < worst:
        cause, worst = CAUSE_FUNDING, float(funding_received(position))
    if fees_received(position) < worst:
        cause = CAUSE_FEE
    return cause


@kernel
def forced_weight(world, m, entry, now, window):
    """Return the displacement of one remembered forced order that is still within the mark's window."""
    if entry["market"] != m or entry["sequence"] < 0:
        return 0.0
    return entry["mid_shift"] * math.exp((entry["seconds"] - now) / window)


@kernel
def parent_of(world, i, m, maintenance):
    """Return ``(parent node or -1, cause)`` of position (i, m), whose purse has fallen below `maintenance` units."""
    market, view, history = market_at(world, m), view_at(world, m), forced(world)
    lots, now = position_at(world, i, m)["lots"], market["mark_seconds"]
    pushed = lots * (view["mark"] - market["counterfactual_mark"]) * market["units_per_price"]
    unforced_equity = account_equity(world, i, m) - pushed
    maintenance += tier_maintenance(world, i, m, market["counterfactual_mark"]) - tier_maintenance(
        world, i, m, view["mark"]
    )
    if pushed >= 0.0 or unforced_equity < maintenance:
        return -1, immigrant_cause(world, i, m)
    window = max(longest_window(market["mark_law"]), 1.0)
    count, size = run_row(world, 0)["forced_count"], history.shape[0]
    first, total, running, parent = max(count - size, 0), 0.0, 0.0, -1
    for k in range(first, count):
        total += forced_weight(world, m, history[k % size], now, window)
    for k in range(first, count):
        weight = forced_weight(world, m, history[k % size], now, window)
        running += weight
        if weight != 0.0:
            parent = history[k % size]["node"]
            if unforced_equity + pushed * running / total < maintenance:
                break
    return (parent, ENDOGENOUS) if parent >= 0 else (-1, immigrant_cause(world, i, m))


@kernel
def remember_forced(world, m, node, mid_shift):
    """Remember a forced order and add its displacement of the mid to the market's."""
    run, market = run_row(world, 0), market_at(world, m)
    entry = forced_at(world, run["forced_count"] % forced(world).shape[0])
    entry["sequence"], entry["node"], entry["market"] = run["sequence"], node, m
    entry["seconds"], entry["mid_shift"] = market["mark_seconds"], mid_shift
    run["forced_count"] += 1
    market["forced_shift"] += mid_shift


@kernel
def start_event(world, i, m, number, parent, cause, kind):
    """Begin the record of a forced event and return its place; parent -2 means a further slice of its node."""
    run, market, view, position = (
        run_row(world, 0),
        market_at(world, m),
        view_at(world, m),
        position_at(world, i, m),
    )
    place = run["event_count"]
    run["event_count"] += 1
    run["sequence"] += 1
    event = event_at(world, place)
    event["sequence"], event["step"], event["round"], event["seconds"] = (
        run["sequence"],
        run["step"],
        number,
        market["mark_seconds"],
    )
    event["market"], event["trader"], event["counterparty"], event["kind"] = m, i, -1, kind
    event["node"], event["parent"], event["cause"] = position["node"], parent, cause
    event["lots"], event["value"], event["fund_change"], event["mid_shift"] = 0, 0, 0, 0.0
    event["mark"], event["counterfactual_mark"] = view["mark"], market["counterfactual_mark"]
    equity = account_equity(world, i, m)
    event["equity"] = np.int64(math.floor(equity))
    event["bankruptcy_price"] = bankruptcy_price(
        view["mark"], equity, position["lots"], market["units_per_price"]
    )
    event["index_pnl"] = index_profit(world, i, m)
    event["basis_pnl"] = price_profit(world, i, m) - event["index_pnl"]
    event["funding"], event["fees"] = funding_received(position), fees_received(position)
    return place
