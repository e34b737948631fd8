"""Studies of attacks: what one is worth, where it pays, and predation held to theory.

The scenarios of attacks are in the library, the attackers in `perplab.agents.attacks`.
"""

from perplab.analysis.studies.experiments.attacks import attack_search, attack_value, predation

__all__ = ["attack_search", "attack_value", "predation"]
