"""Spot prices from outside the market: price processes, and the crowd's sentiment.

Everything here is drawn in blocks of steps, outside the compiled step, from a numpy Generator given for each block::

    state = process.start()
    log_prices = process.block(perplab.sim.streams.generator(seed, "spot/btc", 0), steps, dt, state)

`start` returns 8 floats of which ``state[0]`` is the log price now; `block` returns the log price at the end of each
of the next `steps` steps of `dt` seconds and moves `state` along, so a run that keeps `state` and the number of its block
resumes bit for bit. A year has 365 days. `drift` is the expected growth of the *price* per year (log prices drift by half
the variance less); `volatility` is the standard deviation of the log price per square root of a year.

Transitions are exact in law at every `dt`, except those of `StochasticVolatility`, which says where it is not.
"""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from perplab.sim.spot.process import (
    DAY_SECONDS,
    DRAWN,
    HOUR_SECONDS,
    STATE_SIZE,
    YEAR_SECONDS,
    Deviation,
    Drift,
    HalfLife,
    Model,
    Price,
    PriceProcess,
    Volatility,
    kept_share,
    reverting,
    store_last,
)
from perplab.sim.spot.replay import Replay
from perplab.sim.spot.shocks import PathShock, SellProgramme, SpotShock, shock_block

__all__ = [
    "GeometricBrownian",
    "JumpDiffusion",
    "StochasticVolatility",
    "Regime",
    "RegimeSwitching",
    "MeanReverting",
    "Replay",
    "SpotProcess",
    "Sentiment",
    "PathShock",
    "SellProgramme",
    "SpotShock",
    "shock_block",
]


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
    """Brownian motion with normal jumps of the log price at Poisson times (Merton, 1976, J. Financial Economics 3).

    `volatility` is that of the motion between jumps; jumps add ``jumps_per_day * 365 * (jump_mean**2 + jump_sd**2)`` to the
    variance per year. The drift is compensated, so `drift` is the expected growth of the price with its jumps.
    """

    process: Literal["jump_diffusion"] = "jump_diffusion"
    volatility: Volatility = 0.5
    drift: Drift = 0.0
    jumps_per_day: Annotated[float, Field(strict=True, ge=0, le=1440)] = 0.5
    jump_mean: Annotated[float, Field(strict=True, ge=-2, le=2, description="log price")] = -0.002
    jump_sd: Annotated[float, Field(strict=True, ge=0, le=2, description="log price")] = 0.02

    def _moves(self, rng, steps, dt, state):
        years, jumps_a_year = dt / YEAR_SECONDS, self.jumps_per_day * 365
        growth_a_jump = math.expm1(self.jump_mean + self.jump_sd * self.jump_sd / 2)
        drift = self.drift - self.volatility * self.volatility / 2 - jumps_a_year * growth_a_jump
        jumps = rng.poisson(jumps_a_year * years, steps)
        diffusion, jump_noise = rng.standard_normal((2, steps))
        jumped = self.jump_mean * jumps + self.jump_sd * np.sqrt(jumps) * jump_noise
        return drift * years + self.volatility * math.sqrt(years) * diffusion + jumped


