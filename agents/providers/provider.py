"""Liquidity providers: two-sided post-only quotes of firms with finite capital that hedge in spot.

Belief
    A hedged position in the perpetual is worth the funding it receives less the cost of the money
    in it. The reservation price is spot times one plus the basis at which the provider is
    indifferent (`perplab.agents.providers.anchors`), shifted by expected funding over
    ``hold_hours`` and by inventory. The declared alternatives, for sensitivity, are spot
    (``anchor = "spot"``) and the average of the market's own basis (``anchor = "own_average"``),
    with weight ``anchor_weight``.
Orders
    ``levels`` post-only quotes a side (`perplab.agents.providers.quotes`); they live until the next
    look. The skew by inventory grows faster than linearly and with volatility; quotes that add to
    inventory are smaller; the total that may be added is bounded by ``inventory_limit_usd``.
    Volatility over ``reference_volatility`` (stress) widens and shrinks quotes. So does alarm: the
    distance of spot from its own mean over ``sight_seconds``, seen at once and forgotten slowly.
Hedge and capital
    Inventory beyond ``hedge_band`` of the limit is hedged in spot at the cost of spot trades.
    Limits shrink with wealth; after a drawdown, and in distress, the provider cancels its quotes
    and closes its position (`perplab.agents.providers.capital`).
Traits
    ``latency_seconds`` puts the kind into the fast class.
Literature
    Ho and Stoll (1981, JFE 9); Avellaneda and Stoikov (2008, Quantitative Finance 8) and Gueant,
    Lehalle and Fernandez-Tapia (2013, Mathematics and Financial Economics 7) for the reservation
    price; Brunnermeier and Pedersen (2009, RFS 22) for providers with finite capital that leave;
    Almgren and Chriss (2001) for the cost of the hedge.
"""

import math

import numpy as np

