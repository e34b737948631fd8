"""Momentum traders (time-series momentum): buy what has risen, sell what has fallen.

Belief
    A move that is large relative to the volatility of its horizon continues. The signal is the log
    mid over its own exponential mean, for one hour and for one day, each divided by volatility *
    sqrt(horizon); ``day_share`` weights the two. On a random walk each normalised signal has
    standard deviation sqrt(1/2).
Orders
    Flat: a market order of ``size_usd`` in the direction of the signal if it exceeds
    ``entry_threshold``. Holding: a reduce-only market order for the whole position if the signal in
    the position's direction has fallen below ``exit_threshold``.
Literature
    Moskowitz, Ooi and Pedersen (2012), "Time series momentum", JFE 104; Chiarella and Iori (2002)
    for chartists in an order book; Lux and Marchesi (1999), Nature 397.
"""

import math

from perplab.agents.orders import lots_of, write_close, write_market
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel

HOUR, DAY = 3_600.0, 86_400.0
ALL_LOTS = 1 << 40

TRAITS = Traits(
    wake_seconds=Trait(1_800, "s", "mean time between decisions", low=0),
    size_usd=Trait(20_000, "quote currency", "position size", low=0),
    day_share=Trait(
        0.5, "1", "weight of the one-day signal; the rest is the one-hour signal", low=0, high=1
    ),
    entry_threshold=Trait(1.2, "volatility * sqrt(horizon)", "signal at which it enters", low=0),
    exit_threshold=Trait(0.2, "volatility * sqrt(horizon)", "signal below which it closes"),
    capital_usd=Trait(20_000, "quote currency", "initial wealth", low=0),
    leverage=Trait(5, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
)


@hot_kernel
def trend_signal(trend_1h, trend_1d, volatility, day_share):
    """Return the weighted trend in units of volatility * sqrt(horizon); 0 without volatility.

    Examples
    --------
    >>> trend_signal(0.006, 0.0, 1e-4, 0.0)
    1.0
    """
    if volatility <= 0.0:
        return 0.0
    hourly = trend_1h / (volatility * math.sqrt(HOUR))
    daily = trend_1d / (volatility * math.sqrt(DAY))
    return (1.0 - day_share) * hourly + day_share * daily


@rule(TRAITS)
def follow(me, accounts, positions, views, mine, rng, orders):
    """Enter with a strong trend, close when it has faded."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    volatility = view["seen"]["volatility"]
    signal = trend_signal(view["trend_1h"], view["trend_1d"], volatility, me["day_share"])
    if position["lots"] != 0:
        held = signal if position["lots"] > 0 else -signal
        return (
            write_close(orders, 0, market, position, ALL_LOTS) if held < me["exit_threshold"] else 0
        )
    lots = lots_of(view, me["size_usd"])
    if abs(signal) <= me["entry_threshold"] or lots < 1:
        return 0
    return write_market(orders, 0, market, 1 if signal > 0.0 else -1, lots, 0)


class Momentum(Trader):
    """A trend follower (see the module)."""

    kind, traits, decide, slots = "momentum", TRAITS, follow, 0
