"""Risk: what happens to an account below maintenance.

Here are the search for such accounts, liquidation orders and rounds, takeovers by the insurance
fund, ADL and loss sharing, and the record of each event with its parent and cause. Balances and
margin requirements belong in `perplab.sim.clearing`, the matching of orders in
`perplab.sim.exchange`, the formulas of prices and margins in `perplab.sim.laws`.
"""

from perplab.sim.risk.adl import run_adl
from perplab.sim.risk.attribution import Trigger, parent_of, start_event
from perplab.sim.risk.fund_unwinding import unwind_fund
from perplab.sim.risk.liquidation import liquidate, liquidation_round
from perplab.sim.risk.loss_sharing import needs_adl, note_peak, share_loss
from perplab.sim.risk.pool_adl import run_pool_adl
from perplab.sim.risk.screening import below_maintenance, find_liquidatable

__all__ = [
    "Trigger",
    "below_maintenance",
    "find_liquidatable",
    "liquidate",
    "liquidation_round",
    "needs_adl",
    "note_peak",
    "parent_of",
    "run_adl",
    "run_pool_adl",
    "share_loss",
    "start_event",
    "unwind_fund",
]
