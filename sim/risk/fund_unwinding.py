"""The insurance fund trades away the positions that it has taken over, little by little."""

import math

import numpy as np

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.matching import match
from perplab.sim.state.records import market_at, markets, position_at, venue_at


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
