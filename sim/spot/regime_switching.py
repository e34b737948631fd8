"""A price whose volatility and drift switch between hidden regimes."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from perplab.sim.spot.process import (
    DAY_SECONDS,
    DRAWN,
    YEAR_SECONDS,
    Drift,
    Model,
    PriceProcess,
    Volatility,
)


class Regime(Model):
    """A regime: volatility and drift per year, mean duration, weight among next regimes."""

    volatility: Volatility
    drift: Drift = 0.0
    mean_days: Annotated[float, Field(strict=True, ge=1e-3, le=1e5)]
    weight: Annotated[float, Field(strict=True, gt=0, le=1e6)] = 1.0


class RegimeSwitching(PriceProcess):
    """Geometric Brownian motion whose volatility and drift change with a hidden Markov regime.

    Hamilton (1989, Econometrica 57) in continuous time: durations are exponential with mean
    `mean_days`, then another regime follows with probability proportional to its `weight`. A step
    across a change has the variance of the times spent in each.

    Parameters
    ----------
    regimes : sequence of Regime
        At least two.
    initial_regime : int, optional
        Counted from 0. By default drawn from the stationary distribution.

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
        """Stationary share of time in each regime, as an array."""
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
        """Return (seconds, variance, log growth) since the block's start at each regime change.

        The last knot is at `horizon`.
        """
        knots = [(0.0, 0.0, 0.0)]
        if not state[DRAWN]:
            self._enter(rng, self._first(rng), state)
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

    def _first(self, rng):
        if self.initial_regime is not None:
            return self.initial_regime
        return rng.choice(len(self.regimes), p=self.shares)

    def _enter(self, rng, regime, state):
        state[1] = regime
        state[2] = rng.exponential(self.regimes[regime].mean_days * DAY_SECONDS)
        state[DRAWN] = 1

    def _following(self, rng, regime):
        weights = np.array([other.weight for other in self.regimes])
        weights[regime] = 0.0
        return rng.choice(len(weights), p=weights / weights.sum())
