"""Speculators: a leveraged crowd that follows sentiment, trends and opinions, and minds the cost.

Belief
    The score of the market is the sum of a ``bias``, public sentiment, the trend of the perpetual
    over the speculator's own horizon, and its own opinion, an Ornstein-Uhlenbeck process; less the
    funding that a long would pay and the premium at which it would enter.
Orders
    The goal is size * tanh(score), smaller in volatile markets; it is reconsidered at random
    times of mean ``review_seconds``. A gap of more than ``band`` of the size between goal and
    position is a parent order, worked by market orders of ``child_share`` of the size, one at a
    wake with probability ``child_probability``. The size is ``exposure`` times the capital. At a
    loss of ``stop_loss`` of the entry value a stop order at the venue closes the whole position.
Margin
    Collateral follows the position: it is topped up from the wallet to position / target_leverage
    (shorts: at most short_leverage_limit) while the position is being built, and an excess goes
    back to the wallet. It is not topped up after a loss.
Literature
    Chiarella, Iori and Perello (2009, JEDC 33) for goals made of trend, value and noise; Barberis,
    Greenwood, Jin and Shleifer (2018, JFE 129) for demand that extrapolates returns; Schmeling,
    Schrimpf and Todorov (2026), "Crypto carry", for leveraged demand as the source of carry; Soska
    et al. (2021) for leverage at retail venues; Almgren and Chriss (2001) for parents and children.
"""

import math

import numpy as np

