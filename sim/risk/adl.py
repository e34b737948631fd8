"""What stands behind a purse that is short: the fund, and then ranked counterparties (auto-deleveraging)."""

import math

import numpy as np

from perplab.sim.clearing.equity import account_equity
from perplab.sim.clearing.insurance_fund import fund_covers_deficit
from perplab.sim.clearing.ledger import exchange, share_of
from perplab.sim.clearing.maintenance import account_maintenance
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.margin import bankruptcy_price
from perplab.sim.risk.attribution import start_event
from perplab.sim.state.records import (
    ADL,
    AT_MARK,
    AT_PREVIOUS_MARK,
    PRO_RATA,
    RANDOM,
    RANK_PROFIT_LEVERAGE,
    RANK_PROFIT_MARGIN,
    event_at,
    events,
    market_at,
    markets,
    open_position_at,
    position_at,
    run_row,
    trader_at,
    venue_at,
    view_at,
)
from perplab.sim.streams import ADL_QUEUE, fraction, key_at


@kernel
def signed_score(gain, factor):
    """Return a gain times a factor of risk, a loss divided by it: winners stand before losers, the riskier first among winners.

    References
    ----------
    .. [1] BitMEX, Auto Deleveraging: profit in per cent times effective leverage, divided by it where the profit is negative.

    Examples
    --------
    >>> signed_score(0.01, 2.0) > signed_score(-0.001, 20.0) > signed_score(-0.01, 20.0)
    True
    """
    return gain * factor if gain > 0.0 else gain / factor


@kernel
def rank(world, i, m):
    """Return the deleveraging score of position (i, m) by the venue's rule; higher goes first."""
    position, market, mark = (
        position_at(world, i, m),
        market_at(world, m),
        view_at(world, m)["mark"],
    )
    law, unit = venue_at(world, market["venue"])["adl_rank"], market["units_per_price"]
    notional, entry = (
        max(abs(position["lots"]) * mark * unit, 1.0),
        max(float(abs(position["quote"])), 1.0),
    )
    equity, profit = (
        max(account_equity(world, i, m), 1.0),
        position["quote"] + position["lots"] * mark * unit,
    )
    if law == RANK_PROFIT_MARGIN:
        return signed_score(
            profit / max(equity - profit, 1.0), account_maintenance(world, i, m) / equity
        )
    if law == RANK_PROFIT_LEVERAGE:
        return signed_score(profit / entry, notional / equity)
    return (notional / entry if position["lots"] > 0 else entry / notional) * notional / equity


@kernel
def score_of(world, i, m):
    """Return what puts position (i, m) first in the queue: the venue's rank, or a draw of this step."""
    if venue_at(world, market_at(world, m)["venue"])["adl_selection"] == RANDOM:
        return fraction(key_at(trader_at(world, i)["key"], ADL_QUEUE + run_row(world, 0)["step"]))
    return rank(world, i, m)


@kernel
def first_in_queue(world, i, m):
    """Return the trader whose opposite position ranks highest, -1 if none; the fund stands last."""
    run, width, best, winner = run_row(world, 0), markets(world).shape[0], -1e300, -1
    side, fund = (
        position_at(world, i, m)["lots"],
        venue_at(world, market_at(world, m)["venue"])["fund_row"],
    )
    for h in range(run["open_count"]):
        other = open_position_at(world, h) // width
        if (
            open_position_at(world, h) % width == m
            and position_at(world, other, m)["lots"] * side < 0
        ):
            score = score_of(world, other, m) if other != fund else -1e299
            if score > best:
                best, winner = score, other
    return winner


@kernel
def adl_tick(world, i, m):
    """Return the price of deleveraging: the bankruptcy price rounded against the counterparty, the previous mark, or the mark."""
    market, lots = market_at(world, m), position_at(world, i, m)["lots"]
    law = venue_at(world, market["venue"])["adl_price"]
    if law == AT_PREVIOUS_MARK:
        return np.int64(max(round(market["previous_mark"] / market["tick"]), 1.0))
    if law == AT_MARK:
        return np.int64(max(round(view_at(world, m)["mark"] / market["tick"]), 1.0))
    price = bankruptcy_price(
        view_at(world, m)["mark"], account_equity(world, i, m), lots, market["units_per_price"]
    )
    tick = math.ceil(price / market["tick"]) if lots > 0 else math.floor(price / market["tick"])
    return np.int64(max(tick, 1))


@kernel
def close_against(world, i, other, m, lots, tick, number, parent, cause):
    """Close lots of position (i, m) against another trader at a tick; return the place of the event."""
    position, market = position_at(world, i, m), market_at(world, m)
    kept, signed = (
        start_event(world, i, m, number, parent, cause, ADL),
        -lots if position["lots"] > 0 else lots,
    )
    exchange(world, m, other, i, signed, tick, 0.0, 0.0)
    event = event_at(world, kept)
    event["counterparty"], event["lots"], event["value"] = (
        other,
        signed,
        lots * tick * market["units_per_tick"],
    )
    position["forced_lots"] += lots
    position_at(world, other, m)["adl_lots"] += lots
    return kept


@kernel
def run_adl_all(world, i, m, number, parent, cause, tick):
    """Close position (i, m) against all opposite traders in proportion to their size, rounded down; return the last event.

    What the rounding leaves is for the queue.
    """
    run, width, size, total, kept = (
        run_row(world, 0),
        markets(world).shape[0],
        position_at(world, i, m)["lots"],
        0,
        -1,
    )
    for h in range(run["open_count"]):
        other = open_position_at(world, h) // width
        if (
            open_position_at(world, h) % width == m
            and other < run["traders"]
            and position_at(world, other, m)["lots"] * size < 0
        ):
            total += abs(position_at(world, other, m)["lots"])
    wanted = min(abs(size), total)
    for h in range(run["open_count"] - 1, -1, -1):
        other = open_position_at(world, h) // width
        if (
            open_position_at(world, h) % width == m
            and other < run["traders"]
            and position_at(world, other, m)["lots"] * size < 0
        ):
            lots = share_of(wanted, abs(position_at(world, other, m)["lots"]), total)
            if lots > 0 and run["event_count"] < events(world).shape[0]:
                kept = close_against(world, i, other, m, lots, tick, number, parent, cause)
                parent, cause = -2, -1
    return kept


@kernel
def run_adl(world, i, m, number, parent, cause):
    """Close position (i, m) against opposite positions, as the venue picks them; the fund covers the rounding."""
    position, market = position_at(world, i, m), market_at(world, m)
    tick, kept = adl_tick(world, i, m), -1
    if venue_at(world, market["venue"])["adl_selection"] == PRO_RATA:
        kept = run_adl_all(world, i, m, number, parent, cause, tick)
        parent, cause = (parent, cause) if kept < 0 else (-2, -1)
    while position["lots"] != 0:
        other = first_in_queue(world, i, m)
        if other < 0 or run_row(world, 0)["event_count"] >= events(world).shape[0]:
            return
        lots = min(abs(position["lots"]), abs(position_at(world, other, m)["lots"]))
        kept = close_against(world, i, other, m, lots, tick, number, parent, cause)
        parent, cause = -2, -1
    fund_covers_deficit(world, i, m, kept)
