"""Writers of order rows, and the small sums that every rule needs.

All are kernels on single records, so a rule stays short. Amounts called ``usd`` are in quote
currency, ``units`` are the ledger's money units, sizes are lots. A writer fills row `count` of the
buffer and returns the next count.

The compiler makes one version of a kernel for every *literal* integer that it is called with, at
about 0.1 s each; ``np.int64(0)`` is not a literal, nor is the variable of a loop.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import (
    CANCEL,
    HEDGE,
    LIMIT,
    MARKET_ORDER,
    REDUCE_ONLY,
    SPOT,
    STOP,
    TRANSFER,
)

BASIS_POINT = 1e-4
YEAR_SECONDS = 31_536_000.0
SPACE = 128  # rows of the buffer
LARGEST_ORDER = 999_999_999
LARGEST_WHOLE = 2.0**62


@hot_kernel
def write_row(orders, count, kind, market, slot, side, tick, lots, flags, expiry_seconds):
    """Fill all fields of row `count` and return the next count; write nothing outside the buffer.

    An order is cut to `LARGEST_ORDER` lots, the most a venue takes; units of a transfer are not.
    """
    if count < 0 or count >= SPACE:
        return count
    order = orders[count]
    order["kind"], order["market"], order["slot"], order["side"] = kind, market, slot, side
    order["tick"], order["lots"], order["flags"], order["expiry_seconds"] = (
        tick,
        lots,
        flags,
        expiry_seconds,
    )
    if kind != TRANSFER and lots > LARGEST_ORDER:
        order["lots"] = LARGEST_ORDER
    return count + 1


@hot_kernel
def write_limit(
    orders: np.ndarray,
    count: int,
    market: int,
    slot: int,
    side: int,
    tick: int,
    lots: int,
    flags: int,
    expiry_seconds: float,
) -> int:
    """Write a limit order for one of the trader's slots; it replaces the order that rests there.

    Parameters
    ----------
    orders : array of ORDER_ROW
    count : int
        Rows already written.
    market, slot : int
    side : {1, -1}
        1 buys.
    tick, lots : int
        Limit price and size.
    flags : int
        Sum of POST_ONLY, REDUCE_ONLY, IMMEDIATE.
    expiry_seconds : float
        0: until cancelled.

    Returns
    -------
    int
        Rows written now.
    """
    return write_row(
        orders,
        np.int64(count),
        np.int64(LIMIT),
        market,
        np.int64(slot),
        np.int64(side),
        tick,
        lots,
        np.int64(flags),
        expiry_seconds,
    )


@hot_kernel
def write_market(
    orders: np.ndarray, count: int, market: int, side: int, lots: int, flags: int
) -> int:
    """Write a market order: immediate or cancel, limited by the venue's price band."""
    kind, zero = np.int64(MARKET_ORDER), np.int64(0)
    return write_row(
        orders,
        np.int64(count),
        kind,
        market,
        zero,
        np.int64(side),
        zero,
        lots,
        np.int64(flags),
        0.0,
    )


@hot_kernel
def write_cancel(orders: np.ndarray, count: int, market: int, slot: int) -> int:
    """Write the cancellation of the order in a slot."""
    zero = np.int64(0)
    return write_row(
        orders,
        np.int64(count),
        np.int64(CANCEL),
        market,
        np.int64(slot),
        zero,
        zero,
        zero,
        zero,
        0.0,
    )


@hot_kernel
def write_spot(orders: np.ndarray, count: int, market: int, side: int, lots: int) -> int:
    """Write a spot trade in the market's asset, paid from the wallet."""
    zero = np.int64(0)
    return write_row(
        orders, np.int64(count), np.int64(SPOT), market, zero, np.int64(side), zero, lots, zero, 0.0
    )


@hot_kernel
def write_hedge(orders: np.ndarray, count: int, market: int, share: float, band_lots: int) -> int:
    """Write a standing hedge in spot of the trader's positions in the market's asset.

    It stays until it is replaced: spot is brought to minus `share` of the positions, before other
    orders in spot, whenever it is more than `band_lots` away.

    Parameters
    ----------
    orders : array of ORDER_ROW
    count : int
        Rows already written.
    market : int
    share : float
        From 0 to 1; counted to a millionth.
    band_lots : int
    """
    zero, millionths = np.int64(0), whole(share * 1e6 + 0.5)
    return write_row(
        orders,
        np.int64(count),
        np.int64(HEDGE),
        market,
        zero,
        zero,
        millionths,
        band_lots,
        zero,
        0.0,
    )


