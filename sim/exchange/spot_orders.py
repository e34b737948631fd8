"""Spot trades: their price, when they are carried out, and standing hedges.

Under the law of displacement spot orders wait until trading in the perpetuals pauses (the end of a
step's trading, or of a liquidation round). Then the standing hedges are carried out, then the
orders, in the order in which traders first sent one, then hedges that were changed meanwhile. So
every trade in a perpetual comes before its hedge, every hedge before other trades in spot, and all
of them before the next quotes: nobody trades in spot ahead of a hedge that is due. What a trader
sends in one asset is one order. It is refused if the trader could not pay for it now. Under the
linear law a spot order is carried out at once.

A standing hedge keeps a trader's spot at minus a share of its positions in the asset; a gap within
its band is left alone.
"""

import math

import numpy as np

from perplab.sim.clearing.wallet import exchange_spot, short_spot_value, short_value
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.impact.displacement import (
    LARGEST_MOVE,
    add_flow,
    add_sent,
    displaces,
    flow_of,
    moved_by_orders,
    moved_by_trades,
    trade_factor,
)
from perplab.sim.impact.ledger import makers_trade
from perplab.sim.state.codes import (
    DONE,
    MOST_LOTS,
    MOST_TICKS,
    NOTHING_TO_DO,
    REFUSED_BORROW,
    REFUSED_CASH,
)
from perplab.sim.state.records import (
    account_at,
    asset_at,
    assets,
    hedging_at,
    holding_at,
    market_at,
    markets,
    position_at,
    put_hedging,
    put_sent_spot,
    run_row,
    sent_spot_at,
    trader_at,
    view_at,
)

MILLION, SETTLED, CHANGED = 1e6, 1, 2


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
        add_flow(law, flow)
        makers_trade(asset["ledger"], flow, value)
        show_moved(world, a)


@kernel
def show_moved(world, a):
    """Show traders by how much the step's trades move spot, and how much orders that wait will."""
    law = asset_at(world, a)["displacement"]
    moved, will_move = moved_by_trades(law), moved_by_orders(law)
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            view_at(world, m)["spot_moved"], view_at(world, m)["spot_waiting"] = moved, will_move


@kernel
def spot_tick(asset, side, lots):
    """Return the tick of a spot trade, rounded against the trader.

    Notes
    -----
    The trader pays the half-spread and the impact of the step's earlier flow and of half its own
    trade. So it pays on average for its move of spot at the next step. By the law of displacement a
    round trip gains nothing; by the linear law, whose flow is counted at the price paid, only as
    long as the half-spread covers half the square of the move.
    """
    factor = trade_move(asset, side * lots) * (1.0 + side * asset["half_spread"])
    price = min(asset["spot"] * factor / asset["tick"], float(MOST_TICKS))
    return np.int64(math.ceil(price) if side > 0 else max(math.floor(price), 1))


@kernel
def refusal_of(world, i, a, side, lots, tick):
    """Return DONE if a trader can pay for a spot trade, or borrow for it, else why not."""
    asset, holding, account = asset_at(world, a), holding_at(world, i, a), account_at(world, i, 0)
    value = float(lots) * float(tick * asset["units_per_tick"])
    borrowed, after = max(-holding["lots"], 0), max(-(holding["lots"] + side * lots), 0)
    if side < 0 and after > borrowed:
        too_much = after * value / lots > trader_at(world, i)["borrow_limit"]
        if too_much or asset["borrow_lots"] + after - borrowed > asset["borrow_limit_lots"]:
            return REFUSED_BORROW
    if side > 0:
        own = short_value(asset, holding)
        backing = own * (after / max(borrowed, 1)) + (short_spot_value(world, i) - own)
        if account["cash"] - value * (1.0 + asset["fee"]) < backing:
            return REFUSED_CASH
    return DONE


@kernel
def trade_spot(world, i, a, side, lots):
    """Trade spot with the external market within wallet and borrow limits; return the outcome."""
    asset = asset_at(world, a)
    tick = spot_tick(asset, side, lots)
    outcome = refusal_of(world, i, a, side, lots, tick)
    if outcome == DONE:
        exchange_spot(world, i, a, side * lots, tick)
        note_trade(world, a, side * lots, side * lots * tick * asset["tick"] * asset["lot"])
    return outcome


