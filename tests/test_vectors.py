"""Golden vectors of the venues, through the functions that a simulation uses: one small adapter a kind.

An output passes within its `abs_tol` or within `rel_tol` of its size (see the vectors' own notes).
"""

import json
import math
import pathlib

import numpy as np
import pytest

from sim.funding import funding_cap, funding_rate
from sim.margin import liquidation_price, maintenance_margin
from sim.premium import impact_notional, premium_index, sample_weight
from sim.records import MARKET, VENUE
from sim.rulebook import load_rulebook

VECTORS = [vector for path in sorted((pathlib.Path(__file__).parent / "vectors").glob("*.json"))
           for vector in json.loads(path.read_text(encoding="utf-8"))]
NOT_BUILT = {
    "HL-P-HIP3-NVDA": "premium from the mean impact price, and a funding multiplier by market: no rulebook option yet",
}
LOT = 0.001


def lots_of(size):
    return round(size / LOT)


def binance_isolated(wb=None, cum=0.0, pos=None, entry=0.0, mmr=0.0, side=1, short=False, leverage=1.0, amount=None):
    size = pos or amount
    equity = amount * entry / leverage if wb is None else wb
    return {"liq": liquidation_price(entry, equity, (-1 if short else side) * lots_of(size), LOT, mmr, cum)}


def binance_cross(wb, this, other):
    value = other["pos"] * other["mark"]
    tier = np.array([[0.0], [other["mmr"]], [other["cum"]]])
    maintenance = maintenance_margin(value, *tier, 1)
    gain = other["pos"] * (other["mark"] - other["entry"])
    equity = wb - maintenance + gain
    price = liquidation_price(this["entry"], equity, lots_of(this["pos"]), LOT, this["mmr"], this["cum"])
    return {"liq": price, "tmm_other": maintenance, "upnl_other": gain}


def binance_impact(imr_at_max_leverage):
    return {"imn": [impact_notional(fraction, 200.0) for fraction in imr_at_max_leverage]}


def binance_cap(mmr, multiplier):
    return {"cap": [funding_cap(fraction, multiple) for fraction, multiple in zip(mmr, multiplier)]}


def binance_funding(avg_premium, interest, interval_h):
    rules = load_rulebook("binance").changed({"funding.interval_hours": interval_h, "funding.divisor": 8 / interval_h})
    return {"funding": rate_by(rules, avg_premium, interest)}


def binance_average(n, P):
    assert P == "P_i = 0 for i<=2880, 0.001 for i>2880"
    weights = [sample_weight(number, 1) for number in range(1, n + 1)]
    weighted = sum(weight * 0.001 for number, weight in enumerate(weights, 1) if number > 2880)
    return {"avg": weighted / sum(weights), "last_weight": weights[-1] / sum(weights)}


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


def market_of(rules):
    row = np.zeros(1, MARKET)[0]
    rules.fill(np.zeros(1, VENUE)[0], row)
    return row


def rate_by(rules, average_premium, interest):
    market = market_of(rules)
    assert market["interest"] == interest
    names = ("interest", "damper", "add_interest", "cap", "divisor")
    return funding_rate(average_premium, *(market[name] for name in names))


ADAPTERS = {
    ("binance_usdm", "liq_price_isolated"): binance_isolated, ("binance_usdm", "liq_price_cross"): binance_cross,
    ("binance_usdm", "impact_notional"): binance_impact, ("binance_usdm", "funding_cap"): binance_cap,
    ("binance_usdm", "funding_rate"): binance_funding, ("binance_usdm", "linear_weight_twap"): binance_average,
    ("hyperliquid", "funding_rate"): hyperliquid_funding, ("hyperliquid", "premium_impact"): hyperliquid_premium,
    ("hyperliquid", "maintenance_margin"): hyperliquid_maintenance,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector):
    if vector["id"] in NOT_BUILT:
        pytest.skip(NOT_BUILT[vector["id"]])
    outputs = ADAPTERS[vector["venue"], vector["kind"]](**vector["inputs"])
    for name, expected in vector["outputs"].items():
        error = np.abs(np.subtract(outputs[name], expected))
        allowed = np.maximum(vector["abs_tol"][name], vector["rel_tol"] * np.abs(expected))
        assert np.all(error <= allowed), (name, outputs[name], expected)


def test_no_vector_is_lost():
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS) == 37
    assert set(NOT_BUILT) <= {vector["id"] for vector in VECTORS}
