"""Row types of what a run records: events, settlements, trades and series."""

from perplab.sim.compiler.tables import row

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
)  # of all positions of one margin account; units


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
    ("displacement", "f8"),  # of spot, log price
    ("spot_impact", "f8"),  # log price per unit of quote currency
    ("makers_profit", "f8"),
    ("late_value", "f8"),
    ("late_profit", "f8"),
    ("latent_profit", "f8"),
)


KIND_SERIES = row(
    ("seconds", "f8"),
    ("equity", "i8"),
    ("funding", "i8"),
    ("fees", "i8"),
    ("spot_profit", "i8"),  # on spot: money received, borrow interest, value of what is held
    ("margin", "i8"),  # in use by positions and orders
    ("lots", "i8"),
    ("long_lots", "i8"),
    ("spot_lots", "i8"),
)  # (record, kind)
