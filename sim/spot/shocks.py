"""Shocks at stated times: moves of the spot path, trading programmes, moves of an index source."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from perplab.sim.laws.index import SOURCES
from perplab.sim.spot.process import HOUR_SECONDS, Model


class _Shock(Model):
    at_hours: Annotated[float, Field(strict=True, ge=0, le=1e6)]
    minutes: Annotated[float, Field(strict=True, gt=0, le=1e6)]

    @property
    def seconds(self):
        """Start and end of the shock, in seconds since the start of the run."""
        start = self.at_hours * HOUR_SECONDS
        return start, start + self.minutes * 60.0

    def done(self, ends):
        """Return the share of the shock done by each time of `ends`, seconds since the start."""
        return np.clip((ends - self.at_hours * HOUR_SECONDS) / (self.minutes * 60.0), 0.0, 1.0)


class PathShock(_Shock):
    """A permanent move of spot by the fraction `move`, linear in the log price over `minutes`."""

    kind: Literal["path"] = "path"
    move: Annotated[
        float,
        Field(
            strict=True, gt=-1, le=100, description="fraction of the price, -0.1 is a fall of 10 %"
        ),
    ]


class SellProgramme(_Shock):
    """A spot trade of `notional_usd` (negative sells), even over `minutes` at any price."""

    kind: Literal["programme"] = "programme"
    notional_usd: Annotated[float, Field(strict=True, ge=-1e12, le=1e12)]


class SourceShock(_Shock):
    """A move of one index source away from spot, by the fraction `move`, and back.

    It moves away over `minutes` and back over `back_minutes`. `source` counts the weights of the
    rulebook's ``[index]`` from 0; venues with the same asset see the same source move.
    """

    kind: Literal["index_source"] = "index_source"
    source: Annotated[int, Field(strict=True, ge=0, lt=SOURCES)]
    move: Annotated[float, Field(strict=True, gt=-1, le=100, description="fraction of the price")]
    back_minutes: Annotated[float, Field(strict=True, gt=0, le=1e6)]

    @property
    def seconds(self):
        """Start of the move away and end of the move back, in seconds since the start."""
        start, turn = super().seconds
        return start, turn + self.back_minutes * 60.0

    def away(self, ends):
        """Return the shift of the source's log price at each time of `ends`, in seconds."""
        turn = self.at_hours * HOUR_SECONDS + self.minutes * 60.0
        return math.log1p(self.move) * (
            self.done(ends) - np.clip((ends - turn) / (self.back_minutes * 60.0), 0.0, 1.0)
        )


SpotShock = Annotated[PathShock | SellProgramme | SourceShock, Field(discriminator="kind")]


def shock_block(shocks, first_step, steps, dt):
    """Return what shocks add to spot in steps ``first_step .. first_step + steps - 1`` of a run.

    Parameters
    ----------
    shocks : sequence of PathShock or SellProgramme
    first_step, steps : int
    dt : float
        Seconds per step.

    Returns
    -------
    log_additions : numpy.ndarray, shape (steps,)
        Sum of all path shocks since the start of the run, at the end of each step.
    flow_per_step : numpy.ndarray, shape (steps,)
        Quote currency traded by programmes in each step; negative sells.

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
        elif shock.kind == "programme":
            flow_per_step += shock.notional_usd * np.diff(done)
    return log_additions, flow_per_step


def source_block(shocks, first_step, steps, dt):
    """Return the shift of each index source's log price at the end of each step.

    The shape is (steps, SOURCES).

    Examples
    --------
    >>> crash = SourceShock(at_hours=0, minutes=2, move=-0.2, source=1, back_minutes=1)
    >>> np.exp(source_block([crash], 0, 4, 60.0)[:, :2]).round(4).tolist()
    [[1.0, 0.8944], [1.0, 0.8], [1.0, 1.0], [1.0, 1.0]]
    """
    ends = dt * np.arange(first_step + 1, first_step + steps + 1)
    away = np.zeros((steps, SOURCES))
    for shock in shocks:
        if shock.kind == "index_source":
            away[:, shock.source] += shock.away(ends)
    return away
