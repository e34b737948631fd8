"""Funding settlement: the rate of the interval is fixed and paid through the ledger."""

from sim.funding import funding_payment, funding_rate
from sim.kernel import entry, kernel
from sim.ledger import pay_funding
from sim.records import (
    INDEX_NOTIONAL,
    account_at,
    held_at,
    market_at,
    markets,
    position_at,
    run_row,
    settlement_at,
    venue_at,
    view_at,
)


@entry("none", 2, "float64")
def settle(world, m, seconds):
    """Fix the rate of market m, settle it on every position, start the next interval.

    Notes
    -----
    Each payment is rounded up for the payer and down for the receiver; the sum of the roundings goes to the fund.
    """
    market, view = market_at(world, m), view_at(world, m)
    average = market["premium_sum"] / market["weight_sum"] if market["weight_sum"] > 0.0 else 0.0
    rate = funding_rate(average, market["interest"], market["damper"], market["add_interest"], market["cap"],
                        market["divisor"])
    if market["funding_on"] == 1:
        pay_all(world, m, rate, average, seconds)
        view["funding_rate"] = rate
    market["settled_seconds"] += market["interval_seconds"]
    market["samples"], market["premium_sum"], market["weight_sum"] = 0, 0.0, 0.0


@kernel
def pay_all(world, m, rate, average, seconds):
    """Settle a rate on every position of a market; the residue goes to the fund; keep the record."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    width = markets(world).shape[0]
    price = view["index"] if market["notional_price"] == INDEX_NOTIONAL else view["mark"]
    long_paid, short_paid = 0, 0
    for h in range(run["held_count"]):
        i = held_at(world, h) // width
        if held_at(world, h) % width == m:
            lots = position_at(world, i, m)["lots"]
            units = funding_payment(lots, price, market["units_per_price"], rate)
            pay_funding(world, i, m, units)
            if lots > 0:
                long_paid += units
            else:
                short_paid += units
    market["safe_low"], market["safe_high"] = 0.0, 0.0
    venue = venue_at(world, market["venue"])
    account_at(world, venue["fund_row"], market["venue"])["collateral"] += long_paid + short_paid
    keep_settlement(world, m, rate, average, seconds, long_paid, short_paid)


@kernel
def keep_settlement(world, m, rate, average, seconds, long_paid, short_paid):
    """Write the record of a settlement."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    kept = settlement_at(world, run["settlement_count"])
    kept["step"], kept["seconds"], kept["market"], kept["rate"] = run["step"], seconds, m, rate
    kept["average_premium"], kept["mark"], kept["index"] = average, view["mark"], view["index"]
    kept["open_interest"], kept["long_paid"], kept["short_paid"] = view["open_interest"], long_paid, short_paid
    kept["residue"], kept["capped"] = long_paid + short_paid, abs(rate) >= market["cap"]
    run["settlement_count"] += 1
