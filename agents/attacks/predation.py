"""Predatory trading: a distressed seller, and predators that sell along and buy back.

Belief
    Everyone knows that a trader must sell ``size_usd`` of spot within ``horizon_seconds``, that
    ``predators`` others know it, and how spot responds: a permanent part proportional to what has
    been sold, and a temporary part proportional to the rate of selling. ``temporary_seconds`` is
    the second over the first (both per unit: price per amount a second over price per amount).
    The predators hold nothing beyond their usual position at the start and at the end.
Orders
    Spot trades only, one at each wake: what is missing to the schedule at the end of the step. Let
    x be horizon_seconds / temporary_seconds. With temporary impact the schedules are the Nash
    equilibrium of Carlin, Lobo and Viswanathan. All n traders race to the market at rates that fade
    as exp(-(n - 1)/(n + 1) x share of time passed); the seller goes on selling and the predators
    buy back at rates that grow as exp(x share of time passed). Without (temporary_seconds = 0)
    trading is limited in rate instead, as in Brunnermeier and Pedersen, with predators at their
    capacity at the start. The seller sells evenly. Each predator sells as fast, until it has sold
    1 / predators of the amount. Several then buy that back evenly by the end; a single one, which
    has sold as much as the seller by then, buys it back after the end, at twice the seller's rate.
    A wake that the wallet or a borrow limit prevents from trading is made up for at the next one.
    ``wake_seconds`` far below a step lets each trader act in every step.
Literature
    Carlin, Lobo and Viswanathan (2007), "Episodic liquidity crises: cooperative and predatory
    trading", JF 62(5), 2235-2274; Brunnermeier and Pedersen (2005), "Predatory trading", JF 60(4),
    1825-1863. Costs in equilibrium: `perplab.analysis.estimators.predatory_trading`.
"""

import math

from perplab.agents.orders import whole, write_spot
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel

HOUR = 3_600.0
EVEN = 1e-6  # decay over the horizon below which a rate counts as constant
LATE_END = 1.5  # horizons until a single predator with limited rates has bought back

SELLER_TRAITS = Traits(
    wake_seconds=Trait(1e-3, "s", "mean time between orders; at most one a step", low=0),
    distressed=Trait(1, "1", "1: must sell", low=1, high=1),
    side=Trait(-1, "sign", "-1: the seller sells, 1: it must buy, a short", low=-1, high=1),
    size_usd=Trait(10_000_000, "quote currency", "what the distressed seller must sell", low=0),
    start_hours=Trait(float("inf"), "h", "start, from the start of the run", low=0),
    horizon_seconds=Trait(7_200, "s", "time within which it must be sold", low=1),
    predators=Trait(1, "number", "predators in the market", low=0),
    temporary_seconds=Trait(
        360, "s", "temporary over permanent impact; 0: rates are limited instead", low=0
    ),
    capital_usd=Trait(1_000_000_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0, "1", "initial share of capital at the venue", low=0, high=1),
    borrow_share=Trait(1, "1", "borrow limit in spot, over capital", low=0),
    market=Trait(0, "number", "market whose asset it trades", low=0),
    memory={"size_lots": 0.0},
)
PREDATOR_TRAITS = SELLER_TRAITS.replaced(
    distressed=Trait(0, "1", "0: trades because another must", low=0, high=0)
)


@hot_kernel
def eased(decay, share):
    """Return the part traded after a share of the time at a rate that fades as exp(-decay share).

    Examples
    --------
    >>> eased(0.0, 0.25), round(eased(20.0, 0.25), 4)
    (0.25, 0.9933)
    """
    if decay < EVEN:
        return share
    return (1.0 - math.exp(-decay * share)) / (1.0 - math.exp(-decay))


@hot_kernel
def raced_share(own, predators, ratio, share):
    """Return what a trader has sold after a share of the horizon, over the distressed amount.

    The equilibrium of Carlin, Lobo and Viswanathan for one distressed seller.

    Parameters
    ----------
    own : float
        1 for the seller, 0 for a predator: what it must have sold at the end.
    predators : float
    ratio : float
        Permanent impact times horizon over temporary impact.
    share : float
        Of the horizon, from 0 to 1.

    Examples
    --------
    >>> [round(raced_share(0.0, 1.0, 20.0, share), 3) for share in (0.0, 0.5, 1.0)]
    [0.0, 0.483, 0.0]
    """
    race = eased(ratio * predators / (predators + 2.0), share)
    fade = 1.0 - eased(ratio, 1.0 - share)
    return (race + ((predators + 1.0) * own - 1.0) * fade) / (predators + 1.0)


@hot_kernel
def limited_share(own, predators, share):
    """Return the same where rates are limited: the equilibrium of Brunnermeier and Pedersen.

    `share` may exceed 1: a single predator buys back after the seller's end.

    Examples
    --------
    >>> [limited_share(0.0, 2.0, share) for share in (0.5, 0.75, 1.0)]
    [0.5, 0.25, 0.0]
    """
    if own > 0.0:
        return min(share, 1.0)
    turn = 1.0 / max(predators, 1.0)
    end = 1.0 if predators > 1.0 else LATE_END
    return min(share, turn * max(end - share, 0.0) / (end - turn))


@hot_kernel
def scheduled_share(me, passed_seconds):
    """Return what a trader has sold some seconds after the start, over the distressed amount."""
    share = max(passed_seconds, 0.0) / me["horizon_seconds"]
    if me["temporary_seconds"] == 0.0:
        return limited_share(me["distressed"], me["predators"], share)
    ratio = me["horizon_seconds"] / me["temporary_seconds"]
    return raced_share(me["distressed"], me["predators"], ratio, min(share, 1.0))


@rule(SELLER_TRAITS)
def follow_schedule(me, accounts, positions, views, mine, rng, orders):
    """Trade what is missing to the schedule at the end of this step."""
    market = int(me["market"])
    view = views[market]
    passed = view["seconds"] - me["start_hours"] * HOUR
    if not passed >= 0.0:
        return 0
    if me["size_lots"] == 0.0:
        me["size_lots"] = me["size_usd"] / (view["lot"] * view["spot"])
    side = 1.0 if me["side"] > 0.0 else -1.0
    wanted = side * me["size_lots"] * scheduled_share(me, passed + view["dt"])
    lots = whole(math.floor(wanted + 0.5)) - positions[market]["spot_lots"]
    return write_spot(orders, 0, market, 1 if lots > 0 else -1, abs(lots)) if lots != 0 else 0


class DistressedSeller(Trader):
    """A trader that must sell (see the module)."""

    kind, traits, decide, slots = "distressed_seller", SELLER_TRAITS, follow_schedule, 0


class Predator(Trader):
    """A trader that sells along and buys back (see the module)."""

    kind, traits, decide, slots = "predator", PREDATOR_TRAITS, follow_schedule, 0
