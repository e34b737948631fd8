"""Orders: checked against margin and band, matched by price and then time, and booked.

`submit` takes one row of the order buffer that a rule wrote and returns an outcome code; a refusal is counted, never raised. A limit order
into an occupied slot replaces what rests there, even if the new one is then refused. Self-trade prevention
cancels the resting order. The initial margin is checked at the worse of the mark and the order's price, over the larger of
the two positions that all resting orders of one side would make; an order that can only shrink the position needs none.
"""

import math

import numpy as np

from perplab.sim.exchange.book import cancel, opposite, reduce_order, rest
from perplab.sim.compiler.jit import entry, hot_kernel, kernel, rarely
from perplab.sim.clearing.ledger import cross_equity, deposit, exchange, exchange_spot, short_spot_value, withdraw
from perplab.sim.laws.margin import initial_margin, interest_scaled, size_charge
from perplab.sim.exchange.amm import quote_pool, swap_lots, swap_tick
from perplab.sim.state.records import (
    BOOK,
    CANCEL,
    DONE,
    IMMEDIATE,
    LARGEST_NOTIONAL,
    LIMIT,
    MARKET_ORDER,
    NOTHING_TO_DO,
    POST_ONLY,
    REDUCE_ONLY,
    REFUSED_BAND,
    REFUSED_BORROW,
    REFUSED_CASH,
    REFUSED_MARGIN,
    REFUSED_POST_ONLY,
    REFUSED_REDUCE_ONLY,
    SELF_TRADE,
    SPOT,
    account_at,
    asset_at,
    holding_at,
    level_at,
    market_at,
    markets,
    order_at,
    order_row_at,
    position_at,
    print_at,
    prints,
    run_row,
    trader_at,
    venue_at,
    view_at,
)

MARKET_SLIPPAGE, CERTAINTY = 0.0005, 1e290
LAST_STEP = MOST_RESTING_LOTS = (1 << 31) - 1


@hot_kernel
def price_units(world, m):
    """Return the value of one lot at the mark, float units."""
    return view_at(world, m)["mark"] * market_at(world, m)["units_per_price"]


@hot_kernel
def position_margin(world, i, m, lots, unit_value):
    """Return the initial margin of `lots` (>= 0) valued at `unit_value` units a lot."""
    market, leverage = market_at(world, m), position_at(world, i, m)["leverage"]
    if rarely(market["interest_high"] > 0.0):
        interest = view_at(world, m)["open_interest"] * price_units(world, m)
        leverage = 1.0 / interest_scaled(1.0 / leverage, interest, market["interest_low"], market["interest_high"])
    needed = initial_margin(lots * unit_value, leverage, market["tier_leverage"], market["tier_floor"], market["tiers"])
    return needed + size_charge(lots * unit_value, float(lots), market["size_slope"])


@hot_kernel
def exposure(position, buy, sell):
    """Return the larger of the position's sizes once `buy` or `sell` more lots were filled with all resting ones.

    Notes
    -----
    Lots to buy and to sell are at least 0, so the size is largest with all bought and nothing sold, or the other way round.
    """
    return max(position["lots"] + position["buy_lots"] + buy, position["sell_lots"] + sell - position["lots"])


@hot_kernel
def margin_elsewhere(world, i, v, m):
    """Return `margin_in_use` but for market m; nothing to look at where that is the only market."""
    return margin_in_use(world, i, v, m) if rarely(markets(world).shape[0] > 1) else 0.0


@entry("float64", 4)
def margin_in_use(world, i, v, except_market):
    """Return the initial margin of the positions and orders of account (i, v) in its other markets; a pot carries its own."""
    used = 0.0
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        if m != except_market and market_at(world, m)["venue"] == v:
            lots = exposure(position, 0, 0) - (abs(position["lots"]) if position["isolated"] == 1 else 0)
            if lots > 0:
                used += position_margin(world, i, m, lots, price_units(world, m))
    return used


@kernel
def free_collateral(world, i, v):
    """Return the units of collateral that may be withdrawn: neither margin in use nor unrealised profit."""
    collateral = float(account_at(world, i, v)["collateral"])
    spare = min(cross_equity(world, i, v), collateral) - margin_in_use(world, i, v, -1)
    return np.int64(max(math.floor(spare), 0))


