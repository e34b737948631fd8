"""Brownian motion of the log price, without and with jumps."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from perplab.sim.spot.process import (
    YEAR_SECONDS,
    Drift,
    PriceProcess,
    Volatility,
)


class GeometricBrownian(PriceProcess):
    """Geometric Brownian motion.

    Examples
    --------
    >>> calm = GeometricBrownian(initial_price=20_000, volatility=0.55)
    >>> state = calm.start()
    >>> log_prices = calm.block(np.random.default_rng(1), 1440, 60.0, state)
    >>> len(log_prices), bool(state[0] == log_prices[-1])
    (1440, True)
    """

    process: Literal["geometric_brownian"] = "geometric_brownian"
    volatility: Volatility = 0.65
    drift: Drift = 0.0

    def _moves(self, rng, steps, dt, state):
        years = dt / YEAR_SECONDS
        drift = (self.drift - self.volatility * self.volatility / 2) * years
        return drift + self.volatility * math.sqrt(years) * rng.standard_normal(steps)


class JumpDiffusion(PriceProcess):
    """Brownian motion with normal jumps of the log price at Poisson times (Merton, 1976).

    `volatility` is that of the motion between jumps; jumps add ``jumps_per_day * 365 *
    (jump_mean**2 + jump_sd**2)`` to the variance per year. The drift is compensated, so `drift` is
    the expected growth of the price including jumps.

    References
    ----------
    .. [1] Merton (1976), J. Financial Economics 3.
    """

    process: Literal["jump_diffusion"] = "jump_diffusion"
    volatility: Volatility = 0.5
    drift: Drift = 0.0
    jumps_per_day: Annotated[float, Field(strict=True, ge=0, le=1440)] = 0.5
    jump_mean: Annotated[float, Field(strict=True, ge=-2, le=2, description="log price")] = -0.002
    jump_sd: Annotated[float, Field(strict=True, ge=0, le=2, description="log price")] = 0.02

    def _moves(self, rng, steps, dt, state):
        years, jumps_per_year = dt / YEAR_SECONDS, self.jumps_per_day * 365
        growth_per_jump = math.expm1(self.jump_mean + self.jump_sd * self.jump_sd / 2)
        drift = (
            self.drift - self.volatility * self.volatility / 2 - jumps_per_year * growth_per_jump
        )
        jumps = rng.poisson(jumps_per_year * years, steps)
        diffusion, jump_noise = rng.standard_normal((2, steps))
        jumped = self.jump_mean * jumps + self.jump_sd * np.sqrt(jumps) * jump_noise
        return drift * years + self.volatility * math.sqrt(years) * diffusion + jumped
