"""Binance USD-M: liquidation prices, impact notional, cap, funding rate, ramp-weighted average."""

import numpy as np

from perplab.sim.laws.funding import cap_by_law
from perplab.sim.laws.liquidation import liquidation_price
from perplab.sim.laws.margin import maintenance_margin
from perplab.sim.laws.premium import impact_notional
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import rate_by
from tests.markets import World, round_rules
from tests.probes import one_sample

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
    """Let an index fall below the bid for the second half of the samples, or for the last one."""
    assert P == "P_i = 0 for i<=2880, 0.001 for i>2880"
    return {"avg": average_after(n, 2880), "last_weight": average_after(n, n - 1) / 0.001}


def average_after(samples, without):
    """Return the average premium after samples of which the first few are 0, the rest .001."""
    world = World(round_rules("binance"), traders=2)
    for i in range(2):
        world.own(i, 1e6)
    world.limit(0, 1, 20_020, 200)
    world.limit(1, -1, 20_030, 200)
    for number in range(samples):
        world["view"]["index"] = 20_020.0 if number < without else 20_000.0
        world.call(one_sample, 0)
    return float(world["view"]["average_premium"][0])


ADAPTERS = {
    "liq_price_isolated": binance_isolated,
    "liq_price_cross": binance_cross,
    "impact_notional": binance_impact,
    "funding_cap": binance_cap,
    "funding_rate": binance_funding,
    "linear_weight_twap": binance_average,
}