class StochasticVolatility(PriceProcess):
    """Volatility whose logarithm is the sum of a slow and a fast Ornstein-Uhlenbeck process.

    ``sigma(t) = volatility * exp(slow(t) + fast(t) - slow_sd**2 - fast_sd**2)``, so that `volatility` is the root mean
    square in the long run, at any `dt`. One factor: Scott (1987, J. Financial and Quantitative Analysis 22), in
    discrete time Taylor (1986, *Modelling Financial Time Series*); two: Alizadeh, Brandt and Diebold (2002, J. Finance
    57). Volatility and returns are independent (no leverage effect). ``fast_sd=0`` leaves one factor.

    Parameters
    ----------
    volatility : float
        Root mean square, per square root of a year. The median is lower, by ``exp(-slow_sd**2 - fast_sd**2)``.
    slow_sd, fast_sd : float
        Stationary standard deviations of the two factors of the log volatility.
    slow_half_life_days, fast_half_life_hours : float
    initial_volatility : float, optional
        Volatility a year at the start. By default the factors are drawn from their stationary law.

    Notes
    -----
    The log volatility moves by its exact transition. A return is Gaussian given the volatility at the start of
    its step: the variance is exact at any `dt`, the clustering within an hour only for steps well below the fast half-life.
    Returns over a time short against the half-lives have an excess kurtosis of ``3 * expm1(4 * (slow_sd**2 + fast_sd**2))``.
    The defaults follow hourly BTC spot of 2020-2023. Autocorrelation of absolute returns at 1, 24, 168 hours: .29, .17,
    .13 there, .35, .17, .12 here (mean of 16 samples of four years). Excess kurtosis 55 there, 13 without the ten largest
    moves, 12 here; tail index of the largest 1 % 3.0 there, 3.9 here: add a shock for a crash.
    """

    process: Literal["stochastic_volatility"] = "stochastic_volatility"
    volatility: Volatility = 0.65
    drift: Drift = 0.0
    slow_sd: Deviation = 0.5
    slow_half_life_days: HalfLife = 20.0
    fast_sd: Deviation = 0.45
    fast_half_life_hours: HalfLife = 4.0
    initial_volatility: Annotated[float, Field(strict=True, gt=0, le=20)] | None = None

    def _moves(self, rng, steps, dt, state):
        self._draw_start(rng, state)
        draws, years = rng.standard_normal((3, steps)), dt / YEAR_SECONDS
        slow_kept = kept_share(dt, self.slow_half_life_days * DAY_SECONDS)
        fast_kept = kept_share(dt, self.fast_half_life_hours * HOUR_SECONDS)
        slow = reverting(state[1], slow_kept, self.slow_sd, draws[0])
        fast = reverting(state[2], fast_kept, self.fast_sd, draws[1])
        state[1], state[2] = slow[-1], fast[-1]
        sigma = self.volatility * np.exp(slow[:-1] + fast[:-1] - self._shift)
        return (self.drift - sigma * sigma / 2) * years + sigma * math.sqrt(years) * draws[2]

    @property
    def _shift(self):
        return self.slow_sd * self.slow_sd + self.fast_sd * self.fast_sd

    def _draw_start(self, rng, state):
        if state[DRAWN]:
            return
        state[1:3] = rng.standard_normal(2) * (self.slow_sd, self.fast_sd)
        if self.initial_volatility is not None and self.volatility > 0:
            state[1:3] = math.log(self.initial_volatility / self.volatility) + self._shift, 0.0
        state[DRAWN] = 1


class Regime(Model):
    """A regime: its volatility and drift a year, its mean duration, and its weight among those a change can lead to."""

    volatility: Volatility
    drift: Drift = 0.0
    mean_days: Annotated[float, Field(strict=True, ge=1e-3, le=1e5)]
    weight: Annotated[float, Field(strict=True, gt=0, le=1e6)] = 1.0


