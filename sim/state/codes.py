"""Codes of orders, outcomes, liquidation events, their causes and faults, and bounds of numbers."""

NO_ROW = -1


# kinds of order rows that a rule writes
LIMIT, MARKET_ORDER, CANCEL, SPOT, TRANSFER, STOP, HEDGE = range(7)


MOST_LOTS = 999_999_999  # of one order


# order flags
POST_ONLY, REDUCE_ONLY, IMMEDIATE = 1, 2, 4


# outcomes of an order message, counted in run["outcomes"]
(
    DONE,
    REFUSED_MARGIN,
    REFUSED_BAND,
    REFUSED_POST_ONLY,
    REFUSED_REDUCE_ONLY,
    REFUSED_BORROW,
    REFUSED_CASH,
    NOTHING_TO_DO,
    SELF_TRADE,
) = range(9)
OUTCOMES = (
    "done",
    "refused_margin",
    "refused_band",
    "refused_post_only",
    "refused_reduce_only",
    "refused_borrow",
    "refused_cash",
    "nothing_to_do",
    "self_trade_prevented",
)


# kinds of forced event
FORCED_ORDER, TAKEOVER, ADL, TWIN_TAKEOVER, FUND_ADL = 0, 1, 2, 3, 4
FORCED_KINDS = ("order", "takeover", "adl", "twin", "fund_adl")


# why an account fell below maintenance
ENDOGENOUS, CAUSE_INDEX, CAUSE_TRADING, CAUSE_FUNDING, CAUSE_FEE, CAUSE_COLLATERAL = range(6)
CAUSES = ("endogenous", "index", "trading", "funding", "fee", "collateral")


# faults a step can end with, in run["fault"]
(
    NO_FAULT,
    BAD_COUNT,
    BAD_ORDER,
    RULE_RAISED,
    PRICE_OUTSIDE,
    OPEN_INTEREST_OUTSIDE,
    FUNDING_OUTSIDE,
    SPOT_HELD_OUTSIDE,
    WEALTH_OUTSIDE,
) = range(9)
LEAST_TICKS, MOST_TICKS = 10, 1 << 30  # of a price: an order holds its tick in 32 bits


# bounds of money in 64-bit units; past them a run ends with a fault, so that no sum can wrap
LARGEST_NOTIONAL = 2.3e18  # value of a position with its orders, of open interest, of spot held
LARGEST_UNITS = 4.6e18  # all money at the start; the wealth of a trader, kind or fund later
