"""The only writer of accounts: fills, fees, funding, transfers, spot trades, takeovers. All in integers.

A position is ``lots`` and ``quote``: quote is minus the signed entry value, so ``quote + lots * mark`` is the unrealised
profit. What a reduction realises goes at once to the *purse*: the account's collateral (cross), or the position's own
isolated_margin (isolated). The closed part of an entry value is split exactly, ``(x // h) * c + (x % h) * c // h``.
Where a rate becomes money it is rounded once, up for whoever pays.

Conservation: for each venue's currency the sum over all rows of collateral, incoming transfers, wallet, pots and
position quotes, plus the venue's fees and the outside's cash, is constant; so is the sum of spot lots, and that of
position lots is zero (`total_units`).
"""

import math

import numpy as np

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import (
    account_at,
    market_at,
    markets,
    open_position_at,
    position_at,
    put_changed_position,
    put_open_position,
    run_row,
    venue_at,
    view_at,
)


@hot_kernel
def share_of(amount, part, whole):
    """Return the share of an integer amount that belongs to `part` (at least 0) of `whole` (above 0), rounded down, without overflow.

    Examples
    --------
    >>> share_of(-1000, 1, 3)
    -334
    >>> share_of(9_000_000_000_000_000_000, 2_999_999_999, 3_000_000_000)
    8999999997000000000

    Notes
    -----
    Of a negative amount the complement is divided, since ~(~a // n) is a // n rounded down: so chance, which decides the sign, decides no jump.
    """
    sign, divisor = amount >> 63, np.uint64(whole)
    each = np.int64(np.uint64(amount ^ sign) // divisor) ^ sign
    return each * part + np.int64(np.uint64((amount - each * whole) * part) // divisor)


@hot_kernel
def fee_units(value, fraction):
    """Return the fee on a value in units, rounded up (a rebate is rounded towards the venue).

    Examples
    --------
    >>> fee_units(1001, 0.0005), fee_units(1001, -0.0005)
    (1, 0)
    """
    return np.int64(math.ceil(value * fraction))


@hot_kernel
def credit(world, i, m, units):
    """Add units to the purse of position (i, m): its isolated_margin if isolated, else the account's collateral."""
    position = position_at(world, i, m)
    if position["isolated"] == 1:
        position["isolated_margin"] += units
    else:
        account_at(world, i, market_at(world, m)["venue"])["collateral"] += units


@hot_kernel
def add_open_position(world, i, m):
    """Enter a position that is no longer flat in the list of held positions and start its counters."""
    run, position = run_row(world, 0), position_at(world, i, m)
    put_open_position(world, run["open_count"], i * markets(world).shape[0] + m)
    position["open_index"] = run["open_count"]
    run["open_count"] += 1
    position["index_cost"], position["realised"], position["node"] = 0.0, 0, -1
    position["opening_funding"], position["opening_fees"] = (
        position["all_funding"],
        position["all_fees"],
    )


@hot_kernel
def remove_open_position(world, i, m):
    """Take a flat position out of the list; the last of the list takes its place."""
    run, position, width = run_row(world, 0), position_at(world, i, m), markets(world).shape[0]
    run["open_count"] -= 1
    last = open_position_at(world, run["open_count"])
    put_open_position(world, np.int64(position["open_index"]), last)
    position_at(world, last // width, last % width)["open_index"] = position["open_index"]
    position["open_index"] = -1


@kernel
def update_open_list(world, i, m, size, opening):
    """Keep the list of held positions when position (i, m) of `size` lots is closed whole, or was flat, and `opening` lots are opened."""
    if size != 0:
        remove_open_position(world, i, m)
    if opening != 0:
        add_open_position(world, i, m)


@kernel
def move_margin(world, i, m, closed, size, value):
    """Return the closed share of an isolated isolated_margin to the account, and let the account fund what is opened for `value` units.

    A negative isolated_margin stays until `absorb_isolated_deficit`; an account that lacks the margin gives what it has.
    """
    position, account = position_at(world, i, m), account_at(world, i, market_at(world, m)["venue"])
    released = max(share_of(position["isolated_margin"], closed, max(size, 1)), 0)
    needed = np.int64(math.ceil(value / position["leverage"]))
    moved = min(needed, max(account["collateral"] + released, 0)) - released
    position["isolated_margin"] += moved
    account["collateral"] -= moved


@kernel
def absorb_isolated_deficit(world, i, m):
    """Let the account bear the negative isolated_margin of an isolated position that its owner has closed."""
    position = position_at(world, i, m)
    if position["lots"] == 0 and position["isolated_margin"] != 0:
        account_at(world, i, market_at(world, m)["venue"])["collateral"] += position[
            "isolated_margin"
        ]
        position["isolated_margin"] = 0


@hot_kernel
def mark_changed(world, i, m):
    """Enter a position whose purse or size has changed in the list of those to be looked at for risk.

    Notes
    -----
    The row after the last is written over if the position stands in the list already: chance decides that, and a jump that chance
    decides costs more than the writing.
    """
    run, position = run_row(world, 0), position_at(world, i, m)
    put_changed_position(world, run["changed_count"], i * markets(world).shape[0] + m)
    run["changed_count"] += 1 - position["changed"]
    position["changed"] = 1


@kernel
def mark_all_changed(world, i, v):
    """Note a change of the collateral behind all of a trader's positions at venue v."""
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["venue"] == v:
            mark_changed(world, i, m)


@entry("none", 6)
def fill(world, i, m, lots, tick, fee):
    """Book a fill of signed lots at a tick for trader i: what closes a position realises its profit, what is left opens; then the fee, in units.

    Notes
    -----
    Closing and opening go one way, with zeros for what a fill does not do: chance decides which it is, and a jump that chance decides costs more.
    """
    position, market, view = position_at(world, i, m), market_at(world, m), view_at(world, m)
    mark_changed(world, i, m)
    size, price, kept = position["lots"], tick * market["units_per_tick"], lots
    closing = min(max(lots, min(-size, 0)), max(-size, 0))
    opening = lots - closing
    entry_value = share_of(position["quote"], abs(closing), max(abs(size), 1))
    realised = entry_value - closing * price
    position["realised"] += realised
    if rarely(size + closing == 0):
        position["index_cost"] -= closing * view["index"]
        update_open_list(world, i, m, size, opening)
        kept = opening
    position["lots"] = size + lots
    position["quote"] -= realised + lots * price
    position["index_cost"] -= kept * view["index"]
    position["all_fees"] -= fee
    view["open_interest"] += min(closing, 0) + max(opening, 0)
    if rarely(position["isolated"] == 1):
        position["isolated_margin"] += realised
        move_margin(world, i, m, abs(closing), abs(size), abs(opening * price))
        position["isolated_margin"] -= fee
    else:
        account_at(world, i, market["venue"])["collateral"] += realised - fee


@hot_kernel
def exchange(world, m, maker, taker, lots, tick, taker_fee, maker_fee):
    """Book a trade of signed lots (the taker's sign) between two traders, with fees as fractions of the value, to the venue's income."""
    market = market_at(world, m)
    value = abs(lots) * tick * market["units_per_tick"]
    maker_units, taker_units = fee_units(value, maker_fee), fee_units(value, taker_fee)
    fill(world, maker, m, -lots, tick, maker_units)
    fill(world, taker, m, lots, tick, taker_units)
    venue_at(world, market["venue"])["fees"] += maker_units + taker_units


@kernel
def pay_funding(world, i, m, units):
    """Take a funding payment (positive: paid by the position) from the purse of (i, m)."""
    position = position_at(world, i, m)
    credit(world, i, m, -units)
    position["all_funding"] -= units


@kernel
def funding_received(position):
    """Return the funding that the open position has received, in units (negative: paid)."""
    return position["all_funding"] - position["opening_funding"]


@kernel
def fees_received(position):
    """Return the fees of the open position as money received, in units (negative: paid)."""
    return position["all_fees"] - position["opening_fees"]