@kernel
def place_spot(world, i, row):
    """Carry out a spot order, or keep it for the end of trading; return the outcome."""
    side, lots, a = row["side"], row["lots"], market_at(world, row["market"])["asset"]
    if displaces(asset_at(world, a)["displacement"]):
        return send_spot(world, i, a, side * lots)
    return trade_spot(world, i, a, side, lots)


@kernel
def send_spot(world, i, a, lots):
    """Keep a spot order of signed lots for the end of trading if it could be paid for now."""
    run, asset, holding = run_row(world, 0), asset_at(world, a), holding_at(world, i, a)
    total = holding["sent_lots"] + lots
    if abs(total) > MOST_LOTS:
        return NOTHING_TO_DO
    side = 1 if total > 0 else -1
    outcome = refusal_of(world, i, a, side, abs(total), spot_tick(asset, side, abs(total)))
    if total != 0 and outcome != DONE:
        return outcome
    if holding["sent"] == 0:
        put_sent_spot(world, run["sent_count"], i * assets(world).shape[0] + a)
        run["sent_count"] += 1
        holding["sent"] = 1
    holding["sent_lots"] = total
    add_sent(asset["displacement"], flow_of(asset["displacement"], lots * asset["lot"]))
    show_moved(world, a)
    return DONE


@kernel
def place_hedge(world, i, row):
    """Set the standing hedge of a trader in the asset of a market.

    A changed one is first carried out after the spot orders of its step, like one of them.
    """
    run, a = run_row(world, 0), market_at(world, row["market"])["asset"]
    holding, share = holding_at(world, i, a), row["tick"] / MILLION
    if holding["hedging"] == 0:
        put_hedging(world, run["hedging_count"], i * assets(world).shape[0] + a)
        run["hedging_count"] += 1
    if share != holding["hedge_share"] or row["lots"] != holding["hedge_band_lots"]:
        holding["hedging"] = CHANGED
    holding["hedging"] = max(holding["hedging"], SETTLED)
    holding["hedge_share"], holding["hedge_band_lots"] = share, row["lots"]
    return DONE


@hot_kernel
def hedge_gap(world, i, a):
    """Return the signed lots of spot that the standing hedge of a trader lacks."""
    lots = np.int64(0)
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            lots += position_at(world, i, m)["lots"]
    holding = holding_at(world, i, a)
    size = np.int64(math.floor(holding["hedge_share"] * abs(lots) + 0.5))
    return (size if lots < 0 else -size) - holding["lots"]


@entry("none", 2)
def carry_out_hedges(world, state):
    """Carry out the standing hedges of a state whose gap is beyond their band."""
    width = assets(world).shape[0]
    for k in range(run_row(world, 0)["hedging_count"]):
        i, a = hedging_at(world, k) // width, hedging_at(world, k) % width
        holding = holding_at(world, i, a)
        if holding["hedging"] == state:
            holding["hedging"] = SETTLED
            gap = hedge_gap(world, i, a)
            if abs(gap) > holding["hedge_band_lots"]:
                count_refusal(world, trade_spot(world, i, a, 1 if gap > 0 else -1, abs(gap)))


@kernel
def count_refusal(world, outcome):
    """Count an order that was accepted, and then refused when it was carried out."""
    if outcome != DONE:
        run_row(world, 0)["outcomes"][np.uint64(outcome)] += 1


@entry("none", 1)
def trade_in_spot(world):
    """Carry out the standing hedges, then the spot orders that were sent, then changed hedges."""
    run, width = run_row(world, 0), assets(world).shape[0]
    carry_out_hedges(world, SETTLED)
    for k in range(run["sent_count"]):
        trade_sent(world, sent_spot_at(world, k) // width, sent_spot_at(world, k) % width)
    run["sent_count"] = 0
    carry_out_hedges(world, CHANGED)


@kernel
def trade_sent(world, i, a):
    """Carry out the order in spot that a trader has sent."""
    asset, holding = asset_at(world, a), holding_at(world, i, a)
    lots, holding["sent_lots"], holding["sent"] = np.int64(holding["sent_lots"]), 0, 0
    add_sent(asset["displacement"], -flow_of(asset["displacement"], lots * asset["lot"]))
    if lots != 0:
        count_refusal(world, trade_spot(world, i, a, 1 if lots > 0 else -1, abs(lots)))
    show_moved(world, a)
