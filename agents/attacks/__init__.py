"""Attacks: traders who move prices on purpose, to collect funding or to force liquidations.

Ordinary kinds of trader are one folder up. An attacker has no privileges: its orders, margin and
profit are those of any trader.
"""

from perplab.agents.attacks.manipulation import Manipulator

__all__ = ["Manipulator"]
