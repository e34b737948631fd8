"""The search for positions below maintenance, without a scan of all positions in each step.

Each market has a *safe interval* of marks within which no position is below maintenance. It is
narrowed for positions that change (`screen_changed`) and computed afresh when the mark leaves it
(`find_liquidatable`). Most changed positions pass a fast *solvency screen* (`passes_screen`), which
needs neither tiers nor divisions.
"""

import math
from typing import NamedTuple

from perplab.sim.clearing.equity import same_margin_account
from perplab.sim.clearing.maintenance import account_health
from perplab.sim.clearing.open_list import changed_position, open_position, put_liquidatable
from perplab.sim.clearing.wallet import receive_incoming
from perplab.sim.compiler.hints import fetch
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.liquidation import liquidation_price
from perplab.sim.laws.margin import follows_open_interest, tier_count, tier_line, tiers_within
from perplab.sim.state.records import (
    account_at,
    market_at,
    markets,
    position_at,
    run_row,
    view_at,
)

ROUNDING = 1.0 - 1e-6  # the screen's margin for float rounding
REACH = 0.05  # half-width of a fresh safe interval, fraction of the mark
COARSE = 2.0  # the screen covers tiers of at most so many times the first maintenance fraction
AHEAD = 8  # positions that are prefetched


class Screen(NamedTuple):
    """Bounds of the solvency screen of a market; see `screen_bounds`."""

    unit: float
    ceiling: float
    low: float
    low_margin: float
    high: float
    high_margin: float


@kernel
def below_maintenance(world, i, m):
    """Return whether the margin account behind (i, m) is below its maintenance margin."""
    equity, maintenance = account_health(world, i, m)
    return equity < maintenance


@kernel
def safe_interval(world, i, m, health):
    """Return the open interval of marks at which position (i, m) is not below maintenance.

    Notes
    -----
    Maintenance is the largest of the tiers' lines, so the interval ends at the first of the tiers'
    liquidation prices. It is empty if the position is below maintenance now, if its margin account
    has other positions, whose marks move independently, and if a tier's fraction is 1 or more.
    """
    position, market, mark = (
        position_at(world, i, m),
        market_at(world, m),
        view_at(world, m)["mark"],
    )
    (equity, maintenance), lots, low, high = health, position["lots"], 0.0, math.inf
    if equity < maintenance or shares_margin_account(world, i, m):
        return mark, mark
    for tier in range(tier_count(market["margin_law"])):
        fraction, deduction = tier_line(market["margin_law"], tier, abs(lots))
        if fraction >= 1.0:
            return mark, mark
        price = liquidation_price(
            mark,
            equity,
            lots,
            market["units_per_price"],
            fraction,
            deduction,
        )
        if lots > 0:
            low = max(low, price)
        else:
            high = min(high, price)
    return low, high


@kernel
def shares_margin_account(world, i, m):
    """Return whether the margin account behind position (i, m) backs another position too."""
    for other in range(markets(world).shape[0]):
        is_open = other != m and position_at(world, i, other)["lots"] != 0
        if is_open and same_margin_account(world, i, m, other):
            return True
    return False


@kernel
def narrow_safe_interval(world, i, m, health):
    """Narrow the market's safe interval to that of position (i, m)."""
    market = market_at(world, m)
    low, high = safe_interval(world, i, m, health)
    market["safe_low"] = max(market["safe_low"], low)
    market["safe_high"] = min(market["safe_high"], high)


@hot_kernel
def margin_bound(mark, price, fraction):
    """Return an upper bound of maintenance margin per unit of size, plus rounding slack.

    It holds for any mark between the present `mark` and `price`.
    """
    return max(mark, price) * fraction + (mark + price) * (1.0 - ROUNDING)


