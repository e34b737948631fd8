"""Liquidity providers: what they think a position is worth, their quotes, hedges and capital.

Here is one kind, divided by noun. The small writers of orders and the contract of a trader are one
folder up; what the venue does with quotes is in `perplab.sim.exchange`.
"""

from perplab.agents.providers.provider import Provider
from perplab.agents.providers.value_bidder import ValueBidder

__all__ = ["Provider", "ValueBidder"]
