"""Initial margin of positions and orders, and whether free collateral covers it."""

import math

import numpy as np

from perplab.sim.clearing.equity import cross_equity
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.margin import (
    initial,
    largest_position,
    scaled_leverage,
    scales_with_open_interest,
)
from perplab.sim.state.codes import LARGEST_NOTIONAL
from perplab.sim.state.records import account_at, market_at, markets, position_at, view_at

ALWAYS_ENOUGH = 1e290  # units; added to free collateral for orders that only reduce


@hot_kernel
def price_units(world, m):
    """Return the value of one lot at the mark, float units."""
    return view_at(world, m)["mark"] * market_at(world, m)["units_per_price"]


@hot_kernel
def position_margin(world, i, m, lots, unit_value):
    """Return the initial margin of `lots` (>= 0) at `unit_value` units per lot, float units."""
    law, leverage = market_at(world, m)["margin_law"], position_at(world, i, m)["leverage"]
    if rarely(scales_with_open_interest(law)):
        open_notional = view_at(world, m)["open_interest"] * price_units(world, m)
        leverage = scaled_leverage(law, leverage, open_notional)
    return initial(law, lots * unit_value, lots, leverage, view_at(world, m)["open_interest"])


@hot_kernel
def largest_value(world, m):
    """Return the largest value of a position that an order may lead to, float units."""
    open_notional = view_at(world, m)["open_interest"] * price_units(world, m)
    return min(largest_position(market_at(world, m)["margin_law"], open_notional), LARGEST_NOTIONAL)


@hot_kernel
def exposure(position, buy, sell):
    """Return the largest size the position can reach if resting and new orders fill.

    `buy` and `sell` are the lots of new orders, at least 0, so the size is largest with all buys
    filled and no sell, or the other way round.
    """
    return max(
        position["lots"] + position["buy_lots"] + buy,
        position["sell_lots"] + sell - position["lots"],
    )


@hot_kernel
def margin_elsewhere(world, i, v, m):
    """Return `margin_in_use` without market m, 0 where m is the only market."""
    return margin_in_use(world, i, v, m) if rarely(markets(world).shape[0] > 1) else 0.0


@entry("float64", 4)
def margin_in_use(world, i, v, except_market):
    """Return the initial margin of the positions and orders of account (i, v), but for one market.

    A position with isolated margin needs collateral only for what its orders may add.
    """
    used = 0.0
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        if m != except_market and market_at(world, m)["venue"] == v:
            covered = abs(position["lots"]) if position["isolated"] == 1 else 0
            lots = exposure(position, 0, 0) - covered
            if lots > 0:
                used += position_margin(world, i, m, lots, price_units(world, m))
    return used


@kernel
def free_collateral(world, i, v):
    """Return the units of collateral that may be withdrawn.

    These are neither margin in use nor unrealised profit.
    """
    collateral = float(account_at(world, i, v)["collateral"])
    spare = min(cross_equity(world, i, v), collateral) - margin_in_use(world, i, v, -1)
    return np.int64(max(math.floor(spare), 0))


@hot_kernel
def has_initial_margin(world, i, m, side, tick, lots):
    """Return True if free collateral covers an order's initial margin and no limit is exceeded.

    The limits are the venue's on positions, and that of 64-bit values.

    Notes
    -----
    The requirement is the initial margin of the larger of the two positions that all orders of one
    side would make, at the worse of mark and order price, plus the loss at the mark if the order
    fills. Isolated margin counts as much as the margin of the lots that it backs.

    An order that can only reduce the position always passes. Which orders do is unpredictable, so
    instead of a mispredicted branch `ALWAYS_ENOUGH` is added to free collateral; requirements stay
    below `LARGEST_NOTIONAL`, far from it.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    after = exposure(position, lots if side > 0 else 0, lots if side < 0 else 0)
    reducing = ALWAYS_ENOUGH * max(abs(position["lots"]) + 1 - after, 0)
    mark_value, order_value = price_units(world, m), float(tick * market["units_per_tick"])
    worst = max(mark_value, order_value)
    adverse = max((order_value - mark_value) * side, 0.0) * lots
    if rarely(after * worst > largest_value(world, m)):
        return reducing > 0.0
    need = position_margin(world, i, m, after, worst) + adverse
    if rarely(position["isolated"] == 1):
        available = float(account_at(world, i, market["venue"])["collateral"])
        need -= position_margin(world, i, m, abs(position["lots"]), mark_value)
    else:
        available = cross_equity(world, i, market["venue"])
    return available - margin_elsewhere(world, i, market["venue"], m) + reducing >= need
