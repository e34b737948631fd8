"""Liquidation in rounds, the insurance fund, deleveraging.

A round looks at every held position and liquidates those whose purse is below maintenance, by the venue's numbers:
cancel the orders; a forced order for the first slice or the whole, limited by the bankruptcy price or by the band; what must
be, passes to the fund with its purse; what the fund cannot carry, counterparties must take (`perplab.sim.risk.loss_sharing`). What closing a position
whole leaves is the account's or the fund's. With ``no_impact`` (the exact twin) the fund takes each forced order at the mark and never trades.
"""

import math

import numpy as np

from perplab.sim.exchange.book import cancel
from perplab.sim.risk.attribution import parent_of, remember_forced, start_event
from perplab.sim.risk.forced_orders import forced_limit, pause_of, slice_lots
from perplab.sim.risk.adl import cover, deleverage, purse_maintenance
from perplab.sim.compiler.jit import entry, fetch, hot_kernel, kernel
from perplab.sim.clearing.ledger import (
    charge_to_fund,
    cross_equity,
    exchange,
    fee_units,
    move_position,
    move_purse,
    purse_equity,
    receive_incoming,
    same_purse,
    surrender,
)
from perplab.sim.risk.loss_sharing import must_deleverage, must_share, share_loss
from perplab.sim.laws.margin import liquidation_price
from perplab.sim.exchange.matching import match
from perplab.sim.state.records import (
    FORCED_ORDER,
    SURPLUS_TO_FUND,
    TAKEOVER,
    TWIN_TAKEOVER,
    account_at,
    dirty_at,
    distressed,
    distressed_at,
    event_at,
    held_at,
    market_at,
    markets,
    order_at,
    position_at,
    run_row,
    trader_at,
    venue_at,
    view_at,
)
from perplab.sim.funding.premium_samples import book_mid

GLANCE, REACH, COARSE, AHEAD = 1.0 - 1e-6, 0.05, 2.0, 8


@kernel
def below_maintenance(world, i, m):
    """Return whether the purse of (i, m) is below its maintenance margin."""
    return purse_equity(world, i, m) < purse_maintenance(world, i, m)


@kernel
def safe_interval(world, i, m):
    """Return the open interval of marks at which position (i, m) is not below maintenance.

    Notes
    -----
    The requirement being the largest of the tiers' lines, the interval ends at the first of the tiers' liquidation
    prices. It is empty if the position is below maintenance now, where its account has other positions too, whose
    marks move on their own, and where some tier asks for the whole value or more.
    """
    position, market, mark = position_at(world, i, m), market_at(world, m), view_at(world, m)["mark"]
    equity, lots, low, high = purse_equity(world, i, m), position["lots"], 0.0, math.inf
    if equity < purse_maintenance(world, i, m) or shares_purse(world, i, m):
        return mark, mark
    for tier in range(market["tiers"]):
        fraction = market["tier_fraction"][tier] + market["size_slope"] * abs(lots)
        if fraction >= 1.0:
            return mark, mark
        price = liquidation_price(mark, equity, lots, market["units_per_price"], fraction, market["tier_deduction"][tier])
        if lots > 0:
            low = max(low, price)
        else:
            high = min(high, price)
    return low, high


@kernel
def shares_purse(world, i, m):
    """Return whether the purse behind position (i, m) stands behind another position too."""
    for other in range(markets(world).shape[0]):
        if other != m and position_at(world, i, other)["lots"] != 0 and same_purse(world, i, m, other):
            return True
    return False


@kernel
def tighten(world, i, m):
    """Narrow the market's safe interval by that of position (i, m)."""
    market = market_at(world, m)
    low, high = safe_interval(world, i, m)
    market["safe_low"], market["safe_high"] = max(market["safe_low"], low), min(market["safe_high"], high)


@hot_kernel
def burden(mark, price, fraction):
    """Return the maintenance, at most, of one unit of size at a mark of `price` or now, and what rounding may take."""
    return max(mark, price) * fraction + (mark + price) * (1.0 - GLANCE)


