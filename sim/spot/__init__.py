"""The spot market: exogenous price processes, replay of real prices, shocks, and spot's step.

Here is everything that moves spot from outside, and the impact of traders' spot orders. The index
that venues compute from spot prices is in `perplab.sim.prices`; execution of spot orders is in
`perplab.sim.exchange`.
"""

from perplab.sim.spot.move import move_spot
from perplab.sim.spot.path import draw_paths
from perplab.sim.spot.processes import (
    GeometricBrownian,
    JumpDiffusion,
    MeanReverting,
    Regime,
    RegimeSwitching,
    Replay,
    Sentiment,
    SpotProcess,
    StochasticVolatility,
)
from perplab.sim.spot.shocks import PathShock, SellProgramme, SourceShock, SpotShock, shock_block

__all__ = [
    "GeometricBrownian",
    "JumpDiffusion",
    "MeanReverting",
    "PathShock",
    "Regime",
    "RegimeSwitching",
    "Replay",
    "SellProgramme",
    "Sentiment",
    "SourceShock",
    "SpotProcess",
    "SpotShock",
    "StochasticVolatility",
    "draw_paths",
    "move_spot",
    "shock_block",
]
