"""Initial margin of orders: whether free collateral covers what an order may make of a position."""

import math

import numpy as np

from perplab.sim.clearing.equity import cross_equity
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.margin import initial_margin, interest_scaled, size_charge
from perplab.sim.state.records import (
    LARGEST_NOTIONAL,
    account_at,
    market_at,
    markets,
    position_at,
    view_at,
)

CERTAINTY = 1e290


@hot_kernel
def price_units(world, m):
    """Return the value of one lot at the mark, float units."""
    return view_at(world, m)["mark"] * market_at(world, m)["units_per_price"]


@hot_kernel
def position_margin(world, i, m, lots, unit_value):
    """Return the initial margin of `lots` (>= 0) valued at `unit_value` units a lot."""
    market, leverage = market_at(world, m), position_at(world, i, m)["leverage"]
    if rarely(market["interest_high"] > 0.0):
        interest = view_at(world, m)["open_interest"] * price_units(world, m)
        leverage = 1.0 / interest_scaled(
            1.0 / leverage, interest, market["interest_low"], market["interest_high"]
        )
    needed = initial_margin(
        lots * unit_value, leverage, market["tier_leverage"], market["tier_floor"], market["tiers"]
    )
    return needed + size_charge(lots * unit_value, float(lots), market["size_slope"])


@hot_kernel
def exposure(position, buy, sell):
    """Return the larger of the position's sizes once `buy` or `sell` more lots were filled with all resting ones.

    Notes
    -----
    Lots to buy and to sell are at least 0, so the size is largest with all bought and nothing sold, or the other way round.
    """
    return max(
        position["lots"] + position["buy_lots"] + buy,
        position["sell_lots"] + sell - position["lots"],
    )


@hot_kernel
def margin_elsewhere(world, i, v, m):
    """Return `margin_in_use` but for market m; nothing to look at where that is the only market."""
    return margin_in_use(world, i, v, m) if rarely(markets(world).shape[0] > 1) else 0.0


@entry("float64", 4)
def margin_in_use(world, i, v, except_market):
    """Return the initial margin of the positions and orders of account (i, v) in its other markets; a isolated_margin carries its own."""
    used = 0.0
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        if m != except_market and market_at(world, m)["venue"] == v:
            lots = exposure(position, 0, 0) - (
                abs(position["lots"]) if position["isolated"] == 1 else 0
            )
            if lots > 0:
                used += position_margin(world, i, m, lots, price_units(world, m))
    return used


@kernel
def free_collateral(world, i, v):
    """Return the units of collateral that may be withdrawn: neither margin in use nor unrealised profit."""
    collateral = float(account_at(world, i, v)["collateral"])
    spare = min(cross_equity(world, i, v), collateral) - margin_in_use(world, i, v, -1)
    return np.int64(max(math.floor(spare), 0))


@hot_kernel
def has_initial_margin(world, i, m, side, tick, lots):
    """Return whether the purse of (i, m) carries the initial margin of an order of `lots` at `tick`, and 64 bits its value.

    Notes
    -----
    An order that can only shrink the position is always carried. Chance decides which does, so that enters as a sum beyond every requirement
    (`CERTAINTY` times at least one lot; no requirement comes near, by `LARGEST_NOTIONAL`) instead of as a jump.
    """
    position, market = position_at(world, i, m), market_at(world, m)
    after = exposure(position, lots if side > 0 else 0, lots if side < 0 else 0)
    certain = CERTAINTY * max(abs(position["lots"]) + 1 - after, 0)
    mark_value, order_value = price_units(world, m), float(tick * market["units_per_tick"])
    worst = max(mark_value, order_value)
    adverse = max((order_value - mark_value) * side, 0.0) * lots
    if rarely(after * worst > LARGEST_NOTIONAL):
        return certain > 0.0
    need = position_margin(world, i, m, after, worst) + adverse
    if rarely(position["isolated"] == 1):
        free = account_at(world, i, market["venue"])["collateral"] - margin_elsewhere(
            world, i, market["venue"], m
        )
        return free + certain >= need - position_margin(
            world, i, m, abs(position["lots"]), mark_value
        )
    return (
        cross_equity(world, i, market["venue"])
        - margin_elsewhere(world, i, market["venue"], m)
        + certain
        >= need
    )
