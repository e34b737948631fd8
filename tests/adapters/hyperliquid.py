"""Hyperliquid: funding rate, premium from impact prices, maintenance margin by tier."""

import math

from sim.funding import funding_rate
from sim.margin import maintenance_margin
from sim.premium import premium_index
from sim.rulebook import load_rulebook
from tests.adapters.markets import market_of, rate_by


def hyperliquid_funding(avg_premium=None, interest_8h=1e-4, clamp=5e-4, divisor=8, cap_hourly=0.04, impact_bid=None,
                        oracle=None):
    if impact_bid is not None:
        premium = premium_index(float(impact_bid), float(impact_bid), float(oracle))
        return {"premium": premium, "funding_8h": funding_rate(premium, interest_8h, clamp, 0, math.inf, 1.0)}
    rules = load_rulebook("hyperliquid")
    assert (rules.funding.damper, rules.funding.divisor, rules.funding.cap) == (clamp, divisor, cap_hourly)
    return {"funding_hourly": rate_by(rules, avg_premium, interest_8h)}


def hyperliquid_premium(oracle, impact_bid, impact_ask):
    return {"premium": premium_index(impact_bid, impact_ask, oracle)}


def hyperliquid_maintenance(tiers, notional):
    table = [[floor, 0.5 / leverage, leverage] for floor, leverage in tiers]
    market = market_of(load_rulebook("hyperliquid").changed({"margin.tiers": table}))
    columns = [market[name] for name in ("tier_floor", "tier_fraction", "tier_deduction")]
    return {"mmr_tier0": market["tier_fraction"][0], "mmr_tier1": market["tier_fraction"][1],
            "deduction_tier1": 1e-6 * market["tier_deduction"][1],
            "maintenance_margin": 1e-6 * maintenance_margin(1e6 * notional, *columns, market["tiers"])}


ADAPTERS = {
    "funding_rate": hyperliquid_funding, "premium_impact": hyperliquid_premium,
    "maintenance_margin": hyperliquid_maintenance,
}
