"""The columns of a stored run: their units, and the names behind their numbers."""

from perplab.sim.state.codes import CAUSES, FORCED_KINDS

FRACTION, QUOTE, UNITS, LOTS, SECONDS, COUNT = (
    "fraction",
    "quote currency",
    "money units",
    "lots",
    "s",
    "1",
)
PER_INTERVAL = "fraction per funding interval"

UNITS_OF_COLUMNS = {
    "seconds": SECONDS,
    "step": COUNT,
    "round": COUNT,
    "sequence": COUNT,
    "market": "number",
    "trader": "number",
    "counterparty": "number, -1: none",
    "node": "number, -1: none",
    "parent": "number, -1: none",
    "kind": "name",
    "cause": "name",
    "spot": QUOTE,
    "index": QUOTE,
    "mark": QUOTE,
    "mid": QUOTE,
    "last": QUOTE,
    "best_bid": QUOTE,
    "best_ask": QUOTE,
    "counterfactual_mark": QUOTE,
    "bankruptcy_price": QUOTE,
    "mid_shift": QUOTE,
    "premium": FRACTION,
    "average_premium": FRACTION,
    "predicted_funding": PER_INTERVAL,
    "funding_rate": PER_INTERVAL,
    "rate": PER_INTERVAL,
    "open_interest": LOTS,
    "volume": LOTS + " since the start",
    "depth_bid": LOTS + " within 10 bp",
    "depth_ask": LOTS + " within 10 bp",
    "fund": UNITS,
    "fund_lots": LOTS,
    "sentiment": COUNT,
    "displacement": "log price",
    "spot_impact": "log price per unit of quote currency",
    "makers_profit": QUOTE,
    "late_value": QUOTE,
    "late_profit": QUOTE,
    "latent_profit": QUOTE,
    "lots": LOTS,
    "long_lots": LOTS,
    "spot_lots": LOTS,
    "equity": UNITS,
    "funding": UNITS + ", received",
    "fees": UNITS + ", received",
    "spot_profit": UNITS,
    "margin": UNITS + ", in use",
    "value": UNITS,
    "index_pnl": UNITS,
    "basis_pnl": UNITS,
    "fund_change": UNITS,
    "long_paid": UNITS,
    "short_paid": UNITS,
    "residue": UNITS,
    "capped": "0 or 1",
    "tick": "ticks",
    "side": "1: buy, -1: sell",
    "taker": "number",
    "maker": "number",
    "forced": "0 or 1",
    "notional": UNITS + ", of all positions in the margin account",
}
NAMES_OF_NUMBERS = {"liquidations": {"kind": FORCED_KINDS, "cause": CAUSES}}


def names_of(table, kind_names):
    """Return the names behind the numbers of a table, by column, given the kinds of trader."""
    return {"kind": tuple(kind_names)} if table == "positions" else NAMES_OF_NUMBERS.get(table, {})


def unit_of(column):
    """Return the unit of a column.

    Examples
    --------
    >>> unit_of("mark")
    'quote currency'
    """
    return UNITS_OF_COLUMNS.get(column, COUNT)
