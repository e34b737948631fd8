"""Maintenance margin of positions and accounts."""

from perplab.sim.clearing.equity import same_margin_account
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.margin import maintenance_margin, size_charge
from perplab.sim.state.records import market_at, markets, position_at, view_at


@kernel
def position_maintenance(world, i, m):
    """Return the maintenance margin of position (i, m) at the mark, float units."""
    return tier_maintenance(world, i, m, view_at(world, m)["mark"])


@kernel
def account_maintenance(world, i, m):
    """Return the maintenance margin that the purse of (i, m) must cover, float units."""
    total = 0.0
    for other in range(markets(world).shape[0]):
        if position_at(world, i, other)["lots"] != 0 and same_margin_account(world, i, m, other):
            total += position_maintenance(world, i, other)
    return total


@kernel
def tier_maintenance(world, i, m, price):
    """Return the maintenance margin of position (i, m) were its mark at `price`, float units."""
    market = market_at(world, m)
    notional = abs(position_at(world, i, m)["lots"]) * price * market["units_per_price"]
    needed = maintenance_margin(
        notional,
        market["tier_floor"],
        market["tier_fraction"],
        market["tier_deduction"],
        market["tiers"],
    )
    return needed + size_charge(
        notional, abs(position_at(world, i, m)["lots"]), market["size_slope"]
    )
