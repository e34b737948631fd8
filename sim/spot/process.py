"""Shared by all spot processes: state, block, units, the exact Ornstein-Uhlenbeck path."""

import math
from itertools import accumulate
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from perplab.sim.faults import Refusing

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86400.0
YEAR_SECONDS = 365 * DAY_SECONDS
STATE_SIZE = 8
DRAWN = 7

Price = Annotated[float, Field(strict=True, gt=0, le=1e12, description="quote currency")]
Volatility = Annotated[
    float, Field(strict=True, ge=0, le=20, description="per square root of a year, 0.65 is 65 %")
]
Drift = Annotated[
    float, Field(strict=True, ge=-20, le=20, description="expected growth of the price per year")
]
HalfLife = Annotated[float, Field(strict=True, gt=0, le=1e6)]
Deviation = Annotated[float, Field(strict=True, ge=0, le=5)]


class Model(Refusing):
    """A frozen model of finite values that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PriceProcess(Model):
    """Base of processes without an end; each defines ``_moves``, its moves of the log price."""

    initial_price: Price

    def start(self) -> np.ndarray:
        """Return the state before the first step: ``state[0]`` is the log price."""
        state = np.zeros(STATE_SIZE)
        state[0] = math.log(self.initial_price)
        return state

    def block(
        self, rng: np.random.Generator, steps: int, dt: float, state: np.ndarray
    ) -> np.ndarray:
        """Draw the log price at the end of each of the next `steps` steps.

        Parameters
        ----------
        rng : numpy.random.Generator
        steps : int
        dt : float
            Seconds per step.
        state : numpy.ndarray
            From `start`; updated in place.

        Returns
        -------
        numpy.ndarray, shape (steps,)
        """
        log_prices = state[0] + np.cumsum(self._moves(rng, steps, dt, state))
        return store_last(log_prices, state)

    def limit_steps(self, dt: float) -> int | None:
        """Return None: the process has no end."""
        return None


def store_last(values, state):
    """Store the last of `values` in ``state[0]`` and return `values`."""
    if len(values):
        state[0] = values[-1]
    return values


def reverting(now, kept, sd, draws):
    """Return an exact Ornstein-Uhlenbeck path around 0, from `now` on.

    `kept` is the autocorrelation over one step, `sd` the stationary standard deviation.
    """
    noise = (draws * (sd * math.sqrt(1.0 - kept * kept))).tolist()
    return np.array(
        list(accumulate(noise, lambda value, shock: kept * value + shock, initial=float(now)))
    )


def kept_share(dt, half_life_seconds):
    """Return the share of a deviation that remains after `dt` seconds."""
    return 0.5 ** (dt / half_life_seconds)
