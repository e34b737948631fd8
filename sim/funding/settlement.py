"""Funding settlement: the rate is fixed and paid through the ledger, at the end of an interval or a little each step.

A rate is fixed from the average premium (`perplab.sim.funding.rate.rate_in_force`). Where funding accrues continuously, each step charges its
share of the rate of that moment; the record of the interval holds what was charged in all. With a lag the rate fixed at
one settlement is charged at the next.
"""

from perplab.sim.clearing.ledger import pay_funding
from perplab.sim.clearing.open_list import open_position
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.funding.rate import average_premium, rate_in_force
from perplab.sim.funding.skew import trader_interest
from perplab.sim.laws.funding import funding_payment
from perplab.sim.laws.funding_transfer import borrowing_rate, carried_rate, fee_pool, received_rate
from perplab.sim.state.records import (
    INDEX_NOTIONAL,
    POOL_FEES,
    RECEIVERS_SHARE,
    SAME_RATE,
    market_at,
    position_at,
    run_row,
    settlement_at,
    venue_at,
    view_at,
)

YEAR_SECONDS = 31_536_000.0


@entry("none", 2, "float64")
def settle(world, m, seconds):
    """End the funding interval of market m: fix the rate, settle it on every position, keep the record.

    Notes
    -----
    Each payment is rounded up for the payer and down for the receiver; the sum of the roundings goes to the fund.
    """
    market, view = market_at(world, m), view_at(world, m)
    average = average_premium(world, m)
    fixed = rate_in_force(world, m, average, market["step_limit"])
    if market["funding_on"] == 1:
        if market["continuous"] == 0:
            pay_all(world, m, view["funding_rate"] if market["lag"] == 1 else fixed)
            view["funding_rate"] = fixed
        record_settlement(world, m, average, seconds)
    market["settled_seconds"] += market["interval_seconds"]
    market["samples"], market["premium_sum"], market["weight_sum"] = 0, 0.0, 0.0
    if market["short_interval_seconds"] > 0.0:
        adapt_interval(world, m, abs(fixed) >= market["cap"])


@entry("none", 2)
def accrue(world, m):
    """Charge a step's share of the mean of the rates at its start and end."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    share, before = run["dt"] / market["interval_seconds"], view["funding_rate"]
    view["funding_rate"] = rate_in_force(
        world, m, view["average_premium"], market["step_limit"] * share
    )
    pay_all(world, m, 0.5 * (before + view["funding_rate"]) * share)


@kernel
def adapt_interval(world, m, capped):
    """Cut the interval, and its interest, after a settlement at the cap; restore it after enough settlements below."""
    market, view = market_at(world, m), view_at(world, m)
    market["uncapped"] = 0 if capped else market["uncapped"] + 1
    seconds = market["interval_seconds"]
    if capped:
        seconds = market["short_interval_seconds"]
    elif market["uncapped"] >= market["restore_after"]:
        seconds = market["long_interval_seconds"]
    market["interval_seconds"] = view["interval_seconds"] = seconds
    market["interest"] = view["interest"] = market["long_interest"] * (
        seconds / market["long_interval_seconds"]
    )


@kernel
def notional_price(world, m):
    """Return the price at which the notional of funding is taken."""
    view = view_at(world, m)
    return (
        view["index"] if market_at(world, m)["notional_price"] == INDEX_NOTIONAL else view["mark"]
    )


@entry("float64", 4, "float64", "float64")
def side_rate(world, m, side, apart, rate, seconds):
    """Return the rate of a side's traders where the pool (row `apart`) is charged nothing by itself but bears the residue.

    Notes
    -----
    Payers pay the rate. Receivers share what they pay, or have the same rate as far as the pool's fees carry it. Pro rata,
    nobody pays while a side is empty. The larger side pays besides for the reserve it uses.
    """
    market, pool = market_at(world, m), position_at(world, apart, m)
    longs, shorts = trader_interest(world, m)
    here, there = (longs, shorts) if side > 0 else (shorts, longs)
    value, own = notional_price(world, m) * market["units_per_price"], rate
    if rate * side < 0.0 and market["receivers"] == POOL_FEES and here > 0.0:
        earned = float(pool["all_fees"])
        spare = market["fees_spent"] * fee_pool(
            earned + pool["all_funding"], earned, market["fees_kept"]
        )
        own = carried_rate(rate, there * value, here * value, spare)
    elif market["receivers"] == RECEIVERS_SHARE:
        own = (
            received_rate(rate, there, here)
            if rate * side < 0.0
            else (rate if there > 0.0 else 0.0)
        )
    base, kink, above = market["borrowing"][0], market["borrowing"][1], market["borrowing"][2]
    if base > 0.0 and here >= there:
        own += (
            side
            * borrowing_rate(min(here / market["pool_largest"], 1.0), base, kink, above)
            * seconds
            / YEAR_SECONDS
        )
    return own


@kernel
def side_rates(world, m, rate):
    """Return the rate of longs, that of shorts, and the row that stands aside (-1: nobody; else the fund, which is the pool)."""
    run, market = run_row(world, 0), market_at(world, m)
    if market["receivers"] == SAME_RATE:
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
    """Settle a rate on every position of a market; the residue goes to the fund; add to the sums of the interval."""
    run, market = run_row(world, 0), market_at(world, m)
    price = notional_price(world, m)
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
        abs(market["charged"]) >= market["cap"],
    )
    market["charged"], market["long_paid"], market["short_paid"] = 0.0, 0, 0
    run["settlement_count"] += 1
