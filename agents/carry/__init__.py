"""The carry trade: arbitrageurs between a perpetual and its spot, their legs and reservation basis.

What an arbitrageur expects of funding comes from the venue's own formula (`perplab.sim.laws`).
Traders who hold one leg by belief are one folder up.
"""

from perplab.agents.carry.arbitrage import Arbitrage
from perplab.agents.carry.reservation import reservation_basis

__all__ = ["Arbitrage", "reservation_basis"]