@hot_kernel
def affords(world, i, m, side, tick, lots):
    """Return whether the purse of (i, m) carries the initial margin of an order of `lots` at `tick`, and 64 bits its value.

    Notes
    -----
    An order that can only shrink the position is always carried. Chance decides which does, so that enters as a sum beyond every requirement
    (`CERTAINTY` times at least one lot; no requirement comes near, by `LARGEST_NOTIONAL`) instead of as a jump.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    after = exposure(position, lots if side > 0 else 0, lots if side < 0 else 0)
    certain = CERTAINTY * max(abs(position["lots"]) + 1 - after, 0)
    mark_value, order_value = price_units(world, m), float(tick * market["units_per_tick"])
    worst = max(mark_value, order_value)
    adverse = max((order_value - mark_value) * side, 0.0) * lots
    if rarely(after * worst > LARGEST_NOTIONAL):
        return certain > 0.0
    need = position_margin(world, i, m, after, worst) + adverse
    if rarely(position["isolated"] == 1):
        free = account_at(world, i, market["venue"])["collateral"] - margin_elsewhere(world, i, market["venue"], m)
        return free + certain >= need - position_margin(world, i, m, abs(position["lots"]), mark_value)
    return cross_equity(world, i, market["venue"]) - margin_elsewhere(world, i, market["venue"], m) + certain >= need


@hot_kernel
def fits(position, side, lots):
    """Return whether the counter of resting lots on a side has room for `lots` more."""
    return (position["buy_lots"] if side > 0 else position["sell_lots"]) + np.int64(lots) <= MOST_RESTING_LOTS


@hot_kernel
def reducible(world, i, m, side):
    """Return the lots by which an order of `side` can shrink position (i, m), besides resting orders."""
    return max(-position_at(world, i, m)["lots"] * side, 0)


@kernel
def keep_print(world, m, maker, taker, lots, tick, by_force):
    """Keep the print of a trade, if the run asks for them."""
    run = run_row(world, 0)
    if run["print_count"] < prints(world).shape[0]:
        kept = print_at(world, run["print_count"])
        kept["step"], kept["market"], kept["tick"], kept["lots"] = run["step"], m, tick, abs(lots)
        kept["side"], kept["taker"], kept["maker"], kept["forced"] = (1 if lots > 0 else -1), taker, maker, by_force
        run["print_count"] += 1


@hot_kernel
def trade(world, m, maker, taker, lots, tick, taker_fee, maker_fee, by_force):
    """Book a trade of `lots` (signed by the taker) and publish it."""
    run, view, market = run_row(world, 0), view_at(world, m), market_at(world, m)
    exchange(world, m, maker, taker, lots, tick, taker_fee, maker_fee)
    view["last_tick"] = tick
    view["volume"] += abs(lots)
    run["trades"] += 1
    asset_at(world, market["asset"])["perp_flow"] += lots * tick * market["tick"] * market["lot"]
    if rarely(run["print_trades"] == 1):
        keep_print(world, m, maker, taker, lots, tick, by_force)


@hot_kernel
def fillable(world, number, maker, m, side, lots):
    """Return how many of `lots` the resting order may fill: a resting reduce-only order fills what it can reduce."""
    order = order_at(world, number)
    size = min(lots, np.int64(order["lots"]))
    if rarely(order["flags"] & REDUCE_ONLY != 0):
        size = min(size, reducible(world, maker, m, -side))
    return size


@entry("int64", 7, "float64")
def swap(world, taker, m, side, limit, lots, by_force, taker_fee):
    """Trade up to `lots` with the pool at `limit` or better, at their average price; return the lots left."""
    market = market_at(world, m)
    fund, size = venue_at(world, market["venue"])["fund_row"], swap_lots(world, taker, m, side, limit, lots)
    if size > 0:
        tick = swap_tick(world, m, side, size, limit)
        trade(world, m, fund, taker, side * size, tick, taker_fee, -market["fee_share"] * taker_fee, by_force)
        market["reserve"] -= side * size * market["lot"]
        quote_pool(world, m)
    return lots - size


@entry("int64", 7, "float64")
def match(world, taker, m, side, limit, lots, by_force, taker_fee):
    """Fill up to `lots` at `limit` or better, best price first, then oldest, or from the pool; return the lots left."""
    market, run = market_at(world, m), run_row(world, 0)
    if rarely(market["place"] != BOOK):
        return swap(world, taker, m, side, limit, lots, by_force, taker_fee)
    maker_fee = venue_at(world, market["venue"])["maker_fee"]
    while lots > 0:
        tick = opposite(world, m, side)
        if tick == 0 or (tick - limit) * side > 0:
            break
        number = np.int64(level_at(world, m, tick - market["window_low"])["head"])
        order = order_at(world, number)
        maker = np.int64(order["owner"])
        expired = order["expiry_step"] > 0 and order["expiry_step"] <= run["step"]
        size = fillable(world, number, maker, m, side, lots)
        if rarely(maker == taker or expired or size == 0):
            run["outcomes"][SELF_TRADE] += maker == taker
            cancel(world, number)
            continue
        reduce_order(world, number, maker, m, -side, tick, size)
        trade(world, m, maker, taker, size * side, tick, taker_fee, maker_fee, by_force)
        lots -= size
    return lots


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
    crosses, in_pool = crossing(world, m, side, tick), market["place"] != BOOK
    if (crosses or in_pool) and flags & POST_ONLY:
        return REFUSED_POST_ONLY
    if not affords(world, i, m, side, tick, lots) or not fits(position_at(world, i, m), side, lots):
        return REFUSED_MARGIN
    if rarely(crosses):
        lots = match(world, i, m, side, tick, lots, 0, venue_at(world, market["venue"])["taker_fee"])
    if rarely(in_pool):
        return DONE if lots < row["lots"] else NOTHING_TO_DO
    if lots > 0 and not flags & IMMEDIATE:
        expiry = np.int64(0)
        if rarely(row["expiry_seconds"] > 0.0):
            steps = min(max(math.ceil(row["expiry_seconds"] / run["dt"]), 1), LAST_STEP - run["step"])
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
    if not affords(world, i, m, side, margin_tick(world, m, side), lots):
        return REFUSED_MARGIN
    limit = market["band_high"] if side > 0 else market["band_low"]
    left = match(world, i, m, side, limit, lots, 0, venue_at(world, market["venue"])["taker_fee"])
    return DONE if left < lots else NOTHING_TO_DO


@kernel
def spot_tick(asset, side, lots):
    """Return the tick of a spot trade, rounded against the trader: it pays the half-spread and its own impact.

    Notes
    -----
    The price is that after the step's earlier flow and half of the trade's own, so what it moves spot by at the next
    step is paid on average, and buying to sell again gains nothing.
    """
    own = side * lots * asset["spot"] * asset["lot"]
    moved = (asset["permanent_impact"] + asset["transient_impact"]) * (asset["flow"] + 0.5 * own)
    price = asset["spot"] * math.exp(moved) * (1.0 + side * asset["half_spread"]) / asset["tick"]
    return np.int64(math.ceil(price) if side > 0 else max(math.floor(price), 1))


@kernel
def place_spot(world, i, row):
    """Trade spot with the outside; refuse beyond the wallet or the borrow limits."""
    side, lots = row["side"], row["lots"]
    a = market_at(world, row["market"])["asset"]
    asset, holding, account = asset_at(world, a), holding_at(world, i, a), account_at(world, i, 0)
    tick = spot_tick(asset, side, lots)
    value = float(lots * tick * asset["units_per_tick"])
    borrowed, after = max(-holding["lots"], 0), max(-(holding["lots"] + side * lots), 0)
    if side < 0 and after > borrowed:
        if (after * value / lots > trader_at(world, i)["borrow_limit"]
                or asset["borrow_lots"] + after - borrowed > asset["borrow_limit_lots"]):
            return REFUSED_BORROW
    if side > 0:
        backing = short_spot_value(world, i) * (after / max(borrowed, 1))
        if account["cash"] - value * (1.0 + asset["fee"]) < backing:
            return REFUSED_CASH
    exchange_spot(world, i, a, side * lots, tick)
    asset["flow"] += side * lots * tick * asset["tick"] * asset["lot"]
    return DONE


@kernel
def place_transfer(world, i, row):
    """Move money between wallet and venue: positive lots are units to the venue, negative ones back."""
    v, units = market_at(world, row["market"])["venue"], row["lots"]
    if units > 0:
        return DONE if deposit(world, i, v, units) else REFUSED_CASH
    if free_collateral(world, i, v) < -units:
        return REFUSED_MARGIN
    withdraw(world, i, v, -units)
    return DONE


@entry("int64", 3)
def place_aside(world, i, k):
    """Carry out the spot trade or transfer in row k of the order buffer; return its outcome."""
    row = order_row_at(world, k)
    return place_spot(world, i, row) if row["kind"] == SPOT else place_transfer(world, i, row)


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
        return DONE if cancel(world, trader_at(world, i)["first_slot"] + row["slot"]) else NOTHING_TO_DO
    return place_aside(world, i, k)
