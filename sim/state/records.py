"""The tables that hold the whole state of a run: their row types, units and accessors.

Money is counted in integer units of the quote currency (`MoneyUnit` of the scenario, 1e-6 by
default), sizes in integer lots, prices of orders and fills in integer ticks. Prices that enter no
booking (spot, index, mark) are floats in quote currency. Times are seconds since the start unless a
name ends in ``_step``. Long is positive, cash received is positive, rates are plain fractions per
the interval that their name or comment states.

Traders stand in rows 0..N-1 and the insurance fund of venue v in row N+v of every table that has a
row a trader.
"""

import numpy as np

from perplab.sim.compiler.tables import row, span, table, writer
from perplab.sim.laws.adl import ADL_LAW
from perplab.sim.laws.amm import AMM_LAW
from perplab.sim.laws.funding import FUNDING_LAW, SEEN
from perplab.sim.laws.funding_interval import INTERVAL_LAW
from perplab.sim.laws.funding_transfer import TRANSFER_LAW
from perplab.sim.laws.index import INDEX_LAW, SOURCE_STATE, SOURCES
from perplab.sim.laws.liquidation import LIQUIDATION_LAW
from perplab.sim.laws.margin import MARGIN_LAW
from perplab.sim.laws.mark import INPUTS, MARK_LAW
from perplab.sim.laws.premium import GAP_STATE, PREMIUM_LAW
from perplab.sim.laws.premium_average import AVERAGE_LAW, PREMIUM_SUMS
from perplab.sim.laws.skew_funding import SKEW_LAW

NO_ROW = -1

# kinds of order rows that a rule writes
LIMIT, MARKET_ORDER, CANCEL, SPOT, TRANSFER = 0, 1, 2, 3, 4
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
FORCED_ORDER, TAKEOVER, ADL, TWIN_TAKEOVER = 0, 1, 2, 3
FORCED_KINDS = ("order", "takeover", "adl", "twin")
# why an account fell below maintenance
ENDOGENOUS, CAUSE_INDEX, CAUSE_TRADING, CAUSE_FUNDING, CAUSE_FEE, CAUSE_COLLATERAL = range(6)
CAUSES = ("endogenous", "index", "trading", "funding", "fee", "collateral")
# faults a step can end with, in run["fault"]
NO_FAULT, BAD_COUNT, BAD_ORDER, RULE_RAISED, PRICE_OUTSIDE = range(5)
LEAST_TICKS, MOST_TICKS = 10, 1 << 30  # of a price: an order holds its tick in 32 bits
LARGEST_NOTIONAL = 4.6e18  # units, of a position with all its orders: half of 64 bits


