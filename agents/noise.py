"""Noise traders: market orders without information.

Belief
    None about value, and no tie to spot: they do not hold the perpetual near spot. They only avoid
    large positions, which keeps open interest stationary.
Orders
    One market order at each wake. Its size is lognormal with mean ``size_usd`` and standard
    deviation of the log ``size_log_sd``; it buys with probability (1 - tanh(position / flat_usd)) /
    2.
Literature
    Kyle (1985), "Continuous auctions and insider trading", Econometrica 53; De Long, Shleifer,
    Summers and Waldmann (1990), "Noise trader risk in financial markets", JPE 98; Cont, Stoikov and
    Talreja (2010) for Poisson order arrival.
"""

import math

from perplab.agents.orders import lots_of, usd_of, write_market
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.streams import normal, uniform

TRAITS = Traits(
    wake_seconds=Trait(10_800, "s", "mean time between orders", low=0),
    size_usd=Trait(15_000, "quote currency", "mean order size", low=0),
    size_log_sd=Trait(1.0, "1", "standard deviation of the log of the size", low=0, high=5),
    flat_usd=Trait(
        40_000, "quote currency", "scale of the position at which it tends to reduce", low=1
    ),
    capital_usd=Trait(60_000, "quote currency", "initial wealth", low=0),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
)


@hot_kernel
def lognormal_usd(me, rng):
    """Return a lognormal order size of mean ``size_usd``."""
    deviation = me["size_log_sd"]
    return me["size_usd"] * math.exp(deviation * (normal(rng) - 0.5 * deviation))


@hot_kernel
def buying_probability(position_usd, flat_usd):
    """Return the probability of buying, lower for a long position and higher for a short one.

    Examples
    --------
    >>> buying_probability(0.0, 40_000.0)
    0.5
    """
    return 0.5 * (1.0 - math.tanh(position_usd / flat_usd))


@rule(TRAITS)
def trade_at_random(me, accounts, positions, views, mine, rng, orders):
    """Send one market order of random size and side."""
    market = int(me["market"])
    view = views[market]
    lots = max(lots_of(view, lognormal_usd(me, rng)), 1)
    position_usd = usd_of(view, positions[market]["lots"])
    side = 1 if uniform(rng) < buying_probability(position_usd, me["flat_usd"]) else -1
    return write_market(orders, 0, market, side, lots, 0)


class Noise(Trader):
    """A trader without information (see the module)."""

    kind, traits, decide, slots = "noise", TRAITS, trade_at_random, 0
