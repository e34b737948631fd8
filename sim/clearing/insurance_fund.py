"""Transfers of positions and money between traders and a venue's insurance fund."""

import numpy as np

from perplab.sim.clearing.equity import cross_equity
from perplab.sim.clearing.ledger import credit, fill
from perplab.sim.clearing.open_list import remove_open_position
from perplab.sim.compiler.jit import kernel
from perplab.sim.state.records import (
    account_at,
    event_at,
    market_at,
    position_at,
    venue_at,
    view_at,
)


@kernel
def move_position(world, i, m, fund):
    """Transfer a position with its entry value to the fund; the margin account stays.

    Returns the unrealised profit that moves with it, in units, at the tick nearest to the mark.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    lots, quote = position["lots"], position["quote"]
    mark_tick = np.int64(round(view_at(world, m)["mark"] / market["tick"]))
    gain = quote + lots * mark_tick * market["units_per_tick"]
    position["lots"], position["quote"] = 0, 0
    position["realised"] += gain
    position["index_cost"] += lots * view_at(world, m)["index"]
    view_at(world, m)["open_interest"] -= max(lots, 0)
    remove_open_position(world, i, m)
    fill(world, fund, m, lots, mark_tick, np.int64(0))
    credit(world, fund, m, gain)
    return gain


@kernel
def margin_balance(world, i, m):
    """Return the balance of the margin account of (i, m), units, without unrealised profit."""
    position = position_at(world, i, m)
    if position["isolated"] == 1:
        return position["isolated_margin"]
    return account_at(world, i, market_at(world, m)["venue"])["collateral"]


@kernel
def move_margin_account(world, i, m, fund):
    """Transfer the balance (of either sign) behind (i, m) to the fund and return it, in units."""
    v, position = market_at(world, m)["venue"], position_at(world, i, m)
    units = margin_balance(world, i, m)
    if position["isolated"] == 1:
        position["isolated_margin"] = 0
    else:
        account_at(world, i, v)["collateral"] = 0
    account_at(world, fund, v)["collateral"] += units
    return units


@kernel
def charge_to_fund(world, i, m, units, released):
    """Charge a liquidation fee, pay the liquidator's part, return the fund's (rounded up)."""
    venue = venue_at(world, market_at(world, m)["venue"])
    passed_on = np.int64(units * (1.0 - venue["liquidation_fund_share"]))
    pay_to_fund(world, i, m, units, released)
    position_at(world, i, m)["all_fees"] -= units
    account_at(world, venue["fund_row"], market_at(world, m)["venue"])["collateral"] -= passed_on
    venue["liquidators"] += passed_on
    return units - passed_on


@kernel
def pay_to_fund(world, i, m, units, released):
    """Pay units to the venue's fund and return them.

    They come first from the isolated margin that has just been `released` to the account's
    collateral, then from the margin account of (i, m).
    """
    v = market_at(world, m)["venue"]
    from_account = min(units, released)
    account_at(world, i, v)["collateral"] -= from_account
    credit(world, i, m, from_account - units)
    account_at(world, venue_at(world, v)["fund_row"], v)["collateral"] += units
    return units


@kernel
def fund_covers_deficit(world, i, m, event_index):
    """Let the fund pay the deficit of a margin account whose position has been liquidated.

    The payment is added to the `fund_change` of the event.
    """
    v, position = market_at(world, m)["venue"], position_at(world, i, m)
    in_deficit = position["isolated"] == 1 or cross_equity(world, i, v) < 0.0
    if margin_balance(world, i, m) < 0 and in_deficit:
        fund = venue_at(world, v)["fund_row"]
        event_at(world, event_index)["fund_change"] += move_margin_account(world, i, m, fund)