@kernel
def glance_of(world):
    """Return what a glance at a position takes: units a lot, the value below which it suffices, and either end of the safe interval with its burden.

    Below that value no tier asks for more than `COARSE` times the share of the first (shares rise from tier to tier; what a
    tier deducts is left out, on the safe side). It is 0 where no glance suffices: several markets, a `size_slope`, a mark
    outside its interval.
    """
    market, mark, tier = market_at(world, 0), view_at(world, 0)["mark"], 0
    while tier + 1 < market["tiers"] and market["tier_fraction"][tier + 1] <= COARSE * market["tier_fraction"][0]:
        tier += 1
    low, high, fraction = market["safe_low"], market["safe_high"], market["tier_fraction"][tier]
    ceiling = GLANCE * market["tier_floor"][tier + 1] if tier + 1 < market["tiers"] else math.inf
    if markets(world).shape[0] > 1 or market["size_slope"] > 0.0 or not low < mark < high:
        ceiling = 0.0
    return market["units_per_price"], ceiling, low, burden(mark, low, fraction), high, burden(mark, high, fraction)


@hot_kernel
def clearly_safe(position, collateral, glance):
    """Return whether a glance shows that a position is safe all over its market's safe interval, with room to spare.

    Sufficient, not necessary: a cross position, a value below the glance's ceiling, and more equity than maintenance by
    more than rounding, now and at either end of the interval: which of them hurts is chance, and a jump by chance costs more.
    """
    unit, ceiling, low, low_burden, high, high_burden = glance
    value, own = position["lots"] * unit, float(collateral + position["quote"])
    size = abs(value)
    spare = min(own + value * low - size * low_burden, own + value * high - size * high_burden)
    return position["isolated"] == 0 and size * high < ceiling and spare > 0.0


