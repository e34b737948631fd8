"""The exchange: how orders become trades.

Here are order messages and their checks, the order book with its ladder and price band, matching,
fills against a pool, impact prices, and spot trades and transfers. What a trade does to accounts
belongs in `perplab.sim.clearing`, liquidation in `perplab.sim.risk`, the formulas of pools in
`perplab.sim.laws`.
"""

from perplab.sim.exchange.amm_fills import pool_price, quote_pool
from perplab.sim.exchange.band import recentre, set_band
from perplab.sim.exchange.book import cancel, cancel_expired, depth_to, opposite
from perplab.sim.exchange.impact_price import average_price, book_mid
from perplab.sim.exchange.matching import match
from perplab.sim.exchange.off_book import place_off_book
from perplab.sim.exchange.orders import place_limit, place_market, submit

__all__ = [
    "average_price",
    "book_mid",
    "cancel",
    "cancel_expired",
    "depth_to",
    "match",
    "opposite",
    "place_limit",
    "place_market",
    "place_off_book",
    "pool_price",
    "quote_pool",
    "recentre",
    "set_band",
    "submit",
]
