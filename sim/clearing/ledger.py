"""The only writer of accounts: fills, fees, funding, transfers, spot trades, takeovers. All in integers.

A position is ``lots`` and ``quote``: quote is minus the signed entry value, so ``quote + lots * mark`` is the unrealised
profit. What a reduction realises goes at once to the *purse*: the account's collateral (cross), or the position's own
pot (isolated). The closed part of an entry value is split exactly, ``(x // h) * c + (x % h) * c // h``.
Where a rate becomes money it is rounded once, up for whoever pays.

Conservation: for each venue's currency the sum over all rows of collateral, incoming transfers, wallet, pots and
position quotes, plus the venue's fees and the outside's cash, is constant; so is the sum of spot lots, and that of
position lots is zero (`total_units`).
"""

import math

import numpy as np

from perplab.sim.compiler.jit import entry, hot_kernel, kernel, rarely
from perplab.sim.state.records import (
    account_at,
    asset_at,
    assets,
    held_at,
    holding_at,
    market_at,
    markets,
    position_at,
    put_dirty,
    put_held,
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
    """Add units to the purse of position (i, m): its pot if isolated, else the account's collateral."""
    position = position_at(world, i, m)
    if position["isolated"] == 1:
        position["pot"] += units
    else:
        account_at(world, i, market_at(world, m)["venue"])["collateral"] += units


@hot_kernel
def enter_held(world, i, m):
    """Enter a position that is no longer flat in the list of held positions and start its counters."""
    run, position = run_row(world, 0), position_at(world, i, m)
    put_held(world, run["held_count"], i * markets(world).shape[0] + m)
    position["held_at"] = run["held_count"]
    run["held_count"] += 1
    position["index_cost"], position["realised"], position["node"] = 0.0, 0, -1
    position["opening_funding"], position["opening_fees"] = position["all_funding"], position["all_fees"]


@hot_kernel
def leave_held(world, i, m):
    """Take a flat position out of the list; the last of the list takes its place."""
    run, position, width = run_row(world, 0), position_at(world, i, m), markets(world).shape[0]
    run["held_count"] -= 1
    last = held_at(world, run["held_count"])
    put_held(world, np.int64(position["held_at"]), last)
    position_at(world, last // width, last % width)["held_at"] = position["held_at"]
    position["held_at"] = -1


@kernel
def turn(world, i, m, size, opening):
    """Keep the list of held positions when position (i, m) of `size` lots is closed whole, or was flat, and `opening` lots are opened."""
    if size != 0:
        leave_held(world, i, m)
    if opening != 0:
        enter_held(world, i, m)


@kernel
def move_margin(world, i, m, closed, size, value):
    """Return the closed share of an isolated pot to the account, and let the account fund what is opened for `value` units.

    A negative pot stays until `cover_pot`; an account that lacks the margin gives what it has.
    """
    position, account = position_at(world, i, m), account_at(world, i, market_at(world, m)["venue"])
    released = max(share_of(position["pot"], closed, max(size, 1)), 0)
    needed = np.int64(math.ceil(value / position["leverage"]))
    moved = min(needed, max(account["collateral"] + released, 0)) - released
    position["pot"] += moved
    account["collateral"] -= moved


@kernel
def cover_pot(world, i, m):
    """Let the account bear the negative pot of an isolated position that its owner has closed."""
    position = position_at(world, i, m)
    if position["lots"] == 0 and position["pot"] != 0:
        account_at(world, i, market_at(world, m)["venue"])["collateral"] += position["pot"]
        position["pot"] = 0


@hot_kernel
def note_change(world, i, m):
    """Enter a position whose purse or size has changed in the list of those to be looked at for risk.

    Notes
    -----
    The row after the last is written over if the position stands in the list already: chance decides that, and a jump that chance
    decides costs more than the writing.
    """
    run, position = run_row(world, 0), position_at(world, i, m)
    put_dirty(world, run["dirty_count"], i * markets(world).shape[0] + m)
    run["dirty_count"] += 1 - position["dirty"]
    position["dirty"] = 1


@kernel
def note_all(world, i, v):
    """Note a change of the collateral behind all of a trader's positions at venue v."""
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["venue"] == v:
            note_change(world, i, m)


@entry("none", 6)
def fill(world, i, m, lots, tick, fee):
    """Book a fill of signed lots at a tick for trader i: what closes a position realises its profit, what is left opens; then the fee, in units.

    Notes
    -----
    Closing and opening go one way, with zeros for what a fill does not do: chance decides which it is, and a jump that chance decides costs more.
    """
    position, market, view = position_at(world, i, m), market_at(world, m), view_at(world, m)
    note_change(world, i, m)
    size, price, kept = position["lots"], tick * market["units_per_tick"], lots
    closing = min(max(lots, min(-size, 0)), max(-size, 0))
    opening = lots - closing
    entry_value = share_of(position["quote"], abs(closing), max(abs(size), 1))
    realised = entry_value - closing * price
    position["realised"] += realised
    if rarely(size + closing == 0):
        position["index_cost"] -= closing * view["index"]
        turn(world, i, m, size, opening)
        kept = opening
    position["lots"] = size + lots
    position["quote"] -= realised + lots * price
    position["index_cost"] -= kept * view["index"]
    position["all_fees"] -= fee
    view["open_interest"] += min(closing, 0) + max(opening, 0)
    if rarely(position["isolated"] == 1):
        position["pot"] += realised
        move_margin(world, i, m, abs(closing), abs(size), abs(opening * price))
        position["pot"] -= fee
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


@hot_kernel
def purse_equity(world, i, m):
    """Return the equity (float units) behind position (i, m): its pot's, or its cross account's at the marks."""
    position, market = position_at(world, i, m), market_at(world, m)
    if position["isolated"] == 1:
        return position["pot"] + position["quote"] + position["lots"] * view_at(world, m)["mark"] * market["units_per_price"]
    return cross_equity(world, i, market["venue"])


@hot_kernel
def cross_equity(world, i, v):
    """Return collateral plus the unrealised profit of all cross positions of account (i, v), float units."""
    if rarely(markets(world).shape[0] > 1):
        return cross_equity_of_many(world, i, v)
    position, equity = position_at(world, i, 0), float(account_at(world, i, v)["collateral"])
    if position["lots"] != 0 and position["isolated"] == 0:
        equity += position["quote"] + position["lots"] * view_at(world, 0)["mark"] * market_at(world, 0)["units_per_price"]
    return equity


@entry("float64", 3)
def cross_equity_of_many(world, i, v):
    """Return `cross_equity` where there are several markets."""
    equity = float(account_at(world, i, v)["collateral"])
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        if position["lots"] != 0 and position["isolated"] == 0 and market_at(world, m)["venue"] == v:
            equity += position["quote"] + position["lots"] * view_at(world, m)["mark"] * market_at(world, m)["units_per_price"]
    return equity


@kernel
def same_purse(world, i, m, other):
    """Return whether position (i, other) stands on the purse of (i, m)."""
    if other == m:
        return True
    return (position_at(world, i, m)["isolated"] == 0 and position_at(world, i, other)["isolated"] == 0
            and market_at(world, other)["venue"] == market_at(world, m)["venue"])


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


@hot_kernel
def receive_incoming(world, i, v):
    """Credit a transfer that has arrived."""
    account = account_at(world, i, v)
    if account["incoming"] > 0 and run_row(world, 0)["step"] >= account["incoming_step"]:
        account["collateral"] += account["incoming"]
        account["incoming"] = 0


@kernel
def deposit(world, i, v, units):
    """Send units from the wallet to the venue; they arrive after its transfer time. Return whether it went."""
    run, wallet, account = run_row(world, 0), account_at(world, i, 0), account_at(world, i, v)
    if account["incoming"] > 0 or wallet["cash"] - short_spot_value(world, i) < units:
        return False
    wallet["cash"] -= units
    account["incoming"] = units
    account["incoming_step"] = run["step"] + np.int64(math.ceil(venue_at(world, v)["transfer_seconds"] / run["dt"]))
    receive_incoming(world, i, v)
    return True


@kernel
def withdraw(world, i, v, units):
    """Move units of collateral to the wallet at once; the caller has checked that they are free."""
    account_at(world, i, v)["collateral"] -= units
    account_at(world, i, 0)["cash"] += units
    note_all(world, i, v)


@kernel
def short_spot_value(world, i):
    """Return the units of the wallet that back the trader's short spot: the value of what it has borrowed."""
    value = 0.0
    for a in range(assets(world).shape[0]):
        asset = asset_at(world, a)
        value += max(-holding_at(world, i, a)["lots"], 0) * asset["spot"] * asset["units_per_tick"] / asset["tick"]
    return value


@kernel
def accrue_borrow(world, i, a):
    """Charge the interest on borrowed spot since the last charge; cash goes outside, rounded up."""
    asset, holding = asset_at(world, a), holding_at(world, i, a)
    if holding["lots"] < 0:
        units = np.int64(math.ceil(-holding["lots"] * (asset["borrow_index"] - holding["borrow_index"])))
        account_at(world, i, 0)["cash"] -= units
        asset["outside_cash"] += units
        asset["outside_interest"] += units
        holding["interest"] -= units
    holding["borrow_index"] = asset["borrow_index"]


@kernel
def exchange_spot(world, i, a, lots, tick):
    """Book a spot trade of signed lots at a tick with the outside, and its fee."""
    asset, holding, account = asset_at(world, a), holding_at(world, i, a), account_at(world, i, 0)
    accrue_borrow(world, i, a)
    value = lots * tick * asset["units_per_tick"]
    units = fee_units(abs(value), asset["fee"])
    account["cash"] -= value + units
    asset["outside_cash"] += value + units
    asset["borrow_lots"] += max(-holding["lots"] - lots, 0) - max(-holding["lots"], 0)
    holding["lots"] += lots
    holding["fees"] -= units
    asset["outside_lots"] -= lots
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            position_at(world, i, m)["spot_lots"] = holding["lots"]


@kernel
def move_position(world, i, m, fund):
    """Hand a position with its entry value, and so its unrealised profit, to the fund; the purse stays. Return the
    units of that profit at the mark's tick."""
    position, market = position_at(world, i, m), market_at(world, m)
    lots, quote = position["lots"], position["quote"]
    mark_tick = np.int64(round(view_at(world, m)["mark"] / market["tick"]))
    gain = quote + lots * mark_tick * market["units_per_tick"]
    position["lots"], position["quote"] = 0, 0
    position["realised"] += gain
    position["index_cost"] += lots * view_at(world, m)["index"]
    view_at(world, m)["open_interest"] -= max(lots, 0)
    leave_held(world, i, m)
    fill(world, fund, m, lots, mark_tick, np.int64(0))
    credit(world, fund, m, gain)
    return gain


@kernel
def move_purse(world, i, m, fund):
    """Hand what is left in the purse of (i, m), positive or negative, to the fund; return the units moved."""
    v, position = market_at(world, m)["venue"], position_at(world, i, m)
    account = account_at(world, i, v)
    units = position["pot"] if position["isolated"] == 1 else account["collateral"]
    if position["isolated"] == 1:
        position["pot"] = 0
    else:
        account["collateral"] = 0
    account_at(world, fund, v)["collateral"] += units
    return units


@kernel
def charge_to_fund(world, i, m, units, released):
    """Move a liquidation fee to the venue's fund, the liquidator's part to him; return the fund's, which is rounded up."""
    venue = venue_at(world, market_at(world, m)["venue"])
    passed_on = np.int64(units * (1.0 - venue["liquidation_fund_share"]))
    surrender(world, i, m, units, released)
    position_at(world, i, m)["all_fees"] -= units
    account_at(world, venue["fund_row"], market_at(world, m)["venue"])["collateral"] -= passed_on
    venue["liquidators"] += passed_on
    return units - passed_on


@kernel
def surrender(world, i, m, units, released):
    """Move units to the venue's fund and return them: first from what a pot has just `released` to the account, then from the purse of (i, m)."""
    v = market_at(world, m)["venue"]
    from_account = min(units, released)
    account_at(world, i, v)["collateral"] -= from_account
    credit(world, i, m, from_account - units)
    account_at(world, venue_at(world, v)["fund_row"], v)["collateral"] += units
    return units


def total_units(tables):
    """Return the conserved totals of a state: money in units, spot lots by asset, position lots by market.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray

    Returns
    -------
    tuple of (int, list of int, list of int)
        Python integers, so the check itself cannot overflow. The first is constant over a run, the second
        constant, the third all zero.
    """
    def total(table, *fields):
        return sum(int(value) for field in fields for value in tables[table][field].ravel())

    money = (total("account", "collateral", "incoming", "cash") + total("position", "pot", "quote")
             + total("venue", "fees", "liquidators") + total("asset", "outside_cash"))
    spot = [sum(int(x) for x in tables["holding"]["lots"][:, a]) + int(asset["outside_lots"])
            for a, asset in enumerate(tables["asset"])]
    perpetual = [sum(int(x) for x in tables["position"]["lots"][:, m]) for m in range(len(tables["market"]))]
    return money, spot, perpetual