@kernel
def screen_bounds(world):
    """Return the `Screen` of the only market.

    Notes
    -----
    `unit` is `units_per_price`. `low` and `high` are the ends of the safe interval, `low_margin`
    and `high_margin` the `margin_bound` of each. Below the value `ceiling` no tier has a larger
    fraction than the bounds assume; deductions are ignored, which is on the safe side. `ceiling` is
    0, so that nothing passes, with several markets, fractions that depend on the size, or a mark
    outside its interval.
    """
    market, mark = market_at(world, 0), view_at(world, 0)["mark"]
    low, high = market["safe_low"], market["safe_high"]
    fraction, floor = tiers_within(market["margin_law"], COARSE)
    usable = markets(world).shape[0] == 1 and low < mark < high
    ceiling = ROUNDING * floor if usable else 0.0
    return Screen(
        unit=market["units_per_price"],
        ceiling=ceiling,
        low=low,
        low_margin=margin_bound(mark, low, fraction),
        high=high,
        high_margin=margin_bound(mark, high, fraction),
    )


@hot_kernel
def passes_screen(position, collateral, screen):
    """Return True if a cross position surely stays above maintenance in all of the safe interval.

    Sufficient, not necessary: its value must be below the screen's ceiling, and its equity above
    the margin bound at both ends of the interval. Branch-free up to the result, because which end
    binds is unpredictable.
    """
    value, own = position["lots"] * screen.unit, float(collateral + position["quote"])
    size = abs(value)
    spare = min(
        own + value * screen.low - size * screen.low_margin,
        own + value * screen.high - size * screen.high_margin,
    )
    return position["isolated"] == 0 and size * screen.high < screen.ceiling and spare > 0.0


@kernel
def screen_changed(world):
    """Narrow the safe intervals for the positions that have changed, and empty their list."""
    run, screen = run_row(world, 0), screen_bounds(world)
    for k in range(run["changed_count"]):
        i, m = changed_position(world, k)
        position = position_at(world, i, m)
        position["changed"] = 0
        if position["lots"] != 0 and i < run["traders"]:
            collateral = account_at(world, i, market_at(world, m)["venue"])["collateral"]
            if not passes_screen(position, collateral, screen):
                narrow_safe_interval(world, i, m, account_health(world, i, m))
                screen = screen_bounds(world)
    run["changed_count"] = 0


@kernel
def all_safe(world, v):
    """Return whether the marks of all markets of venue v are inside their safe intervals.

    Nothing is safe where maintenance changes with open interest.
    """
    for m in range(markets(world).shape[0]):
        market, mark = market_at(world, m), view_at(world, m)["mark"]
        inside = market["safe_low"] < mark < market["safe_high"]
        if market["venue"] == v and not (
            inside and not follows_open_interest(market["margin_law"])
        ):
            return False
    return True


@hot_kernel
def fetch_open_position(world, k, v):
    """Prefetch the rows of open position k; without any other effect."""
    i, m = open_position(world, k)
    fetch(account_at(world, i, v))
    fetch(position_at(world, i, m))


@kernel
def widen_safe_intervals(world, v):
    """Reset the safe interval of each market of venue v to `REACH` around its mark."""
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["venue"] == v:
            market, mark = market_at(world, m), view_at(world, m)["mark"]
            market["safe_low"], market["safe_high"] = mark * (1.0 - REACH), mark * (1.0 + REACH)


@kernel
def find_liquidatable(world, v):
    """List the open positions of venue v that are below maintenance and return their number.

    Notes
    -----
    It also credits transfers that have arrived, ends the episodes of the other positions and
    recomputes the safe intervals, which reach at most `REACH` so that small positions pass the
    screen. It runs when a mark leaves its interval; so where a venue pauses between orders, the
    episode of a position that recovers in the pause ends with the first search after it.
    """
    run, found = run_row(world, 0), 0
    widen_safe_intervals(world, v)
    for k in range(run["open_count"]):
        i, m = open_position(world, k)
        fetch_open_position(world, min(k + AHEAD, run["open_count"] - 1), v)
        if i < run["traders"] and market_at(world, m)["venue"] == v:
            receive_incoming(world, i, v)
            health = account_health(world, i, m)
            equity, maintenance = health
            if equity < maintenance:
                put_liquidatable(world, found, i, m)
                found += 1
            elif market_at(world, m)["mark_seconds"] >= account_at(world, i, v)["pause_until"]:
                position_at(world, i, m)["node"] = -1
            narrow_safe_interval(world, i, m, health)
    return found
