"""A provider's money: wealth, the hedge of its inventory in spot, margin, and when it leaves.

These kernels serve the rule of `perplab.agents.providers.provider`; `me` has its traits and memory.
"""

import numpy as np

from perplab.agents.carry.carry_legs import free_cash, venue_equity
from perplab.agents.orders import (
    lots_of,
    units_of,
    write_cancel,
    write_close,
    write_hedge,
    write_transfer,
)
from perplab.sim.compiler.jit import hot_kernel

LEAST_EQUITY, MOST_EQUITY = 0.5, 1.7
"""Equity at the venue over its target share of wealth, between which nothing is moved."""
SMALLEST_MOVE = 0.02
CLOSING_PARTS, BAND_PARTS = 20, 20


@hot_kernel
def hedge_inventory(me, view, market, orders, count):
    """Write the standing hedge of ``hedge_ratio`` of the inventory, where it has changed.

    A gap below ``hedge_band`` of the inventory limit is left alone; the band in lots is renewed
    when it is off by more than one part in `BAND_PARTS`.
    """
    band = lots_of(view, me["hedge_band"] * me["inventory_limit_usd"])
    known = me["hedged_share"] == me["hedge_ratio"] and me["hedged_band"] >= 0.0
    if known and abs(band - me["hedged_band"]) * BAND_PARTS <= band:
        return count
    me["hedged_share"], me["hedged_band"] = me["hedge_ratio"], band
    return write_hedge(orders, count, market, me["hedge_ratio"], band)


@hot_kernel
def keep_margin(me, account, wallet, position, view, wealth, market, orders, count):
    """Write the transfer that brings equity at the venue back to its share of the wealth."""
    equity, target = venue_equity(account, position, view), me["margin_share"] * wealth
    if account["incoming"] != 0 or LEAST_EQUITY * target <= equity <= MOST_EQUITY * target:
        return count
    if equity < target:
        units = min(target - equity, free_cash(wallet, position, view))
    else:
        units = max(target - equity, -0.8 * account["collateral"])
    if abs(units) <= SMALLEST_MOVE * wealth:
        return count
    return write_transfer(orders, count, market, int(units))


@hot_kernel
def is_away(me, view, wealth):
    """Return whether it has left the market.

    It leaves for ``away_seconds`` when its wealth is ``drawdown`` of the capital below its highest,
    and as long as it is below ``distress`` of the capital.
    """
    capital = units_of(view, me["capital_usd"])
    me["peak"] = max(me["peak"], wealth)
    if me["away_until"] > 0.0 and view["seconds"] >= me["away_until"]:
        me["away_until"], me["peak"] = 0.0, wealth
    if me["away_until"] == 0.0 and me["peak"] - wealth > me["drawdown"] * capital:
        me["away_until"] = view["seconds"] + me["away_seconds"]
    return me["away_until"] > 0.0 or wealth < me["distress"] * capital


@hot_kernel
def leave(mine, market, position, orders, count):
    """Write the cancellation of every quote, and the close of a part of the position."""
    for slot in range(len(mine)):
        if mine[slot]["lots"] > 0:
            count = write_cancel(orders, count, market, slot)
    part = max(abs(position["lots"]) // CLOSING_PARTS, np.int64(1))
    return write_close(orders, count, market, position, part)
