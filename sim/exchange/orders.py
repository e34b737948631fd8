"""Order messages: limit, market and cancel orders, checked against band and margin, then matched.

`submit` carries out one row of the order buffer that a trader's rule wrote and returns an outcome
code; refusals are counted, never raised. A limit order into an occupied slot replaces the order
that rests there, even if the new one is then refused.
"""

import math

import numpy as np

from perplab.sim.clearing.order_margin import has_initial_margin
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.book import cancel, opposite, rest
from perplab.sim.exchange.matching import after_discount, match, reducible
from perplab.sim.exchange.off_book import place_off_book
from perplab.sim.exchange.stop_orders import place_stop
from perplab.sim.laws.amm import is_pool
from perplab.sim.state.codes import (
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
    STOP,
)
from perplab.sim.state.records import (
    account_at,
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
    """Return whether the 32-bit counter of resting lots on a side has room for `lots` more."""
    resting = position["buy_lots"] if side > 0 else position["sell_lots"]
    return resting + np.int64(lots) <= MOST_RESTING_LOTS


@hot_kernel
def crosses_book(world, m, side, tick):
    """Return whether an order at `tick` would trade at once."""
    best = opposite(world, m, side)
    return best > 0 and (tick - best) * side >= 0


@hot_kernel
def margin_tick(world, m, side):
    """Return the price at which a market order's margin is checked: 5 bp beyond the best price."""
    best, market = opposite(world, m, side), market_at(world, m)
    if best == 0:
        return market["band_high"] if side > 0 else market["band_low"]
    return np.int64(best * (1.0 + side * MARKET_SLIPPAGE))


@hot_kernel
def order_number(world, i, row):
    """Return the number of the order in a trader's slot."""
    return trader_at(world, i)["first_slot"] + row["slot"]


@hot_kernel
def clipped_lots(world, i, row):
    """Return the lots of an order; a reduce-only order is clipped to what it can reduce."""
    lots = row["lots"]
    if row["flags"] & REDUCE_ONLY:
        lots = min(lots, reducible(world, i, row["market"], row["side"]))
    return lots


@hot_kernel
def match_order(world, i, row, limit, lots):
    """Match an order at the account's taker fee and return the lots left."""
    m = row["market"]
    v = market_at(world, m)["venue"]
    fee = after_discount(venue_at(world, v)["taker_fee"], account_at(world, i, v)["taker_discount"])
    return match(world, i, m, row["side"], limit, lots, 0, fee)


@hot_kernel
def check_limit(world, i, row, lots, crosses):
    """Return DONE if a limit order of `lots` is acceptable, else the code of its refusal."""
    m, side, tick = row["market"], row["side"], row["tick"]
    market = market_at(world, m)
    if tick < market["band_low"] or tick > market["band_high"]:
        return REFUSED_BAND
    if lots == 0:
        return REFUSED_REDUCE_ONLY
    if row["flags"] & POST_ONLY and crosses:
        return REFUSED_POST_ONLY
    if not has_initial_margin(world, i, m, side, tick, lots):
        return REFUSED_MARGIN
    return DONE if fits(position_at(world, i, m), side, lots) else REFUSED_MARGIN


@hot_kernel
def expiry_step(world, seconds):
    """Schedule the expiry of an order after `seconds` and return its step; 0 (never) for 0."""
    expiry = np.int64(0)
    if rarely(seconds > 0.0):
        run = run_row(world, 0)
        steps = min(max(math.ceil(seconds / run["dt"]), 1), LAST_STEP - run["step"])
        expiry = run["step"] + np.int64(steps)
        run["next_expiry_step"] = min(run["next_expiry_step"], expiry)
    return expiry


@entry("int64", 3)
def place_limit(world, i, k):
    """Place the limit order in row k: replace, clip, check, match, rest. Return the outcome."""
    row = order_row_at(world, k)
    number = order_number(world, i, row)
    if order_at(world, number)["lots"] > 0:
        cancel(world, number)
    lots = clipped_lots(world, i, row)
    crosses = crosses_book(world, row["market"], row["side"], row["tick"])
    in_pool = is_pool(market_at(world, row["market"])["amm_law"])
    outcome = check_limit(world, i, row, lots, crosses or in_pool)
    if outcome != DONE:
        return outcome
    if rarely(crosses):
        lots = match_order(world, i, row, row["tick"], lots)
    if rarely(in_pool):
        return DONE if lots < row["lots"] else NOTHING_TO_DO
    if lots > 0 and not row["flags"] & IMMEDIATE:
        rest(world, number, i, row, lots, expiry_step(world, row["expiry_seconds"]))
    return DONE


@entry("int64", 3)
def place_market(world, i, k):
    """Place the market order in row k: immediate-or-cancel up to the band. Return the outcome."""
    row = order_row_at(world, k)
    m, side, lots = row["market"], row["side"], clipped_lots(world, i, row)
    if lots == 0:
        return REFUSED_REDUCE_ONLY
    if not has_initial_margin(world, i, m, side, margin_tick(world, m, side), lots):
        return REFUSED_MARGIN
    limit = market_at(world, m)["band_high"] if side > 0 else market_at(world, m)["band_low"]
    return DONE if match_order(world, i, row, limit, lots) < lots else NOTHING_TO_DO


@hot_kernel
def submit(world, i, k):
    """Carry out row k of the order buffer for trader i and return its outcome code.

    The row has been range-checked.
    """
    row = order_row_at(world, k)
    kind = row["kind"]
    if kind == LIMIT:
        return place_limit(world, i, k)
    if kind == MARKET_ORDER:
        return place_market(world, i, k)
    if kind == CANCEL:
        return DONE if cancel(world, order_number(world, i, row)) else NOTHING_TO_DO
    if kind == STOP:
        return place_stop(world, i, row)
    return place_off_book(world, i, k)
