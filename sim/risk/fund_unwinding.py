"""How the insurance fund leaves the positions that it has taken over.

It trades them away little by little. Where accounts below zero are deleveraged, so is the fund.
Reference: Hyperliquid, Auto-deleveraging; on 10 October 2025 95 % of ADL closed positions of the
two vaults that had taken them over (published fills).
"""

import math

import numpy as np

from perplab.sim.clearing.equity import cross_equity
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.matching import match
from perplab.sim.laws.adl import deleverages, deleverages_below_zero
from perplab.sim.risk.adl import run_adl
from perplab.sim.risk.attribution import NO_CAUSE, NO_PARENT, Trigger
from perplab.sim.state.records import market_at, markets, position_at, venue_at


@kernel
def fund_unwinds(world, v):
    """Return whether the fund of venue v trades in this step."""
    venue = venue_at(world, v)
    for m in range(markets(world).shape[0]):
        lots = position_at(world, venue["fund_row"], m)["lots"]
        if market_at(world, m)["venue"] == v and lots != 0 and venue["no_impact"] == 0:
            return True
    return False


@kernel
def unwind_fund(world, v, elapsed):
    """Trade a slice of the fund's positions: a share 1 - exp(-elapsed / unwind_seconds)."""
    venue = venue_at(world, v)
    fund = venue["fund_row"]
    for m in range(markets(world).shape[0]):
        market, lots = market_at(world, m), position_at(world, fund, m)["lots"]
        if market["venue"] == v and lots != 0 and venue["no_impact"] == 0:
            share = 1.0 - math.exp(-elapsed / venue["unwind_seconds"])
            side, limit = (-1, market["band_low"]) if lots > 0 else (1, market["band_high"])
            match(world, fund, m, side, limit, np.int64(math.ceil(abs(lots) * share)), 0, 0.0)


@entry("none", 2)
def deleverage_fund(world, v):
    """Close the fund's positions by ADL while its equity is below zero, market by market.

    Only at venues with ADL that deleverage accounts below zero, and not in the no-impact twin.
    """
    venue = venue_at(world, v)
    fund, law = venue["fund_row"], venue["adl_law"]
    if not (deleverages(law) and deleverages_below_zero(law)) or venue["no_impact"] == 1:
        return
    for m in range(markets(world).shape[0]):
        equity = cross_equity(world, fund, v)
        if not equity < 0.0:
            return
        if market_at(world, m)["venue"] == v and position_at(world, fund, m)["lots"] != 0:
            run_adl(world, fund, m, Trigger(0, NO_PARENT, NO_CAUSE), equity)
