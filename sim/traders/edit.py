"""Live edits of a trader between two steps: write a trait, retire the trader.

Traits are in the rows that rules read. If the engine holds a copy of a trait, the copy is updated
too; traits that an account was opened with cannot change.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import kernel
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.exchange.book import cancel
from perplab.sim.state.records import trader_at
from perplab.sim.traders.wakes import remove_from_wheel, reschedule

RETIRED, LONGEST_PERIOD, ANY_GAP = -1.0, 2**31 - 1, 2**63 - 1
CLOCKS = ("wake_seconds", "latency_seconds")
OPENED_WITH = ("capital_usd", "margin_share", "borrow_share", "leverage", "isolated")
FIXED = "unchanged: the trader's account was opened with it; set it in the population"


@kernel
def cancel_all(world, i):
    """Cancel all resting orders of trader i."""
    first = trader_at(world, i)["first_slot"]
    for slot in range(np.int64(trader_at(world, i)["slots"])):
        cancel(world, first + slot)


def write_trait(market, row, trait, value):
    """Write a trait into a trader's row, and into the engine's copy of it.

    Parameters
    ----------
    market : PerpetualMarket
    row : int
    trait : str
    value : float
        Within the trait's bounds; the caller checks.

    Raises
    ------
    ParameterError
        For a trait that accounts are opened with (`OPENED_WITH`) and an unknown market.
    """
    trader, last_market = market.tables["trader"][row], len(market.setup.markets) - 1
    if trait in OPENED_WITH:
        raise ParameterError(Fault(trait, value, FIXED))
    if trait == "market" and value not in range(last_market + 1):
        raise ParameterError(
            Fault(trait, value, f"from 0 to {last_market}, the number of a market")
        )
    market.traits[trader["kind"]][trait][trader["number"]] = value
    if trait in CLOCKS and trader["wake_seconds"] != RETIRED:
        set_clock(market, row, trait, value)


def set_clock(market, row, trait, value):
    """Change how often a trader wakes, or has its turn, from the next step on."""
    trader = market.tables["trader"][row]
    if trait == "wake_seconds":
        trader["wake_seconds"] = value
    else:
        trader["fast"] = turn_period(value, market.setup.dt)
        order_fast_class(market)
    market.call(reschedule, row)


def order_fast_class(market):
    """Rebuild the list of the fast class and give compiled code its address."""
    tables = market.tables
    tables["fast"] = np.flatnonzero(tables["trader"]["fast"][: market.layout.traders]).astype("i8")
    market.connect()


def turn_period(latency_seconds, dt):
    """Return the steps between two turns of a trader of the fast class.

    It is 0 for a negative latency: the trader is not of the class.

    Examples
    --------
    >>> turn_period(1.0, 60.0), turn_period(61.0, 60.0), turn_period(-1.0, 60.0)
    (1, 2, 0)
    >>> turn_period(math.inf, 1.0)
    2147483647
    """
    return (
        max(math.ceil(min(latency_seconds / dt, LONGEST_PERIOD)), 1) if latency_seconds >= 0 else 0
    )


def retire(market, row):
    """Retire a trader: its orders and hedges are cancelled and it never acts again.

    Notes
    -----
    Its money and its position stay: the position pays and receives funding and can be liquidated or
    closed by ADL like any other, and every unit stays accounted for.
    """
    trader = market.tables["trader"][row]
    was_fast = trader["fast"] != 0
    market.call(cancel_all, row)
    market.call(remove_from_wheel, row)
    trader["wake_seconds"], trader["fast"] = RETIRED, 0
    market.tables["holding"]["hedge_band_lots"][row] = ANY_GAP
    if was_fast:
        order_fast_class(market)
