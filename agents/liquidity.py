"""Liquidity providers (market makers): two-sided quotes, skewed by inventory.

Belief
    The fair basis is its own slow moving average: they quote around spot times the exponential
    mean, over ``anchor_seconds``, of the market's mid over spot. So the perpetual follows every
    move of spot, and its *basis* is left to the order flow and the arbitrageurs. ``spot_anchor`` (0
    by default) is the weight of spot itself instead: a tie to spot that is not due to funding.
    Inventory is risk.
Orders
    ``levels`` limit orders per side, level k of level_usd * k, the first half_spread_bps from the
    reservation price and the others spacing_bps apart; no order would carry the inventory past
    ``inventory_limit_usd``. The reservation price is shifted down by skew_bps * inventory / limit,
    and by funding_weight times the predicted funding, the more the closer the settlement (at which
    longs pay it). Spread and spacing widen with volatility over ``reference_volatility``; above
    ``withdraw_multiple`` of it all quotes are cancelled. A quote is replaced only if it is more
    than ``requote_bps`` off its target or its size has changed. Quotes expire at the provider's
    next turn (its latency), so none is left stale after a move of spot that the provider has seen.
    Where a pool makes the price the provider does nothing.
Traits
    ``latency_seconds`` puts the kind into the fast class.
Literature
    Avellaneda and Stoikov (2008), "High-frequency trading in a limit order book", Quantitative
    Finance 8 (reservation price linear in inventory, spread growing with volatility); Gueant,
    Lehalle and Fernandez-Tapia (2013) for inventory limits; Ho and Stoll (1981).
"""

import math

import numpy as np