@kernel
def look_at_changes(world):
    """Narrow the safe intervals by the positions that have changed, and empty their list."""
    run, width, glance = run_row(world, 0), markets(world).shape[0], glance_of(world)
    for k in range(run["dirty_count"]):
        place = dirty_at(world, k)
        i, m = (place, 0) if width == 1 else (place // width, place % width)
        position = position_at(world, i, m)
        position["dirty"] = 0
        if position["lots"] != 0 and i < run["traders"]:
            collateral = account_at(world, i, market_at(world, m)["venue"])["collateral"]
            if not clearly_safe(position, collateral, glance):
                tighten(world, i, m)
                glance = glance_of(world)
    run["dirty_count"] = 0


@kernel
def all_safe(world, v):
    """Return whether the marks of all markets of venue v are inside their safe intervals."""
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        if market["venue"] == v and not market["safe_low"] < view_at(world, m)["mark"] < market["safe_high"]:
            return False
    return True


@hot_kernel
def fetch_held(world, h, v):
    """Bring the rows behind held position h into the processor's cache; without effect on anything else."""
    i, m = held_at(world, h) // markets(world).shape[0], held_at(world, h) % markets(world).shape[0]
    fetch(account_at(world, i, v))
    fetch(position_at(world, i, m))


@kernel
def find_distressed(world, v):
    """List the held positions of venue v that are below maintenance; end the episodes of the others. Return how many.

    On the way transfers that have arrived are credited and the safe intervals are set anew from all held positions; they
    reach no further than `REACH`, so that a glance at small positions suffices within them. A mark that leaves its interval
    is what calls for this search: where a venue pauses between orders, the episode of a position that recovers in the
    pause ends with the first search after it.
    """
    run, width, found = run_row(world, 0), markets(world).shape[0], 0
    for m in range(width):
        if market_at(world, m)["venue"] == v:
            market, mark = market_at(world, m), view_at(world, m)["mark"]
            market["safe_low"], market["safe_high"] = mark * (1.0 - REACH), mark * (1.0 + REACH)
    for h in range(run["held_count"]):
        i, m = held_at(world, h) // width, held_at(world, h) % width
        fetch_held(world, min(h + AHEAD, run["held_count"] - 1), v)
        if i < run["traders"] and market_at(world, m)["venue"] == v:
            receive_incoming(world, i, v)
            if below_maintenance(world, i, m):
                distressed(world)[found] = held_at(world, h)
                found += 1
            elif market_at(world, m)["mark_seconds"] >= account_at(world, i, v)["pause_until"]:
                position_at(world, i, m)["node"] = -1
            tighten(world, i, m)
    return found


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
    look_at_changes(world)
    if all_safe(world, v):
        return 0
    for k in range(find_distressed(world, v)):
        i, m = distressed_at(world, k) // width, distressed_at(world, k) % width
        if position_at(world, i, m)["lots"] != 0 and below_maintenance(world, i, m):
            worked += liquidate(world, i, m, number)
    return worked


@entry("int64", 4)
def liquidate(world, i, m, number):
    """Liquidate position (i, m) as far as this round allows; return 1, or 0 while its venue's pause lasts."""
    market, position = market_at(world, m), position_at(world, i, m)
    v = market["venue"]
    venue, account = venue_at(world, v), account_at(world, i, v)
    maintenance = purse_maintenance(world, i, m)
    at_once = purse_equity(world, i, m) < venue["takeover_share"] * maintenance
    if market["mark_seconds"] < account["pause_until"] and not at_once:
        return 0
    parent, cause = -2, -1
    if venue["pause_seconds"] > 0.0 and market["mark_seconds"] > account["pause_until"] + pause_of(world, v):
        position["node"] = -1
    if position["node"] < 0:
        parent, cause = parent_of(world, i, m, maintenance)
        position["node"] = run_row(world, 0)["next_node"]
        run_row(world, 0)["next_node"] += 1
    cancel_all(world, i, v)
    if venue["no_impact"] == 1:
        twin_takeover(world, i, m, number, parent, cause, at_once)
    elif at_once:
        take_over(world, i, m, number, parent, cause)
    else:
        force_order(world, i, m, number, parent, cause)
    return 1


@kernel
def force_order(world, i, m, number, parent, cause):
    """Send a forced order into the book, charge the clearance fee, and hand on what the venue does not leave open."""
    market, position, view = market_at(world, m), position_at(world, i, m), view_at(world, m)
    venue, side = venue_at(world, market["venue"]), (-1 if position["lots"] > 0 else 1)
    kept = start_event(world, i, m, number, parent, cause, FORCED_ORDER)
    lots, before = slice_lots(world, i, m), book_mid(world, m)
    quote, realised, free = position["quote"], position["realised"], account_at(world, i, market["venue"])["collateral"]
    left = match(world, i, m, side, forced_limit(world, i, m), lots, 1, 0.0)
    value = abs(position["realised"] - realised + position["quote"] - quote)
    shift = mid_shift(world, m, before) if left < lots else 0.0
    remember_forced(world, m, event_at(world, kept)["node"], shift)
    view["forced_lots"] += side * (lots - left)
    position["forced_lots"] += lots - left
    fee = take_fee(world, i, m, value, free)
    event = event_at(world, kept)
    event["lots"], event["value"], event["mid_shift"], event["fund_change"] = side * (lots - left), value, shift, fee
    if venue["takeover_after_order"] == 1 and position["lots"] != 0 and below_maintenance(world, i, m):
        take_over(world, i, m, number, -2, -1)
    elif position["lots"] == 0:
        settle_closed(world, i, m, kept, free)


@kernel
def mid_shift(world, m, before):
    """Return how far a forced order has moved the mid from `before`; where it emptied a side, the last price stands in."""
    after = book_mid(world, m)
    if before == 0.0:
        return 0.0
    return (after if after > 0.0 else view_at(world, m)["last_tick"] * view_at(world, m)["tick"]) - before


@kernel
def take_fee(world, i, m, value, free):
    """Charge the liquidation fee on a value, at most what is left; return the fund's part. `free`: collateral before the trade."""
    left, released = left_over(world, i, m, free)
    fee = min(fee_units(float(value), venue_at(world, market_at(world, m)["venue"])["liquidation_fee"]), left)
    return charge_to_fund(world, i, m, fee, released)


@kernel
def left_over(world, i, m, free):
    """Return what a forced trade has left behind (i, m), and the part of it that an isolated pot has released. `free`: as in `take_fee`."""
    released = np.int64(0)
    if position_at(world, i, m)["isolated"] == 1:
        released = account_at(world, i, market_at(world, m)["venue"])["collateral"] - free
    return max(np.int64(math.floor(purse_equity(world, i, m))), 0) + released, released


@kernel
def settle_closed(world, i, m, kept, free):
    """End the liquidation of a position that is flat: the fund covers what is missing, and has what is left where the venue says so.

    Of a purse that stands behind other positions too, their maintenance margin stays with the account.
    """
    if venue_at(world, market_at(world, m)["venue"])["surplus"] == SURPLUS_TO_FUND:
        left, released = left_over(world, i, m, free)
        units = max(left - np.int64(math.ceil(purse_maintenance(world, i, m))), 0)
        event_at(world, kept)["fund_change"] += surrender(world, i, m, units, released)
    cover(world, i, m, kept)


@entry("none", 6)
def take_over(world, i, m, number, parent, cause):
    """Hand the purse and its positions to the fund; if the fund cannot carry them, deleverage instead, or let others share the loss."""
    v, kept = market_at(world, m)["venue"], -1
    fund, equity = venue_at(world, v)["fund_row"], purse_equity(world, i, m)
    if must_deleverage(world, i, m):
        deleverage(world, i, m, number, parent, cause)
        return
    beyond = equity < 0.0 and must_share(world, v, cross_equity(world, fund, v) + equity)
    for other in range(markets(world).shape[0]):
        position = position_at(world, i, other)
        if position["lots"] != 0 and same_purse(world, i, m, other):
            position["node"] = position_at(world, i, m)["node"] if position["node"] < 0 else position["node"]
            kept = start_event(world, i, other, number, parent, cause, TAKEOVER)
            event, lots = event_at(world, kept), position["lots"]
            event["counterparty"], event["lots"] = fund, -lots
            event["value"] = np.int64(round(abs(lots) * view_at(world, other)["mark"] * market_at(world, other)["units_per_price"]))
            position["forced_lots"] += abs(lots)
            event["fund_change"] += move_position(world, i, other, fund)
    event_at(world, kept)["fund_change"] += move_purse(world, i, m, fund)
    if beyond:
        event_at(world, kept)["fund_change"] += share_loss(world, m, np.int64(math.ceil(-equity)))


@kernel
def twin_takeover(world, i, m, number, parent, cause, whole):
    """Let the fund take the forced lots at the mark, without touching the book, or what the pool's price hangs on."""
    market, position = market_at(world, m), position_at(world, i, m)
    venue = venue_at(world, market["venue"])
    fund, side = venue["fund_row"], (-1 if position["lots"] > 0 else 1)
    kept = start_event(world, i, m, number, parent, cause, TWIN_TAKEOVER)
    lots = abs(position["lots"]) if whole else slice_lots(world, i, m)
    tick, free = np.int64(round(view_at(world, m)["mark"] / market["tick"])), account_at(world, i, market["venue"])["collateral"]
    exchange(world, m, fund, i, side * lots, tick, 0.0, 0.0)
    market["twin_lots"] += side * lots
    value = lots * tick * market["units_per_tick"]
    fee = take_fee(world, i, m, value, free)
    event = event_at(world, kept)
    event["counterparty"], event["lots"], event["value"], event["fund_change"] = fund, side * lots, value, fee
    position["forced_lots"] += lots
    if position["lots"] == 0:
        settle_closed(world, i, m, kept, free)


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
            match(world, venue["fund_row"], m, (-1 if lots > 0 else 1), limit, np.int64(math.ceil(abs(lots) * share)), 0, 0.0)
