"""Row types of traders, their accounts and orders, and of the order book."""

import numpy as np

from perplab.sim.compiler.tables import row
from perplab.sim.laws.index import SOURCES

TRADER = row(  # one cache line
    ("key", "u8"),
    ("wake_seconds", "f8"),
    ("deposit", "i8"),
    ("borrow_limit", "i8"),
    ("kind", "i8"),
    ("number", "i8"),
    ("first_slot", "i8"),
    ("slots", "i4"),
    ("fast", "i4"),  # fast: steps between the fast class's turns, 0 for others
)


ACCOUNT = row(  # (trader, venue); one cache line
    ("collateral", "i8"),
    ("incoming", "i8"),
    ("incoming_step", "i8"),
    ("pause_until", "f8"),
    ("cash", "i8"),  # wallet outside the venue; kept in the column of venue 0
    ("borrow_limit", "i8"),  # copy for rules of the trader's borrow limit
    ("taker_discount", "f8"),  # fractions of value: the account's fees are the venue's less these
    ("maker_discount", "f8"),
)


POSITION = row(  # (trader, market); two cache lines, what fills touch first
    ("lots", "i8"),
    ("quote", "i8"),
    ("leverage", "f8"),
    ("index_cost", "f8"),
    ("realised", "i8"),  # since the position was opened
    ("all_fees", "i8"),
    ("buy_lots", "i4"),
    ("sell_lots", "i4"),
    ("open_index", "i4"),
    ("isolated", "i2"),
    ("changed", "i2"),  # whether it stands in the list of changed positions
    ("isolated_margin", "i8"),
    ("all_funding", "i8"),
    ("opening_fees", "i8"),
    ("opening_funding", "i8"),  # totals when it was opened
    ("forced_lots", "i8"),
    ("adl_lots", "i8"),
    ("node", "i8"),
    ("spot_lots", "i8"),  # copy for rules of the holding of the market's asset
)


HOLDING = row(  # (trader, asset)
    ("lots", "i8"),
    ("quote", "i8"),  # units received for lots sold, less those paid for lots bought
    ("borrow_index", "f8"),
    ("interest", "i8"),
    ("fees", "i8"),
    ("sent_lots", "i4"),  # bought (sold: negative) by orders that wait for the end of trading
    ("sent", "i2"),  # whether it stands in the list of those who sent one
    ("hedging", "i2"),  # whether it stands in the list of hedges; 2: changed in this step
    ("hedge_share", "f8"),
    ("hedge_band_lots", "i8"),
)


ORDER = row(
    ("lots", "i4"),
    ("tick", "i4"),
    ("expiry_step", "i4"),
    ("previous", "i4"),
    ("next", "i4"),
    ("owner", "i4"),
    ("market", "i2"),
    ("side", "i1"),
    ("flags", "i1"),
    ("spare", "i4"),
)  # half a cache line


LEVEL = row(("head", "i4"), ("tail", "i4"))  # ends of the queue of (market, tick - window_low)


DEPTH = np.dtype("i8")  # lots of each level, side by side since sums run along them


WORD = np.dtype("u8")  # bitmap of levels, (market, place)


KIND = row(("act_at", "i8"), ("traits_at", "i8"))


DRAW = row(("key", "u8"), ("draws", "i8"))


ORDER_ROW = row(
    ("kind", "i8"),
    ("market", "i8"),
    ("slot", "i8"),
    ("side", "i8"),
    ("tick", "i8"),
    ("lots", "i8"),
    ("flags", "i8"),
    ("expiry_seconds", "f8"),
)


PATH = row(
    ("log_price", "f8"), ("sentiment", "f8"), ("flow", "f8"), ("source", "f8", (SOURCES,))
)  # (step of the block, asset)
