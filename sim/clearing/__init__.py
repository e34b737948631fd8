"""Clearing: who owns what and what it must cover.

Here are the ledger, which alone writes accounts and positions, wallets and the insurance fund;
equity, initial and maintenance margin at the marks; and the lists of open and changed positions.
Order matching belongs in `perplab.sim.exchange`, liquidation in `perplab.sim.risk`, the margin
formulas in `perplab.sim.laws`.
"""

from perplab.sim.clearing.conservation import total_units
from perplab.sim.clearing.equity import account_equity, cross_equity, unrealised, value_of
from perplab.sim.clearing.ledger import book_trade, fill, pay_funding
from perplab.sim.clearing.maintenance import Health, account_health, account_maintenance
from perplab.sim.clearing.order_margin import free_collateral, has_initial_margin
from perplab.sim.clearing.positions import open_positions

__all__ = [
    "Health",
    "account_equity",
    "account_health",
    "account_maintenance",
    "book_trade",
    "cross_equity",
    "fill",
    "free_collateral",
    "has_initial_margin",
    "open_positions",
    "pay_funding",
    "total_units",
    "unrealised",
    "value_of",
]
