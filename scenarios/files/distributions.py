"""Distributions from which a trait may be drawn, one value per trader.

In a scenario file: ``leverage = {distribution = "lognormal", median = 7.4, log_sd = 0.7}``.
A draw beyond `min` or `max` is moved to that bound. Values are in the unit of the trait.
"""

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.spot.process import Model

Finite = Annotated[float, Field(strict=True, ge=-1e18, le=1e18)]
Deviation = Annotated[float, Field(strict=True, ge=0, le=1e18)]
Positive = Annotated[float, Field(strict=True, gt=0, le=1e18)]


class Bounded(Model):
    """A distribution with optional bounds.

    `low` and `high` are the smallest and the largest value that it can give; `ends` are the keys
    that set them.
    """

    min: Finite | None = None
    max: Finite | None = None
    least: ClassVar[float] = -math.inf
    ends: ClassVar[tuple] = ("min", "max")

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ParameterError(Fault("max", self.max, f"at least min, {self.min}"))
        return self

    @property
    def low(self):
        """Smallest value."""
        return self.least if self.min is None else max(self.min, self.least)

    @property
    def high(self):
        """Largest value."""
        return math.inf if self.max is None else self.max

    def draw(self, rng, number):
        """Return an array of `number` values drawn with a numpy Generator."""
        return np.clip(self._unbounded(rng, number), self.min, self.max)


class Lognormal(Bounded):
    """Lognormal, by its median or its mean, and the standard deviation of the logarithm."""

    distribution: Literal["lognormal"]
    median: Positive | None = None
    mean: Positive | None = None
    log_sd: Annotated[float, Field(strict=True, ge=0, le=10)]
    least: ClassVar[float] = 0.0

    @model_validator(mode="after")
    def _one_centre(self):
        if (self.median is None) == (self.mean is None):
            raise ParameterError(Fault("median", self.median, "given, or the mean, but not both"))
        return self

    @property
    def centre(self):
        """The median."""
        return self.mean * math.exp(-(self.log_sd**2) / 2) if self.median is None else self.median

    def _unbounded(self, rng, number):
        return self.centre * np.exp(self.log_sd * rng.standard_normal(number))


class Normal(Bounded):
    """Normal with mean and standard deviation."""

    distribution: Literal["normal"]
    mean: Finite
    sd: Deviation

    def _unbounded(self, rng, number):
        return self.mean + self.sd * rng.standard_normal(number)


class Exponential(Bounded):
    """Exponential with its mean."""

    distribution: Literal["exponential"]
    mean: Positive
    least: ClassVar[float] = 0.0

    def _unbounded(self, rng, number):
        return rng.exponential(self.mean, number)


class Uniform(Model):
    """Uniform from low to high."""

    distribution: Literal["uniform"]
    ends: ClassVar[tuple] = ("low", "high")
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ParameterError(Fault("high", self.high, f"at least low, {self.low}"))
        return self

    def draw(self, rng, number):
        """Return an array of `number` values drawn with a numpy Generator."""
        return rng.uniform(self.low + 0.0, self.high + 0.0, number)  # numpy refuses 0.0 to -0.0


class Choice(Model):
    """One of several values, with probabilities proportional to `weights` (equal by default)."""

    distribution: Literal["choice"]
    ends: ClassVar[tuple] = ("values", "values")
    values: Annotated[tuple[Finite, ...], Field(min_length=1)]
    weights: tuple[Positive, ...] | None = None

    @model_validator(mode="after")
    def _same_length(self):
        if self.weights is not None and len(self.weights) != len(self.values):
            bound = f"as many as values, {len(self.values)}"
            raise ParameterError(Fault("weights", len(self.weights), bound))
        return self

    @property
    def low(self):
        """Smallest value."""
        return min(self.values)

    @property
    def high(self):
        """Largest value."""
        return max(self.values)

    def draw(self, rng, number):
        """Return an array of `number` values drawn with a numpy Generator."""
        weights = np.ones(len(self.values)) if self.weights is None else np.array(self.weights)
        return rng.choice(np.array(self.values), number, p=weights / weights.sum())


DISTRIBUTIONS = {
    "lognormal": Lognormal,
    "normal": Normal,
    "exponential": Exponential,
    "uniform": Uniform,
    "choice": Choice,
}
Distribution = Annotated[
    Lognormal | Normal | Exponential | Uniform | Choice, Field(discriminator="distribution")
]