from perplab.agents.orders import (
    BASIS_POINT,
    elapsed_seconds,
    lots_of,
    usd_of,
    write_cancel,
    write_limit,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import POST_ONLY

LEVELS = 12

TRAITS = Traits(
    latency_seconds=Trait(1, "s", "time between two turns", low=0, high=1e8),
    levels=Trait(LEVELS, "number", "quotes per side", low=0, high=LEVELS),
    level_usd=Trait(
        7_000, "quote currency", "size of the first quote; the k-th is k times as large", low=0
    ),
    half_spread_bps=Trait(
        0.3, "bp", "distance of the first quote from the reservation price", low=0
    ),
    spacing_bps=Trait(0.5, "bp", "distance between neighbouring quotes", low=0),
    inventory_limit_usd=Trait(1_500_000, "quote currency", "position limit", low=1),
    skew_bps=Trait(15, "bp", "shift of the reservation price at the inventory limit", low=0),
    funding_weight=Trait(
        0,
        "1",
        "weight of predicted funding in the reservation price, at settlement",
        low=0,
        high=2,
    ),
    anchor_seconds=Trait(6_600, "s", "time constant of the average basis it quotes around", low=1),
    spot_anchor=Trait(0, "1", "weight of spot itself instead of that average", low=0, high=1),
    reference_volatility=Trait(
        1.5e-4, "per sqrt(s)", "volatility above which its spread widens", low=1e-9
    ),
    withdraw_multiple=Trait(
        8, "1", "volatility over the reference above which it cancels all quotes", low=1
    ),
    requote_bps=Trait(
        0.25, "bp", "distance from its target above which a quote is replaced", low=0
    ),
    post_only=Trait(0, "0 or 1", "1: quotes never take liquidity", low=0, high=1),
    capital_usd=Trait(1_000_000, "quote currency", "initial wealth", low=0),
    leverage=Trait(20, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it quotes", low=0),
    memory={"seen_seconds": 0.0, "anchor": 0.0, "centre": 0.0},
)


@hot_kernel
def advance_anchor(me, view):
    """Update the exponential mean of the log basis in memory, and return it."""
    share = 1.0 - math.exp(-elapsed_seconds(me, view) / me["anchor_seconds"])
    me["anchor"] += share * (math.log(1.0 + view["basis_mid"]) - me["anchor"])
    return me["anchor"]


@hot_kernel
def inventory_shift(me, lots, view):
    """Return the fraction by which inventory moves the reservation price, against its sign."""
    share = usd_of(view, lots) / me["inventory_limit_usd"]
    return -me["skew_bps"] * BASIS_POINT * min(max(share, -2.0), 2.0)


@hot_kernel
def funding_shift(me, view):
    """Return the fraction by which predicted funding moves the reservation price."""
    elapsed = 1.0 - view["seconds_to_settlement"] / view["interval_seconds"]
    return -me["funding_weight"] * view["predicted_funding"] * min(max(elapsed, 0.0), 1.0)


@hot_kernel
def reservation_price(me, lots, view):
    """Return the price that the quotes are centred on, quote currency."""
    anchor = (1.0 - me["spot_anchor"]) * advance_anchor(me, view)
    return (
        view["spot"]
        * math.exp(anchor)
        * (1.0 + inventory_shift(me, lots, view) + funding_shift(me, view))
    )


@hot_kernel
def target_tick(me, view, side, centre, level, stress):
    """Return the tick of a quote, rounded away from the centre.

    With ``post_only`` it is behind the best opposite quote.
    """
    distance = (me["half_spread_bps"] + level * me["spacing_bps"]) * BASIS_POINT * stress
    price = centre * (1.0 - side * distance) / view["tick"]
    tick = int(math.floor(price)) if side > 0 else int(math.ceil(price))
    opposite = view["best_ask"] if side > 0 else view["best_bid"]
    if me["post_only"] > 0.0 and opposite > 0:
        tick = min(tick, opposite - 1) if side > 0 else max(tick, opposite + 1)
    return max(tick, 1)


@hot_kernel
def is_current(me, order, view, tick, lots):
    """Return whether the order in a slot need not be replaced."""
    allowed = me["requote_bps"] * BASIS_POINT * view["spot"] / view["tick"]
    return order["lots"] == lots and abs(order["tick"] - tick) <= allowed


@hot_kernel
def quote_level(me, view, mine, market, side, tick, lots, slot, orders, count):
    """Write what makes the order in `slot` one of `lots` at `tick`.

    That is nothing, a cancellation or a replacement.
    """
    if lots < 1:
        return write_cancel(orders, count, market, slot) if mine[slot]["lots"] > 0 else count
    if is_current(me, mine[slot], view, tick, lots):
        return count
    flags = POST_ONLY if me["post_only"] > 0.0 else 0
    expiry_seconds = max(me["latency_seconds"], view["dt"])
    return write_limit(orders, count, market, slot, side, tick, lots, flags, expiry_seconds)


@hot_kernel
def quote_side(me, position, view, mine, market, side, centre, stress, orders, count):
    """Write one side's quotes, within the inventory limit."""
    room = max(lots_of(view, me["inventory_limit_usd"]) - side * position["lots"], 0)
    first_slot = 0 if side > 0 else LEVELS
    for level in range(int(me["levels"])):
        lots = min(lots_of(view, me["level_usd"] * (level + 1)), room)
        room -= lots
        tick = target_tick(me, view, side, centre, level, stress)
        count = quote_level(
            me, view, mine, market, side, tick, lots, first_slot + level, orders, count
        )
    return count


@hot_kernel
def withdraw(mine, market, orders):
    """Write the cancellation of every resting quote."""
    count = np.int64(0)
    for slot in range(len(mine)):
        if mine[slot]["lots"] > 0:
            count = write_cancel(orders, count, market, slot)
    return count


@rule(TRAITS)
def provide(me, accounts, positions, views, mine, rng, orders):
    """Quote both sides around the reservation price.

    The side that moves away from the other is written first, so the trader's own quotes never
    cross.
    """
    market = int(me["market"])
    view, position = views[market], positions[market]
    if view["in_pool"] == 1:
        return 0
    centre = reservation_price(me, position["lots"], view)
    stress = max(view["seen"]["volatility"] / me["reference_volatility"], 1.0)
    side, count = -1 if centre > me["centre"] else 1, np.int64(0)
    me["centre"] = centre
    if stress > me["withdraw_multiple"]:
        return withdraw(mine, market, orders)
    for _ in range(2):
        count = quote_side(me, position, view, mine, market, side, centre, stress, orders, count)
        side = -side
    return count


class LiquidityProvider(Trader):
    """A provider of two-sided quotes (see the module)."""

    kind, traits, decide, slots = "liquidity", TRAITS, provide, 2 * LEVELS
