"""Funding settlement.

The rate is fixed and paid through the ledger, at the end of an interval or a little each step.

A rate is fixed from the average premium (`perplab.sim.funding.rate.rate_in_force`). Where funding
accrues continuously, each step charges its share of the rate of that moment; the record of the
interval holds what was charged in all. With a lag the rate fixed at one settlement is charged at
the next.
"""

from perplab.sim.clearing.ledger import pay_funding
from perplab.sim.clearing.open_list import open_position
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.funding.rate import average_premium, rate_in_force
from perplab.sim.funding.skew import trader_interest
from perplab.sim.laws.amm import used_share
from perplab.sim.laws.funding import at_cap, notional_price, set_terms
from perplab.sim.laws.funding_interval import adapts, next_interval, terms_of
from perplab.sim.laws.funding_transfer import funding_payment, pool_stands_aside, transfer_rate
from perplab.sim.laws.premium_average import start_interval
from perplab.sim.state.codes import FUNDING_OUTSIDE, LARGEST_NOTIONAL
from perplab.sim.state.records import (
    end_with,
    market_at,
    position_at,
    run_row,
    settlement_at,
    venue_at,
    view_at,
)


@entry("none", 2, "float64")
def settle(world, m, seconds):
    """End the funding interval of market m.

    Fix the rate, settle it on every position, keep the record.

    Notes
    -----
    Each payment is rounded up for the payer and down for the receiver; the sum of the roundings
    goes to the fund.
    """
    market, view = market_at(world, m), view_at(world, m)
    average = average_premium(world, m)
    fixed = rate_in_force(world, m, average, 1.0)
    if market["funding_on"] == 1:
        if market["continuous"] == 0:
            pay_all(world, m, view["funding_rate"] if market["lag"] == 1 else fixed)
            view["funding_rate"] = fixed
        record_settlement(world, m, average, seconds)
    market["settled_seconds"] += market["interval_seconds"]
    start_interval(market["premium_sums"])
    if adapts(market["interval_law"]):
        adapt_interval(world, m, at_cap(market["funding_law"], fixed))


@entry("none", 2)
def accrue(world, m):
    """Charge a step's share of the mean of the rates at its start and end."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    share, before = run["dt"] / market["interval_seconds"], view["funding_rate"]
    view["funding_rate"] = rate_in_force(world, m, view["average_premium"], share)
    pay_all(world, m, 0.5 * (before + view["funding_rate"]) * share)


@kernel
def adapt_interval(world, m, capped):
    """Cut the interval after a settlement at the cap; restore it after enough below.

    Interest rate and divisor follow its length.
    """
    market, view = market_at(world, m), view_at(world, m)
    law = market["interval_law"]
    market["below_cap"] = 0 if capped else market["below_cap"] + 1
    seconds = next_interval(law, market["interval_seconds"], capped, market["below_cap"])
    market["interval_seconds"] = view["interval_seconds"] = seconds
    interest_rate, divisor = terms_of(law, seconds)
    set_terms(market["funding_law"], interest_rate, divisor)
    set_terms(view["funding_law"], interest_rate, divisor)


@kernel
def payment_price(world, m):
    """Return the price at which the notional of funding is taken in market m."""
    view = view_at(world, m)
    return notional_price(market_at(world, m)["funding_law"], view["mark"], view["index"])


@entry("float64", 4, "float64", "float64")
def side_rate(world, m, side, apart, rate, seconds):
    """Return the rate of a side's traders where the pool (row `apart`) stands aside and bears the
    residue.
    """
    market, pool = market_at(world, m), position_at(world, apart, m)
    longs, shorts = trader_interest(world, m)
    own, other = (longs, shorts) if side > 0 else (shorts, longs)
    fees = float(pool["all_fees"])
    return transfer_rate(
        market["transfer_law"],
        side,
        rate,
        own,
        other,
        payment_price(world, m) * market["units_per_price"],
        fees,
        fees + pool["all_funding"],
        used_share(market["amm_law"], own),
        seconds,
    )


@kernel
def side_rates(world, m, rate):
    """Return the rate of longs, that of shorts, and the row that is not charged directly.

    That row is the fund where the fund is the pool, and -1 elsewhere.
    """
    run, market = run_row(world, 0), market_at(world, m)
    if not pool_stands_aside(market["transfer_law"]):
        return rate, rate, -1
    fund = venue_at(world, market["venue"])["fund_row"]
    seconds = run["dt"] if market["continuous"] == 1 else market["interval_seconds"]
    return (
        side_rate(world, m, 1, fund, rate, seconds),
        side_rate(world, m, -1, fund, rate, seconds),
        fund,
    )


@kernel
def pay_all(world, m, rate):
    """Settle a rate on every position of a market; the residue goes to the fund.

    Add to the sums of the interval.
    """
    run, market = run_row(world, 0), market_at(world, m)
    price = payment_price(world, m)
    if view_at(world, m)["open_interest"] * price * market["units_per_price"] * abs(rate) > (
        LARGEST_NOTIONAL
    ):
        end_with(world, FUNDING_OUTSIDE, m)
        return
    long_paid, short_paid = 0, 0
    long_rate, short_rate, apart = side_rates(world, m, rate)
    for h in range(run["open_count"]):
        i, here = open_position(world, h)
        if here == m and i != apart:
            lots = position_at(world, i, m)["lots"]
            units = funding_payment(
                lots, price, market["units_per_price"], long_rate if lots > 0 else short_rate
            )
            pay_funding(world, i, m, units)
            if lots > 0:
                long_paid += units
            else:
                short_paid += units
    market["safe_low"], market["safe_high"] = 0.0, 0.0
    venue = venue_at(world, market["venue"])
    pay_funding(world, venue["fund_row"], m, -(long_paid + short_paid))
    market["long_paid"] += long_paid
    market["short_paid"] += short_paid
    market["charged"] += rate


@kernel
def record_settlement(world, m, average, seconds):
    """Write the record of an interval from its sums, and begin the sums of the next."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    kept = settlement_at(world, run["settlement_count"])
    kept["step"], kept["seconds"], kept["market"], kept["rate"] = (
        run["step"],
        seconds,
        m,
        market["charged"],
    )
    kept["average_premium"], kept["mark"], kept["index"] = average, view["mark"], view["index"]
    kept["open_interest"], kept["long_paid"], kept["short_paid"] = (
        view["open_interest"],
        market["long_paid"],
        market["short_paid"],
    )
    kept["residue"], kept["capped"] = (
        market["long_paid"] + market["short_paid"],
        at_cap(market["funding_law"], market["charged"]),
    )
    market["charged"], market["long_paid"], market["short_paid"] = 0.0, 0, 0
    run["settlement_count"] += 1
