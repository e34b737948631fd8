"""Parameters of the zero-intelligence market that README.md defines."""

ACTING_SHARE = 0.1
"""Share of the traders that acts each step."""
SLOTS = 4
"""Orders a trader may have in the book."""
LIMIT_QUARTERS, CANCEL_QUARTERS, MARKET_QUARTERS = 2, 1, 1
"""The message mix, in quarters."""
REACH_TICKS = 100
"""A limit order stands 1 to this many ticks from the opposite best."""
MOST_LOTS = 10
"""An order has 1 to this many lots."""
REFERENCE_TICK = 300_000
"""Where distances count from while the opposite side is empty: 30,000 at a tick of .1."""
TICK = 0.1
WINDOW_TICKS = 1 << 16
"""Ticks a ladder covers, around the reference."""
TRADERS = (100, 1_000, 10_000)
"""Market sizes measured."""
