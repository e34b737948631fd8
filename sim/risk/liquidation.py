"""Liquidation in rounds, the insurance fund, deleveraging.

A round looks at every held position and liquidates those whose purse is below maintenance, by the venue's numbers:
cancel the orders; a forced order for the first slice or the whole, limited by the bankruptcy price or by the band; what must
be, passes to the fund with its purse; what the fund cannot carry, counterparties must take (`perplab.sim.risk.loss_sharing`). What closing a position
whole leaves is the account's or the fund's. With ``no_impact`` (the exact twin) the fund takes each forced order at the mark and never trades.
"""

import math

import numpy as np

from perplab.sim.clearing.equity import account_equity, cross_equity, same_margin_account
from perplab.sim.clearing.insurance_fund import (
    charge_to_fund,
    fund_covers_deficit,
    move_margin_account,
    move_position,
    pay_to_fund,
)
from perplab.sim.clearing.ledger import exchange, fee_units
from perplab.sim.clearing.maintenance import account_maintenance
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.book import cancel
from perplab.sim.exchange.impact_price import book_mid
from perplab.sim.exchange.matching import match
from perplab.sim.risk.adl import run_adl
from perplab.sim.risk.attribution import parent_of, remember_forced, start_event
from perplab.sim.risk.forced_orders import forced_limit, order_lots, pause_of
from perplab.sim.risk.loss_sharing import must_share, needs_adl, share_loss
from perplab.sim.risk.screening import (
    all_safe,
    below_maintenance,
    find_liquidatable,
    screen_changed,
)
from perplab.sim.state.records import (
    FORCED_ORDER,
    SURPLUS_TO_FUND,
    TAKEOVER,
    TWIN_TAKEOVER,
    account_at,
    event_at,
    liquidatable_at,
    market_at,
    markets,
    order_at,
    position_at,
    run_row,
    trader_at,
    venue_at,
    view_at,
)


@kernel
def cancel_all(world, i, v):
    """Cancel the trader's orders in the markets of a venue."""
    trader = trader_at(world, i)
    for number in range(trader["first_slot"], trader["first_slot"] + trader["slots"]):
        order = order_at(world, number)
        if order["lots"] > 0 and market_at(world, order["market"])["venue"] == v:
            cancel(world, number)


@entry("int64", 3)
def liquidation_round(world, v, number):
    """Carry out one round at venue v; return how many positions were worked on."""
    width, worked = markets(world).shape[0], 0
    screen_changed(world)
    if all_safe(world, v):
        return 0
    for k in range(find_liquidatable(world, v)):
        i, m = liquidatable_at(world, k) // width, liquidatable_at(world, k) % width
        if position_at(world, i, m)["lots"] != 0 and below_maintenance(world, i, m):
            worked += liquidate(world, i, m, number)
    return worked


@entry("int64", 4)
def liquidate(world, i, m, number):
    """Liquidate position (i, m) as far as this round allows; return 1, or 0 while its venue's pause lasts."""
    market, position = market_at(world, m), position_at(world, i, m)
    v = market["venue"]
    venue, account = venue_at(world, v), account_at(world, i, v)
    maintenance = account_maintenance(world, i, m)
    at_once = account_equity(world, i, m) < venue["takeover_share"] * maintenance
    if market["mark_seconds"] < account["pause_until"] and not at_once:
        return 0
    parent, cause = -2, -1
    if venue["pause_seconds"] > 0.0 and market["mark_seconds"] > account["pause_until"] + pause_of(
        world, v
    ):
        position["node"] = -1
    if position["node"] < 0:
        parent, cause = parent_of(world, i, m, maintenance)
        position["node"] = run_row(world, 0)["next_node"]
        run_row(world, 0)["next_node"] += 1
    cancel_all(world, i, v)
    if venue["no_impact"] == 1:
        transfer_to_fund_untraded(world, i, m, number, parent, cause, at_once)
    elif at_once:
        transfer_to_fund(world, i, m, number, parent, cause)
    else:
        force_order(world, i, m, number, parent, cause)
    return 1


@kernel
def force_order(world, i, m, number, parent, cause):
    """Send a forced order into the book, charge the clearance fee, and hand on what the venue does not leave open."""
    market, position, view = market_at(world, m), position_at(world, i, m), view_at(world, m)
    venue, side = venue_at(world, market["venue"]), (-1 if position["lots"] > 0 else 1)
    kept = start_event(world, i, m, number, parent, cause, FORCED_ORDER)
    lots, before = order_lots(world, i, m), book_mid(world, m)
    quote, realised, free = (
        position["quote"],
        position["realised"],
        account_at(world, i, market["venue"])["collateral"],
    )
    left = match(world, i, m, side, forced_limit(world, i, m), lots, 1, 0.0)
    value = abs(position["realised"] - realised + position["quote"] - quote)
    shift = mid_shift(world, m, before) if left < lots else 0.0
    remember_forced(world, m, event_at(world, kept)["node"], shift)
    view["forced_lots"] += side * (lots - left)
    position["forced_lots"] += lots - left
    fee = take_fee(world, i, m, value, free)
    event = event_at(world, kept)
    event["lots"], event["value"], event["mid_shift"], event["fund_change"] = (
        side * (lots - left),
        value,
        shift,
        fee,
    )
    if (
        venue["takeover_after_order"] == 1
        and position["lots"] != 0
        and below_maintenance(world, i, m)
    ):
        transfer_to_fund(world, i, m, number, -2, -1)
    elif position["lots"] == 0:
        settle_closed_position(world, i, m, kept, free)


