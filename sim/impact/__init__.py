"""Price impact of trades in spot: the law of displacement, its depth, its makers, its late buyers.

A file owns the record of its numbers and state, which the asset's row nests, and its formulas; they
know no market. What keys a scenario may state is in `perplab.sim.spot`, and so is the step that
applies the law. The linear law needs no file: its two slopes are numbers of the asset.
"""

from perplab.sim.impact.displacement import DISPLACEMENT, displaced_by, mean_factor
from perplab.sim.impact.ledger import LEDGER

__all__ = ["DISPLACEMENT", "LEDGER", "displaced_by", "mean_factor"]