RUN = row(
    ("step", "i8"),
    ("dt", "f8"),
    ("key", "u8"),
    ("traders", "i8"),
    ("decisions", "i8"),
    ("order_messages", "i8"),
    ("trades", "i8"),
    ("outcomes", "i8", (16,)),
    ("premium_samples", "i8"),  # samples of the premium a step
    ("weight_30m", "f8"),
    ("weight_90m", "f8"),  # of a new sample in the public averages of the premium,
    ("weight_1h", "f8"),
    ("weight_110m", "f8"),
    ("weight_1d", "f8"),  # of a step in those of the mid
    ("open_count", "i8"),
    ("changed_count", "i8"),  # positions that are not flat; that changed since the last look
    ("event_count", "i8"),
    ("settlement_count", "i8"),
    ("print_count", "i8"),
    ("series_count", "i8"),
    ("kind_series_count", "i8"),
    ("record_steps", "i8"),
    ("kind_record_steps", "i8"),  # steps between two rows of the series, of the kinds' series
    ("rounds", "i8"),
    ("rounds_max", "i8"),
    ("sequence", "i8"),
    ("next_node", "i8"),
    ("forced_count", "i8"),
    ("print_trades", "i8"),  # whether trade prints are kept
    ("path_start", "i8"),  # first step of the drawn block of the spot path
    ("wider", "i8"),  # ticks that some market's ladder ought to have, more than it has; else 0
    ("next_expiry_step", "i8"),
    ("fault", "i8"),
    ("fault_trader", "i8"),
    ("fault_row", "i8"),
)
VENUE = row(
    ("fund_row", "i8"),
    ("fees", "i8"),  # fee income, units
    ("taker_fee", "f8"),  # fraction of value, positive: paid by the trader
    ("maker_fee", "f8"),
    ("liquidation_fee", "f8"),  # fraction of the value liquidated, and the fund's part of the fee
    ("liquidation_fund_share", "f8"),
    ("liquidators", "i8"),  # units that external liquidators have earned
    ("liquidation_law", LIQUIDATION_LAW),
    ("pause_seconds", "f8"),  # between two liquidation orders of an account
    ("takeover_share", "f8"),  # equity below this share of maintenance: taken over at once
    ("takeover_after_order", "i8"),  # whether the fund takes over what an order leaves
    ("round_seconds", "f8"),
    ("adl_law", ADL_LAW),
    ("shared_loss", "i8"),  # units that traders have paid for losses beyond the fund
    ("fund_leverage", "f8"),  # most the fund holds over its equity
    ("fund_peak", "f8"),  # units, and its time
    ("fund_peak_seconds", "f8"),
    ("unwind_seconds", "f8"),
    (
        "no_impact",
        "i8",
    ),  # 1 in the no-impact counterfactual: the fund takes liquidation orders untraded
    ("hide_prediction", "i8"),
    ("transfer_seconds", "f8"),
)
ASSET = row(
    ("spot", "f8"),
    ("exogenous", "f8"),
    ("permanent", "f8"),
    ("transient", "f8"),  # price; log prices
    ("flow", "f8"),
    ("perp_flow", "f8"),  # signed quote currency traded in the running step
    ("permanent_impact", "f8"),
    ("transient_impact", "f8"),
    ("impact_seconds", "f8"),  # log price per quote currency
    ("discovery", "f8"),  # share of signed perpetual flow that moves the common value
    ("half_spread", "f8"),
    ("fee", "f8"),
    ("lot", "f8"),
    ("tick", "f8"),
    ("units_per_tick", "i8"),
    ("borrow_rate", "f8"),
    ("borrow_lots", "i8"),
    ("borrow_limit_lots", "i8"),
    ("borrow_index", "f8"),  # per year; units per lot
    ("sentiment", "f8"),
    ("outside_cash", "i8"),
    ("outside_lots", "i8"),
    ("outside_interest", "i8"),
)
MARKET = row(
    ("venue", "i8"),
    ("asset", "i8"),
    ("tick", "f8"),
    ("lot", "f8"),
    ("units_per_tick", "i8"),
    ("units_per_price", "f8"),
    ("window_low", "i8"),  # ticks: lowest level of the ladder, and its number of levels
    ("window", "i8"),
    ("band", "f8"),  # fraction either side of the mark, and its ends in ticks
    ("band_low", "i8"),
    ("band_high", "i8"),
    ("premium_law", PREMIUM_LAW),
    ("gap_state", GAP_STATE),
    ("average_law", AVERAGE_LAW),
    ("premium_sums", PREMIUM_SUMS),
    ("skew_law", SKEW_LAW),
    ("skew_rate_carried", "f8"),  # rate that a law on open interest carries over, per interval
    ("thin_samples", "i8"),  # samples in which the book lacked the impact notional; all samples
    ("all_samples", "i8"),
    ("funding_law", FUNDING_LAW),
    ("interval_law", INTERVAL_LAW),
    ("transfer_law", TRANSFER_LAW),
    ("funding_on", "i8"),
    ("continuous", "i8"),  # whether funding accrues each step
    ("lag", "i8"),  # whether a rate is charged at the settlement after the one that fixed it
    ("interval_seconds", "f8"),  # of the running interval, and when the last one ended
    ("settled_seconds", "f8"),
    ("below_cap", "i8"),  # settlements in a row below the cap
    ("charged", "f8"),  # of the running interval: rate; units paid by longs and by shorts
    ("long_paid", "i8"),
    ("short_paid", "i8"),
    ("amm_law", AMM_LAW),
    ("fee_share", "f8"),  # of the taker fee, paid to the pool
    ("twin_lots", "i8"),  # liquidated lots that the fund took untraded, signed by its counterparty
    ("index_law", INDEX_LAW),
    ("sources", SOURCE_STATE),
    ("mark_law", MARK_LAW),
    ("mark_average", "f8", (INPUTS,)),
    ("mark_seconds", "f8"),  # up to when the mark's averages have advanced
    ("previous_mark", "f8"),
    ("margin_law", MARGIN_LAW),
    ("safe_low", "f8"),
    ("safe_high", "f8"),  # no position is below maintenance at a mark between these
    ("forced_shift", "f8"),
    ("forced_average", "f8", (INPUTS,)),  # displacement of the mid by forced orders, quote currency
    ("counterfactual_mark", "f8"),  # the mark without that displacement
)
VIEW = row(
    ("venue", "i8"),
    ("in_pool", "i8"),  # 1 where a pool fills all orders
    ("seconds", "f8"),
    ("dt", "f8"),
    ("best_bid", "i8"),
    ("best_ask", "i8"),  # ticks; 0 where the side is empty
    ("last_tick", "i8"),
    ("tick", "f8"),
    ("lot", "f8"),
    ("units_per_tick", "i8"),
    ("units_per_price", "f8"),
    ("mark", "f8"),
    ("index", "f8"),
    ("spot", "f8"),
    ("basis_mid", "f8"),
    ("premium", "f8"),
    ("average_premium", "f8"),
    ("premium_30m", "f8"),
    ("premium_90m", "f8"),
    ("predicted_funding", "f8"),
    ("funding_rate", "f8"),
    ("interval_seconds", "f8"),
    ("seconds_to_settlement", "f8"),
    ("funding_on", "i8"),
    ("funding_law", FUNDING_LAW),
    ("seen", SEEN),  # what else than the premium the funding law may look at
    ("open_interest", "i8"),
    ("volume", "i8"),  # lots; lots traded since the start
    ("impact_bid", "f8"),
    ("impact_ask", "f8"),
    ("depth_bid", "i8"),
    ("depth_ask", "i8"),  # lots within 10 bp
    ("trend_1h", "f8"),
    ("trend_1d", "f8"),
    ("mid_110m", "f8"),  # log mid over its mean
    ("log_mid_1h", "f8"),
    ("log_mid_1d", "f8"),
    ("log_mid", "f8"),  # exponential means of log mid, and its last value
    ("sentiment", "f8"),
    ("taker_fee", "f8"),
    ("maker_fee", "f8"),
    ("spot_fee", "f8"),
    ("spot_half_spread", "f8"),
    ("borrow_rate", "f8"),
    ("band", "f8"),
    ("maximum_leverage", "f8"),
    ("maintenance_fraction", "f8"),
    ("forced_lots", "i8"),  # signed lots of forced orders in the last round
)
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
    ("borrow_limit", "i8"),
    ("reserve", "i8"),
    ("spare", "i8"),  # copy for rules of the trader's borrow limit
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
HOLDING = row(
    ("lots", "i8"), ("borrow_index", "f8"), ("interest", "i8"), ("fees", "i8")
)  # (trader, asset)
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
EVENT = row(
    ("sequence", "i8"),
    ("step", "i8"),
    ("round", "i8"),
    ("seconds", "f8"),
    ("market", "i8"),
    ("trader", "i8"),
    ("counterparty", "i8"),
    ("kind", "i8"),
    ("node", "i8"),
    ("parent", "i8"),
    ("cause", "i8"),
    ("lots", "i8"),
    ("value", "i8"),
    ("mark", "f8"),
    ("counterfactual_mark", "f8"),
    ("bankruptcy_price", "f8"),
    ("equity", "i8"),
    ("index_pnl", "f8"),
    ("basis_pnl", "f8"),
    ("funding", "i8"),
    ("fees", "i8"),
    ("fund_change", "i8"),
    ("mid_shift", "f8"),
)
FORCED = row(
    ("sequence", "i8"), ("node", "i8"), ("market", "i8"), ("seconds", "f8"), ("mid_shift", "f8")
)
SETTLEMENT = row(
    ("step", "i8"),
    ("seconds", "f8"),
    ("market", "i8"),
    ("rate", "f8"),
    ("average_premium", "f8"),
    ("mark", "f8"),
    ("index", "f8"),
    ("open_interest", "i8"),
    ("long_paid", "i8"),
    ("short_paid", "i8"),
    ("residue", "i8"),
    ("capped", "i8"),
)
OPEN_POSITION = row(
    ("trader", "i8"),
    ("kind", "i8"),
    ("market", "i8"),
    ("lots", "i8"),
    ("value", "i8"),
    ("mark", "f8"),
    ("notional", "f8"),
    ("equity", "f8"),
)  # of all that one purse stands for; units
PRINT = row(
    ("step", "i8"),
    ("market", "i8"),
    ("tick", "i8"),
    ("lots", "i8"),
    ("side", "i8"),
    ("taker", "i8"),
    ("maker", "i8"),
    ("forced", "i8"),
)
SERIES = row(  # (record, market)
    ("seconds", "f8"),
    ("spot", "f8"),
    ("index", "f8"),
    ("mark", "f8"),
    ("mid", "f8"),
    ("last", "f8"),
    ("best_bid", "f8"),
    ("best_ask", "f8"),
    ("premium", "f8"),
    ("average_premium", "f8"),
    ("predicted_funding", "f8"),
    ("funding_rate", "f8"),
    ("volatility", "f8"),
    ("skew_rate", "f8"),
    ("open_interest", "i8"),
    ("volume", "i8"),
    ("depth_bid", "i8"),
    ("depth_ask", "i8"),
    ("fund", "i8"),
    ("fund_lots", "i8"),
    ("sentiment", "f8"),
)
KIND_SERIES = row(
    ("seconds", "f8"),
    ("equity", "i8"),
    ("funding", "i8"),
    ("lots", "i8"),
    ("long_lots", "i8"),
    ("spot_lots", "i8"),
)  # (record, kind)

