"""The lists of open and of changed positions.

A position is listed by its id, ``i * markets + m``. `open_position` and its kin turn an entry of a
list back into trader and market; nothing else needs to know the encoding.
"""

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.codes import NO_ROW
from perplab.sim.state.records import (
    changed_position_at,
    liquidatable,
    liquidatable_at,
    market_at,
    markets,
    open_position_at,
    position_at,
    put_changed_position,
    put_open_position,
    put_stop_tick,
    run_row,
)


@hot_kernel
def id_of(world, i, m):
    """Return the id of position (i, m)."""
    return i * markets(world).shape[0] + m


@hot_kernel
def trader_and_market(world, position_id):
    """Return ``(i, m)`` of a position id."""
    width = markets(world).shape[0]
    if width == 1:
        return position_id, 0
    i = position_id // width
    return i, position_id - i * width


@hot_kernel
def open_position(world, k):
    """Return ``(i, m)`` of entry k of the list of open positions."""
    return trader_and_market(world, open_position_at(world, k))


@hot_kernel
def changed_position(world, k):
    """Return ``(i, m)`` of entry k of the list of changed positions."""
    return trader_and_market(world, changed_position_at(world, k))


@hot_kernel
def liquidatable_position(world, k):
    """Return ``(i, m)`` of entry k of the list of liquidatable positions."""
    return trader_and_market(world, liquidatable_at(world, k))


@kernel
def open_on_side(world, k, m, side):
    """Return the trader of open position k if it is in market m on that side (its sign), else -1.

    The row of a fund counts as a trader.
    """
    i, market = open_position(world, k)
    return i if market == m and position_at(world, i, m)["lots"] * side > 0 else NO_ROW


@hot_kernel
def add_open_position(world, i, m):
    """Append a position that is no longer flat to the open list and reset its counters."""
    run, position = run_row(world, 0), position_at(world, i, m)
    put_open_position(world, run["open_count"], id_of(world, i, m))
    position["open_index"] = run["open_count"]
    run["open_count"] += 1
    position["index_cost"], position["realised"], position["node"] = 0.0, 0, -1
    position["opening_funding"] = position["all_funding"]
    position["opening_fees"] = position["all_fees"]


@hot_kernel
def remove_open_position(world, i, m):
    """Remove a flat position from the open list, with its stop; the last entry takes its place."""
    run, position = run_row(world, 0), position_at(world, i, m)
    run["open_count"] -= 1
    last = open_position_at(world, run["open_count"])
    last_i, last_m = trader_and_market(world, last)
    put_open_position(world, np.int64(position["open_index"]), last)
    position_at(world, last_i, last_m)["open_index"] = position["open_index"]
    position["open_index"] = -1
    put_stop_tick(world, i, m, 0)


@kernel
def update_open_list(world, i, m, size, opening):
    """Update the open list for a fill that closes all `size` lots of (i, m) and opens others."""
    if size != 0:
        remove_open_position(world, i, m)
    if opening != 0:
        add_open_position(world, i, m)


@hot_kernel
def mark_changed(world, i, m):
    """Append a position to the changed list unless flagged: its size or margin account changed.

    Notes
    -----
    Branch-free: it always writes one slot past the end and only then advances the count, so the
    table needs one spare row.
    """
    run, position = run_row(world, 0), position_at(world, i, m)
    put_changed_position(world, run["changed_count"], id_of(world, i, m))
    run["changed_count"] += 1 - position["changed"]
    position["changed"] = 1


@kernel
def mark_all_changed(world, i, v):
    """Mark all of a trader's positions at venue v as changed, because their collateral has."""
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["venue"] == v:
            mark_changed(world, i, m)


@kernel
def put_liquidatable(world, k, i, m):
    """Set entry k of the list of liquidatable positions."""
    liquidatable(world)[k] = id_of(world, i, m)
