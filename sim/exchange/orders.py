"""Orders of the book: checked against margin and band, then matched."""

import math

import numpy as np

from perplab.sim.clearing.order_margin import has_initial_margin
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.book import cancel, opposite, rest
from perplab.sim.exchange.matching import match, reducible
from perplab.sim.exchange.off_book import place_off_book
from perplab.sim.state.records import (
    BOOK,
    CANCEL,
    DONE,
    IMMEDIATE,
    LIMIT,
    MARKET_ORDER,
    NOTHING_TO_DO,
    POST_ONLY,
    REDUCE_ONLY,
    REFUSED_BAND,
    REFUSED_MARGIN,
    REFUSED_POST_ONLY,
    REFUSED_REDUCE_ONLY,
    market_at,
    order_at,
    order_row_at,
    position_at,
    run_row,
    trader_at,
    venue_at,
)

MARKET_SLIPPAGE = 0.0005


LAST_STEP = MOST_RESTING_LOTS = (1 << 31) - 1


@hot_kernel
def fits(position, side, lots):
    """Return whether the counter of resting lots on a side has room for `lots` more."""
    return (position["buy_lots"] if side > 0 else position["sell_lots"]) + np.int64(
        lots
    ) <= MOST_RESTING_LOTS


@hot_kernel
def crossing(world, m, side, tick):
    """Return whether an order at `tick` would trade at once."""
    best = opposite(world, m, side)
    return best > 0 and (tick - best) * side >= 0


@hot_kernel
def margin_tick(world, m, side):
    """Return the price at which a market order's margin is checked: the best opposite price and 5 bp beyond."""
    best, market = opposite(world, m, side), market_at(world, m)
    if best == 0:
        return market["band_high"] if side > 0 else market["band_low"]
    return np.int64(best * (1.0 + side * MARKET_SLIPPAGE))


@entry("int64", 3)
def place_limit(world, i, k):
    """Place the limit order in row k: replace, clip, check, match, rest. Return the outcome."""
    row = order_row_at(world, k)
    m, side, tick, lots, flags = row["market"], row["side"], row["tick"], row["lots"], row["flags"]
    market, run = market_at(world, m), run_row(world, 0)
    number = trader_at(world, i)["first_slot"] + row["slot"]
    if order_at(world, number)["lots"] > 0:
        cancel(world, number)
    if tick < market["band_low"] or tick > market["band_high"]:
        return REFUSED_BAND
    if flags & REDUCE_ONLY:
        lots = min(lots, reducible(world, i, m, side))
        if lots == 0:
            return REFUSED_REDUCE_ONLY
    crosses, in_pool = crossing(world, m, side, tick), market["venue_type"] != BOOK
    if (crosses or in_pool) and flags & POST_ONLY:
        return REFUSED_POST_ONLY
    if not has_initial_margin(world, i, m, side, tick, lots) or not fits(
        position_at(world, i, m), side, lots
    ):
        return REFUSED_MARGIN
    if rarely(crosses):
        lots = match(
            world, i, m, side, tick, lots, 0, venue_at(world, market["venue"])["taker_fee"]
        )
    if rarely(in_pool):
        return DONE if lots < row["lots"] else NOTHING_TO_DO
    if lots > 0 and not flags & IMMEDIATE:
        expiry = np.int64(0)
        if rarely(row["expiry_seconds"] > 0.0):
            steps = min(
                max(math.ceil(row["expiry_seconds"] / run["dt"]), 1), LAST_STEP - run["step"]
            )
            expiry = run["step"] + np.int64(steps)
            run["next_expiry_step"] = min(run["next_expiry_step"], expiry)
        rest(world, number, i, m, side, tick, lots, flags, expiry)
    return DONE


@entry("int64", 3)
def place_market(world, i, k):
    """Place the market order in row k: immediate-or-cancel at the venue's band. Return the outcome."""
    row = order_row_at(world, k)
    m, side, lots = row["market"], row["side"], row["lots"]
    market = market_at(world, m)
    if row["flags"] & REDUCE_ONLY:
        lots = min(lots, reducible(world, i, m, side))
        if lots == 0:
            return REFUSED_REDUCE_ONLY
    if not has_initial_margin(world, i, m, side, margin_tick(world, m, side), lots):
        return REFUSED_MARGIN
    limit = market["band_high"] if side > 0 else market["band_low"]
    left = match(world, i, m, side, limit, lots, 0, venue_at(world, market["venue"])["taker_fee"])
    return DONE if left < lots else NOTHING_TO_DO


@hot_kernel
def submit(world, i, k):
    """Carry out row k of the order buffer for trader i and return its outcome code; the row has been range-checked."""
    row = order_row_at(world, k)
    kind = row["kind"]
    if kind == LIMIT:
        return place_limit(world, i, k)
    if kind == MARKET_ORDER:
        return place_market(world, i, k)
    if kind == CANCEL:
        return (
            DONE
            if cancel(world, trader_at(world, i)["first_slot"] + row["slot"])
            else NOTHING_TO_DO
        )
    return place_off_book(world, i, k)
