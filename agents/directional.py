"""Directional traders: leveraged longs and shorts, held for days.

Belief
    The price will move their way (``side``). The probability of entering depends on the crowd's
    sentiment, a public process, and on ``conviction``, which scales the probability of entry and
    the mean holding time.
Orders
    Flat: at a wake, with probability entry_probability * conviction * exp(side * sentiment_weight *
    sentiment), a market order of ``size_usd``, or of what the margin at the venue supports.
    Holding: the whole position is closed, by a reduce-only market order, after an exponential time
    of mean hold_seconds * conviction, or when the predicted funding that it must pay per eight
    hours exceeds ``tolerance_bps``, or at a loss of ``stop_loss`` or a gain of ``take_profit``
    (fractions of the entry value; 0: off).
Margin
    Leverage is effective: the margin at the venue is size_usd / leverage * collateral_buffer, the
    rest of the wealth stays in the wallet. While flat, a trader restores that margin from the
    wallet (after a liquidation, say) or withdraws what a gain has left above it. With an infinite
    ``tolerance_bps`` it pays any funding.
Literature
    Soska et al. (2021) and Cheng, Deng, Wang and Yu (2021) on leverage and liquidation at retail
    venues; Alexander, Deng and Zou (2023) on leverage selection; Thurner, Farmer and Geanakoplos
    (2012) on leverage and tails; Schmeling, Schrimpf and Todorov (2026) on leveraged demand as the
    source of carry; Barberis and Xiong (2012) on realised gains and losses as a motive for closing.
"""

import math

from perplab.agents.orders import (
    BASIS_POINT,
    elapsed_seconds,
    funding_paid_8h,
    lots_of,
    profit_share,
    units_of,
    write_close,
    write_market,
    write_transfer,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.streams import uniform

ALL_LOTS = 1 << 40
TOLERATED_GAP = 0.02
WITHDRAWAL_MULTIPLE = 1.25
SMALLEST_SHARE = 0.1

LONG_TRAITS = Traits(
    wake_seconds=Trait(14_400, "s", "mean time between decisions", low=0),
    side=Trait(1, "sign", "1: long", low=1, high=1),
    entry_probability=Trait(
        0.08, "1", "probability of entry at a wake while flat, at sentiment 0", low=0, high=1
    ),
    sentiment_weight=Trait(0.6, "1", "change of the log of that probability per unit of sentiment"),
    conviction=Trait(1, "1", "factor of the entry probability and of the mean holding time", low=0),
    size_usd=Trait(40_000, "quote currency", "position size", low=0),
    leverage=Trait(7.4, "1", "notional over margin at entry; leverage set at the venue", low=1),
    collateral_buffer=Trait(1.15, "1", "margin at the venue over size_usd / leverage", low=1),
    hold_seconds=Trait(172_800, "s", "mean holding time", low=1),
    tolerance_bps=Trait(6, "bp per 8 h", "predicted funding paid above which it closes", low=0),
    stop_loss=Trait(0, "fraction of entry value", "loss at which it closes; 0: none", low=0),
    take_profit=Trait(0, "fraction of entry value", "gain at which it closes; 0: none", low=0),
    capital_usd=Trait(50_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0, "1", "initial share of capital at the venue", low=0, high=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={"seen_seconds": 0.0},
)
SHORT_TRAITS = LONG_TRAITS.replaced(side=Trait(-1, "sign", "-1: short", low=-1, high=-1))


@hot_kernel
def overpays(me, view):
    """Return whether the predicted funding that its side pays exceeds its tolerance."""
    return funding_paid_8h(view, me["side"]) > me["tolerance_bps"] * BASIS_POINT


@hot_kernel
def holding_ends(me, elapsed, rng):
    """Return whether the holding time ended within the elapsed seconds.

    The time is exponential, so it does not depend on the time of entry.
    """
    return uniform(rng) >= math.exp(-elapsed / max(me["hold_seconds"] * me["conviction"], 1.0))


@hot_kernel
def hits_stop(me, position, view):
    """Return whether stop-loss or take-profit has been reached."""
    profit = profit_share(position, view)
    return 0.0 < me["stop_loss"] <= -profit or 0.0 < me["take_profit"] <= profit


@hot_kernel
def enters(me, view, rng):
    """Return whether a flat trader enters at this wake."""
    appetite = me["conviction"] * math.exp(me["side"] * me["sentiment_weight"] * view["sentiment"])
    return uniform(rng) < me["entry_probability"] * appetite


@hot_kernel
def collateral_gap(me, account, wallet, view):
    """Return the units to move to the venue (negative: to the wallet) for the target leverage.

    This is for a flat trader. Small gaps are tolerated.
    """
    need = units_of(view, me["size_usd"] / me["leverage"] * me["collateral_buffer"])
    held = account["collateral"] + account["incoming"]
    if held > need * WITHDRAWAL_MULTIPLE:
        return -int(min(held - need, account["collateral"]))
    if held < need * (1.0 - TOLERATED_GAP) and account["incoming"] == 0:
        return int(max(min(need - held, wallet["cash"]), 0.0))
    return 0


@hot_kernel
def supported_usd(me, account, view):
    """Return the position, at most ``size_usd``, that the collateral supports."""
    supported = (
        account["collateral"] / units_of(view, 1.0) * me["leverage"] / me["collateral_buffer"]
    )
    return min(me["size_usd"], supported)


@hot_kernel
def open_position(me, account, wallet, view, market, rng, orders):
    """Restore the margin first; with enough of it, enter with the probability of entry."""
    units = collateral_gap(me, account, wallet, view)
    if units != 0:
        return write_transfer(orders, 0, market, units)
    size_usd = supported_usd(me, account, view)
    wanted = enters(me, view, rng) and not overpays(me, view)
    lots = lots_of(view, size_usd)
    if (
        not wanted
        or lots < 1
        or size_usd < SMALLEST_SHARE * me["size_usd"]
        or account["incoming"] > 0
    ):
        return 0
    return write_market(orders, 0, market, 1 if me["side"] > 0.0 else -1, lots, 0)


@rule(LONG_TRAITS)
def speculate(me, accounts, positions, views, mine, rng, orders):
    """Enter while flat, close while holding."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account = accounts[int(view["venue"])]
    elapsed = elapsed_seconds(me, view)
    if position["lots"] == 0:
        return open_position(me, account, accounts[0], view, market, rng, orders)
    ended = holding_ends(me, elapsed, rng)
    if ended or overpays(me, view) or hits_stop(me, position, view):
        return write_close(orders, 0, market, position, ALL_LOTS)
    return 0


class DirectionalLong(Trader):
    """A leveraged long (see the module)."""

    kind, traits, decide, slots = "directional_long", LONG_TRAITS, speculate, 0


class DirectionalShort(Trader):
    """A leveraged short (see the module)."""

    kind, traits, decide, slots = "directional_short", SHORT_TRAITS, speculate, 0
