"""Perpetual Protocol v2: gap of 15-minute averages, capped at 10 % of the index, over a day."""

from perplab.sim.laws.averages import clamp
from perplab.sim.laws.funding import DamperMode
from perplab.sim.laws.funding_transfer import funding_payment
from tests.laws import rate_of

DAY, UNITS, LARGEST = 86_400, 1e15, 0.1


def payment(position, market_twap, index_twap, seconds):
    premium = clamp((market_twap - index_twap) / index_twap, -LARGEST, LARGEST)
    rate = rate_of(premium, 0.0, 0.0, DamperMode.SUM, 1e9, 1.0) * seconds / DAY
    return {
        "pending_payment": funding_payment(round(position * 1000), index_twap, UNITS / 1000, rate)
        / UNITS
    }


def two_legs(position, legs):
    return {"pending_payment": sum(payment(position, *leg)["pending_payment"] for leg in legs)}


ADAPTERS = {"funding_payment": payment, "funding_two_legs": two_legs}
