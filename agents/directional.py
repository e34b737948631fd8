"""Directional traders: a leveraged view, held for days; longs and shorts.

Belief
    The price will go their way (``side``). How readily they act on it follows the crowd's sentiment, a public
    process, and their ``conviction``, which scales entry and divides the rate of leaving.
Orders
    Flat: at a wake, with probability entry_probability * conviction * exp(side * sentiment_weight * sentiment), a
    market order of ``size_usd``, or of what the margin at hand carries. Holding: all of it goes, by reduce-only
    market order, after an exponential time of mean hold_seconds * conviction, or when the predicted funding it must
    pay per eight hours exceeds ``tolerance_bps``, or at a loss of ``stop_loss`` or a gain of ``take_profit``
    (fractions of the entry value; 0: off).
Margin
    Leverage is real: at the venue stands size_usd / leverage * collateral_buffer, the rest of the wealth stays in the
    wallet. While flat a trader restores that sum from the wallet (after a liquidation, say), or takes home what a
    gain left above it.
Traits
    Declared below with their units; an infinite ``tolerance_bps`` bears any funding.
Literature
    Soska et al. (2021) and Cheng, Deng, Wang and Yu (2021) on leverage and liquidation at retail venues; Alexander,
    Deng and Zou (2023) on leverage selection; Thurner, Farmer and Geanakoplos (2012) on leverage and tails;
    Schmeling, Schrimpf and Todorov (2026) on leveraged demand as the source of carry; Barberis and Xiong (2012) on
    realised gains and losses as a motive for leaving.
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
from perplab.agents.trader import Trader, Trait, Traits, rule
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.streams import uniform

ALL_LOTS = 1 << 40
TOLERATED_GAP = 0.02
WORTH_TAKING_HOME = 1.25
SMALLEST_SHARE = 0.1

LONG_TRAITS = Traits(
    wake_seconds=Trait(14_400, "s", "mean time between decisions", low=0),
    side=Trait(1, "sign", "1: this kind goes long", low=1, high=1),
    entry_probability=Trait(
        0.08, "1", "probability of entering at a wake while flat, at sentiment 0", low=0, high=1
    ),
    sentiment_weight=Trait(0.6, "1", "log change of that probability per unit of sentiment"),
    conviction=Trait(1, "1", "scales entry and the mean holding time", low=0),
    size_usd=Trait(40_000, "quote currency", "position taken", low=0),
    leverage=Trait(
        7.4, "1", "notional over collateral at entry, and the leverage set at the venue", low=1
    ),
    collateral_buffer=Trait(1.15, "1", "collateral over size_usd / leverage", low=1),
    hold_seconds=Trait(172_800, "s", "mean holding time", low=1),
    tolerance_bps=Trait(6, "bp per 8 h", "predicted funding paid above which it leaves", low=0),
    stop_loss=Trait(0, "fraction of entry value", "loss at which it leaves; 0: none", low=0),
    take_profit=Trait(0, "fraction of entry value", "gain at which it leaves; 0: none", low=0),
    capital_usd=Trait(50_000, "quote currency", "money at the start", low=0),
    margin_share=Trait(0, "1", "share of the capital that starts at the venue", low=0, high=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={"seen_seconds": 0.0},
)
SHORT_TRAITS = LONG_TRAITS.replaced(
    side=Trait(-1, "sign", "-1: this kind goes short", low=-1, high=-1)
)


@hot_kernel
def overpays(me, view):
    """Return whether the funding its side is predicted to pay exceeds its tolerance."""
    return funding_paid_8h(view, me["side"]) > me["tolerance_bps"] * BASIS_POINT


@hot_kernel
def tires(me, elapsed, rng):
    """Return whether the holding time ended within the elapsed seconds (exponential, so without a memory of entry)."""
    return uniform(rng) >= math.exp(-elapsed / max(me["hold_seconds"] * me["conviction"], 1.0))


@hot_kernel
def is_settled(me, position, view):
    """Return whether stop-loss or take-profit has been reached."""
    profit = profit_share(position, view)
    return 0.0 < me["stop_loss"] <= -profit or 0.0 < me["take_profit"] <= profit


@hot_kernel
def enters(me, view, rng):
    """Return whether a flat trader enters now."""
    appetite = me["conviction"] * math.exp(me["side"] * me["sentiment_weight"] * view["sentiment"])
    return uniform(rng) < me["entry_probability"] * appetite


@hot_kernel
def collateral_gap(me, account, wallet, view):
    """Return the units to move to the venue (negative: home) so that a flat trader's leverage is the one it wants."""
    need = units_of(view, me["size_usd"] / me["leverage"] * me["collateral_buffer"])
    held = account["collateral"] + account["incoming"]
    if held > need * WORTH_TAKING_HOME:
        return -int(min(held - need, account["collateral"]))
    if held < need * (1.0 - TOLERATED_GAP) and account["incoming"] == 0:
        return int(max(min(need - held, wallet["cash"]), 0.0))
    return 0


@hot_kernel
def carried_usd(me, account, view):
    """Return the position that the collateral at the venue carries at the wanted leverage, at most ``size_usd``."""
    carried = account["collateral"] / units_of(view, 1.0) * me["leverage"] / me["collateral_buffer"]
    return min(me["size_usd"], carried)


@hot_kernel
def open_position(me, account, wallet, view, market, rng, orders):
    """Restore the margin first; with enough of it, enter if it so falls."""
    units = collateral_gap(me, account, wallet, view)
    if units != 0:
        return write_transfer(orders, 0, market, units)
    size_usd = carried_usd(me, account, view)
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
    """Enter while flat, leave while holding."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account = accounts[int(view["venue"])]
    elapsed = elapsed_seconds(me, view)
    if position["lots"] == 0:
        return open_position(me, account, accounts[0], view, market, rng, orders)
    tired = tires(me, elapsed, rng)
    if tired or overpays(me, view) or is_settled(me, position, view):
        return write_close(orders, 0, market, position, ALL_LOTS)
    return 0


class DirectionalLong(Trader):
    """A leveraged long (see the module)."""

    kind, traits, decide, slots = "directional_long", LONG_TRAITS, speculate, 0


class DirectionalShort(Trader):
    """A leveraged short (see the module)."""

    kind, traits, decide, slots = "directional_short", SHORT_TRAITS, speculate, 0
