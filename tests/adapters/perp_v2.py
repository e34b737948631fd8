"""Perpetual Protocol v2: gap of 15-minute averages, capped at 10 % of the index, over a day."""

from tests.markets import TICK, World, round_rules
from tests.probes import accrue_at, one_sample

UNIT, LOT, LARGER = 1e-10, 0.001, 1_000
"""Money unit, lot and the factor by which positions are larger than the table's."""
BOOK = {"trading__venue_type": "book", "trading__depth_usd": None, "trading__fee_share": 0.0}


def payment(position, market_twap, index_twap, seconds):
    """Take a sample of two given averages and accrue its rate for some seconds."""
    rules = round_rules(
        "perp-v2",
        contract__unit=UNIT,
        contract__lot=LOT,
        margin__tiers=[[0, 0.0625, 10]],
        margin__maximum_leverage=10,
        **BOOK,
    )
    world, lots = World(rules, traders=2), round(position * LARGER / LOT)
    world.trade(*((0, 1) if lots > 0 else (1, 0)), abs(lots), tick=TICK)
    world.mark(market_twap, index=index_twap)
    gap = world["market"]["gap_state"]
    gap["mid_average"], gap["index_average"] = market_twap, index_twap
    world["run"]["dt"] = 0.0
    world.call(one_sample, 0)
    world["view"]["funding_rate"] = world["view"]["predicted_funding"]
    world["run"]["dt"] = seconds
    world.call(accrue_at, 0)
    assert world.lots(0) == lots
    return {"pending_payment": -int(world["position"]["all_funding"][0, 0]) * UNIT / LARGER}


def two_legs(position, legs):
    return {"pending_payment": sum(payment(position, *leg)["pending_payment"] for leg in legs)}


ADAPTERS = {"funding_payment": payment, "funding_two_legs": two_legs}
