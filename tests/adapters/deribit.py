"""Deribit: the dead band, and a payment by the minute."""

import numpy as np

from perplab.sim.laws.funding import DamperMode
from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.laws.margin import initial_margin, maintenance_margin, size_charge
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import rate_by
from tests.laws import rate_of


def funding_now(mark, index, damper, cap):
    premium = mark / index - 1
    return {
        "premium": premium,
        "current_funding": rate_of(premium, 0.0, damper, DamperMode.DEAD_BAND, cap, 1.0),
    }


def inverse_payment(mark, index, position_usd, minutes):
    """Charge a minute's share of the rate on an inverse contract, with notional at the index."""
    rules, premium = load_rulebook("deribit"), mark / index - 1
    rate, satoshi = rate_by(rules, premium, 0.0), 1e12
    share = 60 * minutes / (3600 * rules.funding.interval_hours)
    return {
        "premium": premium,
        "funding_8h": rate,
        "payment_btc": funding_payment(position_usd, 1 / index, satoshi, rate * share) / satoshi,
    }


def margins(price, size, im_base, mm_base, slope_per_coin):
    notional = price * size
    slope = size_charge(notional, size, slope_per_coin)
    one_tier = np.array([0.0])
    return {
        "im_usdc": initial_margin(notional, 1 / im_base, np.array([np.inf]), one_tier, 1) + slope,
        "mm_usdc": maintenance_margin(notional, one_tier, np.array([mm_base]), one_tier, 1) + slope,
    }


ADAPTERS = {"margin": margins, "funding_now": funding_now, "funding_rate": inverse_payment}
