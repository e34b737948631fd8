"""Bars of a real price: cut a series to its window, check its gaps, estimate its bridges."""

import functools
import math
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from perplab.sim.errors import Fault
from perplab.sim.market_data.faulty_rows import shown
from perplab.sim.market_data.series import NUMBER_OR_NONE, PERP_PRICE, PRICE, Column, read_series
from perplab.sim.market_data.times import iso
from perplab.sim.spot.process import DAY_SECONDS


class Bars(NamedTuple):
    """The replayed window.

    `first_unix` is the time of its first row in Unix seconds; `seconds` count from there; `rows`
    are row numbers of the file, `sds` standard deviations per sqrt(second), one per bar.
    """

    first_unix: float
    seconds: np.ndarray
    log_closes: np.ndarray
    rows: np.ndarray
    sds: np.ndarray
    limit_seconds: float
    gaps: tuple


def read_beside(file, column, time_column, rows, perp_column):
    """Return the real perpetual's price in `rows`, NaN where the file has none, and spot's."""
    columns = [
        Column(column, PRICE),
        Column(perp_column, PERP_PRICE, "perp_column", near=column),
    ]
    series = read_series(file, columns, time_column, lambda *_: (rows, []))
    return series.values[perp_column][rows], series.values[column][rows]


def read_columns(file, columns, time_column, rows):
    """Return columns of a file in `rows` as floats, by name; NaN where a value is missing."""
    wanted = [Column(name, NUMBER_OR_NONE, "columns") for name in columns]
    series = read_series(file, wanted, time_column, lambda *_: (rows, []))
    return {name: values[rows] for name, values in series.values.items()}


def bridge_sds(seconds, log_closes, half_life_bars):
    """Return each bar's standard deviation per sqrt(second), as `Replay` states it."""
    pace = np.abs(np.diff(log_closes)) / np.sqrt(np.diff(seconds))
    kept = 0.5 ** (1.0 / half_life_bars)
    return math.sqrt(math.pi / 2) * _around(pace, kept) / _around(np.ones(len(pace)), kept)


def _around(values, kept):
    ahead, behind = (
        np.array(list(accumulate(side.tolist(), lambda total, value: kept * total + value)))
        for side in (values, values[::-1])
    )
    return ahead + behind[::-1] - values


@functools.lru_cache(maxsize=8)
def read_bars(
    file, version, column, time_column, start, days, largest_gap_bars, bridge_half_life_bars
):
    """Read, check and cut the bars of a file.

    Arguments are the fields of `Replay`, with `start` in Unix seconds; `version` is part of the
    cache's key.

    Returns
    -------
    Bars

    Raises
    ------
    ParameterError
        With all faults, as `read_series` raises it.
    """

    def select(table, name, unix):
        first, after = window(unix, start, days)
        rows = np.arange(first, after)
        outside = window_faults(file, unix, start, days, first)
        gaps, _ = missing_bars(unix[rows])
        return rows, outside + gap_faults(table, name, rows, gaps, largest_gap_bars)

    series = read_series(file, [Column(column, PRICE)], time_column, select)
    unix, rows = series.unix, series.rows
    gaps, bar_seconds = missing_bars(unix[rows])
    seconds = np.round(unix[rows] - unix[rows[0]], 6)
    log_closes = np.log(series.values[column][rows])
    return Bars(
        float(unix[rows[0]]),
        seconds,
        log_closes,
        rows,
        bridge_sds(seconds, log_closes, bridge_half_life_bars),
        seconds[-1] if days is None else days * DAY_SECONDS,
        tuple((iso(unix[rows[k]] + bar_seconds), missing) for k, missing in gaps),
    )


def window(unix, start, days):
    """Return the first row at or after `start`, and the row after the last within `days` of it."""
    first = 0 if start is None else min(int(np.searchsorted(unix, start)), len(unix) - 1)
    last = (
        len(unix) if days is None else np.searchsorted(unix, unix[first] + days * DAY_SECONDS) + 1
    )
    return first, min(int(last), len(unix))


def missing_bars(unix):
    """Return ``([(row before the gap, missing bars)], bar_seconds)``.

    The length of a bar is the most frequent spacing of the rows.
    """
    spacing = np.round(np.diff(unix), 3)
    if not len(spacing):
        return [], 0.0
    lengths, counts = np.unique(spacing, return_counts=True)
    bar_seconds = lengths[np.argmax(counts)]
    wide = np.flatnonzero(spacing > 1.5 * bar_seconds)
    return [(int(k), round(spacing[k] / bar_seconds) - 1) for k in wide], float(bar_seconds)


def window_faults(file, unix, start, days, first):
    """Return a fault if part of the window is outside the data."""
    if start is not None and not unix[0] <= start < unix[-1]:
        return [Fault("start", iso(start), f"from {iso(unix[0])} to before {iso(unix[-1])}", file)]
    most = (unix[-1] - unix[first]) / DAY_SECONDS
    if days is not None and days > most:
        return [Fault("days", days, f"at most {most:.6g} from {iso(unix[first])}", file)]
    return []


def gap_faults(table, name, rows, gaps, largest_gap_bars):
    """Return a fault for each gap of more than `largest_gap_bars` bars, at the row after it."""
    expected = f"after at most {largest_gap_bars} missing bars (largest_gap_bars)"
    wide = [(rows[k + 1], missing) for k, missing in gaps if missing > largest_gap_bars]
    return [
        Fault(
            name,
            f"{shown(table.value(name, row))} after {missing} missing bars",
            expected,
            table.file,
            table.line(row),
        )
        for row, missing in wide
    ]
