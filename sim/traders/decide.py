"""How a trader acts: its accounts brought up to date, its rule, the orders that the rule wrote.

`act` is compiled anew for each rule, with the rule inside: `decide` and `own_record` stand for it (see `perplab.sim.compiler.rules.with_rule`).
"""

import numpy as np

from perplab.sim.clearing.ledger import absorb_isolated_deficit
from perplab.sim.clearing.wallet import accrue_borrow, receive_incoming
from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import rarely
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.orders import submit
from perplab.sim.state.records import (
    BAD_COUNT,
    BAD_ORDER,
    CANCEL,
    LIMIT,
    SPOT,
    TRANSFER,
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

FAR, FOREVER, ALL_FLAGS = 1 << 62, 1e15, 7
decide = own_record = None


@hot_kernel
def row_is_valid(world, i, row):
    """Return whether an order row is one that trader i may write."""
    if (
        row["kind"] < LIMIT
        or row["kind"] > TRANSFER
        or row["market"] < 0
        or row["market"] >= markets(world).shape[0]
    ):
        return False
    if row["kind"] == LIMIT or row["kind"] == CANCEL:
        if row["slot"] < 0 or row["slot"] >= trader_at(world, i)["slots"]:
            return False
    if row["kind"] == CANCEL:
        return True
    if row["kind"] == TRANSFER:
        return -FAR < row["lots"] < FAR and row["lots"] != 0
    if row["kind"] == LIMIT and (row["tick"] <= 0 or not 0.0 <= row["expiry_seconds"] < FOREVER):
        return False
    if row["kind"] != SPOT and row["flags"] & ~ALL_FLAGS:
        return False
    return row["side"] * row["side"] == 1 and 0 < row["lots"] < 1_000_000_000


@hot_kernel
def submit_orders(world, i, count):
    """Submit the rows that trader i wrote, in order; stop at one that breaks the contract.

    The first stands apart, since most rules write one: there the compiler still holds what was written, and need not read it again.
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
    """Submit row k; return whether it kept the contract."""
    run = run_row(world, 0)
    if rarely(not row_is_valid(world, i, order_row_at(world, k))):
        run["fault"], run["fault_trader"], run["fault_row"] = BAD_ORDER, i, k
        return False
    run["outcomes"][np.uint64(submit(world, i, k))] += 1
    run["order_messages"] += 1
    return True


@hot_kernel
def settle_due_items(world, i):
    """Bring what is due to a trader's accounts up to date before it acts; a glance where nothing is due in the only market."""
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
    """Credit the trader's transfers, charge its borrow interest, cover its empty pots."""
    for v in range(venues(world).shape[0]):
        receive_incoming(world, i, v)
    for a in range(assets(world).shape[0]):
        if holding_at(world, i, a)["lots"] < 0:
            accrue_borrow(world, i, a)
    for m in range(markets(world).shape[0]):
        if position_at(world, i, m)["isolated"] == 1:
            absorb_isolated_deficit(world, i, m)


def act(world, i, key):
    """Let trader i see the market and act by its rule, drawing from the stream `key`."""
    trader, rng = trader_at(world, i), draw_at(world, 0)
    settle_due_items(world, i)
    run_row(world, 0)["decisions"] += 1
    rng["key"], rng["draws"] = key, 0
    count = decide(
        own_record(kind_at(world, trader["kind"])["traits_at"], trader["number"]),
        some_accounts(world, i * venues(world).shape[0], venues(world).shape[0]),
        some_positions(world, i * markets(world).shape[0], markets(world).shape[0]),
        views(world),
        some_orders(world, trader["first_slot"], np.int64(trader["slots"])),
        rng,
        order_rows(world),
    )
    submit_orders(world, i, count)
    return 0
