"""Funding of a market: premium samples, the rate in force and predicted, settlement.

The formulas of samples, averages and rates belong in `perplab.sim.laws`, the booking of a payment
in `perplab.sim.clearing`.
"""

from perplab.sim.funding.premium_samples import sample_premium
from perplab.sim.funding.rate import publish_predicted_rate, rate_in_force
from perplab.sim.funding.settlement import accrue, settle

__all__ = [
    "accrue",
    "publish_predicted_rate",
    "rate_in_force",
    "sample_premium",
    "settle",
]
