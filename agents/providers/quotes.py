"""The ladder of a provider's quotes.

These kernels serve the rule of `perplab.agents.providers.provider`; `me` has its traits and memory.
"""

import math

from perplab.agents.orders import BASIS_POINT, lots_of, write_cancel, write_limit
from perplab.agents.providers.anchors import skew_at
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import POST_ONLY

LEVELS = 12
THINNEST = 0.1
STEP_GROWTH, SIZE_GROWTH = 0.2, 0.25
"""By how much the distance between quotes, and their size, grow from one level to the next."""
RESIZE = 5
"""A quote is replaced if its size is off by more than one part in this."""


@hot_kernel
def size_factor(me, side, share, stress, alarm):
    """Return the size of quotes over ``level_usd``: less if they add to inventory, or in stress."""
    adding = 1.0 - me["size_skew"] * max(side * share, 0.0)
    calm = math.exp(
        -me["stress_size_power"] * math.log(stress) - me["alarm_size_power"] * math.log(alarm)
    )
    return min(max(adding, THINNEST), 1.0) * calm


@hot_kernel
def distance_factor(me, stress, alarm):
    """Return the distances of quotes from the centre over those at reference volatility."""
    return math.exp(
        me["stress_spread_power"] * math.log(stress) + me["alarm_spread_power"] * math.log(alarm)
    )


@hot_kernel
def hedge_cost(me, view, usd):
    """Return the log price by which spot moves while it and its peers trade hedges of `usd` each.

    All providers quote alike, so when its quotes are filled theirs are too.
    """
    return view["spot_impact"] * usd / me["market_share"]


@hot_kernel
def skew_of_fill(me, usd):
    """Return the distance by which a fill of `usd` will shift the basis through inventory."""
    share, strength = me["share"], me["skew_strength"]
    after = share + usd / me["limit_usd"]
    return abs(skew_at(me, after, strength) - skew_at(me, share, strength))


@hot_kernel
def quote_tick(me, view, side, centre, level, wider, filled_usd):
    """Return the tick of a quote, rounded away from the centre and behind the opposite side.

    It pays for the moves of spot and of the quotes' centre by `filled_usd`: what fills before it
    and half of its own size, so that the charge is the mean on the way.
    """
    steps = level * (1.0 + STEP_GROWTH * level)
    distance = (me["half_spread_bps"] + steps * me["spacing_bps"]) * BASIS_POINT * wider
    hedged_usd = me["hedge_ratio"] * filled_usd
    distance += hedge_cost(me, view, hedged_usd) + skew_of_fill(me, side * filled_usd)
    price = centre * (1.0 - side * distance) / view["tick"]
    tick = int(math.floor(price)) if side > 0 else int(math.ceil(price))
    opposite = view["best_ask"] if side > 0 else view["best_bid"]
    if opposite > 0:
        tick = min(tick, opposite - 1) if side > 0 else max(tick, opposite + 1)
    return max(tick, 1)


@hot_kernel
def is_current(me, view, order, tick, lots):
    """Return whether the order in a slot need not be replaced."""
    allowed = me["requote_bps"] * BASIS_POINT * view["spot"] / view["tick"]
    return abs(order["tick"] - tick) <= allowed and abs(order["lots"] - lots) * RESIZE <= lots


@hot_kernel
def quote_side(me, room_usd, size, wider, view, mine, market, side, centre, orders, count):
    """Write one side's quotes, of at most `room_usd` together."""
    first, filled_usd = 0 if side > 0 else LEVELS, 0.0
    for level in range(int(me["levels"])):
        slot, order = first + level, mine[first + level]
        usd = min(me["level_usd"] * size * (1.0 + SIZE_GROWTH * level), room_usd)
        lots = lots_of(view, usd)
        room_usd -= usd
        tick = quote_tick(me, view, side, centre, level, wider, filled_usd + 0.5 * usd)
        filled_usd += usd
        if lots < 1:
            count = write_cancel(orders, count, market, slot) if order["lots"] > 0 else count
        elif not is_current(me, view, order, tick, lots):
            expiry = max(me["latency_seconds"], view["dt"])
            count = write_limit(orders, count, market, slot, side, tick, lots, POST_ONLY, expiry)
    return count
