"""Liquidation events and their attribution: parent and cause of each fall below maintenance.

A node is one (account, market, episode): partial slices of one liquidation share it. A node is
*endogenous* if the equity behind the position would be at or above maintenance at the mark without
liquidation orders; its parent is then the node of the first liquidation order, in sequence, after
which equity was below maintenance. Otherwise it is an immigrant, and its cause is the largest loss:
by the index, trading (the basis), funding or fees, or a collateral transfer if none lost anything.
"""

import math
from typing import NamedTuple

from perplab.sim.clearing.equity import recorded_units, value_of
from perplab.sim.clearing.ledger import fees_received, funding_received
from perplab.sim.clearing.maintenance import maintenance_at
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.liquidation import bankruptcy_price
from perplab.sim.laws.mark import longest_window
from perplab.sim.state.codes import (
    CAUSE_COLLATERAL,
    CAUSE_FEE,
    CAUSE_FUNDING,
    CAUSE_INDEX,
    CAUSE_TRADING,
    ENDOGENOUS,
)
from perplab.sim.state.records import (
    event_at,
    forced,
    forced_at,
    market_at,
    position_at,
    run_row,
    view_at,
)

NO_PARENT, SAME_NODE, NO_CAUSE = -1, -2, -1


class Trigger(NamedTuple):
    """What set off a liquidation event: its round, the parent node (or a code) and the cause."""

    round_index: int
    parent: int
    cause: int


@kernel
def next_slice(trigger):
    """Return the `Trigger` of a further slice of the same node."""
    round_index, _, _ = trigger
    return Trigger(round_index, SAME_NODE, NO_CAUSE)


@kernel
def index_profit(world, i, m):
    """Return the profit of the open position from moves of the index, float units."""
    position, market = position_at(world, i, m), market_at(world, m)
    profit = position["index_cost"] + position["lots"] * view_at(world, m)["index"]
    return profit * market["units_per_price"]


@kernel
def price_profit(world, i, m):
    """Return the profit of the open position at the mark with what it has realised, float units."""
    position = position_at(world, i, m)
    value = value_of(position["lots"], market_at(world, m), view_at(world, m)["mark"])
    return position["realised"] + position["quote"] + value


@kernel
def immigrant_cause(world, i, m):
    """Return the code of the component that lost most of the position's equity."""
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
def remaining_shift(world, m, order, now, window):
    """Return the mid displacement of a remembered liquidation order that still moves the mark.

    It decays exponentially with the time scale `window`, seconds.
    """
    if order["market"] != m or order["sequence"] < 0:
        return 0.0
    return order["mid_shift"] * math.exp((order["seconds"] - now) / window)


@kernel
def mark_memory(market):
    """Return the longest averaging window of the market's mark, seconds, at least 1."""
    return max(longest_window(market["mark_law"]), 1.0)


@kernel
def triggering_node(world, m, equity, pushed, maintenance):
    """Return the node of the first order that takes equity below maintenance, -1 if none.

    `equity` is without liquidation orders, `pushed` what they all have changed it by, in units; it
    is divided among the orders by `remaining_shift`.
    """
    market, history = market_at(world, m), forced(world)
    now, window = market["mark_seconds"], mark_memory(market)
    count, size = run_row(world, 0)["forced_count"], history.shape[0]
    first, total, running, parent = max(count - size, 0), 0.0, 0.0, NO_PARENT
    for k in range(first, count):
        total += remaining_shift(world, m, history[k % size], now, window)
    for k in range(first, count):
        weight = remaining_shift(world, m, history[k % size], now, window)
        running += weight
        if weight != 0.0:
            parent = history[k % size]["node"]
            if equity + pushed * running / total < maintenance:
                break
    return parent


@kernel
def parent_of(world, i, m, equity, maintenance):
    """Return ``(parent node or -1, cause)`` of position (i, m), which is below maintenance.

    `equity` and `maintenance` of its margin account at the mark are float units.
    """
    market, mark = market_at(world, m), view_at(world, m)["mark"]
    counterfactual_mark = market["counterfactual_mark"]
    pushed = value_of(position_at(world, i, m)["lots"], market, mark - counterfactual_mark)
    counterfactual_equity = equity - pushed
    maintenance += maintenance_at(world, i, m, counterfactual_mark) - maintenance_at(
        world, i, m, mark
    )
    if pushed >= 0.0 or counterfactual_equity < maintenance:
        return NO_PARENT, immigrant_cause(world, i, m)
    parent = triggering_node(world, m, counterfactual_equity, pushed, maintenance)
    if parent >= 0:
        return parent, ENDOGENOUS
    return NO_PARENT, immigrant_cause(world, i, m)


@kernel
def remember_liquidation_order(world, m, node, mid_shift):
    """Remember a liquidation order and add its displacement of the mid to the market's."""
    run, market = run_row(world, 0), market_at(world, m)
    order = forced_at(world, run["forced_count"] % forced(world).shape[0])
    order["sequence"], order["node"], order["market"] = run["sequence"], node, m
    order["seconds"], order["mid_shift"] = market["mark_seconds"], mid_shift
    run["forced_count"] += 1
    market["forced_shift"] += mid_shift


@kernel
def drop_last_event(world):
    """Drop the record of the event that began last: nothing came of it."""
    run = run_row(world, 0)
    run["event_count"] -= 1
    run["sequence"] -= 1


@kernel
def start_event(world, i, m, trigger, kind, equity):
    """Begin the record of a liquidation event of position (i, m) and return its index.

    `equity` of its margin account is in float units. The caller adds counterparty, lots and money.
    """
    run, market, mark = run_row(world, 0), market_at(world, m), view_at(world, m)["mark"]
    event_index, position = run["event_count"], position_at(world, i, m)
    run["event_count"] += 1
    run["sequence"] += 1
    event = event_at(world, event_index)
    event["round"], event["parent"], event["cause"] = trigger
    event["sequence"], event["step"] = run["sequence"], run["step"]
    event["seconds"], event["market"], event["trader"] = market["mark_seconds"], m, i
    event["kind"], event["node"], event["counterparty"] = kind, position["node"], -1
    event["lots"], event["value"], event["fund_change"], event["mid_shift"] = 0, 0, 0, 0.0
    event["mark"], event["counterfactual_mark"] = mark, market["counterfactual_mark"]
    event["equity"] = recorded_units(world, i, float(math.floor(equity)))
    event["bankruptcy_price"] = bankruptcy_price(
        mark, equity, position["lots"], market["units_per_price"]
    )
    event["index_pnl"] = index_profit(world, i, m)
    event["basis_pnl"] = price_profit(world, i, m) - event["index_pnl"]
    event["funding"], event["fees"] = funding_received(position), fees_received(position)
    return event_index
