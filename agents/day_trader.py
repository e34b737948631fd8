"""Day traders: small market orders whose number follows volatility.

Belief
    None about value. They trade more when the price moves, and return to a flat position.
Orders
    At a wake, with probability activity * act_probability, one market order. Its size is lognormal
    with mean ``size_usd`` times the relative volatility to the power ``size_power``; it buys with
    probability (1 - tanh(position / flat_usd)) / 2. With v the volatility of spot over
    ``reference_volatility`` and m the last hour's trend over its mean size, activity is
    v**volatility_power * (1 - move_share + move_share * m).
Literature
    Clark (1973, Econometrica 41) and Karpoff (1987, JFQA 22) on volume and absolute returns; Lux
    and Marchesi (1999, Nature 397) on activity that follows volatility; Admati and Pfleiderer
    (1988, RFS 1) on the clustering of trade.
"""

import math

from perplab.agents.noise import buying_probability
from perplab.agents.orders import lots_of, usd_of, write_market
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.streams import normal, uniform

MEAN_TREND = 0.56
"""Mean size of the trend over an hour's mean, in standard deviations of the hour's return."""

TRAITS = Traits(
    wake_seconds=Trait(3_600, "s", "mean time between looks at the market", low=0),
    act_probability=Trait(
        0.25, "1", "probability of an order at a wake, at activity 1", low=0, high=1
    ),
    size_usd=Trait(9_500, "quote currency", "mean order size at reference volatility", low=0),
    size_log_sd=Trait(1.0, "1", "standard deviation of the log of the size", low=0, high=5),
    flat_usd=Trait(
        10_000, "quote currency", "scale of the position at which it tends to reduce", low=1
    ),
    reference_volatility=Trait(
        0.92e-4, "per sqrt(s)", "volatility of spot at which activity is 1", low=1e-9
    ),
    volatility_power=Trait(0.8, "1", "exponent of relative volatility in activity", low=0, high=4),
    move_share=Trait(
        0.6, "1", "part of activity that follows the size of the last hour's move", low=0, high=1
    ),
    size_power=Trait(0.2, "1", "exponent of relative volatility in the size", low=0, high=4),
    capital_usd=Trait(60_000, "quote currency", "initial wealth", low=0),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
)


@hot_kernel
def relative_volatility(me, view):
    """Return the volatility of spot over the reference, within .2 and 5."""
    return min(max(view["seen"]["volatility"] / me["reference_volatility"], 0.2), 5.0)


@hot_kernel
def activity(me, view, ratio):
    """Return the probability of an order over ``act_probability``."""
    scale = max(view["seen"]["volatility"], 1e-6) * 60.0 * MEAN_TREND
    move = abs(view["trend_1h"]) / scale
    share = me["move_share"]
    return math.exp(me["volatility_power"] * math.log(ratio)) * (1.0 - share + share * move)


@hot_kernel
def order_usd(me, rng, ratio):
    """Return a lognormal order size, quote currency."""
    deviation = me["size_log_sd"]
    log_size = deviation * (normal(rng) - 0.5 * deviation) + me["size_power"] * math.log(ratio)
    return me["size_usd"] * math.exp(log_size)


@rule(TRAITS)
def trade_actively(me, accounts, positions, views, mine, rng, orders):
    """Send a market order, or none."""
    market = int(me["market"])
    view = views[market]
    ratio = relative_volatility(me, view)
    if uniform(rng) > me["act_probability"] * activity(me, view, ratio):
        return 0
    lots = max(lots_of(view, order_usd(me, rng, ratio)), 1)
    position_usd = usd_of(view, positions[market]["lots"])
    side = 1 if uniform(rng) < buying_probability(position_usd, me["flat_usd"]) else -1
    return write_market(orders, 0, market, side, lots, 0)


class DayTrader(Trader):
    """A small trader whose activity follows volatility (see the module)."""

    kind, traits, decide, slots = "day_trader", TRAITS, trade_actively, 0
