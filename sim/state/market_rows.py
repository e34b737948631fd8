"""Row types of the run, its venues, assets and markets, and of what traders see."""

from perplab.sim.compiler.tables import row
from perplab.sim.impact.displacement import DISPLACEMENT
from perplab.sim.impact.ledger import LEDGER
from perplab.sim.laws.adl import ADL_LAW
from perplab.sim.laws.amm import AMM_LAW
from perplab.sim.laws.funding import FUNDING_LAW, SEEN
from perplab.sim.laws.funding_interval import INTERVAL_LAW
from perplab.sim.laws.funding_transfer import TRANSFER_LAW
from perplab.sim.laws.index import INDEX_LAW, SOURCE_STATE
from perplab.sim.laws.liquidation import LIQUIDATION_LAW
from perplab.sim.laws.margin import MARGIN_LAW
from perplab.sim.laws.mark import INPUTS, MARK_LAW
from perplab.sim.laws.premium import GAP_STATE, PREMIUM_LAW
from perplab.sim.laws.premium_average import AVERAGE_LAW, PREMIUM_SUMS
from perplab.sim.laws.skew_funding import SKEW_LAW

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
    ("weight_1d", "f8"),
    ("weight_7d", "f8"),  # of a step in those of the mid
    ("open_count", "i8"),
    ("changed_count", "i8"),  # positions that are not flat; that changed since the last look
    ("hedging_count", "i8"),
    ("sent_count", "i8"),  # standing hedges; spot orders that wait for the end of trading
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
    ("exogenous_move", "f8"),  # log price, and its change in this step
    ("permanent", "f8"),
    ("transient", "f8"),  # price; log prices
    ("flow", "f8"),
    ("perp_flow", "f8"),  # signed quote currency traded in the running step
    ("displacement", DISPLACEMENT),
    ("ledger", LEDGER),
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
    ("sentiment_return_weight", "f8"),  # of the log price over its mean in sentiment,
    ("sentiment_return_seconds", "f8"),  # time constant of that mean, and the mean
    ("sentiment_log_mean", "f8"),
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
    ("highest_long_stop", "i8"),  # ticks: no stop is triggered at a mark between these
    ("lowest_short_stop", "i8"),
    ("forced_shift", "f8"),
    ("forced_average", "f8", (INPUTS,)),  # quote currency that liquidation orders moved the mid
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
    ("trend_7d", "f8"),
    ("mid_110m", "f8"),  # log mid over its mean
    ("log_mid_1h", "f8"),
    ("log_mid_1d", "f8"),
    ("log_mid_7d", "f8"),
    ("log_mid", "f8"),  # exponential means of log mid, and its last value
    ("log_spot", "f8"),
    ("last_second", "f8"),  # log move of spot in the second before the end of the step
    ("sentiment", "f8"),
    ("taker_fee", "f8"),
    ("maker_fee", "f8"),
    ("spot_fee", "f8"),
    ("spot_half_spread", "f8"),
    ("spot_moved", "f8"),  # log move of spot by the trades of the running step, if it displaces
    ("spot_waiting", "f8"),  # and beyond it by the orders that wait
    ("spot_impact", "f8"),  # log price by which one unit of quote currency moves spot
    ("borrow_rate", "f8"),
    ("band", "f8"),
    ("maximum_leverage", "f8"),
    ("maintenance_fraction", "f8"),
    ("forced_lots", "i8"),  # signed lots of liquidation orders in the last round
)
