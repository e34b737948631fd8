"""What may be done to a trader of a running market, between two steps: a trait written, the trader taken out.

Traits live in the rows that rules read. What the engine has copied from them is written through, or refused.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import kernel
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.exchange.book import cancel
from perplab.sim.state.records import (
    trader_at,
)
from perplab.sim.traders.wakes import remove_from_wheel, reschedule

RETIRED, FEWEST_TURNS = -1.0, 2**31 - 1


CLOCKS = ("wake_seconds", "latency_seconds")


OPENED_WITH = ("capital_usd", "margin_share", "borrow_share", "leverage", "isolated")


@kernel
def cancel_all(world, i):
    """Cancel whatever rests in the slots of trader i."""
    first = trader_at(world, i)["first_slot"]
    for slot in range(np.int64(trader_at(world, i)["slots"])):
        cancel(world, first + slot)


def write_trait(market, row, trait, value):
    """Write a trait into a trader's row, and into what the engine keeps of it.

    Parameters
    ----------
    market : PerpetualMarket
    row : int
    trait : str
    value : float
        Within the trait's bounds, which is for the caller to see to.

    Raises
    ------
    ParameterError
        For what an account was opened with (`OPENED_WITH`), and a market that is not there.
    """
    trader = market.tables["trader"][row]
    if trait in OPENED_WITH:
        raise ParameterError(
            Fault(
                trait,
                value,
                "left as it is: the trader's account was opened with it; state it in the population",
            )
        )
    if trait == "market" and value not in range(len(market.setup.markets)):
        raise ParameterError(
            Fault(
                trait, value, f"from 0 to {len(market.setup.markets) - 1}, the number of a market"
            )
        )
    market.traits[trader["kind"]][trait][trader["number"]] = value
    if trait in CLOCKS and trader["wake_seconds"] != RETIRED:
        set_clock(market, row, trait, value)


def set_clock(market, row, trait, value):
    """Let a trader wake, or requote, at another rate from the next step on."""
    trader = market.tables["trader"][row]
    if trait == "wake_seconds":
        trader["wake_seconds"] = value
    else:
        trader["fast"] = turns(value, market.setup.dt)
        order_fast_class(market)
    market.call(reschedule, row)


def order_fast_class(market):
    """Make the list of the fast class anew and give compiled code its address."""
    tables = market.tables
    tables["fast"] = np.flatnonzero(tables["trader"]["fast"][: market.layout.traders]).astype("i8")
    market.connect()


def turns(latency_seconds, dt):
    """Return the steps between two turns of a trader of the fast class; 0 (a negative latency): it is none.

    Examples
    --------
    >>> turns(1.0, 60.0), turns(61.0, 60.0), turns(-1.0, 60.0)
    (1, 2, 0)
    >>> turns(math.inf, 1.0)
    2147483647
    """
    return max(math.ceil(min(latency_seconds / dt, FEWEST_TURNS)), 1) if latency_seconds >= 0 else 0


def retire(market, row):
    """Take a trader out: its orders are cancelled and it never acts again.

    Notes
    -----
    Its money and its position stay where they are: a position goes on paying and receiving funding and is liquidated or
    deleveraged like any other, and every unit stays accounted for.
    """
    trader = market.tables["trader"][row]
    was_fast = trader["fast"] != 0
    market.call(cancel_all, row)
    market.call(remove_from_wheel, row)
    trader["wake_seconds"], trader["fast"] = RETIRED, 0
    if was_fast:
        order_fast_class(market)
