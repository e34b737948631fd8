"""Replay of a real price: the bars of a file joined by Brownian bridges.

Each row's price is the price at its timestamp (files stamped by the opening of a bar are one bar
early in all their columns). Second 0 of the run is the first row at or after `start`.
"""

import math
import pathlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import Refusing
from perplab.sim.market_data.tables import version
from perplab.sim.spot.price_files import read_bars, read_beside, read_columns
from perplab.sim.spot.process import DAY_SECONDS, STATE_SIZE


def column_name(value):
    """Return the number of a column, of a file without a header, as its name."""
    return str(value) if type(value) is int else value


ColumnName = Annotated[str, BeforeValidator(column_name)]


class Replay(Refusing):
    """A spot price that passes through every bar close of a file.

    Parameters
    ----------
    file : path
        CSV, gzipped CSV, a zip of one CSV, or Parquet.
    column, time_column : str
        The price, and its time: ISO 8601 (UTC without an offset), Unix seconds, milli-, micro- or
        nanoseconds, or YYYYMMDD. Numbers of columns, from 1, if the file has no header.
    start : datetime, optional
        First time to replay, UTC without an offset; the attribute is `start_time`. By default the
        first row.
    days : float, optional
        By default up to the end of the file.
    largest_gap_bars : int
        A longer run of missing bars is an error; shorter ones are bridged and listed in `gaps`.
    bridge_half_life_bars : float
        Half-life of the weights that estimate the bridges' variance.

    Notes
    -----
    Between two closes the log price is a Brownian bridge, drawn step by step given the time to the
    next close, so it reaches each close with any partition into blocks and any constant `dt`; a
    close within a step is passed exactly. The variance per second of a bar is ``pi / 2 * m**2``,
    with m the average of ``|return| / sqrt(seconds)`` over the bars before and after with
    exponential weights (realised power variation, Barndorff-Nielsen and Shephard, 2004, J.
    Financial Econometrics 2): a single jump affects it much less than an average of squares. All
    faults of the file are raised as one `ParameterError` at the first use of its data, not when the
    model is created.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    process: Literal["replay"] = "replay"
    file: pathlib.Path
    column: ColumnName
    time_column: ColumnName = "timestamp"
    start_time: datetime | None = Field(None, alias="start")
    days: Annotated[float, Field(strict=True, gt=0, le=1e5)] | None = None
    largest_gap_bars: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 24
    bridge_half_life_bars: Annotated[float, Field(strict=True, gt=0, le=1e4)] = 6.0

    def start(self) -> np.ndarray:
        """Return the state before the first step: log price, steps done."""
        state = np.zeros(STATE_SIZE)
        state[0] = self._bars.log_closes[0]
        return state

    def block(
        self, rng: np.random.Generator, steps: int, dt: float, state: np.ndarray
    ) -> np.ndarray:
        """Draw the log price at the end of each of the next `steps` steps.

        Arguments are as for other price processes.

        Raises
        ------
        ParameterError
            If the data end before the block does; see `limit_steps`.
        """
        first, limit = int(state[1]), self.limit_steps(dt)
        if first + steps > limit:
            raise ParameterError(
                Fault(
                    "days",
                    (first + steps) * dt / DAY_SECONDS,
                    f"at most {limit * dt / DAY_SECONDS:g}, where the data end",
                    str(self.file),
                )
            )
        times = np.round(dt * np.arange(first, first + steps + 1), 6)
        log_prices = bridge(self._bars, times, state[0], rng.standard_normal(steps))
        state[0], state[1] = log_prices[-1] if steps else state[0], first + steps
        return log_prices

    def limit_steps(self, dt: float) -> int:
        """Return how many steps of `dt` seconds the data allow."""
        return math.floor(self._bars.limit_seconds / dt + 1e-9)

    @property
    def gaps(self) -> list[tuple[datetime, int]]:
        """Missing bars of the window, a list of (time of the first missing bar, number)."""
        return list(self._bars.gaps)

    def real(self, columns: Sequence[str]) -> dict[str, np.ndarray]:
        """Return columns of the file over the window, for comparison.

        Parameters
        ----------
        columns : sequence of str

        Returns
        -------
        dict of str to numpy.ndarray
            ``"seconds"`` since the start of the run, and each column; NaN where a value is missing.

        Raises
        ------
        ParameterError
            With the lines of values that are not numbers.
        """
        seconds, rows = self._inside
        return {"seconds": seconds} | read_columns(str(self.file), columns, self.time_column, rows)

    def real_perpetual(self, column: str) -> dict[str, np.ndarray]:
        """Return the real perpetual's price over the window, from a column of the file.

        Parameters
        ----------
        column : str

        Returns
        -------
        dict of str to numpy.ndarray
            ``"seconds"`` since the start of the run, ``"perp"`` (NaN where there is no price) and
            ``"spot"``.

        Raises
        ------
        ParameterError
            With the lines of values that are not prices of one unit of the spot asset.
        """
        seconds, rows = self._inside
        perp, spot = read_beside(str(self.file), self.column, self.time_column, rows, column)
        return {"seconds": seconds, "perp": perp, "spot": spot}

    @property
    def span_unix(self) -> tuple[float, float]:
        """First and last time of the replay, in Unix seconds."""
        first = self._bars.first_unix
        return first, first + self._bars.limit_seconds

    @property
    def _inside(self):
        bars = self._bars
        inside = bars.seconds <= bars.limit_seconds
        return bars.seconds[inside], bars.rows[inside]

    @property
    def _bars(self):
        start = self.start_time
        if start is not None:
            start = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
        return read_bars(
            str(self.file),
            version(self.file),
            self.column,
            self.time_column,
            start,
            self.days,
            self.largest_gap_bars,
            self.bridge_half_life_bars,
        )


def bridge(bars, times, now, draws):
    """Return the log prices at ``times[1:]`` of Brownian bridges through the closes of `bars`.

    Within a bar that closes at T with log price L, ``(x(t) - L) / (T - t)`` of a bridge x has
    independent Gaussian increments of variance ``sd**2 * (t2 - t1) / ((T - t1) * (T - t2))``: a
    running sum draws from the exact distribution.

    Parameters
    ----------
    bars : Bars
    times : numpy.ndarray, shape (steps + 1,)
        Seconds; the first is now.
    now : float
        Log price at ``times[0]``.
    draws : numpy.ndarray, shape (steps,)
        Standard normal.
    """
    ends = times[1:]
    bar = np.searchsorted(bars.seconds[1:], ends, side="left")
    opens, closes, goal = bars.seconds[bar], bars.seconds[bar + 1], bars.log_closes[bar + 1]
    begins, left = np.maximum(times[:-1], opens), closes - ends
    known = np.where(times[:-1] > opens, now, bars.log_closes[bar])
    fresh = np.diff(bar, prepend=-1) != 0
    spread = (closes - begins) * left
    scale = bars.sds[bar] * np.sqrt(
        np.divide(ends - begins, spread, out=np.zeros(len(ends)), where=spread > 0)
    )
    running = np.cumsum(draws * scale)
    begun = (known - goal) / (closes - begins) - (running - draws * scale)
    return goal + (running + begun[fresh][np.cumsum(fresh) - 1]) * left
