"""Which order rows a rule may write: one check, used by the step and by `check_trader`.

`order_fault` returns a code; `fault_text` puts it into words.
"""

from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import CANCEL, HEDGE, LIMIT, MOST_LOTS, SPOT, STOP, TRANSFER

MOST_UNITS, MOST_SECONDS, ALL_FLAGS, MILLION = (1 << 62) - 1, 1e15, 7, 1_000_000

(VALID, KIND, MARKET, SLOT, UNITS, TICK, EXPIRY, FLAGS, SIDE, LOTS, SHARE, BAND) = range(12)

EXPECTED = {
    KIND: ("kind", "one of the seven order kinds"),
    MARKET: ("market", "from 0 to {last_market}"),
    SLOT: ("slot", "from 0 to {last_slot}"),
    UNITS: ("lots", f"from 1 to {MOST_UNITS} units of a transfer, or the negative of that"),
    TICK: ("tick", "at least 1"),
    EXPIRY: ("expiry_seconds", f"at least 0 and below {MOST_SECONDS:g}"),
    FLAGS: ("flags", "a sum of order flags"),
    SIDE: ("side", "1 or -1"),
    LOTS: ("lots", f"from 1 to {MOST_LOTS}"),
    SHARE: ("tick", f"from 0 to {MILLION}: in a hedge the share, from 0 to 1, in millionths"),
    BAND: ("lots", f"from 0 to {MOST_LOTS}: in a hedge the band"),
}
"""Field and allowed values of each fault."""


@hot_kernel
def order_fault(row, slots, markets):
    """Return the code of the first fault of an order row, `VALID` if it has none.

    Parameters
    ----------
    row : ORDER_ROW record
    slots : int
        Order slots of the trader.
    markets : int
        Markets of the run.
    """
    kind = row["kind"]
    if kind < LIMIT or kind > HEDGE:
        return KIND
    if row["market"] < 0 or row["market"] >= markets:
        return MARKET
    if kind == LIMIT or kind == CANCEL:
        if row["slot"] < 0 or row["slot"] >= slots:
            return SLOT
    if kind == CANCEL:
        return VALID
    if kind == TRANSFER:
        return VALID if -MOST_UNITS <= row["lots"] <= MOST_UNITS and row["lots"] != 0 else UNITS
    if kind == STOP:
        return VALID if row["tick"] > 0 or row["lots"] == 0 else TICK
    return hedge_fault(row) if kind == HEDGE else trade_fault(row)


@hot_kernel
def hedge_fault(row):
    """Return the code of the first fault of a standing hedge."""
    if row["tick"] < 0 or row["tick"] > MILLION:
        return SHARE
    return VALID if 0 <= row["lots"] <= MOST_LOTS else BAND


@hot_kernel
def trade_fault(row):
    """Return the code of the first fault in tick, expiry, flags, side and lots of a trade."""
    if row["kind"] == LIMIT and row["tick"] <= 0:
        return TICK
    if row["kind"] == LIMIT and not 0.0 <= row["expiry_seconds"] < MOST_SECONDS:
        return EXPIRY
    if row["kind"] != SPOT and row["flags"] & ~ALL_FLAGS:
        return FLAGS
    if row["side"] * row["side"] != 1:
        return SIDE
    return VALID if 0 < row["lots"] <= MOST_LOTS else LOTS


def fault_text(row, slots, markets):
    """Return the first fault of an order row in words, or an empty string.

    Examples
    --------
    >>> import numpy as np
    >>> from perplab.sim.state.trader_rows import ORDER_ROW
    >>> fault_text(np.zeros(1, ORDER_ROW)[0], 1, 1)
    'tick was 0, must be at least 1'
    """
    code = order_fault(row, slots, markets)
    if code == VALID:
        return ""
    field, expected = EXPECTED[code]
    expected = expected.format(last_market=markets - 1, last_slot=slots - 1)
    return f"{field} was {row[field]}, must be {expected}"
