"""Attacks: traders who move prices on purpose, to collect funding, to force liquidations or to
exploit one who must sell.

Ordinary kinds of trader are one folder up. An attacker has no privileges: its orders, margin and
profit are those of any trader.
"""

from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.attacks.predation import DistressedSeller, Predator

__all__ = ["DistressedSeller", "Manipulator", "Predator"]
