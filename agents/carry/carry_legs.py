"""The two legs of a carry trade: hedge the perpetual in spot, maintain the margin at the venue.

These kernels serve the rule of `perplab.agents.carry.arbitrage`; `me` has its traits and memory.
"""

import math

import numpy as np

from perplab.agents.orders import (
    equity_of,
    units_of,
    whole,
    write_close,
    write_spot,
    write_transfer,
)
from perplab.sim.compiler.jit import hot_kernel

SMALLEST_MOVE = 0.01  # smallest transfer over capital
ROUNDING_SLACK = 1e-4


@hot_kernel
def spot_unit(view):
    """Return the units of one lot of spot."""
    return view["spot"] * view["units_per_price"]


@hot_kernel
def clip_lots(me, view):
    """Return the largest order, lots."""
    return whole(units_of(view, me["clip_share"] * me["capital_usd"]) / spot_unit(view))


@hot_kernel
def limit_lots(me, view):
    """Return the largest position by capital, lots."""
    return whole(units_of(view, me["position_share"] * me["capital_usd"]) / spot_unit(view))


@hot_kernel
def free_cash(wallet, position, view):
    """Return the cash that does not back borrowed spot, float units."""
    return wallet["cash"] - max(-position["spot_lots"], 0) * spot_unit(view)


@hot_kernel
def buyable_lots(wallet, position, view):
    """Return the spot lots that the wallet can buy: first to cover borrowed spot, then to hold."""
    owed, spare = max(-position["spot_lots"], 0), free_cash(wallet, position, view)
    cost = view["spot_fee"] + view["spot_half_spread"] + ROUNDING_SLACK
    if spare <= 0.0:
        return 0
    covered = spare / (spot_unit(view) * cost)
    if covered < owed:
        return whole(covered)
    return owed + whole((spare / spot_unit(view) - owed * cost) / (1.0 + cost))


@hot_kernel
def sellable_lots(wallet, position, view):
    """Return the spot lots that it can sell: its holding, then what it may still borrow."""
    return max(whole(wallet["borrow_limit"] / (spot_unit(view) * 1.001)) + position["spot_lots"], 0)


@hot_kernel
def hedge_gap(position):
    """Return the signed spot lots that the hedge of the perpetual lacks."""
    return -position["lots"] - position["spot_lots"]


@hot_kernel
def notice_refusal(me, position):
    """Set memory ``refused`` to whether the last spot order left the spot holding unchanged."""
    me["refused"] = (
        1.0 if me["sent_lots"] != 0.0 and me["seen_spot_lots"] == position["spot_lots"] else 0.0
    )


@hot_kernel
def hedge_lots(me, wallet, position, view, gap):
    """Return the signed spot lots to trade now towards a hedge that lacks `gap` lots.

    A spot leg larger than the perpetual is unwound by clips or ``naked_share``; after a refusal
    half of the last size is tried.
    """
    size = abs(gap)
    if gap * position["spot_lots"] < 0:
        size = min(size, max(clip_lots(me, view), int(math.ceil(me["naked_share"] * size))))
    if me["refused"] > 0.0:
        size = min(size, int(abs(me["sent_lots"]) * 0.5))
    size = min(
        size,
        buyable_lots(wallet, position, view) if gap > 0 else sellable_lots(wallet, position, view),
    )
    return size if gap > 0 else -size


@hot_kernel
def hedge(me, wallet, position, view, orders):
    """Write the spot order towards the hedge; reduce the perpetual where spot was refused."""
    count, market, gap = np.int64(0), int(me["market"]), hedge_gap(position)
    lots = hedge_lots(me, wallet, position, view, gap)
    me["sent_lots"], me["seen_spot_lots"] = lots, position["spot_lots"]
    if lots != 0:
        count = write_spot(orders, count, market, 1 if lots > 0 else -1, abs(lots))
    lacking = abs(gap) - abs(lots)
    if me["refused"] > 0.0 and gap * position["lots"] < 0 and lacking > 0:
        count = write_close(orders, count, market, position, min(lacking, clip_lots(me, view)))
    return count


@hot_kernel
def venue_equity(account, position, view):
    """Return equity at the venue and transfers on their way to it, float units."""
    return equity_of(account, position, view) + account["incoming"]


@hot_kernel
def wealth_of(account, wallet, position, view):
    """Return the trader's wealth: equity at the venue, wallet and spot, float units."""
    held = position["spot_lots"] * spot_unit(view)
    return venue_equity(account, position, view) + wallet["cash"] + held


@hot_kernel
def notional_of(position, view):
    """Return the notional of the position at the mark, float units."""
    return abs(position["lots"]) * view["mark"] * view["units_per_price"]


@hot_kernel
def margin_target(me, account, wallet, position, view):
    """Return the target equity at the venue, float units.

    It is the larger of its share of the wealth and twice the equity below which it tops up.
    """
    wealth = wealth_of(account, wallet, position, view)
    return max(
        me["margin_share"] * wealth, 2.0 * me["topup_fraction"] * notional_of(position, view)
    )


@hot_kernel
def releasable_units(me, account, wallet, position, view):
    """Return the units to move back to the wallet.

    They are equity far above its target, or the cash that the wallet lacks behind borrowed spot.
    """
    equity = venue_equity(account, position, view)
    target = margin_target(me, account, wallet, position, view)
    shortage = max(-free_cash(wallet, position, view), 0.0)
    excess = equity - target if equity > me["release_multiple"] * target else 0.0
    movable = (
        min(account["collateral"], equity) - 1.1 * notional_of(position, view) / me["leverage"]
    )
    return min(max(excess, shortage), movable)


@hot_kernel
def maintain_margin(me, account, wallet, position, view, orders, count):
    """Write the transfer to or from the venue that the margin needs, or the cut of the position."""
    market, smallest = int(me["market"]), units_of(view, SMALLEST_MOVE * me["capital_usd"])
    equity = venue_equity(account, position, view)
    target = margin_target(me, account, wallet, position, view)
    thin = equity < me["topup_fraction"] * notional_of(position, view)
    if not thin and equity >= 0.5 * target:
        units = releasable_units(me, account, wallet, position, view)
        return count if units < smallest else write_transfer(orders, count, market, -int(units))
    units = min(target - equity, free_cash(wallet, position, view))
    if units >= smallest:
        on_its_way = account["incoming"] != 0
        return count if on_its_way else write_transfer(orders, count, market, int(units))
    clip = max(clip_lots(me, view), 1)
    return write_close(orders, count, market, position, clip) if thin else count