from perplab.agents.carry.carry_legs import wealth_of
from perplab.agents.orders import elapsed_seconds, units_of, usd_of
from perplab.agents.providers.anchors import ANCHORS, CARRY, fair_basis, skew_at, skew_strength
from perplab.agents.providers.capital import (
    hedge_inventory,
    is_away,
    keep_margin,
    leave,
)
from perplab.agents.providers.quotes import (
    LEVELS,
    distance_factor,
    hedge_cost,
    quote_side,
    size_factor,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.streams import uniform

VOLATILITY_SECONDS = 600.0
ROOM = 1.5
"""Largest inventory on quotes' account, over the limit."""

TRAITS = Traits(
    latency_seconds=Trait(1, "s", "time between two looks", low=0, high=1e8),
    levels=Trait(LEVELS, "number", "quotes per side", low=0, high=LEVELS),
    level_usd=Trait(
        16_000, "quote currency", "size of the first quote at reference volatility", low=0
    ),
    half_spread_bps=Trait(0.15, "bp", "distance of the first quote from the centre", low=0),
    spacing_bps=Trait(0.6, "bp", "distance of the second quote from the first", low=0),
    inventory_limit_usd=Trait(750_000, "quote currency", "scale of its inventory", low=1),
    skew_bps=Trait(6, "bp", "shift at the limit to first order, at reference volatility", low=0),
    convexity=Trait(1.5, "1", "growth of the skew: 1 + this * share of the limit squared", low=0),
    size_skew=Trait(0.6, "1", "part by which quotes that add are smaller, at the limit", low=0),
    funds_per_year=Trait(0.05, "fraction per year", "its cost of funds"),
    hold_hours=Trait(6, "h", "time over which it expects to hold inventory", low=0),
    anchor=Trait(CARRY, "name", "what it quotes around", low=0, high=2, names=ANCHORS),
    anchor_weight=Trait(1, "1", "weight of an anchor other than carry", low=0, high=1),
    average_seconds=Trait(6_600, "s", "time constant of the average basis", low=1),
    reference_volatility=Trait(
        0.92e-4,
        "per sqrt(s)",
        "volatility of spot at which sizes and spreads are as stated",
        low=1e-9,
    ),
    stress_size_power=Trait(0.4, "1", "exponent of stress by which quotes shrink", low=0, high=4),
    stress_spread_power=Trait(0.6, "1", "exponent of stress by which they widen", low=0, high=4),
    sight_seconds=Trait(600, "s", "time constant of the mean that alarm is measured from", low=1),
    alarm_volatility=Trait(3e-4, "per sqrt(s)", "move over that time that raises alarm", low=1e-9),
    alarm_limit=Trait(20, "1", "largest alarm; 1: none", low=1, high=1e3),
    alarm_seconds=Trait(690, "s", "time constant in which alarm fades", low=1),
    alarm_size_power=Trait(0.67, "1", "exponent of alarm by which quotes shrink", low=0, high=4),
    alarm_spread_power=Trait(0.7, "1", "exponent of alarm by which they widen", low=0, high=4),
    alarm_skew_power=Trait(0.33, "1", "exponent of alarm by which skew grows", low=0, high=4),
    hedge_ratio=Trait(1, "1", "part of the inventory that it hedges in spot", low=0, high=1),
    market_share=Trait(
        1, "1", "its share of all quotes, as it takes it to be", low=1e-6, high=1, shared=True
    ),
    hedge_band=Trait(0.1, "1", "gap of the hedge, over the inventory limit, left alone", low=0),
    distress=Trait(0.5, "1", "wealth over capital below which it stops", low=0, high=1),
    drawdown=Trait(0.2, "1", "loss from its peak over capital at which it leaves", low=0),
    away_seconds=Trait(7_200, "s", "time for which it leaves after a drawdown", low=0),
    requote_bps=Trait(0.1, "bp", "distance from its target above which a quote is replaced", low=0),
    capital_usd=Trait(1_500_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0.4, "1", "target share of wealth held at the venue", low=0, high=1),
    borrow_share=Trait(1, "1", "borrow limit in spot, over capital", low=0),
    maker_discount_bps=Trait(0, "bp", "its maker fee is the venue's less this", low=0, high=100),
    leverage=Trait(20, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it quotes", low=0),
    memory={
        "seen_seconds": 0.0,
        "volatility": 0.0,
        "log_mean": 0.0,
        "drift": 0.0,
        "alarm": 1.0,
        "peak": 0.0,
        "away_until": 0.0,
        "average_basis": 0.0,
        "centre": 0.0,
        "share": 0.0,
        "limit_usd": 0.0,
        "skew_strength": 0.0,
        "hedged_share": 0.0,
        "hedged_band": -1.0,
    },
)


@hot_kernel
def advance_stress(me, view, elapsed):
    """Return volatility over its reference, averaged over ten minutes, within .4 and 4."""
    now = view["seen"]["volatility"]
    if me["volatility"] == 0.0:
        me["volatility"] = now
    me["volatility"] += (1.0 - math.exp(-elapsed / VOLATILITY_SECONDS)) * (now - me["volatility"])
    if me["volatility"] == 0.0:
        return 1.0
    return min(max(me["volatility"] / me["reference_volatility"], 0.4), 4.0)


@hot_kernel
def advance_alarm(me, view, elapsed):
    """Return the alarm: the distance of spot from its mean, rising at once and fading slowly."""
    now = math.log(view["spot"])
    if me["log_mean"] == 0.0:
        me["log_mean"] = now
    share, away = 1.0 - math.exp(-elapsed / me["sight_seconds"]), now - me["log_mean"]
    me["log_mean"] += share * away
    speed = abs(away) / math.sqrt(me["sight_seconds"])
    me["drift"] += share * (speed - me["drift"])
    faded = 1.0 + (me["alarm"] - 1.0) * math.exp(-elapsed / me["alarm_seconds"])
    seen = max(speed, me["drift"]) / me["alarm_volatility"]
    me["alarm"] = min(max(seen, faded, 1.0), me["alarm_limit"])
    return me["alarm"]


@hot_kernel
def spot_at_last_look(me, view, rng):
    """Return spot as of its last look before the end of the step, up to a second ago.

    A step that is not longer than the time between two looks has its looks in the run. Trades of
    the running step are seen.
    """
    moved = view["spot_moved"]
    if view["dt"] > me["latency_seconds"]:
        moved -= view["last_second"] * min(uniform(rng) * me["latency_seconds"], 1.0)
    return view["spot"] * math.exp(moved)


@hot_kernel
def quote(me, position, view, mine, rng, wealth, elapsed, market, orders, count):
    """Write both sides' quotes; the side that moves away from the other is written first."""
    stress, alarm = advance_stress(me, view, elapsed), me["alarm"]
    health = min(max(wealth / units_of(view, me["capital_usd"]), 0.0), 1.0)
    limit, inventory = me["inventory_limit_usd"] * health, usd_of(view, position["lots"])
    share = inventory / limit
    me["share"], me["limit_usd"] = share, limit
    me["skew_strength"] = skew_strength(me, stress, alarm)
    basis = fair_basis(me, view, elapsed) + skew_at(me, share, me["skew_strength"])
    unhedged = me["hedge_ratio"] * position["lots"] + position["spot_lots"]
    basis -= hedge_cost(me, view, usd_of(view, unhedged))
    centre = spot_at_last_look(me, view, rng) * (1.0 + basis)
    side = -1 if centre > me["centre"] else 1
    me["centre"] = centre
    wider = distance_factor(me, stress, alarm)
    for _ in range(2):
        room_usd = max(ROOM * limit - side * inventory, 0.0)
        size = size_factor(me, side, share, stress, alarm)
        count = quote_side(
            me, room_usd, size, wider, view, mine, market, side, centre, orders, count
        )
        side = -side
    return count


@rule(TRAITS)
def provide(me, accounts, positions, views, mine, rng, orders):
    """Hedge, keep the margin, then quote or leave."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    if view["in_pool"] == 1:
        return 0
    account, wallet, count = accounts[int(view["venue"])], accounts[0], np.int64(0)
    elapsed, wealth = elapsed_seconds(me, view), wealth_of(account, wallet, position, view)
    advance_alarm(me, view, elapsed)
    count = hedge_inventory(me, view, market, orders, count)
    count = keep_margin(me, account, wallet, position, view, wealth, market, orders, count)
    if is_away(me, view, wealth):
        return leave(mine, market, position, orders, count)
    return quote(me, position, view, mine, rng, wealth, elapsed, market, orders, count)


class Provider(Trader):
    """A liquidity provider with finite capital (see the module)."""

    kind, traits, decide, slots = "provider", TRAITS, provide, 2 * LEVELS
