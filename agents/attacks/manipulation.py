"""A manipulator: build a position, push prices its way, unwind.

Belief
    Premium samples, mark and margin follow prices that a few large orders can move for a while. The
    gain (funding collected, or others liquidated into its orders) may exceed the cost of moving
    prices. The ledger decides: its profit is accounted like any trader's.
Orders
    Four phases by the clock. *Build*, during the build_seconds before the attack: market orders,
    evenly spread, towards size_usd on ``side``. *Attack*, attack_hours long: at every wake within
    the last attack_seconds of a funding interval (infinite: at every wake) a market order of
    perp_push_usd in the perpetual (positive buys), and at every wake one of spot_push_usd in spot,
    which moves the index. *Unwind*, over unwind_seconds: reduce-only market orders and spot trades,
    evenly spread, until nothing is left. Otherwise *idle*. A loss above loss_limit_usd ends the
    attack early. With withdraw_share it also withdraws that share of its free collateral at every
    wake of the attack, so that a small move against it hands its position to the venue's fund. To
    squeeze shorts: side 1, both pushes positive. To collect funding: side 1 with a negative
    perp_push_usd late in the interval, or the reverse.
Literature
    Kumar and Seppi (1992), "Futures manipulation with cash settlement", JF 47; Allen and Gale
    (1992); Griffin and Shams (2018) on manipulation of a settlement index; Brunnermeier and
    Pedersen (2005), "Predatory trading", JF 60.
"""

import math

import numpy as np

