"""Ornstein-Uhlenbeck processes: a mean-reverting price, and sentiment."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from perplab.sim.spot.process import (
    DRAWN,
    HOUR_SECONDS,
    STATE_SIZE,
    YEAR_SECONDS,
    HalfLife,
    Model,
    Price,
    PriceProcess,
    Volatility,
    kept_share,
    reverting,
    store_last,
)


class MeanReverting(PriceProcess):
    """An exponential Ornstein-Uhlenbeck process around `level` (Schwartz, 1997, model 1).

    In the long run the log price has mean ``log(level)`` and standard deviation ``volatility *
    sqrt(half_life / (2 * log(2)))``, with the half-life in years.
    """

    process: Literal["mean_reverting"] = "mean_reverting"
    level: Price
    half_life_hours: HalfLife = 24.0
    volatility: Volatility = 0.65

    @property
    def log_sd(self) -> float:
        """Stationary standard deviation of the log price."""
        return self.volatility * math.sqrt(
            self.half_life_hours * HOUR_SECONDS / YEAR_SECONDS / (2 * math.log(2))
        )

    def block(
        self, rng: np.random.Generator, steps: int, dt: float, state: np.ndarray
    ) -> np.ndarray:
        """Draw the log price at the end of each of the next `steps` steps, as other processes."""
        kept, centre = kept_share(dt, self.half_life_hours * HOUR_SECONDS), math.log(self.level)
        path = reverting(state[0] - centre, kept, self.log_sd, rng.standard_normal(steps))
        return store_last(centre + path[1:], state)


class Sentiment(Model):
    """Sentiment of the crowd: a stationary Ornstein-Uhlenbeck process of mean 0, and past returns.

    Parameters
    ----------
    half_life_hours : float
    sd : float
        Stationary standard deviation.
    return_weight : float
        Sentiment per unit of the log spot price over its exponential mean: past returns feed it.
    return_half_life_days : float
        Half-life of that mean.
    initial : float, optional
        Initial value. By default drawn from the stationary distribution with the first block;
        ``state[0]`` is 0 until then.
    """

    half_life_hours: HalfLife = 50.0
    sd: Annotated[float, Field(strict=True, ge=0, le=1e3)] = 1.0
    return_weight: Annotated[float, Field(strict=True, ge=-1e3, le=1e3)] = 0.0
    return_half_life_days: HalfLife = 14.0
    initial: float | None = None

    def start(self) -> np.ndarray:
        """Return the state before the first step: ``state[0]`` is the sentiment."""
        state = np.zeros(STATE_SIZE)
        state[0] = self.initial or 0.0
        state[DRAWN] = self.initial is not None
        return state

    def block(
        self, rng: np.random.Generator, steps: int, dt: float, state: np.ndarray
    ) -> np.ndarray:
        """Draw the sentiment at the end of each of the next `steps` steps.

        Arguments are as for a price process.
        """
        if not state[DRAWN]:
            state[0], state[DRAWN] = self.sd * rng.standard_normal(), 1
        kept = kept_share(dt, self.half_life_hours * HOUR_SECONDS)
        return store_last(reverting(state[0], kept, self.sd, rng.standard_normal(steps))[1:], state)

    def limit_steps(self, dt: float) -> int | None:
        """Return None: the process has no end."""
        return None
