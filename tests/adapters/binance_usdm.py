"""Binance USD-M: liquidation prices, impact notional, cap, funding rate, ramp-weighted average."""

import numpy as np

from perplab.sim.laws.funding import cap_by_law
from perplab.sim.laws.liquidation import liquidation_price
from perplab.sim.laws.margin import maintenance_margin
from perplab.sim.laws.premium import impact_notional
from perplab.sim.laws.premium_average import sample_weight
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import rate_by

LOT = 0.001


def lots_of(size):
    return round(size / LOT)


def binance_isolated(
    wb=None, cum=0.0, pos=None, entry=0.0, mmr=0.0, side=1, short=False, leverage=1.0, amount=None
):
    size = pos or amount
    equity = amount * entry / leverage if wb is None else wb
    return {
        "liq": liquidation_price(
            entry, equity, (-1 if short else side) * lots_of(size), LOT, mmr, cum
        )
    }


def binance_cross(wb, this, other):
    value = other["pos"] * other["mark"]
    tier = np.array([[0.0], [other["mmr"]], [other["cum"]]])
    maintenance = maintenance_margin(value, *tier, 1)
    gain = other["pos"] * (other["mark"] - other["entry"])
    equity = wb - maintenance + gain
    price = liquidation_price(
        this["entry"], equity, lots_of(this["pos"]), LOT, this["mmr"], this["cum"]
    )
    return {"liq": price, "tmm_other": maintenance, "upnl_other": gain}


def binance_impact(imr_at_max_leverage):
    return {"imn": [impact_notional(fraction, 200.0) for fraction in imr_at_max_leverage]}


def binance_cap(mmr, multiplier):
    return {
        "cap": [
            cap_by_law("maintenance", multiple, 0.0, fraction)
            for fraction, multiple in zip(mmr, multiplier)
        ]
    }


def binance_funding(avg_premium, interest, interval_h):
    rules = load_rulebook("binance").changed({"funding.interval_hours": interval_h})
    return {"funding": rate_by(rules, avg_premium, interest)}


def binance_average(n, P):
    assert P == "P_i = 0 for i<=2880, 0.001 for i>2880"
    weights = [sample_weight(number, 1) for number in range(1, n + 1)]
    weighted = sum(weight * 0.001 for number, weight in enumerate(weights, 1) if number > 2880)
    return {"avg": weighted / sum(weights), "last_weight": weights[-1] / sum(weights)}


ADAPTERS = {
    "liq_price_isolated": binance_isolated,
    "liq_price_cross": binance_cross,
    "impact_notional": binance_impact,
    "funding_cap": binance_cap,
    "funding_rate": binance_funding,
    "linear_weight_twap": binance_average,
}
