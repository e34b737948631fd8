"""Equity behind positions, at the marks."""

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import account_at, market_at, markets, position_at, view_at


@hot_kernel
def account_equity(world, i, m):
    """Return the equity (float units) behind position (i, m): its isolated_margin's, or its cross account's at the marks."""
    position, market = position_at(world, i, m), market_at(world, m)
    if position["isolated"] == 1:
        return (
            position["isolated_margin"]
            + position["quote"]
            + position["lots"] * view_at(world, m)["mark"] * market["units_per_price"]
        )
    return cross_equity(world, i, market["venue"])


@hot_kernel
def cross_equity(world, i, v):
    """Return collateral plus the unrealised profit of all cross positions of account (i, v), float units."""
    if rarely(markets(world).shape[0] > 1):
        return cross_equity_of_many(world, i, v)
    position, equity = position_at(world, i, 0), float(account_at(world, i, v)["collateral"])
    if position["lots"] != 0 and position["isolated"] == 0:
        equity += (
            position["quote"]
            + position["lots"] * view_at(world, 0)["mark"] * market_at(world, 0)["units_per_price"]
        )
    return equity


@entry("float64", 3)
def cross_equity_of_many(world, i, v):
    """Return `cross_equity` where there are several markets."""
    equity = float(account_at(world, i, v)["collateral"])
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        if (
            position["lots"] != 0
            and position["isolated"] == 0
            and market_at(world, m)["venue"] == v
        ):
            equity += (
                position["quote"]
                + position["lots"]
                * view_at(world, m)["mark"]
                * market_at(world, m)["units_per_price"]
            )
    return equity


@kernel
def same_margin_account(world, i, m, other):
    """Return whether position (i, other) stands on the purse of (i, m)."""
    if other == m:
        return True
    return (
        position_at(world, i, m)["isolated"] == 0
        and position_at(world, i, other)["isolated"] == 0
        and market_at(world, other)["venue"] == market_at(world, m)["venue"]
    )


@kernel
def open_profit(world, i, m):
    """Return the open profit of position (i, m) at the mark, float units."""
    position = position_at(world, i, m)
    return (
        position["quote"]
        + position["lots"] * view_at(world, m)["mark"] * market_at(world, m)["units_per_price"]
    )
