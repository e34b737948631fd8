"""Size and limit price of a liquidation order (`perplab.sim.laws.liquidation`)."""

import math

import numpy as np

from perplab.sim.clearing.equity import value_of
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.liquidation import (
    closes_share,
    has_limit_price,
    limit_price,
    lots_to_close,
    share_lots,
)
from perplab.sim.state.codes import MOST_TICKS
from perplab.sim.state.records import account_at, market_at, position_at, run_row, venue_at, view_at


@kernel
def pause_of(world, v):
    """Return the seconds within which a further liquidation order belongs to the same episode.

    It is the venue's pause, at least a step.
    """
    return max(venue_at(world, v)["pause_seconds"], run_row(world, 0)["dt"])


@kernel
def order_lots(world, i, m, health):
    """Return the lots of the next liquidation order; closing a share starts the venue's pause."""
    market, size = market_at(world, m), abs(position_at(world, i, m)["lots"])
    venue, account = venue_at(world, market["venue"]), account_at(world, i, market["venue"])
    law, (equity, maintenance) = venue["liquidation_law"], health
    notional = value_of(size, market, view_at(world, m)["mark"])
    fresh = account["pause_until"] < market["mark_seconds"] - pause_of(world, market["venue"])
    if closes_share(law, notional, fresh):
        account["pause_until"] = market["mark_seconds"] + venue["pause_seconds"]
        return share_lots(law, size)
    fee = venue["liquidation_fee"]
    return lots_to_close(law, market["margin_law"], size, notional, equity, maintenance, fee)


@kernel
def limit_tick(world, i, m, health):
    """Return the limit tick of a liquidation order.

    The price band, cut at the law's limit price.
    """
    market, lots = market_at(world, m), position_at(world, i, m)["lots"]
    low, high, (equity, maintenance) = market["band_low"], market["band_high"], health
    law, mark = venue_at(world, market["venue"])["liquidation_law"], view_at(world, m)["mark"]
    if has_limit_price(law):
        unit = market["units_per_price"]
        price = limit_price(law, mark, equity, lots, unit, maintenance) / market["tick"]
        price = min(max(price, 0.0), float(MOST_TICKS))
        if lots > 0:
            low = max(low, np.int64(math.ceil(price)))
        else:
            high = min(high, np.int64(math.floor(price)))
    return low if lots > 0 else high