run_rows, run_row = table("run", RUN)
venues, venue_at = table("venue", VENUE)
assets, asset_at = table("asset", ASSET)
markets, market_at = table("market", MARKET)
views, view_at = table("view", VIEW)
traders, trader_at = table("trader", TRADER)
accounts, account_at = table("account", ACCOUNT, 2)
positions, position_at = table("position", POSITION, 2)
holdings, holding_at = table("holding", HOLDING, 2)
orders, order_at = table("order", ORDER)
levels, level_at = table("level", LEVEL, 2)
depths, depth_at = table("depth", DEPTH, 2)
words, word_at = table("word", WORD, 2)
summary_words, summary_word_at = table("summary_word", WORD, 2)
kinds, kind_at = table("kind", KIND)
draws, draw_at = table("draw", DRAW)
order_rows, order_row_at = table("order_row", ORDER_ROW)
timer_wheel, timer_wheel_at = table("timer_wheel", np.dtype("i8"))
wake_next, wake_next_at = table("wake_next", np.dtype("i8"))
wake_step, wake_step_at = table("wake_step", np.dtype("i8"))
awake, awake_at = table("awake", np.dtype("i8"))
awake_keys, awake_key_at = table("awake_key", np.dtype("u8"))
fast, fast_at = table("fast", np.dtype("i8"))
open_list, open_position_at = table("open_position", np.dtype("i8"))
path, path_at = table("path", PATH, 2)
changed_positions, changed_position_at = table("changed_position", np.dtype("i8"))
liquidatable, liquidatable_at = table("liquidatable", np.dtype("i8"))
forced, forced_at = table("forced", FORCED)
events, event_at = table("event", EVENT)
settlements, settlement_at = table("settlement", SETTLEMENT)
prints, print_at = table("print", PRINT)
series, series_at = table("series", SERIES, 2)
kind_series, kind_series_at = table("kind_series", KIND_SERIES, 2)

put_depth, put_word, put_summary_word = (writer(name) for name in ("depth", "word", "summary_word"))
put_timer_wheel, put_wake_next, put_wake_step = (
    writer(name) for name in ("timer_wheel", "wake_next", "wake_step")
)
put_awake, put_awake_key = writer("awake"), writer("awake_key")
put_open_position, put_changed_position = writer("open_position"), writer("changed_position")
some_accounts, some_positions, some_orders, some_depths = (
    span(name) for name in ("account", "position", "order", "depth")
)
