"""The only writer of accounts: fills, fees, funding, transfers, spot trades, takeovers.

All amounts are integers. A position is ``lots`` and ``quote``: quote is minus the signed entry
value, so ``quote + lots * mark`` is the unrealised profit. Realised profit goes at once to the
*margin account*: the account's collateral (cross) or the position's isolated margin. The entry
value of the closed part is split exactly, ``(x // h) * c + (x % h) * c // h``. A rate becomes money
with one rounding, up for the payer.

Conservation: for each venue's currency the sum over all rows of collateral, incoming transfers,
wallet, isolated margins and position quotes, plus the venue's fees and external cash, is constant;
so is the sum of spot lots; position lots sum to zero (`total_units`).
"""

import math

import numpy as np

from perplab.sim.clearing.open_list import mark_changed, update_open_list
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import account_at, market_at, position_at, venue_at, view_at


@hot_kernel
def share_of(amount, part, whole):
    """Return ``amount * part / whole`` rounded down, in integers and without overflow.

    Parameters
    ----------
    amount : int
    part : int
        At least 0.
    whole : int
        Above 0, at least `part`.

    Returns
    -------
    int

    Notes
    -----
    Branch-free floor division: for negative amounts uses ~(~a // n) == a // n, because the sign is
    unpredictable. Quotient and remainder are shared out separately, so no product overflows below
    2**32 parts; beyond, the remainder is shared out bit by bit.

    Examples
    --------
    >>> share_of(-1000, 1, 3)
    -334
    >>> share_of(9_000_000_000_000_000_000, 2_999_999_999, 3_000_000_000)
    8999999997000000000
    >>> share_of(2**62 - 1, 2**40 - 1, 2**40) == (2**62 - 1) * (2**40 - 1) // 2**40
    True
    """
    sign, divisor = amount >> 63, np.uint64(whole)
    quotient = np.int64(np.uint64(amount ^ sign) // divisor) ^ sign
    remainder = amount - quotient * whole
    if rarely(whole >> 32 != 0):
        return quotient * part + share_of_remainder(remainder, part, whole)
    return quotient * part + np.int64(np.uint64(remainder * part) // divisor)


@kernel
def share_of_remainder(remainder, part, whole):
    """Return ``remainder * part // whole`` for 0 <= remainder, part <= whole < 2**61."""
    share, left = 0, 0
    for bit in range(61, -1, -1):
        share, left = 2 * share, 2 * left + remainder * (part >> bit & 1)
        share, left = share + left // whole, left % whole
    return share


@hot_kernel
def fee_units(value, fraction):
    """Return the fee on a value in units, rounded up: in favour of the venue, rebates too.

    Examples
    --------
    >>> fee_units(1001, 0.0005), fee_units(1001, -0.0005)
    (1, 0)
    """
    return np.int64(math.ceil(value * fraction))


@hot_kernel
def credit(world, i, m, units):
    """Add units to the margin account of position (i, m): isolated margin or collateral."""
    position = position_at(world, i, m)
    if position["isolated"] == 1:
        position["isolated_margin"] += units
    else:
        account_at(world, i, market_at(world, m)["venue"])["collateral"] += units


@kernel
def move_margin(world, i, m, closed, size, value):
    """Move isolated margin for a fill that closes `closed` of `size` lots and opens `value` units.

    The account receives the margin of the closed part and funds the opened part as far as it can. A
    negative isolated margin stays until `absorb_isolated_deficit`.
    """
    position, account = position_at(world, i, m), account_at(world, i, market_at(world, m)["venue"])
    released = max(share_of(position["isolated_margin"], closed, max(size, 1)), 0)
    needed = np.int64(math.ceil(value / position["leverage"]))
    moved = min(needed, max(account["collateral"] + released, 0)) - released
    position["isolated_margin"] += moved
    account["collateral"] -= moved


@kernel
def absorb_isolated_deficit(world, i, m):
    """Charge the negative isolated margin of a position closed by its owner to the account."""
    position = position_at(world, i, m)
    if position["lots"] == 0 and position["isolated_margin"] != 0:
        account = account_at(world, i, market_at(world, m)["venue"])
        account["collateral"] += position["isolated_margin"]
        position["isolated_margin"] = 0


@hot_kernel
def closing_lots(size, lots):
    """Return the part of a fill of signed `lots` that closes a position of signed `size` lots."""
    return min(max(lots, min(-size, 0)), max(-size, 0))


@entry("none", 6)
def fill(world, i, m, lots, tick, fee):
    """Book a fill of signed lots at a tick for trader i, and its fee in units.

    Notes
    -----
    A fill has a part that closes, which realises profit, and a part that opens. Both are always
    computed (zero lots if unused): a mispredicted branch costs more than the arithmetic.
    """
    position, market, view = position_at(world, i, m), market_at(world, m), view_at(world, m)
    mark_changed(world, i, m)
    size, price, added = position["lots"], tick * market["units_per_tick"], lots
    closing = closing_lots(size, lots)
    opening = lots - closing
    entry_value = share_of(position["quote"], abs(closing), max(abs(size), 1))
    realised = entry_value - closing * price
    position["realised"] += realised
    if rarely(size + closing == 0):
        position["index_cost"] -= closing * view["index"]
        update_open_list(world, i, m, size, opening)
        added = opening
    position["lots"] = size + lots
    position["quote"] -= realised + lots * price
    position["index_cost"] -= added * view["index"]
    position["all_fees"] -= fee
    view["open_interest"] += min(closing, 0) + max(opening, 0)
    if rarely(position["isolated"] == 1):
        position["isolated_margin"] += realised
        move_margin(world, i, m, abs(closing), abs(size), abs(opening * price))
        position["isolated_margin"] -= fee
    else:
        account_at(world, i, market["venue"])["collateral"] += realised - fee


@hot_kernel
def book_trade(world, m, maker, taker, lots, tick, taker_fee, maker_fee):
    """Book a trade of signed lots (the taker's sign) between two traders.

    The fees are fractions of the value and become income of the venue.
    """
    market = market_at(world, m)
    value = abs(lots) * tick * market["units_per_tick"]
    maker_units, taker_units = fee_units(value, maker_fee), fee_units(value, taker_fee)
    fill(world, maker, m, -lots, tick, maker_units)
    fill(world, taker, m, lots, tick, taker_units)
    venue_at(world, market["venue"])["fees"] += maker_units + taker_units


@kernel
def pay_funding(world, i, m, units):
    """Charge a funding payment in units (negative: received) to the margin account of (i, m)."""
    position = position_at(world, i, m)
    credit(world, i, m, -units)
    position["all_funding"] -= units


@kernel
def funding_received(position):
    """Return the funding received by the open position, in units (negative: paid)."""
    return position["all_funding"] - position["opening_funding"]


@kernel
def fees_received(position):
    """Return the fees of the open position, in units (negative: paid)."""
    return position["all_fees"] - position["opening_fees"]