@hot_kernel
def write_transfer(orders: np.ndarray, count: int, market: int, units: int) -> int:
    """Write a transfer between the wallet and the market's venue; nothing for 0 units.

    Positive units go to the venue, negative ones to the wallet.
    """
    if units == 0:
        return np.int64(count)
    zero = np.int64(0)
    return write_row(
        orders, np.int64(count), np.int64(TRANSFER), market, zero, zero, zero, units, zero, 0.0
    )


@hot_kernel
def write_stop(orders: np.ndarray, count: int, market: int, tick: int) -> int:
    """Write the trigger of the position's stop order, in ticks of the mark; 0 removes it.

    It stays at the venue until it is replaced, and closes the position at market at the step in
    which the mark reaches it.
    """
    zero, lots = np.int64(0), np.int64(1 if tick != 0 else 0)
    return write_row(
        orders, np.int64(count), np.int64(STOP), market, zero, zero, tick, lots, zero, 0.0
    )


@hot_kernel
def write_close(orders: np.ndarray, count: int, market: int, position: np.void, lots: int) -> int:
    """Write a reduce-only market order for at most `lots` of a position; nothing if it is flat."""
    size = min(abs(position["lots"]), lots)
    if size < 1:
        return count
    return write_market(orders, count, market, -1 if position["lots"] > 0 else 1, size, REDUCE_ONLY)


@hot_kernel
def whole(value):
    """Return a float as an integer: cut towards zero, and to 64 bits; 0 if it is not a number.

    ``int`` has no result of its own there, and compiled code another one than plain Python.

    Examples
    --------
    >>> whole(-2.7), whole(1e300) == 2**62, whole(math.nan)
    (-2, True, 0)
    """
    if value != value:
        return np.int64(0)
    return np.int64(max(min(value, LARGEST_WHOLE), -LARGEST_WHOLE))


@hot_kernel
def lots_of(view, usd):
    """Return the number of lots nearest to an amount of quote currency at the mark.

    Examples
    --------
    >>> import numpy as np
    >>> from perplab.sim.state.market_rows import VIEW
    >>> view = np.zeros(1, VIEW)[0]
    >>> view["lot"], view["mark"] = 0.001, 20_000.0
    >>> lots_of(view, 15_009.0)
    750
    """
    lots = usd / (view["lot"] * view["mark"]) + 0.5
    return whole(math.floor(max(min(lots, LARGEST_WHOLE), -LARGEST_WHOLE)))


@hot_kernel
def usd_of(view, lots):
    """Return the value of signed lots at the mark, in quote currency."""
    return lots * view["lot"] * view["mark"]


@hot_kernel
def units_of(view, usd):
    """Return an amount of quote currency in money units (float)."""
    return usd * view["units_per_price"] / view["lot"]


@hot_kernel
def equity_of(account, position, view):
    """Return the equity at the venue of a trader of one market, float units.

    It is collateral, isolated margin and unrealised profit.
    """
    unrealised = position["quote"] + position["lots"] * (view["mark"] * view["units_per_price"])
    return account["collateral"] + position["isolated_margin"] + unrealised


@hot_kernel
def funding_paid_8h(view, side):
    """Return the predicted funding that a side pays, as a fraction of notional per eight hours."""
    return side * view["predicted_funding"] * 28_800.0 / view["interval_seconds"]


@hot_kernel
def profit_share(position, view):
    """Return the unrealised profit of a position as a fraction of its entry value; 0 if flat."""
    if position["lots"] == 0:
        return 0.0
    worth = position["lots"] * (view["mark"] * view["units_per_price"])
    return (position["quote"] + worth) / max(abs(position["quote"]), 1)


@hot_kernel
def elapsed_seconds(me, view):
    """Return the seconds since the last call, and store the time in memory ``seen_seconds``."""
    elapsed = max(view["seconds"] - me["seen_seconds"], 0.0)
    me["seen_seconds"] = view["seconds"]
    return elapsed
