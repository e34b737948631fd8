"""Small takers in spot: they push its mid off the efficient price, for seconds."""

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from perplab.sim.spot.process import Model, reverting

BP = 1e-4


class SmallTakers(Model):
    """The deviation of the spot mid from its efficient price: an Ornstein-Uhlenbeck process.

    Parameters
    ----------
    sd_bps : float
        Stationary standard deviation of the log price, bp.
    seconds : float
        Mean time in which quotes come back.

    Notes
    -----
    In steps well above `seconds` each step ends at a deviation of its own. The defaults are
    below what 345 seconds of quotes of BTC at Binance on 8 August 2024 imply: there the deviation
    of perpetual from spot has a standard deviation of .56 bp and an autocorrelation of .55 at 1 s,
    and spot makes some two thirds of the correction.
    """

    sd_bps: Annotated[float, Field(strict=True, ge=0, le=100)] = 0.4
    seconds: Annotated[float, Field(strict=True, gt=0, le=3600)] = 2.0

    def start(self) -> np.ndarray:
        """Return the state before the first step: no deviation."""
        return np.zeros(1)

    def block(
        self, rng: np.random.Generator, steps: int, dt: float, state: np.ndarray
    ) -> np.ndarray:
        """Draw the deviation at the end of each of the next `steps` steps, log price."""
        kept = math.exp(-dt / self.seconds)
        path = reverting(state[0], kept, self.sd_bps * BP, rng.standard_normal(steps))[1:]
        state[0] = path[-1]
        return path
