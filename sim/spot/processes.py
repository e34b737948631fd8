"""All spot processes, and how they are drawn.

Paths are drawn in blocks of steps, outside the compiled step, with a numpy Generator per block::

    state = process.start()
    log_prices = process.block(perplab.sim.streams.generator(seed, "spot/btc", 0), steps, dt, state)

`start` returns 8 floats of which ``state[0]`` is the log price now; `block` returns the log price
at the end of each of the next `steps` steps of `dt` seconds and updates `state`. A run that keeps
`state` and the number of its block resumes bit for bit. A year has 365 days. `drift` is the
expected growth of the *price* per year (the drift of the log price is lower by half the variance);
`volatility` is the standard deviation of the log price per square root of a year.

Transitions are exact in distribution at every `dt`, except those of `StochasticVolatility`; see
its notes.
"""

from typing import Annotated

from pydantic import Field

from perplab.sim.spot.brownian import GeometricBrownian, JumpDiffusion
from perplab.sim.spot.mean_reversion import MeanReverting, Sentiment
from perplab.sim.spot.regime_switching import Regime, RegimeSwitching
from perplab.sim.spot.replay import Replay
from perplab.sim.spot.small_takers import SmallTakers
from perplab.sim.spot.stochastic_volatility import StochasticVolatility

__all__ = [
    "GeometricBrownian",
    "JumpDiffusion",
    "MeanReverting",
    "Regime",
    "RegimeSwitching",
    "Replay",
    "Sentiment",
    "SmallTakers",
    "SpotProcess",
    "StochasticVolatility",
]

SpotProcess = Annotated[
    GeometricBrownian
    | JumpDiffusion
    | StochasticVolatility
    | RegimeSwitching
    | MeanReverting
    | Replay,
    Field(discriminator="process"),
]
