"""A trader's decision: settle what is due, call its rule, submit the orders that it wrote.

`act` is a template. For each rule `perplab.sim.compiler.rules.compile_act` compiles a copy with the
rule inlined, in which the slots `RULE`, `TRAITS_ROW` and `SCALES_WAKES` have values.
"""

import numpy as np

from perplab.sim.clearing.ledger import absorb_isolated_deficit
from perplab.sim.clearing.wallet import accrue_borrow, receive_incoming
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.orders import submit
from perplab.sim.state.codes import BAD_COUNT, BAD_ORDER
from perplab.sim.state.records import (
    account_at,
    asset_at,
    assets,
    draw_at,
    holding_at,
    kind_at,
    markets,
    order_row_at,
    order_rows,
    position_at,
    run_row,
    some_accounts,
    some_orders,
    some_positions,
    trader_at,
    venues,
    views,
)
from perplab.sim.traders.order_check import VALID, order_fault
from perplab.sim.traders.wakes import change_wait

RULE = None
"""Slot of `act`: ``RULE(me, accounts, positions, views, mine, rng, orders) -> count``."""
TRAITS_ROW = None
"""Slot of `act`: ``TRAITS_ROW(address, number)``, the record of a trader's traits and memory."""
SCALES_WAKES = False
"""Slot of `act`: whether the record has ``wake_scale``, by which the rule scales its next wakes."""


@hot_kernel
def submit_orders(world, i, count):
    """Submit the rows that trader i wrote, in order; stop at the first invalid one.

    Row 0 is submitted outside the loop: most rules write one row, whose fields the compiler still
    holds in registers.
    """
    run = run_row(world, 0)
    if rarely(count < 0 or count > order_rows(world).shape[0]):
        run["fault"], run["fault_trader"] = BAD_COUNT, i
        return
    if count > 0 and submit_order(world, i, 0):
        k = 1
        while k < count and submit_order(world, i, k):
            k += 1


@hot_kernel
def submit_order(world, i, k):
    """Submit row k; return whether it is valid."""
    run = run_row(world, 0)
    slots, width = trader_at(world, i)["slots"], markets(world).shape[0]
    if rarely(order_fault(order_row_at(world, k), slots, width) != VALID):
        run["fault"], run["fault_trader"], run["fault_row"] = BAD_ORDER, i, k
        return False
    run["outcomes"][np.uint64(submit(world, i, k))] += 1
    run["order_messages"] += 1
    return True


@hot_kernel
def settle_due_items(world, i):
    """Settle what is due to a trader before it acts.

    That is to credit transfers, charge borrow interest and absorb negative isolated margin. One
    test skips it where the only market has nothing due.
    """
    if rarely(
        markets(world).shape[0] > 1
        or account_at(world, i, 0)["incoming"] > 0
        or position_at(world, i, 0)["isolated"] == 1
        or asset_at(world, 0)["borrow_lots"] > 0
        and holding_at(world, i, 0)["lots"] < 0
    ):
        settle_due_items_everywhere(world, i)


@entry("none", 2)
def settle_due_items_everywhere(world, i):
    """Credit transfers, charge borrow interest and absorb negative isolated margin of trader i."""
    for v in range(venues(world).shape[0]):
        receive_incoming(world, i, v)
    for a in range(assets(world).shape[0]):
        if holding_at(world, i, a)["lots"] < 0:
            accrue_borrow(world, i, a)
    for m in range(markets(world).shape[0]):
        if position_at(world, i, m)["isolated"] == 1:
            absorb_isolated_deficit(world, i, m)


def act(world, i, key):
    """Let trader i see the market and act by its rule, with draws from the stream `key`."""
    trader, rng = trader_at(world, i), draw_at(world, 0)
    settle_due_items(world, i)
    run_row(world, 0)["decisions"] += 1
    rng["key"], rng["draws"] = key, 0
    me = TRAITS_ROW(kind_at(world, trader["kind"])["traits_at"], trader["number"])
    count = RULE(
        me,
        some_accounts(world, i * venues(world).shape[0], venues(world).shape[0]),
        some_positions(world, i * markets(world).shape[0], markets(world).shape[0]),
        views(world),
        some_orders(world, trader["first_slot"], np.int64(trader["slots"])),
        rng,
        order_rows(world),
    )
    submit_orders(world, i, count)
    if SCALES_WAKES:
        change_wait(world, i, me["wake_seconds"] * me["wake_scale"])
    return 0
