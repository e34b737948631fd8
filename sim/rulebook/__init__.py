"""Rulebooks: the rules of a venue as named laws and numbers, read from a dated file and checked.

A section here states keys, bounds and what contradicts what, and writes the numbers into the
record of its law; the formula itself belongs in `perplab.sim.laws`. The files of venues are in
`venues/`, one TOML file each. No condition names a venue.
"""

from perplab.sim.rulebook.rulebook import Rulebook, load_rulebook, rulebook_names
from perplab.sim.rulebook.sections import Section

__all__ = [
    "Rulebook",
    "Section",
    "load_rulebook",
    "rulebook_names",
]
