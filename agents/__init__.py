"""Who trades: the kinds of trader, one file each, and what they are made of.

A kind is its traits, one compiled rule and a handle (`Trader`); `check_trader` tests the rule's
contract. Writers of orders and small sums that rules share are in `orders`. When a trader acts and
how its orders are executed is no matter of this folder; that is the simulator's (`perplab.sim`).
Arbitrageurs are in `carry`, attacks on a market in `attacks`.
"""

from perplab.agents.carry.arbitrage import Arbitrage
from perplab.agents.carry.reservation import reservation_basis
from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.momentum import Momentum
from perplab.agents.noise import Noise
from perplab.agents.orders import (
    equity_of,
    lots_of,
    units_of,
    usd_of,
    write_cancel,
    write_close,
    write_hedge,
    write_limit,
    write_market,
    write_spot,
    write_stop,
    write_transfer,
)
from perplab.agents.parent_order import ParentOrder
from perplab.agents.rules import Rule, rule
from perplab.agents.trader import Trader
from perplab.agents.trader_check import check_trader
from perplab.agents.traits import Trait, Traits

__all__ = [
    "Arbitrage",
    "DirectionalLong",
    "DirectionalShort",
    "LiquidityProvider",
    "Momentum",
    "Noise",
    "ParentOrder",
    "Rule",
    "Trader",
    "Trait",
    "Traits",
    "check_trader",
    "equity_of",
    "lots_of",
    "reservation_basis",
    "rule",
    "units_of",
    "usd_of",
    "write_cancel",
    "write_close",
    "write_hedge",
    "write_limit",
    "write_market",
    "write_spot",
    "write_stop",
    "write_transfer",
]
