"""Order messages that do not enter the book: spot trades and transfers of collateral."""

import math

import numpy as np

from perplab.sim.clearing.order_margin import free_collateral
from perplab.sim.clearing.wallet import deposit, exchange_spot, short_spot_value, withdraw
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.impact.displacement import (
    LARGEST_MOVE,
    add_flow,
    displaces,
    flow_of,
    trade_factor,
)
from perplab.sim.impact.ledger import makers_trade
from perplab.sim.state.codes import (
    DONE,
    MOST_TICKS,
    REFUSED_BORROW,
    REFUSED_CASH,
    REFUSED_MARGIN,
    SPOT,
)
from perplab.sim.state.records import (
    account_at,
    asset_at,
    holding_at,
    market_at,
    markets,
    order_row_at,
    trader_at,
    view_at,
)


@kernel
def trade_move(asset, lots):
    """Return the mean price of a spot trade of signed lots over spot, without its half-spread."""
    law = asset["displacement"]
    if displaces(law):
        return trade_factor(law, flow_of(law, lots * asset["lot"]), asset["permanent_impact"])
    own = lots * asset["spot"] * asset["lot"]
    moved = (asset["permanent_impact"] + asset["transient_impact"]) * (asset["flow"] + 0.5 * own)
    return math.exp(min(moved, LARGEST_MOVE))


@kernel
def note_trade(world, a, lots, value):
    """Add a spot trade of signed lots and value to the flow of the step; show where spot is now."""
    asset = asset_at(world, a)
    asset["flow"] += value
    law = asset["displacement"]
    if displaces(law):
        flow = flow_of(law, lots * asset["lot"])
        moved = add_flow(law, flow)
        makers_trade(asset["ledger"], flow, value)
        for m in range(markets(world).shape[0]):
            if market_at(world, m)["asset"] == a:
                view_at(world, m)["spot_moved"] = moved


@kernel
def spot_tick(asset, side, lots):
    """Return the tick of a spot trade, rounded against the trader.

    Notes
    -----
    The trader pays the half-spread and the impact of the step's earlier flow and of half its own
    trade. So it pays on average for its move of spot at the next step, and a round trip gains
    nothing.
    """
    factor = trade_move(asset, side * lots) * (1.0 + side * asset["half_spread"])
    price = min(asset["spot"] * factor / asset["tick"], float(MOST_TICKS))
    return np.int64(math.ceil(price) if side > 0 else max(math.floor(price), 1))


@kernel
def place_spot(world, i, row):
    """Trade spot with the external market within wallet and borrow limits; return the outcome."""
    side, lots = row["side"], row["lots"]
    a = market_at(world, row["market"])["asset"]
    asset, holding, account = asset_at(world, a), holding_at(world, i, a), account_at(world, i, 0)
    tick = spot_tick(asset, side, lots)
    value = float(lots) * float(tick * asset["units_per_tick"])
    borrowed, after = max(-holding["lots"], 0), max(-(holding["lots"] + side * lots), 0)
    if side < 0 and after > borrowed:
        too_much = after * value / lots > trader_at(world, i)["borrow_limit"]
        if too_much or asset["borrow_lots"] + after - borrowed > asset["borrow_limit_lots"]:
            return REFUSED_BORROW
    if side > 0:
        backing = short_spot_value(world, i) * (after / max(borrowed, 1))
        if account["cash"] - value * (1.0 + asset["fee"]) < backing:
            return REFUSED_CASH
    exchange_spot(world, i, a, side * lots, tick)
    note_trade(world, a, side * lots, side * lots * tick * asset["tick"] * asset["lot"])
    return DONE


@kernel
def place_transfer(world, i, row):
    """Transfer money and return the outcome; `lots` are units to the venue, negative: back."""
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
