"""Auto-deleveraging (ADL): close a liquidated position against ranked counterparties."""

from perplab.sim.clearing.equity import account_equity, unrealised, value_of
from perplab.sim.clearing.insurance_fund import fund_covers_deficit
from perplab.sim.clearing.ledger import book_trade, share_of
from perplab.sim.clearing.maintenance import account_maintenance
from perplab.sim.clearing.open_list import open_on_side
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.adl import adl_score, adl_ticks, draws_queue, takes_all_pro_rata
from perplab.sim.risk.attribution import next_slice, start_event
from perplab.sim.state.codes import ADL, FUND_ADL, MOST_TICKS
from perplab.sim.state.records import (
    event_at,
    events,
    market_at,
    position_at,
    run_row,
    trader_at,
    venue_at,
    view_at,
)
from perplab.sim.streams import ADL_QUEUE, fraction, key_at

LEAST_SCORE, FUND_SCORE = -1e300, -1e299


@kernel
def rank(world, i, m):
    """Return the ADL score of position (i, m) by the venue's formula; higher goes first."""
    position, market, mark = (
        position_at(world, i, m),
        market_at(world, m),
        view_at(world, m)["mark"],
    )
    return adl_score(
        venue_at(world, market["venue"])["adl_law"],
        position["lots"] > 0,
        max(value_of(abs(position["lots"]), market, mark), 1.0),
        max(float(abs(position["quote"])), 1.0),
        max(account_equity(world, i, m), 1.0),
        unrealised(position, market, mark),
        account_maintenance(world, i, m),
    )


@kernel
def queue_score(world, i, m):
    """Return the score of (i, m) in the ADL queue: its rank, or a random draw of this step."""
    if draws_queue(venue_at(world, market_at(world, m)["venue"])["adl_law"]):
        step = run_row(world, 0)["step"]
        return fraction(key_at(trader_at(world, i)["key"], ADL_QUEUE + step))
    return rank(world, i, m)


@kernel
def first_in_queue(world, i, m):
    """Return the trader of the highest-ranked opposite position, -1 if none; the fund is last."""
    run, best, first = run_row(world, 0), LEAST_SCORE, -1
    side = -position_at(world, i, m)["lots"]
    fund = venue_at(world, market_at(world, m)["venue"])["fund_row"]
    for k in range(run["open_count"]):
        other = open_on_side(world, k, m, side)
        if other >= 0:
            score = queue_score(world, other, m) if other != fund else FUND_SCORE
            if score > best:
                best, first = score, other
    return first


@kernel
def adl_tick(world, i, m, equity):
    """Return the tick of ADL of position (i, m), by the venue's law.

    It is the bankruptcy price rounded against the counterparty, the previous mark, or the mark.
    """
    market, lots, mark = (
        market_at(world, m),
        position_at(world, i, m)["lots"],
        view_at(world, m)["mark"],
    )
    law, previous = venue_at(world, market["venue"])["adl_law"], market["previous_mark"]
    unit = market["units_per_price"]
    return min(adl_ticks(law, mark, previous, equity, lots, unit, market["tick"]), MOST_TICKS)


@kernel
def close_against(world, i, other, m, lots, tick, trigger):
    """Close lots of position (i, m) against trader `other` at a tick; return the event's index."""
    position, market = position_at(world, i, m), market_at(world, m)
    kind = ADL if i < run_row(world, 0)["traders"] else FUND_ADL
    event_index = start_event(world, i, m, trigger, kind, account_equity(world, i, m))
    signed = -lots if position["lots"] > 0 else lots
    book_trade(world, m, other, i, signed, tick, 0.0, 0.0)
    event = event_at(world, event_index)
    event["counterparty"], event["lots"] = other, signed
    event["value"] = lots * tick * market["units_per_tick"]
    position["forced_lots"] += lots
    position_at(world, other, m)["adl_lots"] += lots
    return event_index


@kernel
def opposite_lots(world, m, size):
    """Return the lots of all traders on the side opposite to `size` lots."""
    run, total = run_row(world, 0), 0
    for k in range(run["open_count"]):
        other = open_on_side(world, k, m, -size)
        if 0 <= other < run["traders"]:
            total += abs(position_at(world, other, m)["lots"])
    return total


@kernel
def close_pro_rata(world, i, m, trigger, tick):
    """Close position (i, m) against all opposite traders in proportion to their size, rounded down.

    The ADL queue takes the lots left by rounding. Returns the index of the last event, -1 if none.
    """
    run, size, event_index = run_row(world, 0), position_at(world, i, m)["lots"], -1
    total = opposite_lots(world, m, size)
    wanted = min(abs(size), total)
    for k in range(run["open_count"] - 1, -1, -1):
        other = open_on_side(world, k, m, -size)
        if 0 <= other < run["traders"]:
            lots = share_of(wanted, abs(position_at(world, other, m)["lots"]), total)
            if lots > 0 and run["event_count"] < events(world).shape[0]:
                event_index = close_against(world, i, other, m, lots, tick, trigger)
                trigger = next_slice(trigger)
    return event_index


@kernel
def run_adl(world, i, m, trigger, equity):
    """Close position (i, m) against opposite positions, by the venue's selection of them.

    `equity` is that of its margin account, float units. The fund covers the deficit by rounding;
    its own positions are closed in the same way, and it keeps its deficit.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    tick, event_index = adl_tick(world, i, m, equity), -1
    if takes_all_pro_rata(venue_at(world, market["venue"])["adl_law"]):
        event_index = close_pro_rata(world, i, m, trigger, tick)
        trigger = next_slice(trigger) if event_index >= 0 else trigger
    while position["lots"] != 0:
        other = first_in_queue(world, i, m)
        if other < 0 or run_row(world, 0)["event_count"] >= events(world).shape[0]:
            return
        lots = min(abs(position["lots"]), abs(position_at(world, other, m)["lots"]))
        event_index = close_against(world, i, other, m, lots, tick, trigger)
        trigger = next_slice(trigger)
    if i < run_row(world, 0)["traders"]:
        fund_covers_deficit(world, i, m, event_index)
