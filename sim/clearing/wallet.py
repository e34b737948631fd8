"""Wallets: transfers to and from venues, spot trades, borrow interest."""

import math

import numpy as np

from perplab.sim.clearing.ledger import fee_units
from perplab.sim.clearing.open_list import mark_all_changed
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import (
    account_at,
    asset_at,
    assets,
    holding_at,
    market_at,
    markets,
    position_at,
    run_row,
    venue_at,
)


@hot_kernel
def receive_incoming(world, i, v):
    """Credit a transfer that has arrived."""
    account = account_at(world, i, v)
    if account["incoming"] > 0 and run_row(world, 0)["step"] >= account["incoming_step"]:
        account["collateral"] += account["incoming"]
        account["incoming"] = 0


@kernel
def deposit(world, i, v, units):
    """Send units from the wallet to the venue; return False if they cannot be sent.

    They arrive after the venue's transfer time. One transfer can be under way at a time.
    """
    run, wallet, account = run_row(world, 0), account_at(world, i, 0), account_at(world, i, v)
    if account["incoming"] > 0 or wallet["cash"] - short_spot_value(world, i) < units:
        return False
    wallet["cash"] -= units
    account["incoming"] = units
    account["incoming_step"] = run["step"] + np.int64(
        math.ceil(venue_at(world, v)["transfer_seconds"] / run["dt"])
    )
    receive_incoming(world, i, v)
    return True


@kernel
def withdraw(world, i, v, units):
    """Move units of free collateral to the wallet at once; the caller checks that they are free."""
    account_at(world, i, v)["collateral"] -= units
    account_at(world, i, 0)["cash"] += units
    mark_all_changed(world, i, v)


@hot_kernel
def short_value(asset, holding):
    """Return the spot value of what is borrowed in a holding, units."""
    return max(-holding["lots"], 0) * asset["spot"] * asset["units_per_tick"] / asset["tick"]


@kernel
def short_spot_value(world, i):
    """Return the spot value of what the trader has borrowed, units; the wallet must cover it."""
    value = 0.0
    for a in range(assets(world).shape[0]):
        value += short_value(asset_at(world, a), holding_at(world, i, a))
    return value


@kernel
def accrue_borrow(world, i, a):
    """Charge the interest on borrowed spot since the last charge, rounded up."""
    asset, holding = asset_at(world, a), holding_at(world, i, a)
    if holding["lots"] < 0:
        units = np.int64(
            math.ceil(-holding["lots"] * (asset["borrow_index"] - holding["borrow_index"]))
        )
        account_at(world, i, 0)["cash"] -= units
        asset["outside_cash"] += units
        asset["outside_interest"] += units
        holding["interest"] -= units
    holding["borrow_index"] = asset["borrow_index"]


@kernel
def exchange_spot(world, i, a, lots, tick):
    """Book a spot trade of signed lots at a tick with the external market, and its fee."""
    asset, holding, account = asset_at(world, a), holding_at(world, i, a), account_at(world, i, 0)
    accrue_borrow(world, i, a)
    value = lots * tick * asset["units_per_tick"]
    units = fee_units(abs(value), asset["fee"])
    account["cash"] -= value + units
    asset["outside_cash"] += value + units
    asset["borrow_lots"] += max(-holding["lots"] - lots, 0) - max(-holding["lots"], 0)
    holding["lots"] += lots
    holding["quote"] -= value
    holding["fees"] -= units
    asset["outside_lots"] -= lots
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            position_at(world, i, m)["spot_lots"] = holding["lots"]
