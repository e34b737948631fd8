"""Value bidders: patient money that rests bids and offers away from spot.

Belief
    The perpetual is worth spot. A distance of more than ``distance`` from it is a bargain that
    will not last.
Orders
    One bid and one offer, ``distance`` of spot below and above, renewed at each wake until
    ``limit_usd`` is held. What is held is offered back at ``exit_share`` of the distance.
Literature
    Biais, Hillion and Spatt (1995, JF 50) for supply of liquidity away from the quotes; Grossman
    and Miller (1988, JF 43) for liquidity that is paid by the rebound; Duffie (2010, JF 65).
"""

import math

import numpy as np

from perplab.agents.orders import lots_of, usd_of, whole, write_cancel, write_limit
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel

TRAITS = Traits(
    wake_seconds=Trait(30, "s", "mean time between renewals of its orders", low=0),
    distance=Trait(0.01, "fraction of spot", "distance of its orders", low=0, high=0.9),
    exit_share=Trait(0.3, "1", "distance at which it gives back, over that distance", low=0),
    order_usd=Trait(54_000, "quote currency", "size of an order", low=0),
    limit_usd=Trait(216_000, "quote currency", "largest position", low=0),
    capital_usd=Trait(216_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0.8, "1", "share of capital held at the venue", low=0, high=1),
    leverage=Trait(5, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
)


@hot_kernel
def order_tick(view, side, distance):
    """Return the tick of an order at a distance from spot, behind the opposite best price."""
    tick = max(whole(view["spot"] * math.exp(-side * distance) / view["tick"]), 1)
    opposite = view["best_ask"] if side > 0 else view["best_bid"]
    if opposite > 0 and (tick - opposite) * side >= 0:
        tick = max(opposite - side, 1)
    return tick


@hot_kernel
def write_side(me, position, view, mine, market, side, orders, count):
    """Write the order of one side: a new position, or the way out of the one held."""
    slot, held = np.int64(0 if side > 0 else 1), usd_of(view, position["lots"])
    if held * side < 0.0:
        distance, lots = me["exit_share"] * me["distance"], abs(position["lots"])
    else:
        distance, lots = me["distance"], lots_of(view, me["limit_usd"] - abs(held))
    lots = min(lots, lots_of(view, me["order_usd"]))
    if lots < 1:
        return write_cancel(orders, count, market, slot) if mine[slot]["lots"] > 0 else count
    tick = order_tick(view, side, distance)
    return write_limit(orders, count, market, slot, side, tick, lots, 0, 0.0)


@rule(TRAITS)
def bid(me, accounts, positions, views, mine, rng, orders):
    """Renew the bid and the offer."""
    market, count = int(me["market"]), np.int64(0)
    view, position = views[market], positions[market]
    if view["in_pool"] == 1:
        return count
    for side in range(-1, 2, 2):
        count = write_side(me, position, view, mine, market, side, orders, count)
    return count


class ValueBidder(Trader):
    """A patient bidder away from spot (see the module)."""

    kind, traits, decide, slots = "value_bidder", TRAITS, bid, 2
