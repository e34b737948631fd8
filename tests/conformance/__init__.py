"""A second reading of the venues' formulas in plain Python, one file a law.

Each file takes a `tape` (the tables of a run, copied at every step) and the `rules` (the numbers of
a rulebook's TOML file) and yields what the tape holds beside what the formula gives. Nothing here
imports a law, price, rate or margin of the simulator; only `tape` runs a market.
"""
