"""What the insurance fund cannot carry: which positions it may take, when others must bear a loss, and who.

The fund takes a position only while what it then holds is within a multiple of its equity; else counterparties are deleveraged. Where
none are, the fund takes all and is paid back for losses that it cannot carry by the winners in proportion to their unrealised profit, by
everybody with open interest, or by nobody: then it stays below zero.

References: Binance, Insurance funds (a largest net notional, by default the size of the fund; what would go beyond is deleveraged);
Hyperliquid, Auto-deleveraging (accounts below zero); Deribit, Insurance (winners); OKX, clawback until 2019 (winners); Drift protocol
v2, social loss (open interest); GMX v2 and Synthetix v3 (the pool bears it); OKX, ADL from 30 % below the fund's eight-hour peak.
"""

import math

import numpy as np

from perplab.sim.clearing.equity import account_equity, cross_equity, same_margin_account
from perplab.sim.clearing.ledger import credit
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.state.records import (
    BY_ADL,
    BY_OPEN_INTEREST,
    BY_POOL_ADL,
    account_at,
    market_at,
    markets,
    open_position_at,
    position_at,
    run_row,
    venue_at,
    view_at,
)

PEAK_SECONDS = 28_800.0


@kernel
def must_share(world, v, left):
    """Return whether a loss that leaves the fund of venue v with `left` units goes beyond what it may carry.

    Notes
    -----
    The fund carries what it has; where the venue acts earlier, only down to a share below its peak, which is noted
    each step; a peak older than eight hours gives way to the present equity.
    """
    venue = venue_at(world, v)
    if venue["trigger_fall"] >= 1.0:
        return left < 0.0
    note_peak(world, v)
    return left < venue["fund_peak"] * (1.0 - venue["trigger_fall"])


@kernel
def fund_holdings_with(world, i, m):
    """Return the value at the marks of what the fund would hold with the positions of the purse of (i, m), float units."""
    v, total = market_at(world, m)["venue"], 0.0
    for other in range(markets(world).shape[0]):
        market = market_at(world, other)
        if market["venue"] == v:
            lots = position_at(world, venue_at(world, v)["fund_row"], other)["lots"]
            if same_margin_account(world, i, m, other):
                lots += position_at(world, i, other)["lots"]
            total += abs(lots) * view_at(world, other)["mark"] * market["units_per_price"]
    return total


@kernel
def needs_adl(world, i, m):
    """Return whether counterparties, not the fund, must take the position (i, m).

    Notes
    -----
    At a venue that deleverages they must if the fund, with purse and positions of the account, were spent (`must_share`) or held more than its
    leverage allows on its equity at the mark; and where the venue says so whenever the purse is below zero. Elsewhere the fund takes
    all, since nobody else can.
    """
    v = market_at(world, m)["venue"]
    venue, equity = venue_at(world, v), account_equity(world, i, m)
    if venue["loss_sharing"] != BY_ADL:
        return False
    if venue["below_zero"] == 1 and equity < 0.0:
        return True
    left = cross_equity(world, venue["fund_row"], v) + equity
    return (
        must_share(world, v, left)
        or left < fund_holdings_with(world, i, m) / venue["fund_leverage"]
    )


@entry("none", 2)
def note_peak(world, v):
    """Bring the peak of the fund up to date: a higher equity is the peak, and so is the present one where the peak is older."""
    venue, now = venue_at(world, v), run_row(world, 0)["step"] * run_row(world, 0)["dt"]
    equity = cross_equity(world, venue["fund_row"], v)
    if equity >= venue["fund_peak"] or now - venue["fund_peak_seconds"] > PEAK_SECONDS:
        venue["fund_peak"], venue["fund_peak_seconds"] = equity, now


@kernel
def weight(world, i, m, law):
    """Return what a position bears of a shared loss, as a float: its profit in units, or its lots."""
    position, market = position_at(world, i, m), market_at(world, m)
    if law == BY_OPEN_INTEREST:
        return float(abs(position["lots"]))
    return max(
        position["quote"]
        + position["lots"] * view_at(world, m)["mark"] * market["units_per_price"],
        0.0,
    )


@kernel
def part_of(law, mine, total, units):
    """Return the units that weight `mine` of `total` pays of a loss.

    Notes
    -----
    By open interest each lot pays the same whole number of units, rounded up. By profit a winner's part is rounded down, and none
    pays more than its profit.

    Examples
    --------
    >>> part_of(BY_OPEN_INTEREST, 7.0, 11.0, 100_000_000) / 7, part_of(BY_POOL_ADL, 50.0, 171.0, 10_000)
    (9090910.0, 50)
    """
    if law == BY_OPEN_INTEREST:
        return np.int64(mine) * np.int64(math.ceil(units / total))
    return np.int64(math.floor(min(float(units), total) * (mine / total)))


@kernel
def share_loss(world, m, units):
    """Let traders who hold positions in market m pay a loss to the fund, which bears or keeps the roundings; return what they paid."""
    run, width, v = run_row(world, 0), markets(world).shape[0], market_at(world, m)["venue"]
    venue, total, paid = venue_at(world, v), 0.0, 0
    law = venue["loss_sharing"]
    if law != BY_OPEN_INTEREST and law != BY_POOL_ADL:
        return 0
    for h in range(run["open_count"]):
        i = open_position_at(world, h) // width
        if open_position_at(world, h) % width == m and i < run["traders"]:
            total += weight(world, i, m, law)
    for h in range(run["open_count"]):
        i = open_position_at(world, h) // width
        if open_position_at(world, h) % width == m and i < run["traders"] and total > 0.0:
            part = part_of(law, weight(world, i, m, law), total, units)
            credit(world, i, m, -part)
            paid += part
    market_at(world, m)["safe_low"], market_at(world, m)["safe_high"] = 0.0, 0.0
    account_at(world, venue["fund_row"], v)["collateral"] += paid
    venue["shared_loss"] += paid
    return paid
