"""Orders that do not enter the book: spot trades and transfers of collateral."""

import math

import numpy as np

from perplab.sim.clearing.order_margin import free_collateral
from perplab.sim.clearing.wallet import deposit, exchange_spot, short_spot_value, withdraw
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.state.records import (
    DONE,
    REFUSED_BORROW,
    REFUSED_CASH,
    REFUSED_MARGIN,
    SPOT,
    account_at,
    asset_at,
    holding_at,
    market_at,
    order_row_at,
    trader_at,
)


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
        if (
            after * value / lots > trader_at(world, i)["borrow_limit"]
            or asset["borrow_lots"] + after - borrowed > asset["borrow_limit_lots"]
        ):
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
def place_off_book(world, i, k):
    """Carry out the spot trade or transfer in row k of the order buffer; return its outcome."""
    row = order_row_at(world, k)
    return place_spot(world, i, row) if row["kind"] == SPOT else place_transfer(world, i, row)
