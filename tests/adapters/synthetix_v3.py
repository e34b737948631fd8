"""Synthetix v3: funding that drifts with the skew, and fills at the mean of the skews."""

import math

from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.amm import skew_price
from perplab.sim.laws.skew_funding import skew_rate
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import market_of
from tests.markets import USD, World, round_rules
from tests.probes import accrue_at, one_sample

LOT, DAY = 0.01, 86_400.0


def pool(skew_scale, maximum_velocity, price):
    """Return a world of the venue's rules whose pool fills at the index."""
    rules = round_rules(
        "synthetix-v3",
        premium__skew_scale=float(skew_scale),
        premium__maximum_velocity=float(maximum_velocity),
        trading__scale=math.inf,
    )
    world = World(rules, traders=2)
    for i in range(2):
        world.own(i, 1e6)
    world.mark(float(price))
    world.call(quote_pool, 0)
    world["run"]["premium_samples"] = 1
    return world


def trade(world, i, size):
    world.market_order(i, 1 if size > 0 else -1, round(abs(size) / LOT))


def path(skew_scale, max_velocity_per_day, price, position, steps):
    """Let time pass in one step each, then trade; return the rates and what the position paid."""
    world, rates, paid = pool(skew_scale, max_velocity_per_day, price), [], []
    trade(world, 0, position)
    for days, traded in steps:
        world["run"]["dt"] = days * DAY
        world.call(one_sample, 0)
        world.call(accrue_at, 0)
        rates.append(float(world["view"]["funding_rate"][0]))
        paid.append(-int(world["position"]["all_funding"][0, 0]) / USD)
        trade(world, 1, traded)
    return {"rate_before_step": rates, "accrued": paid}


def drift(prev_rate, velocity, seconds):
    """Let the rate drift at the largest velocity, which a skew of its scale brings."""
    rules = load_rulebook("synthetix-v3").changed(
        {"premium.maximum_velocity": velocity, "premium.skew_scale": LOT, "contract.lot": LOT}
    )
    law = market_of(rules)["skew_law"]
    charged, _ = skew_rate(law, float(prev_rate), 1.0, 0.0, float(seconds), LOT)
    return {"rate": charged}


def fill(price, skew, size, skew_scale):
    return {"fill": skew_price(float(price), float(skew), float(size), skew_scale, 0.0)}


ADAPTERS = {"funding_velocity_path": path, "funding_rate": drift, "fill_price": fill}
