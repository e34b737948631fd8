"""Bybit: liquidation and bankruptcy prices, cap, and a mark that is the median of its inputs.

The venue computes maintenance margin on the entry value, so it does not move with the price.
"""

import math

from perplab.sim.laws.averages import median_of_three
from perplab.sim.laws.liquidation import bankruptcy_price, liquidation_price
from perplab.sim.laws.mark import index_plus_funding
from perplab.sim.rulebook.rulebook import load_rulebook


def isolated(short, leverage, entry, mmr):
    return {
        "liq": liquidation_price(
            entry, entry / leverage, -1 if short else 1, 1.0, 0.0, -mmr * entry
        )
    }


def inverse_long(entry, leverage, tick):
    reciprocal = bankruptcy_price(1 / entry, 1 / entry / leverage, -1, 1.0)
    return {"bankrupt": math.ceil(1 / reciprocal / tick) * tick}


def linear_long(size, entry, position_margin, wallet):
    return {"bankrupt": bankruptcy_price(entry, position_margin + wallet, size, 1.0)}


def cap(imr, mmr):
    return {
        "cap": load_rulebook("bybit").changed({"margin.tiers": [[0, mmr, 1 / imr]]}).funding_cap
    }


def mark(index, last, bid, ask, funding, ms_to_funding, mark):
    with_funding = index_plus_funding(index, funding, ms_to_funding / 1000, 28_800.0)
    return {
        "price1": with_funding,
        "mark_is_middle": int(median_of_three(with_funding, mark, last) == mark),
    }


ADAPTERS = {
    "liq_price_isolated": isolated,
    "bankruptcy_inverse_long": inverse_long,
    "bankruptcy_linear_long": linear_long,
    "funding_cap": cap,
    "mark_consistency": mark,
}
