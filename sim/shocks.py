"""Shocks to spot on a timeline: moves of the price along a path, and programmes that trade spot."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sim.process import HOUR_SECONDS, Model


class _Shock(Model):
    at_hours: Annotated[float, Field(strict=True, ge=0, le=1e6)]
    minutes: Annotated[float, Field(strict=True, gt=0, le=1e6)]

    def done(self, ends):
        """Return the share of the shock that has happened by each time of `ends`, in seconds since the start."""
        return np.clip((ends - self.at_hours * HOUR_SECONDS) / (self.minutes * 60.0), 0.0, 1.0)


class PathShock(_Shock):
    """A move of the spot price by the fraction `move`, spread evenly in the log price over `minutes`, that stays."""

    kind: Literal["path"] = "path"
    move: Annotated[float, Field(strict=True, gt=-1, le=100, description="fraction of the price, -0.1 is a fall of 10 %")]


class SellProgramme(_Shock):
    """Spot traded evenly over `minutes` whatever the price: `notional_usd` in all, negative when it sells."""

    kind: Literal["programme"] = "programme"
    notional_usd: Annotated[float, Field(strict=True, ge=-1e12, le=1e12)]


SpotShock = Annotated[PathShock | SellProgramme, Field(discriminator="kind")]


def shock_block(shocks, first_step, steps, dt):
    """Return what shocks do to spot in the steps ``first_step .. first_step + steps - 1`` of a run.

    Parameters
    ----------
    shocks : sequence of PathShock or SellProgramme
    first_step, steps : int
    dt : float
        Seconds a step.

    Returns
    -------
    log_additions : numpy.ndarray, shape (steps,)
        What all path shocks have added to the log price since the start of the run, at the end of each step.
    flow_per_step : numpy.ndarray, shape (steps,)
        Quote currency that programmes trade in each step; negative sells.

    Examples
    --------
    >>> fall = PathShock(at_hours=0, minutes=2, move=-0.1)
    >>> sale = SellProgramme(at_hours=0, minutes=2, notional_usd=-1e6)
    >>> log_additions, flow_per_step = shock_block([fall, sale], 0, 3, 60.0)
    >>> np.exp(log_additions).round(4).tolist(), flow_per_step.tolist()
    ([0.9487, 0.9, 0.9], [-500000.0, -500000.0, 0.0])
    """
    times = dt * np.arange(first_step, first_step + steps + 1)
    log_additions, flow_per_step = np.zeros(steps), np.zeros(steps)
    for shock in shocks:
        done = shock.done(times)
        if shock.kind == "path":
            log_additions += math.log1p(shock.move) * done[1:]
        else:
            flow_per_step += shock.notional_usd * np.diff(done)
    return log_additions, flow_per_step
