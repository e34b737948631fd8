"""Maintenance margin of positions and margin accounts."""

from typing import NamedTuple

from perplab.sim.clearing.equity import account_equity, same_margin_account, value_of
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.margin import maintenance
from perplab.sim.state.records import market_at, markets, position_at, view_at


class Health(NamedTuple):
    """Equity and maintenance margin of a margin account, float units."""

    equity: float
    maintenance: float


@kernel
def account_health(world, i, m):
    """Return the `Health` of the margin account behind position (i, m)."""
    return Health(account_equity(world, i, m), account_maintenance(world, i, m))


@kernel
def position_maintenance(world, i, m):
    """Return the maintenance margin of position (i, m) at the mark, float units."""
    return maintenance_at(world, i, m, view_at(world, m)["mark"])


@kernel
def account_maintenance(world, i, m):
    """Return the maintenance margin that the account behind (i, m) must cover, float units."""
    total = 0.0
    for other in range(markets(world).shape[0]):
        if position_at(world, i, other)["lots"] != 0 and same_margin_account(world, i, m, other):
            total += position_maintenance(world, i, other)
    return total


@kernel
def maintenance_at(world, i, m, price):
    """Return the maintenance margin of position (i, m) if its mark were `price`, float units."""
    market, size = market_at(world, m), abs(position_at(world, i, m)["lots"])
    notional, open_lots = value_of(size, market, price), view_at(world, m)["open_interest"]
    return maintenance(market["margin_law"], notional, size, open_lots)
