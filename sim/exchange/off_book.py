"""Order messages that do not enter the book: spot trades, hedges, transfers of collateral."""

from perplab.sim.clearing.order_margin import free_collateral
from perplab.sim.clearing.wallet import deposit, withdraw
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.spot_orders import place_hedge, place_spot
from perplab.sim.state.codes import DONE, HEDGE, REFUSED_CASH, REFUSED_MARGIN, SPOT
from perplab.sim.state.records import market_at, order_row_at


@kernel
def place_transfer(world, i, row):
    """Transfer money and return the outcome; `lots` are units to the venue, negative: back."""
    v, units = market_at(world, row["market"])["venue"], row["lots"]
    if units > 0:
        return DONE if deposit(world, i, v, units) else REFUSED_CASH
    if free_collateral(world, i, v) < -units:
        return REFUSED_MARGIN
    withdraw(world, i, v, -units)
    return DONE


@entry("int64", 3)
def place_off_book(world, i, k):
    """Carry out the spot order, hedge or transfer in row k of the buffer; return its outcome."""
    row = order_row_at(world, k)
    if row["kind"] == SPOT:
        return place_spot(world, i, row)
    return place_hedge(world, i, row) if row["kind"] == HEDGE else place_transfer(world, i, row)