from perplab.agents.orders import (
    equity_of,
    lots_of,
    units_of,
    whole,
    write_close,
    write_market,
    write_spot,
    write_transfer,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel

HOUR = 3_600.0
RESERVE = 1.02
"""What it leaves at the venue over its initial margin."""
IDLE, BUILD, ATTACK, UNWIND = 0, 1, 2, 3

TRAITS = Traits(
    wake_seconds=Trait(60, "s", "mean time between orders", low=0),
    side=Trait(1, "sign", "1: long, -1: short", low=-1, high=1),
    size_usd=Trait(1_000_000, "quote currency", "position built before the attack", low=0),
    build_seconds=Trait(21_600, "s", "duration of the build phase", low=1),
    attack_start_hours=Trait(24, "h", "start of the attack, from the start of the run", low=0),
    attack_hours=Trait(8, "h", "duration of the attack", low=0),
    attack_seconds=Trait(
        float("inf"),
        "s",
        "end of each funding interval in which it pushes the perpetual",
        low=0,
    ),
    perp_push_usd=Trait(
        100_000, "quote currency", "perpetual traded per wake during the attack; negative sells"
    ),
    spot_push_usd=Trait(
        0, "quote currency", "spot traded per wake during the attack; negative sells"
    ),
    withdraw_share=Trait(
        0, "1", "share of free collateral withdrawn per wake during the attack", low=0, high=1
    ),
    unwind_seconds=Trait(21_600, "s", "duration of the unwind phase", low=1),
    loss_limit_usd=Trait(float("inf"), "quote currency", "loss above which it gives up", low=0),
    capital_usd=Trait(5_000_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0.5, "1", "initial share of capital at the venue", low=0, high=1),
    borrow_share=Trait(0, "1", "borrow limit in spot, over capital", low=0),
    leverage=Trait(20, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it attacks", low=0),
    memory={"phase": 0.0, "first_wealth": 0.0, "gave_up_seconds": float("inf")},
)


@hot_kernel
def attack_end(me):
    """Return the second at which the attack ends: as planned, or when it gave up."""
    return min((me["attack_start_hours"] + me["attack_hours"]) * HOUR, me["gave_up_seconds"])


@hot_kernel
def phase_at(me, seconds):
    """Return the phase at a time."""
    start = me["attack_start_hours"] * HOUR
    if seconds >= attack_end(me):
        return UNWIND
    if seconds >= start:
        return ATTACK
    return BUILD if seconds >= start - me["build_seconds"] else IDLE


@hot_kernel
def slice_of(me, lots, seconds_left):
    """Return the part of `lots` (at least 0) to trade at this wake, evenly over the time left."""
    wakes_left = max(seconds_left / max(me["wake_seconds"], 1e-9), 1.0)
    return min(int(math.ceil(lots / wakes_left)), lots)


@hot_kernel
def wealth_of(account, wallet, position, view):
    """Return its wealth, float units: equity at the venue, wallet, spot."""
    spot = position["spot_lots"] * (view["spot"] * view["units_per_price"])
    return equity_of(account, position, view) + account["incoming"] + wallet["cash"] + spot


@hot_kernel
def give_up(me, wealth, view):
    """Store the initial wealth, and the time at which the loss from it first exceeds the limit."""
    if me["first_wealth"] == 0.0:
        me["first_wealth"] = wealth
    lost = me["first_wealth"] - wealth > units_of(view, me["loss_limit_usd"])
    if lost and view["seconds"] < me["gave_up_seconds"]:
        me["gave_up_seconds"] = view["seconds"]


@hot_kernel
def build(me, position, view, market, orders):
    """Write the next slice of the position."""
    side = 1 if me["side"] > 0.0 else -1
    missing = max(lots_of(view, me["size_usd"]) - side * position["lots"], 0)
    lots = slice_of(me, missing, me["attack_start_hours"] * HOUR - view["seconds"])
    return write_market(orders, 0, market, side, lots, 0) if lots > 0 else 0


@hot_kernel
def push(me, view, market, orders):
    """Write the pushes of this wake."""
    count = np.int64(0)
    perp, spot = lots_of(view, abs(me["perp_push_usd"])), lots_of(view, abs(me["spot_push_usd"]))
    if spot > 0:
        count = write_spot(orders, count, market, 1 if me["spot_push_usd"] > 0.0 else -1, spot)
    if perp > 0 and view["seconds_to_settlement"] <= me["attack_seconds"]:
        count = write_market(orders, count, market, 1 if me["perp_push_usd"] > 0.0 else -1, perp, 0)
    return count


@hot_kernel
def spare_units(account, position, view):
    """Return the collateral that is not initial margin, float units; a little less, for tiers."""
    margin = abs(position["lots"]) * view["mark"] * view["units_per_price"] / position["leverage"]
    available = min(equity_of(account, position, view), float(account["collateral"]))
    return max(available - RESERVE * margin, 0.0)


@hot_kernel
def withdraw(me, account, position, view, market, orders, count):
    """Write the withdrawal of this wake, if it withdraws at all; return the number of orders."""
    units = whole(me["withdraw_share"] * spare_units(account, position, view))
    return write_transfer(orders, count, market, -units) if units > 0 else count


@hot_kernel
def unwind(me, position, view, market, orders):
    """Write the next slice of closing the perpetual and selling (or buying back) spot."""
    seconds_left = attack_end(me) + me["unwind_seconds"] - view["seconds"]
    count = write_close(
        orders, 0, market, position, slice_of(me, abs(position["lots"]), seconds_left)
    )
    held = position["spot_lots"]
    spot = slice_of(me, abs(held), seconds_left)
    return write_spot(orders, count, market, -1 if held > 0 else 1, spot) if spot > 0 else count


@rule(TRAITS)
def attack(me, accounts, positions, views, mine, rng, orders):
    """Trade as the phase of the attack requires."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account = accounts[int(view["venue"])]
    give_up(me, wealth_of(account, accounts[0], position, view), view)
    phase = phase_at(me, view["seconds"])
    me["phase"] = phase
    if phase == BUILD:
        return build(me, position, view, market, orders)
    if phase == ATTACK:
        count = push(me, view, market, orders)
        return withdraw(me, account, position, view, market, orders, count)
    return unwind(me, position, view, market, orders) if phase == UNWIND else 0


class Manipulator(Trader):
    """A manipulator (see the module)."""

    kind, traits, decide, slots = "manipulation", TRAITS, attack, 0
