"""What passes between traders and a venue's insurance fund."""

import numpy as np

from perplab.sim.clearing.equity import cross_equity
from perplab.sim.clearing.ledger import credit, fill, remove_open_position
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
    """Hand a position with its entry value, and so its unrealised profit, to the fund; the purse stays. Return the
    units of that profit at the mark's tick."""
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
def move_margin_account(world, i, m, fund):
    """Hand what is left in the purse of (i, m), positive or negative, to the fund; return the units moved."""
    v, position = market_at(world, m)["venue"], position_at(world, i, m)
    account = account_at(world, i, v)
    units = position["isolated_margin"] if position["isolated"] == 1 else account["collateral"]
    if position["isolated"] == 1:
        position["isolated_margin"] = 0
    else:
        account["collateral"] = 0
    account_at(world, fund, v)["collateral"] += units
    return units


@kernel
def charge_to_fund(world, i, m, units, released):
    """Move a liquidation fee to the venue's fund, the liquidator's part to him; return the fund's, which is rounded up."""
    venue = venue_at(world, market_at(world, m)["venue"])
    passed_on = np.int64(units * (1.0 - venue["liquidation_fund_share"]))
    pay_to_fund(world, i, m, units, released)
    position_at(world, i, m)["all_fees"] -= units
    account_at(world, venue["fund_row"], market_at(world, m)["venue"])["collateral"] -= passed_on
    venue["liquidators"] += passed_on
    return units - passed_on


@kernel
def pay_to_fund(world, i, m, units, released):
    """Move units to the venue's fund and return them: first from what a isolated_margin has just `released` to the account, then from the purse of (i, m)."""
    v = market_at(world, m)["venue"]
    from_account = min(units, released)
    account_at(world, i, v)["collateral"] -= from_account
    credit(world, i, m, from_account - units)
    account_at(world, venue_at(world, v)["fund_row"], v)["collateral"] += units
    return units


@kernel
def fund_covers_deficit(world, i, m, kept):
    """Let the fund pay what is missing in the purse of a position that has been closed by force."""
    v, position = market_at(world, m)["venue"], position_at(world, i, m)
    account = account_at(world, i, v)
    short = position["isolated_margin"] if position["isolated"] == 1 else account["collateral"]
    if short < 0 and (position["isolated"] == 1 or cross_equity(world, i, v) < 0.0):
        event_at(world, kept)["fund_change"] += move_margin_account(
            world, i, m, venue_at(world, v)["fund_row"]
        )
