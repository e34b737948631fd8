"""The simulator: a perpetual futures market in compiled steps.

It holds venues and their rules, exchange, clearing, funding, liquidation, spot, and the engine that
runs them. The kinds of trader are in `perplab.agents`; files, runs and figures are above. The
folders import only downwards: compiler, laws, state, spot, rulebook, clearing, exchange, then
prices, funding and risk, then traders; on top are `engine` and `model`. A market is
`perplab.sim.model.PerpetualMarket`, made of a `perplab.sim.setup.Setup`.
"""

from perplab.sim.errors import (
    Fault,
    InvariantError,
    ParameterError,
    PerplabError,
    RuleError,
    SweepError,
)

__all__ = [
    "Fault",
    "InvariantError",
    "ParameterError",
    "PerplabError",
    "RuleError",
    "SweepError",
]