class RegimeSwitching(PriceProcess):
    """Geometric Brownian motion whose volatility and drift change with a hidden Markov regime.

    Hamilton (1989, Econometrica 57) in continuous time: durations are exponential with mean `mean_days`, then another
    regime follows with chance proportional to its `weight`. A step over a change has the variance of the time spent in each.

    Parameters
    ----------
    regimes : sequence of Regime
        At least two.
    initial_regime : int, optional
        Counted from 0. By default drawn from the stationary law.

    Notes
    -----
    ``state[1]`` is the regime, ``state[2]`` the seconds left in it.
    """

    process: Literal["regime_switching"] = "regime_switching"
    regimes: Annotated[tuple[Regime, ...], Field(min_length=2, max_length=64)] = (
        Regime(volatility=0.45, mean_days=15),
        Regime(volatility=1.1, mean_days=4),
    )
    initial_regime: Annotated[int, Field(strict=True, ge=0)] | None = None

    @model_validator(mode="after")
    def _check_initial(self):
        if self.initial_regime is not None and self.initial_regime >= len(self.regimes):
            raise ValueError(
                f"initial_regime was {self.initial_regime}, must be below {len(self.regimes)}"
            )
        return self

    @property
    def shares(self) -> np.ndarray:
        """The stationary share of time in each regime, as an array."""
        weights = np.array([regime.weight for regime in self.regimes])
        visits = weights * (weights.sum() - weights)
        share = visits * [regime.mean_days for regime in self.regimes]
        return share / share.sum()

    def _moves(self, rng, steps, dt, state):
        ends = dt * np.arange(steps + 1)
        seconds, variance, growth = np.array(self._knots(rng, ends[-1], state)).T
        step_variance = np.diff(np.interp(ends, seconds, variance))
        return np.diff(np.interp(ends, seconds, growth)) + np.sqrt(
            step_variance
        ) * rng.standard_normal(steps)

    def _knots(self, rng, horizon, state):
        """Return (seconds, variance, log growth) since the block's start at each change of regime, up to `horizon`."""
        knots = [(0.0, 0.0, 0.0)]
        if not state[DRAWN]:
            chosen = self.initial_regime
            self._enter(
                rng,
                rng.choice(len(self.regimes), p=self.shares) if chosen is None else chosen,
                state,
            )
        while knots[-1][0] < horizon:
            seconds, variance, growth = knots[-1]
            if state[2] <= 0:
                self._enter(rng, self._following(rng, int(state[1])), state)
            regime, left = self.regimes[int(state[1])], horizon - seconds
            until, spent = (seconds + state[2], state[2]) if state[2] < left else (horizon, left)
            added = regime.volatility * regime.volatility * spent / YEAR_SECONDS
            knots.append(
                (until, variance + added, growth + regime.drift * spent / YEAR_SECONDS - added / 2)
            )
            state[2] -= spent
        return knots

    def _enter(self, rng, regime, state):
        state[1] = regime
        state[2] = rng.exponential(self.regimes[regime].mean_days * DAY_SECONDS)
        state[DRAWN] = 1

    def _following(self, rng, regime):
        weights = np.array([other.weight for other in self.regimes])
        weights[regime] = 0.0
        return rng.choice(len(weights), p=weights / weights.sum())


class MeanReverting(PriceProcess):
    """A log price drawn back to that of `level`: an exponential Ornstein-Uhlenbeck process (Schwartz, 1997, model 1).

    In the long run the log price has mean ``log(level)`` and standard deviation
    ``volatility * sqrt(half_life / (2 * log(2)))``, with the half-life in years.
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
        """Draw the log price at the end of each of the next `steps` steps, as in the other processes."""
        kept, centre = kept_share(dt, self.half_life_hours * HOUR_SECONDS), math.log(self.level)
        path = reverting(state[0] - centre, kept, self.log_sd, rng.standard_normal(steps))
        return store_last(centre + path[1:], state)


SpotProcess = Annotated[
    GeometricBrownian
    | JumpDiffusion
    | StochasticVolatility
    | RegimeSwitching
    | MeanReverting
    | Replay,
    Field(discriminator="process"),
]


class Sentiment(Model):
    """The crowd's sentiment: a stationary Ornstein-Uhlenbeck process of mean 0.

    Parameters
    ----------
    half_life_hours : float
    sd : float
        Stationary standard deviation.
    initial : float, optional
        Value at the start. By default drawn from the stationary law with the first block; ``state[0]`` is 0 until then.
    """

    half_life_hours: HalfLife = 50.0
    sd: Annotated[float, Field(strict=True, ge=0, le=1e3)] = 1.0
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
        """Draw the sentiment at the end of each of the next `steps` steps; arguments as for a price process."""
        if not state[DRAWN]:
            state[0], state[DRAWN] = self.sd * rng.standard_normal(), 1
        kept = kept_share(dt, self.half_life_hours * HOUR_SECONDS)
        return store_last(reverting(state[0], kept, self.sd, rng.standard_normal(steps))[1:], state)

    def limit_steps(self, dt: float) -> int | None:
        """Return None: the process can be drawn for ever."""
        return None
