"""The laws of venues: formulas that take numbers and records, and know no market.

A law's file owns three things: the enum of its variants, whose names a rulebook states; its record
type, which the tables of `perplab.sim.state` nest; and its formula. Nobody else reads the codes or
fields of a law: a test holds that. What applies a law to a market (its book, accounts, clock)
belongs in `perplab.sim.exchange`, `clearing`, `prices`, `funding` or `risk`, the keys and bounds
of a rulebook in `perplab.sim.rulebook`.
"""

from perplab.sim.laws.adl import ADL_LAW
from perplab.sim.laws.amm import AMM_LAW
from perplab.sim.laws.choices import Choice
from perplab.sim.laws.funding import FUNDING_LAW, SEEN, cap_by_law, funding_law, funding_rate
from perplab.sim.laws.funding_interval import INTERVAL_LAW
from perplab.sim.laws.funding_transfer import TRANSFER_LAW, funding_payment
from perplab.sim.laws.index import INDEX_LAW
from perplab.sim.laws.liquidation import LIQUIDATION_LAW, bankruptcy_price, liquidation_price
from perplab.sim.laws.margin import MARGIN_LAW, initial_margin, maintenance_margin
from perplab.sim.laws.mark import MARK_LAW
from perplab.sim.laws.premium import PREMIUM_LAW, premium_index
from perplab.sim.laws.premium_average import AVERAGE_LAW
from perplab.sim.laws.skew_funding import SKEW_LAW

__all__ = [
    "ADL_LAW",
    "AMM_LAW",
    "AVERAGE_LAW",
    "FUNDING_LAW",
    "INDEX_LAW",
    "INTERVAL_LAW",
    "LIQUIDATION_LAW",
    "MARGIN_LAW",
    "MARK_LAW",
    "PREMIUM_LAW",
    "SEEN",
    "SKEW_LAW",
    "TRANSFER_LAW",
    "Choice",
    "bankruptcy_price",
    "cap_by_law",
    "funding_law",
    "funding_payment",
    "funding_rate",
    "initial_margin",
    "liquidation_price",
    "maintenance_margin",
    "premium_index",
]
