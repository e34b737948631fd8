"""Perpetual Protocol v1: an hour's gap of averages, paid in full per day."""

from perplab.sim.laws.amm import product_price, product_room
from perplab.sim.laws.funding import DamperMode
from perplab.sim.laws.funding_transfer import funding_payment
from tests.laws import rate_of

UNITS = 1e6


def fraction_of(market_twap, index_twap, funding_period_s=86_400):
    """Return the rate as a fraction of the index."""
    return rate_of(
        (market_twap - index_twap) / index_twap,
        0.0,
        0.0,
        DamperMode.SUM,
        1e9,
        86_400 / funding_period_s,
    )


def payment(market_twap, index_twap, funding_period_s, positions, margins, insurance):
    rate = fraction_of(market_twap, index_twap, funding_period_s)
    paid = {
        name: funding_payment(round(size * 1e3), index_twap, UNITS / 1e3, rate) / UNITS
        for name, size in positions.items()
    }
    return {"premium_fraction": rate * index_twap, "insurance": insurance + sum(paid.values())} | {
        f"{name}_margin": margins[name] - units for name, units in paid.items()
    }


def underwater(market_twap, index_twap, position, margin):
    rate = fraction_of(market_twap, index_twap)
    left = margin - funding_payment(position, index_twap, UNITS, rate) / UNITS
    return {
        "premium_fraction": rate * index_twap,
        "margin_after": max(left, 0.0),
        "bad_debt": max(-left, 0.0),
    }


def quotes(quote_reserve, base_reserve):
    product = float(quote_reserve * base_reserve)

    def for_quote(paid):
        return abs(
            product_room(float(base_reserve), product, (quote_reserve + paid) ** 2 / product)
        )

    def for_base(size):
        return abs(product_price(float(base_reserve), product, size) * size)

    return {
        "buy_with_50_quote": for_quote(50),
        "sell_for_50_quote": for_quote(-50),
        "sell_5_base": for_base(-5.0),
        "buy_5_base": for_base(5.0),
        "sell_25_base": for_base(-25.0),
        "buy_37_5_base": for_base(37.5),
    }


ADAPTERS = {"vamm_quote": quotes, "funding_payment": payment, "funding_underwater": underwater}
