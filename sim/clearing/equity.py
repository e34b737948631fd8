"""Equity of margin accounts at the marks: collateral plus unrealised profit."""

import numpy as np

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.codes import LARGEST_UNITS, WEALTH_OUTSIDE
from perplab.sim.state.records import (
    account_at,
    end_with,
    market_at,
    markets,
    position_at,
    view_at,
)


@hot_kernel
def value_of(lots, market, price):
    """Return the value of signed lots at a price, float units."""
    return lots * price * market["units_per_price"]


@hot_kernel
def unrealised(position, market, mark):
    """Return the unrealised profit of a position at a mark, float units."""
    return position["quote"] + value_of(position["lots"], market, mark)


@hot_kernel
def unrealised_at_mark(world, i, m):
    """Return the unrealised profit of position (i, m) at the current mark, float units."""
    return unrealised(position_at(world, i, m), market_at(world, m), view_at(world, m)["mark"])


@hot_kernel
def account_equity(world, i, m):
    """Return the equity of the margin account behind position (i, m), float units.

    The account is the position's isolated margin, or all cross positions at the venue.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    if position["isolated"] == 1:
        value = value_of(position["lots"], market, view_at(world, m)["mark"])
        return position["isolated_margin"] + position["quote"] + value
    return cross_equity(world, i, market["venue"])


@hot_kernel
def cross_equity(world, i, v):
    """Return collateral and unrealised profit of the cross positions of (i, v), float units."""
    if rarely(markets(world).shape[0] > 1):
        return cross_equity_of_many(world, i, v)
    position, equity = position_at(world, i, 0), float(account_at(world, i, v)["collateral"])
    if position["lots"] != 0 and position["isolated"] == 0:
        equity += unrealised_at_mark(world, i, 0)
    return equity


@entry("float64", 3)
def cross_equity_of_many(world, i, v):
    """Return `cross_equity` where there are several markets."""
    equity = float(account_at(world, i, v)["collateral"])
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        is_cross = position["lots"] != 0 and position["isolated"] == 0
        if is_cross and market_at(world, m)["venue"] == v:
            equity += unrealised_at_mark(world, i, m)
    return equity


@kernel
def recorded_units(world, i, units):
    """Return float units of trader i for a record, as an integer, cut towards zero.

    Beyond `LARGEST_UNITS` it is cut, and the run ends.
    """
    if abs(units) > LARGEST_UNITS:
        end_with(world, WEALTH_OUTSIDE, i)
    return np.int64(min(max(units, -LARGEST_UNITS), LARGEST_UNITS))


@kernel
def same_margin_account(world, i, m, other):
    """Return whether positions (i, m) and (i, other) share a margin account."""
    if other == m:
        return True
    return (
        position_at(world, i, m)["isolated"] == 0
        and position_at(world, i, other)["isolated"] == 0
        and market_at(world, other)["venue"] == market_at(world, m)["venue"]
    )
