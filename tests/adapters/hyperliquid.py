"""Hyperliquid: funding rate, premium from impact prices, maintenance margin by tier."""

import math

from perplab.sim.laws.margin import maintenance_margin
from perplab.sim.laws.premium import premium_index
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import market_of, rate_by
from tests.laws import rate_of
from tests.markets import World
from tests.probes import one_sample

SCALE = 100


def hyperliquid_funding(
    avg_premium=None,
    interest_8h=1e-4,
    clamp=5e-4,
    divisor=8,
    cap_hourly=0.04,
    impact_bid=None,
    oracle=None,
):
    if impact_bid is not None:
        premium = premium_index(float(impact_bid), float(impact_bid), float(oracle))
        return {
            "premium": premium,
            "funding_8h": rate_of(premium, interest_8h, clamp, 0, math.inf, 1.0),
        }
    rules = load_rulebook("hyperliquid")
    assert (rules.funding.damper, rules.funding.divisor, rules.funding.cap) == (
        clamp,
        divisor,
        cap_hourly,
    )
    return {"funding_hourly": rate_by(rules, avg_premium, interest_8h)}


def hyperliquid_premium(oracle, impact_bid, impact_ask):
    return {"premium": premium_index(impact_bid, impact_ask, oracle)}


def hyperliquid_maintenance(tiers, notional):
    table = [[floor, 0.5 / leverage, leverage] for floor, leverage in tiers]
    market = market_of(load_rulebook("hyperliquid").changed({"margin.tiers": table}))
    columns = [
        market["margin_law"][name] for name in ("tier_floor", "tier_fraction", "tier_deduction")
    ]
    return {
        "mmr_tier0": market["margin_law"]["tier_fraction"][0],
        "mmr_tier1": market["margin_law"]["tier_fraction"][1],
        "deduction_tier1": 1e-6 * market["margin_law"]["tier_deduction"][1],
        "maintenance_margin": 1e-6
        * maintenance_margin(1e6 * notional, *columns, market["margin_law"]["tiers"]),
    }


def hyperliquid_hip3(oracle, impact_bid, impact_ask, funding_multiplier):
    """Take a sample by the mean of the impact prices in a book of two orders, and fix its rate."""
    rules = load_rulebook("hyperliquid").changed(
        {
            "premium.law": "impact_mean",
            "funding.period_hours": 8 / funding_multiplier,
            "contract.tick": 0.001 * SCALE,
            "premium.impact_notional": 100.0,
        }
    )
    world = World(rules, traders=2)
    world.own(0, 1e6)
    world.own(1, 1e6)
    world.mark(oracle * SCALE)
    world.limit(0, 1, round(impact_bid * 1000), 10_000)
    world.limit(1, -1, round(impact_ask * 1000), 10_000)
    world.call(one_sample, 0)
    premium = float(world["view"]["premium"][0])
    return {"premium": premium, "funding_hourly": rate_by(rules, premium, 1e-4)}


ADAPTERS = {
    "premium_hip3": hyperliquid_hip3,
    "funding_rate": hyperliquid_funding,
    "premium_impact": hyperliquid_premium,
    "maintenance_margin": hyperliquid_maintenance,
}
