"""Size and limit price of a liquidation order.

Sizes: the first share and, after a pause, the rest (``first_share``); the share each time
(``each_share``); down to the next lower margin tier, or several at once (``tier_step``); half while
equity is above half of maintenance (``half``); the size that restores maintenance and a buffer
(``just_enough``). The last three close at most ``largest_share`` of the position at a time.
"""

import math

import numpy as np

from perplab.sim.clearing.equity import value_of
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.margin import bankruptcy_price, fillable_price, size_for_shortage, tier_of
from perplab.sim.state.records import (
    BANKRUPTCY_LIMIT,
    EACH_SHARE,
    FILLABLE_LIMIT,
    HALF,
    TIER_STEP,
    account_at,
    market_at,
    position_at,
    run_row,
    venue_at,
    view_at,
)


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
    notional = value_of(size, market, view_at(world, m)["mark"])
    fresh = account["pause_until"] < market["mark_seconds"] - pause_of(world, market["venue"])
    if venue["portion"] > EACH_SHARE:
        return lots_by_law(world, m, size, notional, health)
    if (
        venue["first_share"] < 1.0
        and notional > venue["first_notional"]
        and (fresh or venue["portion"] == EACH_SHARE)
    ):
        account["pause_until"] = market["mark_seconds"] + venue["pause_seconds"]
        return np.int64(math.ceil(size * venue["first_share"]))
    return size


@kernel
def lots_by_law(world, m, size, notional, health):
    """Return the lots of the next liquidation order, by tiers or by the health of the account."""
    market, (equity, maintenance) = market_at(world, m), health
    venue = venue_at(world, market["venue"])
    tier, wanted = tier_of(notional, market["tier_floor"], market["tiers"]), float(size)
    if notional <= venue["first_notional"]:
        return size
    if venue["portion"] == TIER_STEP:
        below = market["tier_floor"][max(tier + 1 - venue["tiers_down"], 0)]
        wanted = size * (1.0 - below / notional) + 1.0
    elif venue["portion"] == HALF:
        wanted = 0.5 * size if equity >= 0.5 * maintenance else size
    else:
        shortage = maintenance * (1.0 + venue["buffer"]) - equity
        fraction = market["tier_fraction"][tier] + 2.0 * market["size_slope"] * size
        wanted = size_for_shortage(shortage, notional / size, fraction, venue["liquidation_fee"])
    wanted = min(wanted, size * venue["largest_share"])
    return np.int64(max(min(math.ceil(wanted - 1e-6), float(size)), 1.0))


@kernel
def limit_price(world, i, m, law, health):
    """Return the bankruptcy or the fillable price of a liquidation order, by the venue's law."""
    market, mark, (equity, maintenance) = market_at(world, m), view_at(world, m)["mark"], health
    lots, venue = position_at(world, i, m)["lots"], venue_at(world, market["venue"])
    if law == FILLABLE_LIMIT:
        return fillable_price(
            mark,
            equity,
            lots,
            market["units_per_price"],
            maintenance,
            venue["bankruptcy_adjustment"],
            venue["spread_to_maintenance"],
        )
    return bankruptcy_price(mark, equity, lots, market["units_per_price"])


@kernel
def limit_tick(world, i, m, health):
    """Return the limit tick of a liquidation order: the price band, cut at `limit_price`."""
    market, lots = market_at(world, m), position_at(world, i, m)["lots"]
    low, high = market["band_low"], market["band_high"]
    law = venue_at(world, market["venue"])["forced_limit"]
    if law >= BANKRUPTCY_LIMIT:
        price = limit_price(world, i, m, law, health)
        if lots > 0:
            low = max(low, np.int64(math.ceil(price / market["tick"])))
        else:
            high = min(high, np.int64(math.floor(price / market["tick"])))
    return low if lots > 0 else high
