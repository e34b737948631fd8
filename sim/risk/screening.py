"""The search for positions below maintenance, without a scan in each step."""

import math

from perplab.sim.clearing.equity import account_equity, same_margin_account
from perplab.sim.clearing.maintenance import account_maintenance
from perplab.sim.clearing.wallet import receive_incoming
from perplab.sim.compiler.hints import fetch
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.margin import liquidation_price
from perplab.sim.state.records import (
    account_at,
    changed_position_at,
    liquidatable,
    market_at,
    markets,
    open_position_at,
    position_at,
    run_row,
    view_at,
)

GLANCE, REACH, COARSE, AHEAD = 1.0 - 1e-6, 0.05, 2.0, 8


@kernel
def below_maintenance(world, i, m):
    """Return whether the purse of (i, m) is below its maintenance margin."""
    return account_equity(world, i, m) < account_maintenance(world, i, m)


@kernel
def safe_interval(world, i, m):
    """Return the open interval of marks at which position (i, m) is not below maintenance.

    Notes
    -----
    The requirement being the largest of the tiers' lines, the interval ends at the first of the tiers' liquidation
    prices. It is empty if the position is below maintenance now, where its account has other positions too, whose
    marks move on their own, and where some tier asks for the whole value or more.
    """
    position, market, mark = (
        position_at(world, i, m),
        market_at(world, m),
        view_at(world, m)["mark"],
    )
    equity, lots, low, high = account_equity(world, i, m), position["lots"], 0.0, math.inf
    if equity < account_maintenance(world, i, m) or shares_margin_account(world, i, m):
        return mark, mark
    for tier in range(market["tiers"]):
        fraction = market["tier_fraction"][tier] + market["size_slope"] * abs(lots)
        if fraction >= 1.0:
            return mark, mark
        price = liquidation_price(
            mark, equity, lots, market["units_per_price"], fraction, market["tier_deduction"][tier]
        )
        if lots > 0:
            low = max(low, price)
        else:
            high = min(high, price)
    return low, high


@kernel
def shares_margin_account(world, i, m):
    """Return whether the purse behind position (i, m) stands behind another position too."""
    for other in range(markets(world).shape[0]):
        if (
            other != m
            and position_at(world, i, other)["lots"] != 0
            and same_margin_account(world, i, m, other)
        ):
            return True
    return False


@kernel
def narrow_safe_interval(world, i, m):
    """Narrow the market's safe interval by that of position (i, m)."""
    market = market_at(world, m)
    low, high = safe_interval(world, i, m)
    market["safe_low"], market["safe_high"] = (
        max(market["safe_low"], low),
        min(market["safe_high"], high),
    )


@hot_kernel
def margin_bound(mark, price, fraction):
    """Return the maintenance, at most, of one unit of size at a mark of `price` or now, and what rounding may take."""
    return max(mark, price) * fraction + (mark + price) * (1.0 - GLANCE)


@kernel
def screen_bounds(world):
    """Return what a glance at a position takes: units a lot, the value below which it suffices, and either end of the safe interval with its margin_bound.

    Below that value no tier asks for more than `COARSE` times the share of the first (shares rise from tier to tier; what a
    tier deducts is left out, on the safe side). It is 0 where no glance suffices: several markets, a `size_slope`, a mark
    outside its interval.
    """
    market, mark, tier = market_at(world, 0), view_at(world, 0)["mark"], 0
    while (
        tier + 1 < market["tiers"]
        and market["tier_fraction"][tier + 1] <= COARSE * market["tier_fraction"][0]
    ):
        tier += 1
    low, high, fraction = market["safe_low"], market["safe_high"], market["tier_fraction"][tier]
    ceiling = GLANCE * market["tier_floor"][tier + 1] if tier + 1 < market["tiers"] else math.inf
    if markets(world).shape[0] > 1 or market["size_slope"] > 0.0 or not low < mark < high:
        ceiling = 0.0
    return (
        market["units_per_price"],
        ceiling,
        low,
        margin_bound(mark, low, fraction),
        high,
        margin_bound(mark, high, fraction),
    )


@hot_kernel
def passes_screen(position, collateral, glance):
    """Return whether a glance shows that a position is safe all over its market's safe interval, with room to spare.

    Sufficient, not necessary: a cross position, a value below the glance's ceiling, and more equity than maintenance by
    more than rounding, now and at either end of the interval: which of them hurts is chance, and a jump by chance costs more.
    """
    unit, ceiling, low, low_burden, high, high_burden = glance
    value, own = position["lots"] * unit, float(collateral + position["quote"])
    size = abs(value)
    spare = min(own + value * low - size * low_burden, own + value * high - size * high_burden)
    return position["isolated"] == 0 and size * high < ceiling and spare > 0.0


@kernel
def screen_changed(world):
    """Narrow the safe intervals by the positions that have changed, and empty their list."""
    run, width, glance = run_row(world, 0), markets(world).shape[0], screen_bounds(world)
    for k in range(run["changed_count"]):
        place = changed_position_at(world, k)
        i, m = (place, 0) if width == 1 else (place // width, place % width)
        position = position_at(world, i, m)
        position["changed"] = 0
        if position["lots"] != 0 and i < run["traders"]:
            collateral = account_at(world, i, market_at(world, m)["venue"])["collateral"]
            if not passes_screen(position, collateral, glance):
                narrow_safe_interval(world, i, m)
                glance = screen_bounds(world)
    run["changed_count"] = 0


@kernel
def all_safe(world, v):
    """Return whether the marks of all markets of venue v are inside their safe intervals."""
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        if (
            market["venue"] == v
            and not market["safe_low"] < view_at(world, m)["mark"] < market["safe_high"]
        ):
            return False
    return True


@hot_kernel
def fetch_open_position(world, h, v):
    """Bring the rows behind held position h into the processor's cache; without effect on anything else."""
    i, m = (
        open_position_at(world, h) // markets(world).shape[0],
        open_position_at(world, h) % markets(world).shape[0],
    )
    fetch(account_at(world, i, v))
    fetch(position_at(world, i, m))


@kernel
def find_liquidatable(world, v):
    """List the held positions of venue v that are below maintenance; end the episodes of the others. Return how many.

    On the way transfers that have arrived are credited and the safe intervals are set anew from all held positions; they
    reach no further than `REACH`, so that a glance at small positions suffices within them. A mark that leaves its interval
    is what calls for this search: where a venue pauses between orders, the episode of a position that recovers in the
    pause ends with the first search after it.
    """
    run, width, found = run_row(world, 0), markets(world).shape[0], 0
    for m in range(width):
        if market_at(world, m)["venue"] == v:
            market, mark = market_at(world, m), view_at(world, m)["mark"]
            market["safe_low"], market["safe_high"] = mark * (1.0 - REACH), mark * (1.0 + REACH)
    for h in range(run["open_count"]):
        i, m = open_position_at(world, h) // width, open_position_at(world, h) % width
        fetch_open_position(world, min(h + AHEAD, run["open_count"] - 1), v)
        if i < run["traders"] and market_at(world, m)["venue"] == v:
            receive_incoming(world, i, v)
            if below_maintenance(world, i, m):
                liquidatable(world)[found] = open_position_at(world, h)
                found += 1
            elif market_at(world, m)["mark_seconds"] >= account_at(world, i, v)["pause_until"]:
                position_at(world, i, m)["node"] = -1
            narrow_safe_interval(world, i, m)
    return found
