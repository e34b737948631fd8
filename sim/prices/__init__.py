"""Prices that no order sets: the index, the mark, and the public averages that traders see.

Spot itself is in `perplab.sim.spot`, the book's prices are in `perplab.sim.exchange`, and the
formulas of index and mark in `perplab.sim.laws`.
"""

from perplab.sim.prices.index_price import update_index
from perplab.sim.prices.mark_price import update_mark
from perplab.sim.prices.view import update_public_averages

__all__ = [
    "update_index",
    "update_mark",
    "update_public_averages",
]
