"""Losses beyond the insurance fund: which positions it may take over, when ADL runs, who pays.

The fund takes over a position only while its holdings then stay within a multiple of its equity;
else ADL closes the position against counterparties. At a venue without ADL the fund takes over all.
A loss that it cannot bear is paid by the winners in proportion to their unrealised profit, by all
open interest, or by nobody: then the fund stays below zero.

References: Binance, Insurance funds (a largest net notional, by default the size of the fund; ADL
beyond it); Hyperliquid, Auto-deleveraging (accounts below zero); Deribit, Insurance (winners); OKX,
clawback until 2019 (winners); Drift protocol v2, social loss (open interest); GMX v2 and Synthetix
v3 (the pool bears it); OKX, ADL from 30 % below the fund's eight-hour peak.
"""

from perplab.sim.clearing.equity import (
    cross_equity,
    same_margin_account,
    unrealised_at_mark,
    value_of,
)
from perplab.sim.clearing.ledger import credit
from perplab.sim.clearing.open_list import open_position
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.adl import (
    deleverages,
    deleverages_below_zero,
    fund_floor,
    loss_part,
    loss_weight,
    shares_losses,
    watches_peak,
)
from perplab.sim.state.records import (
    account_at,
    market_at,
    markets,
    position_at,
    run_row,
    venue_at,
    view_at,
)

PEAK_SECONDS = 28_800.0


@kernel
def must_share(world, v, left):
    """Return whether a loss that leaves the fund of venue v with `left` units is beyond its means.

    Notes
    -----
    The fund bears what it has. A venue that acts earlier lets it fall only by a share
    (`fund_drawdown`) below its peak of the last eight hours.
    """
    venue = venue_at(world, v)
    if watches_peak(venue["adl_law"]):
        note_peak(world, v)
    return left < fund_floor(venue["adl_law"], venue["fund_peak"])


@kernel
def fund_holdings_with(world, i, m):
    """Return the notional of the fund's positions after a takeover of (i, m), float units.

    All positions of the margin account behind (i, m) would be taken over.
    """
    v, total = market_at(world, m)["venue"], 0.0
    for other in range(markets(world).shape[0]):
        market = market_at(world, other)
        if market["venue"] == v:
            lots = position_at(world, venue_at(world, v)["fund_row"], other)["lots"]
            if same_margin_account(world, i, m, other):
                lots += position_at(world, i, other)["lots"]
            total += value_of(abs(lots), market, view_at(world, other)["mark"])
    return total


@kernel
def needs_adl(world, i, m, equity):
    """Return whether ADL, not the fund, must take position (i, m); `equity` is its account's.

    Notes
    -----
    At a venue with ADL it must if the takeover of the account would exhaust the fund (`must_share`)
    or make its holdings larger than its leverage allows at the mark. Where accounts below zero are
    deleveraged, it must whenever `equity` (float units) is below zero; within its leverage the fund
    takes the others even if it is spent, since it is deleveraged itself. At other venues the fund
    takes over all.
    """
    v = market_at(world, m)["venue"]
    venue = venue_at(world, v)
    if not deleverages(venue["adl_law"]):
        return False
    left = cross_equity(world, venue["fund_row"], v) + equity
    if deleverages_below_zero(venue["adl_law"]):
        if equity < 0.0:
            return True
        if not watches_peak(venue["adl_law"]):
            left = max(left, 0.0)
    if must_share(world, v, left):
        return True
    return left < fund_holdings_with(world, i, m) / venue["fund_leverage"]


@entry("none", 2)
def note_peak(world, v):
    """Update the peak of the fund's equity; after eight hours a peak expires."""
    venue, now = venue_at(world, v), run_row(world, 0)["step"] * run_row(world, 0)["dt"]
    equity = cross_equity(world, venue["fund_row"], v)
    if equity >= venue["fund_peak"] or now - venue["fund_peak_seconds"] > PEAK_SECONDS:
        venue["fund_peak"], venue["fund_peak_seconds"] = equity, now


@kernel
def position_weight(world, k, m, law):
    """Return the weight of open position k in a loss shared in market m, float.

    It is the lots or the profit in units, 0 for other markets and for funds.
    """
    i, market = open_position(world, k)
    if market != m or i >= run_row(world, 0)["traders"]:
        return 0.0
    lots = position_at(world, i, m)["lots"]
    return loss_weight(law, abs(lots), unrealised_at_mark(world, i, m))


@kernel
def total_weight(world, m, law):
    """Return the sum of `position_weight` over all open positions."""
    total = 0.0
    for k in range(run_row(world, 0)["open_count"]):
        total += position_weight(world, k, m, law)
    return total


@kernel
def collect_loss(world, m, law, units):
    """Charge a loss to the traders in market m by weight and return the units they paid."""
    total, paid = total_weight(world, m, law), 0
    for k in range(run_row(world, 0)["open_count"]):
        mine = position_weight(world, k, m, law)
        if mine > 0.0:
            part = loss_part(law, mine, total, units)
            credit(world, open_position(world, k)[0], m, -part)
            paid += part
    return paid


@kernel
def share_loss(world, m, units):
    """Let traders with positions in market m pay a loss to the fund; return what they paid, units.

    The fund bears or keeps the roundings.
    """
    v = market_at(world, m)["venue"]
    venue = venue_at(world, v)
    law = venue["adl_law"]
    if not shares_losses(law):
        return 0
    paid = collect_loss(world, m, law, units)
    market_at(world, m)["safe_low"], market_at(world, m)["safe_high"] = 0.0, 0.0
    account_at(world, venue["fund_row"], v)["collateral"] += paid
    venue["shared_loss"] += paid
    return paid
