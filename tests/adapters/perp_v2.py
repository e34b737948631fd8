"""Perpetual Protocol v2: gap of 15-minute averages, capped at 10 % of the index, over a day."""

from perplab.sim.laws.funding import clamp, funding_payment, funding_rate
from perplab.sim.state.records import SUM

DAY, UNITS, LARGEST = 86_400, 1e15, 0.1


def payment(position, market_twap, index_twap, seconds):
    premium = clamp((market_twap - index_twap) / index_twap, -LARGEST, LARGEST)
    rate = funding_rate(premium, 0.0, 0.0, SUM, 1e9, 1.0) * seconds / DAY
    return {
        "pending_payment": funding_payment(round(position * 1000), index_twap, UNITS / 1000, rate)
        / UNITS
    }


def two_legs(position, legs):
    return {"pending_payment": sum(payment(position, *leg)["pending_payment"] for leg in legs)}


ADAPTERS = {"funding_payment": payment, "funding_two_legs": two_legs}
