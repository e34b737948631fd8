"""Liquidation in rounds.

A round finds the positions whose margin account is below maintenance and liquidates each by the
venue's rules: cancel its orders; send a liquidation order for a slice or all of it; transfer what
the venue does not leave open to the insurance fund, or to counterparties by ADL
(`perplab.sim.risk.loss_sharing`). A surplus after a full close belongs to the account or to the
fund. With ``no_impact`` (the no-impact counterfactual) the fund takes over each order's lots at the
mark and never trades.
"""

import math

import numpy as np

from perplab.sim.clearing.equity import (
    account_equity,
    cross_equity,
    same_margin_account,
    value_of,
)
from perplab.sim.clearing.insurance_fund import (
    charge_to_fund,
    fund_covers_deficit,
    move_margin_account,
    move_position,
    pay_to_fund,
)
from perplab.sim.clearing.ledger import book_trade, fee_units
from perplab.sim.clearing.maintenance import account_health, account_maintenance
from perplab.sim.clearing.open_list import liquidatable_position
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.book import cancel
from perplab.sim.exchange.impact_price import book_mid
from perplab.sim.exchange.matching import match
from perplab.sim.laws.liquidation import fund_keeps_surplus
from perplab.sim.risk.adl import run_adl
from perplab.sim.risk.attribution import (
    NO_CAUSE,
    SAME_NODE,
    Trigger,
    drop_last_event,
    next_slice,
    parent_of,
    remember_liquidation_order,
    start_event,
)
from perplab.sim.risk.liquidation_orders import limit_tick, order_lots, pause_of
from perplab.sim.risk.loss_sharing import must_share, needs_adl, share_loss
from perplab.sim.risk.screening import all_safe, find_liquidatable, screen_changed
from perplab.sim.state.codes import FORCED_ORDER, TAKEOVER, TWIN_TAKEOVER
from perplab.sim.state.records import (
    account_at,
    event_at,
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
def liquidation_round(world, v, round_index):
    """Run one liquidation round at venue v; return the number of positions that it acted on."""
    acted = 0
    screen_changed(world)
    if all_safe(world, v):
        return 0
    for k in range(find_liquidatable(world, v)):
        i, m = liquidatable_position(world, k)
        if position_at(world, i, m)["lots"] != 0:
            acted += liquidate(world, i, m, round_index)
    return acted


@entry("int64", 4)
def liquidate(world, i, m, round_index):
    """Liquidate position (i, m) as far as this round allows.

    Returns 1, or 0 if it is not below maintenance or its venue's pause lasts.
    """
    health, market = account_health(world, i, m), market_at(world, m)
    v, (equity, maintenance) = market["venue"], health
    venue = venue_at(world, v)
    if not equity < maintenance:
        return 0
    at_once = equity < venue["takeover_share"] * maintenance
    if market["mark_seconds"] < account_at(world, i, v)["pause_until"] and not at_once:
        return 0
    trigger = find_trigger(world, i, m, round_index, health)
    recorded = run_row(world, 0)["event_count"]
    cancel_all(world, i, v)
    if venue["no_impact"] == 1:
        transfer_untraded(world, i, m, trigger, health, at_once)
    elif at_once:
        _, parent, cause = trigger
        transfer_to_fund(world, i, m, round_index, parent, cause, equity)
    else:
        send_liquidation_order(world, i, m, trigger, health)
    if run_row(world, 0)["event_count"] == recorded:
        forget_node(world, i, m, trigger)
    return 1


@kernel
def forget_node(world, i, m, trigger):
    """Undo the beginning of a node that has no event: its order traded nothing."""
    _, parent, _ = trigger
    if parent != SAME_NODE:
        position_at(world, i, m)["node"] = -1
        run_row(world, 0)["next_node"] -= 1


@kernel
def find_trigger(world, i, m, round_index, health):
    """Return the `Trigger` of the next event of (i, m); begin a node unless an episode lasts."""
    run, market, position = run_row(world, 0), market_at(world, m), position_at(world, i, m)
    v, (equity, maintenance) = market["venue"], health
    episode_end = account_at(world, i, v)["pause_until"] + pause_of(world, v)
    if venue_at(world, v)["pause_seconds"] > 0.0 and market["mark_seconds"] > episode_end:
        position["node"] = -1
    if position["node"] >= 0:
        return Trigger(round_index, SAME_NODE, NO_CAUSE)
    parent, cause = parent_of(world, i, m, equity, maintenance)
    position["node"] = run["next_node"]
    run["next_node"] += 1
    return Trigger(round_index, parent, cause)


@kernel
def send_liquidation_order(world, i, m, trigger, health):
    """Send a liquidation order, charge the fee, and transfer what the venue does not leave open."""
    market, position = market_at(world, m), position_at(world, i, m)
    side, (equity, _) = (-1 if position["lots"] > 0 else 1), health
    event_index = start_event(world, i, m, trigger, FORCED_ORDER, equity)
    lots, mid_before = order_lots(world, i, m, health), book_mid(world, m)
    quote, realised = position["quote"], position["realised"]
    collateral = account_at(world, i, market["venue"])["collateral"]
    lots -= match(world, i, m, side, limit_tick(world, i, m, health), lots, 1, 0.0)
    if lots == 0:
        drop_last_event(world)
        transfer_if_taken_over(world, i, m, trigger)
        return
    event = event_at(world, event_index)
    event["lots"] = side * lots
    event["value"] = abs(position["realised"] - realised + position["quote"] - quote)
    event["mid_shift"] = mid_shift(world, m, mid_before)
    remember_liquidation_order(world, m, event["node"], event["mid_shift"])
    view_at(world, m)["forced_lots"] += side * lots
    position["forced_lots"] += lots
    event["fund_change"] = charge_liquidation_fee(world, i, m, event["value"], collateral)
    if position["lots"] == 0:
        settle_closed_position(world, i, m, event_index, collateral)
    else:
        transfer_if_taken_over(world, i, m, next_slice(trigger))


@kernel
def transfer_if_taken_over(world, i, m, trigger):
    """Transfer position (i, m) to the fund if it is still below maintenance after its order.

    Only at venues whose fund takes over what an order leaves.
    """
    (equity, maintenance), (round_index, parent, cause) = account_health(world, i, m), trigger
    takes_over = venue_at(world, market_at(world, m)["venue"])["takeover_after_order"] == 1
    if takes_over and equity < maintenance:
        transfer_to_fund(world, i, m, round_index, parent, cause, equity)


@kernel
def mid_shift(world, m, before):
    """Return how far the mid has moved from `before`, 0 if that was unknown.

    The last price replaces the mid if a side is empty now.
    """
    after, view = book_mid(world, m), view_at(world, m)
    if before == 0.0:
        return 0.0
    return (after if after > 0.0 else view["last_tick"] * view["tick"]) - before


@kernel
def charge_liquidation_fee(world, i, m, value, collateral):
    """Charge the liquidation fee on a value, at most what is left; return the fund's part, units.

    `collateral` is that of the account before the trade.
    """
    left, released = remaining_equity(world, i, m, collateral)
    fraction = venue_at(world, market_at(world, m)["venue"])["liquidation_fee"]
    fee = min(fee_units(float(value), fraction), left)
    return charge_to_fund(world, i, m, fee, released)


@kernel
def remaining_equity(world, i, m, collateral):
    """Return the units left behind (i, m) after a trade, and the isolated margin it has released.

    What was released is part of what is left. `collateral` is that of the account before the trade.
    """
    released = np.int64(0)
    if position_at(world, i, m)["isolated"] == 1:
        released = account_at(world, i, market_at(world, m)["venue"])["collateral"] - collateral
    return max(np.int64(math.floor(account_equity(world, i, m))), 0) + released, released


@kernel
def settle_closed_position(world, i, m, event_index, collateral):
    """End the liquidation of a position that is now flat.

    The fund covers a deficit and, at some venues, receives the surplus over the maintenance margin
    of other positions of the margin account. `collateral` is that before the trade.
    """
    if fund_keeps_surplus(venue_at(world, market_at(world, m)["venue"])["liquidation_law"]):
        left, released = remaining_equity(world, i, m, collateral)
        units = max(left - np.int64(math.ceil(account_maintenance(world, i, m))), 0)
        event_at(world, event_index)["fund_change"] += pay_to_fund(world, i, m, units, released)
    fund_covers_deficit(world, i, m, event_index)


@entry("none", 6, "float64")
def transfer_to_fund(world, i, m, round_index, parent, cause, equity):
    """Transfer the margin account behind (i, m) with its positions to the fund, or run ADL instead.

    `equity` is that of the account, float units. A loss beyond the fund's means is shared.
    """
    v, trigger = market_at(world, m)["venue"], Trigger(round_index, parent, cause)
    if needs_adl(world, i, m, equity):
        run_adl(world, i, m, trigger, equity)
        return
    fund, event_index = venue_at(world, v)["fund_row"], -1
    is_shared = equity < 0.0 and must_share(world, v, cross_equity(world, fund, v) + equity)
    for other in range(markets(world).shape[0]):
        position = position_at(world, i, other)
        if position["lots"] != 0 and same_margin_account(world, i, m, other):
            if position["node"] < 0:
                position["node"] = position_at(world, i, m)["node"]
            event_index = take_over(world, i, other, fund, trigger)
    event = event_at(world, event_index)
    event["fund_change"] += move_margin_account(world, i, m, fund)
    if is_shared:
        event["fund_change"] += share_loss(world, m, np.int64(math.ceil(-equity)))


@kernel
def take_over(world, i, m, fund, trigger):
    """Transfer position (i, m) to the fund, record the takeover and return its event's index."""
    position, market, mark = (
        position_at(world, i, m),
        market_at(world, m),
        view_at(world, m)["mark"],
    )
    size, equity = abs(position["lots"]), account_equity(world, i, m)
    event_index = start_event(world, i, m, trigger, TAKEOVER, equity)
    event = event_at(world, event_index)
    event["counterparty"], event["lots"] = fund, -position["lots"]
    event["value"] = np.int64(round(value_of(size, market, mark)))
    position["forced_lots"] += size
    event["fund_change"] += move_position(world, i, m, fund)
    return event_index


@kernel
def transfer_untraded(world, i, m, trigger, health, all_lots):
    """Let the fund take over the lots of a liquidation order at the mark, without market impact.

    It takes all lots if `all_lots`. The price of a pool ignores them (`twin_lots`).
    """
    market, position, (equity, _) = market_at(world, m), position_at(world, i, m), health
    fund, side = venue_at(world, market["venue"])["fund_row"], (-1 if position["lots"] > 0 else 1)
    event_index = start_event(world, i, m, trigger, TWIN_TAKEOVER, equity)
    lots = abs(position["lots"]) if all_lots else order_lots(world, i, m, health)
    tick = np.int64(round(view_at(world, m)["mark"] / market["tick"]))
    collateral = account_at(world, i, market["venue"])["collateral"]
    book_trade(world, m, fund, i, side * lots, tick, 0.0, 0.0)
    market["twin_lots"] += side * lots
    event = event_at(world, event_index)
    event["counterparty"], event["lots"] = fund, side * lots
    event["value"] = lots * tick * market["units_per_tick"]
    event["fund_change"] = charge_liquidation_fee(world, i, m, event["value"], collateral)
    position["forced_lots"] += lots
    if position["lots"] == 0:
        settle_closed_position(world, i, m, event_index, collateral)