from perplab.agents.crowd_margin import margin_transfer, supports
from perplab.agents.orders import (
    elapsed_seconds,
    funding_paid_8h,
    lots_of,
    usd_of,
    whole,
    write_market,
    write_stop,
    write_transfer,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import REDUCE_ONLY
from perplab.sim.streams import normal, uniform

DAY, YEAR_DAYS = 86_400.0, 365.0
STOP_TOLERANCE = 0.002

TRAITS = Traits(
    wake_seconds=Trait(600, "s", "mean time between looks at the market", low=0),
    review_seconds=Trait(43_200, "s", "mean time between two decisions on the goal", low=1),
    capital_usd=Trait(72_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0, "1", "initial share of capital at the venue", low=0, high=1),
    exposure=Trait(1.67, "1", "largest position over capital", low=0),
    target_leverage=Trait(7, "1", "position over the collateral behind it", low=1),
    short_leverage_limit=Trait(4, "1", "largest target leverage of a short", low=1),
    leverage=Trait(100, "1", "leverage set at the venue", low=1),
    bias=Trait(0.17, "1", "constant part of the score"),
    sentiment_weight=Trait(0.1, "1", "score per unit of public sentiment"),
    trend_weight=Trait(0.15, "1", "largest part of the score by the trend"),
    trend_days=Trait(5, "d", "time constant of the mean that the trend is measured from", low=0.01),
    opinion_sd=Trait(0.9, "1", "standard deviation of its own opinion", low=0),
    opinion_days=Trait(4, "d", "time constant of its own opinion", low=0.01),
    funding_weight=Trait(0.03, "per bp", "score per bp of funding paid per 8 hours", low=0),
    premium_weight=Trait(0.012, "per bp", "score per bp of premium paid at entry", low=0),
    stress_power=Trait(0.15, "1", "exponent of relative volatility by which it is smaller", low=0),
    reference_volatility=Trait(
        0.92e-4, "per sqrt(s)", "volatility of spot in calm times", low=1e-9
    ),
    trend_volatility=Trait(
        0.65, "per sqrt(year)", "volatility that trends are measured by", low=0.01
    ),
    band=Trait(0.15, "1", "gap to the goal, over the size, that is left alone", low=0),
    child_share=Trait(0.1, "1", "child order over the size", low=0, high=1),
    child_probability=Trait(0.25, "1", "probability of a child order at a wake", low=0, high=1),
    stop_loss=Trait(0, "fraction of entry value", "loss at its stop order; 0: none", low=0),
    market=Trait(0, "number", "market it trades", low=0),
    memory={
        "seen_seconds": 0.0,
        "goal_usd": 0.0,
        "opinion": 0.0,
        "log_mean": 0.0,
        "working": 0.0,
        "stop_tick": 0.0,
        "stop_side": 0.0,
    },
)


@hot_kernel
def largest_usd(me):
    """Return its largest position, quote currency."""
    return me["exposure"] * me["capital_usd"]


@hot_kernel
def form_opinion(me, elapsed, rng):
    """Advance its own opinion by its exact transition."""
    kept = math.exp(-elapsed / (me["opinion_days"] * DAY)) if me["log_mean"] != 0.0 else 0.0
    shock = me["opinion_sd"] * math.sqrt(1.0 - kept * kept) * normal(rng)
    me["opinion"] = kept * me["opinion"] + shock


@hot_kernel
def trend(me, view, elapsed):
    """Return the log mark over its own exponential mean, in standard deviations of that."""
    now = math.log(view["mark"])
    if me["log_mean"] == 0.0:
        me["log_mean"] = now
    me["log_mean"] += (1.0 - math.exp(-elapsed / (me["trend_days"] * DAY))) * (now - me["log_mean"])
    deviation = me["trend_volatility"] * math.sqrt(0.5 * me["trend_days"] / YEAR_DAYS)
    return (now - me["log_mean"]) / deviation


@hot_kernel
def cost_of_long(me, view):
    """Return what funding and premium take off the score."""
    predicted = funding_paid_8h(view, 1.0)
    last = view["funding_rate"] * 28_800.0 / view["interval_seconds"]
    funding = 0.5 * (predicted + last)
    return 1e4 * (me["funding_weight"] * funding + me["premium_weight"] * view["premium_90m"])


@hot_kernel
def goal_usd(me, view, trend_now):
    """Return the position it wants, quote currency."""
    score = me["bias"] + me["sentiment_weight"] * view["sentiment"] + me["opinion"]
    score += me["trend_weight"] * math.tanh(trend_now) - cost_of_long(me, view)
    stress = min(max(view["seen"]["volatility"] / me["reference_volatility"], 0.3), 4.0)
    smaller = min(math.exp(-me["stress_power"] * math.log(stress)), 1.3)
    return largest_usd(me) * math.tanh(score) * smaller


@hot_kernel
def review(me, view, position, elapsed, rng, trend_now):
    """Reconsider the goal at random times; a large enough gap becomes a parent order."""
    if uniform(rng) > math.exp(-elapsed / me["review_seconds"]):
        me["goal_usd"] = goal_usd(me, view, trend_now)
        gap = abs(me["goal_usd"] - usd_of(view, position["lots"]))
        me["working"] = 1.0 if gap > me["band"] * largest_usd(me) else 0.0


@hot_kernel
def stop_tick(me, position, view):
    """Return the trigger of its stop order in ticks, 0 for none."""
    if me["stop_loss"] == 0.0 or position["lots"] == 0:
        return 0
    entry = abs(position["quote"] / (position["lots"] * view["units_per_tick"]))
    away = 1.0 - me["stop_loss"] if position["lots"] > 0 else 1.0 + me["stop_loss"]
    return max(whole(entry * away), 1)


@hot_kernel
def keep_stop(me, position, view, market, orders):
    """Write its stop order if its entry price has moved; give up the goal if it was stopped out."""
    if position["lots"] == 0 and me["stop_side"] * me["goal_usd"] > 0.0:
        me["goal_usd"], me["working"] = 0.0, 0.0
    tick = stop_tick(me, position, view)
    me["stop_side"] = 0.0 if tick == 0 else math.copysign(1.0, position["lots"])
    if abs(tick - me["stop_tick"]) <= STOP_TOLERANCE * tick:
        return np.int64(0)
    me["stop_tick"] = tick
    return write_stop(orders, 0, market, tick)


@hot_kernel
def work(me, account, wallet, position, view, market, orders, count):
    """Write one child order of the parent; the parent ends when less than half a child is left."""
    held_usd, child = usd_of(view, position["lots"]), me["child_share"] * largest_usd(me)
    gap = me["goal_usd"] - held_usd
    side, lots = 1 if gap > 0.0 else -1, lots_of(view, min(abs(gap), child))
    if abs(gap) < 0.5 * child or lots < 1:
        me["working"] = 0.0
        return count
    if position["lots"] * side < 0:
        lots = min(lots, abs(position["lots"]))
        return write_market(orders, count, market, side, lots, REDUCE_ONLY)
    if not supports(me, account, view, abs(held_usd) + child):
        me["working"] = 1.0 if account["incoming"] > 0 or wallet["cash"] > 0 else 0.0
        return count
    return write_market(orders, count, market, side, lots, 0)


@rule(TRAITS)
def follow_goal(me, accounts, positions, views, mine, rng, orders):
    """Keep the stop order, and move collateral or work the parent order."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account, wallet = accounts[int(view["venue"])], accounts[0]
    elapsed = elapsed_seconds(me, view)
    form_opinion(me, elapsed, rng)
    trend_now = trend(me, view, elapsed)
    count = keep_stop(me, position, view, market, orders)
    review(me, view, position, elapsed, rng, trend_now)
    units = margin_transfer(me, account, wallet, position, view, largest_usd(me))
    if units != 0:
        return write_transfer(orders, count, market, units)
    if me["working"] == 0.0 or uniform(rng) > me["child_probability"]:
        return count
    return work(me, account, wallet, position, view, market, orders, count)


class Speculator(Trader):
    """A leveraged speculator (see the module)."""

    kind, traits, decide, slots = "speculator", TRAITS, follow_goal, 0