@kernel
def mid_shift(world, m, before):
    """Return how far a forced order has moved the mid from `before`; where it emptied a side, the last price stands in."""
    after = book_mid(world, m)
    if before == 0.0:
        return 0.0
    return (
        after if after > 0.0 else view_at(world, m)["last_tick"] * view_at(world, m)["tick"]
    ) - before


@kernel
def take_fee(world, i, m, value, free):
    """Charge the liquidation fee on a value, at most what is left; return the fund's part. `free`: collateral before the trade."""
    left, released = remaining_equity(world, i, m, free)
    fee = min(
        fee_units(float(value), venue_at(world, market_at(world, m)["venue"])["liquidation_fee"]),
        left,
    )
    return charge_to_fund(world, i, m, fee, released)


@kernel
def remaining_equity(world, i, m, free):
    """Return what a forced trade has left behind (i, m), and the part of it that an isolated isolated_margin has released. `free`: as in `take_fee`."""
    released = np.int64(0)
    if position_at(world, i, m)["isolated"] == 1:
        released = account_at(world, i, market_at(world, m)["venue"])["collateral"] - free
    return max(np.int64(math.floor(account_equity(world, i, m))), 0) + released, released


@kernel
def settle_closed_position(world, i, m, kept, free):
    """End the liquidation of a position that is flat: the fund covers what is missing, and has what is left where the venue says so.

    Of a purse that stands behind other positions too, their maintenance margin stays with the account.
    """
    if venue_at(world, market_at(world, m)["venue"])["surplus"] == SURPLUS_TO_FUND:
        left, released = remaining_equity(world, i, m, free)
        units = max(left - np.int64(math.ceil(account_maintenance(world, i, m))), 0)
        event_at(world, kept)["fund_change"] += pay_to_fund(world, i, m, units, released)
    fund_covers_deficit(world, i, m, kept)


@entry("none", 6)
def transfer_to_fund(world, i, m, number, parent, cause):
    """Hand the purse and its positions to the fund; if the fund cannot carry them, run_adl instead, or let others share the loss."""
    v, kept = market_at(world, m)["venue"], -1
    fund, equity = venue_at(world, v)["fund_row"], account_equity(world, i, m)
    if needs_adl(world, i, m):
        run_adl(world, i, m, number, parent, cause)
        return
    beyond = equity < 0.0 and must_share(world, v, cross_equity(world, fund, v) + equity)
    for other in range(markets(world).shape[0]):
        position = position_at(world, i, other)
        if position["lots"] != 0 and same_margin_account(world, i, m, other):
            position["node"] = (
                position_at(world, i, m)["node"] if position["node"] < 0 else position["node"]
            )
            kept = start_event(world, i, other, number, parent, cause, TAKEOVER)
            event, lots = event_at(world, kept), position["lots"]
            event["counterparty"], event["lots"] = fund, -lots
            event["value"] = np.int64(
                round(
                    abs(lots)
                    * view_at(world, other)["mark"]
                    * market_at(world, other)["units_per_price"]
                )
            )
            position["forced_lots"] += abs(lots)
            event["fund_change"] += move_position(world, i, other, fund)
    event_at(world, kept)["fund_change"] += move_margin_account(world, i, m, fund)
    if beyond:
        event_at(world, kept)["fund_change"] += share_loss(world, m, np.int64(math.ceil(-equity)))


@kernel
def transfer_to_fund_untraded(world, i, m, number, parent, cause, whole):
    """Let the fund take the forced lots at the mark, without touching the book, or what the pool's price hangs on."""
    market, position = market_at(world, m), position_at(world, i, m)
    venue = venue_at(world, market["venue"])
    fund, side = venue["fund_row"], (-1 if position["lots"] > 0 else 1)
    kept = start_event(world, i, m, number, parent, cause, TWIN_TAKEOVER)
    lots = abs(position["lots"]) if whole else order_lots(world, i, m)
    tick, free = (
        np.int64(round(view_at(world, m)["mark"] / market["tick"])),
        account_at(world, i, market["venue"])["collateral"],
    )
    exchange(world, m, fund, i, side * lots, tick, 0.0, 0.0)
    market["twin_lots"] += side * lots
    value = lots * tick * market["units_per_tick"]
    fee = take_fee(world, i, m, value, free)
    event = event_at(world, kept)
    event["counterparty"], event["lots"], event["value"], event["fund_change"] = (
        fund,
        side * lots,
        value,
        fee,
    )
    position["forced_lots"] += lots
    if position["lots"] == 0:
        settle_closed_position(world, i, m, kept, free)


@kernel
def unwind_fund(world, v, elapsed):
    """Send the fund's scheduled slices into the book: a share 1 - exp(-elapsed / unwind_seconds) of what it holds."""
    venue = venue_at(world, v)
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        lots = position_at(world, venue["fund_row"], m)["lots"]
        if market["venue"] == v and lots != 0 and venue["no_impact"] == 0:
            share = 1.0 - math.exp(-elapsed / venue["unwind_seconds"])
            limit = market["band_low"] if lots > 0 else market["band_high"]
            match(
                world,
                venue["fund_row"],
                m,
                (-1 if lots > 0 else 1),
                limit,
                np.int64(math.ceil(abs(lots) * share)),
                0,
                0.0,
            )
