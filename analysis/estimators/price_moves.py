"""Moves of the perpetual's price within a window: the largest fall, its amplification, the rebound.

The window of a fall is `FALL_SECONDS`: the largest fall is from the highest price of the 35 minutes
before it. Falls are looked for from a shock's start to `WATCH_SECONDS` later.
"""

import math

import numpy as np
import pandas as pd

from perplab.analysis.estimators.series import HOUR_SECONDS, ratio

FALL_SECONDS = 2_100.0
WATCH_SECONDS = 3 * HOUR_SECONDS
REBOUND_SECONDS = 600.0


def traded_prices(series):
    """Return the mid, and the last price where the book was one-sided."""
    return np.where(series["mid"] > 0, series["mid"], series["last"])


def rows_at(series, seconds):
    """Return the number of the last row not after each time, at least 0."""
    return np.maximum(np.searchsorted(series["seconds"], np.add(seconds, 1e-6), "right") - 1, 0)


def between_rows(series, start, end):
    """Return the slice of the rows from `start` to `end`, both included."""
    first, last = np.searchsorted(series["seconds"], (start - 1e-6, end + 1e-6))
    return slice(int(first), int(last))


def moves(series, seconds=FALL_SECONDS):
    """Return the fall and the rise at each row, over the time before it.

    Parameters
    ----------
    series : numpy.ndarray of SERIES
    seconds : float
        Length of the window.

    Returns
    -------
    tuple of numpy.ndarray
        Price over the highest, and over the lowest, of the window that ends with the row, less 1.

    Examples
    --------
    >>> from perplab.sim.state.event_rows import SERIES
    >>> series = np.zeros(4, SERIES)
    >>> series["seconds"], series["mid"] = [60, 120, 180, 240], [100, 90, 95, 76]
    >>> fall, rise = moves(series, 60)
    >>> fall.round(3).tolist(), rise.round(3).tolist()
    ([0.0, -0.1, 0.0, -0.2], [0.0, 0.0, 0.056, 0.0])
    """
    prices = pd.Series(traded_prices(series))
    step = float(np.diff(series["seconds"][:2])[0]) if len(series) > 1 else seconds
    window = prices.rolling(int(seconds / step) + 1, min_periods=1)
    return tuple((prices / extreme - 1.0).to_numpy() for extreme in (window.max(), window.min()))


def largest_fall(series, start, end):
    """Return the largest fall within the window that ends between two times: 0 or negative."""
    chosen = moves(series)[0][between_rows(series, start, end)]
    return float(chosen.min()) if len(chosen) else math.nan


def price_amplification(series, twin_series, start):
    """Return 1 - twin's fall / fall, the share of a fall that liquidation orders brought about.

    Parameters
    ----------
    series, twin_series : numpy.ndarray of SERIES
        With and without impact of liquidation orders.
    start : float, seconds
        Of the shock; falls end within `WATCH_SECONDS` of it.

    Returns
    -------
    float
        NaN if the price does not fall.
    """
    fall, twin = (
        largest_fall(each, start, start + WATCH_SECONDS) for each in (series, twin_series)
    )
    return 1.0 - ratio(twin, fall)


def low_row(series, start, end):
    """Return the row of the lowest price between two times."""
    window = between_rows(series, start, end)
    return window.start + int(np.argmin(traded_prices(series)[window]))


def rebound(series, start, low):
    """Return the part of the fall from `start` that came back ten minutes after the row `low`."""
    prices = traded_prices(series)
    before = prices[rows_at(series, start)]
    after = prices[rows_at(series, series["seconds"][low] + REBOUND_SECONDS)]
    return ratio(after - prices[low], before - prices[low])
