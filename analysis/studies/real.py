"""Moments of a real market: blocks of 30 days of hourly closes and settled rates, each year apart.

A block has the length of a run without its warm-up, and its first week of history is the week
before it, so that the same functions are applied to the same number of hours.
"""

import numpy as np

from perplab.analysis.estimators.closes import BP, HOUR, HourlySeries
from perplab.analysis.estimators.moments import WEEK, moments_of
from perplab.analysis.studies.measures.run_figures import MONTH_HOURS, further_moments
from perplab.sim.market_data.funding_rates import read_funding
from perplab.sim.market_data.hourly_bars import read_hourly

PRICES = ("perp", "spot", "perp_volume")
LARGEST_GAP_HOURS = 24
"""An outage that the record may have: its hours are unknown."""


def read_real(prices, rates):
    """Return the `HourlySeries` of a real market, and the Unix time of each close.

    Parameters
    ----------
    prices : path
        Hourly bars: ``timestamp`` (of the bar's start), ``perp``, ``spot``, ``perp_volume``.
    rates : path
        ``timestamp`` and ``rate``, a fraction of the notional per interval.

    Raises
    ------
    ParameterError
        If a file is refused, or no rate is within the time of the prices.
    """
    bars = read_hourly(str(prices), PRICES, largest_gap=LARGEST_GAP_HOURS)
    return with_rates(bars, str(rates), "rate", "timestamp"), bars.closed


def with_rates(bars, file, column, time_column):
    """Return the `HourlySeries` of hourly bars and of a file of funding rates."""
    first, last = bars.closed[0] - HOUR, bars.closed[-1]
    funding = read_funding(file, column, time_column, first, last)
    settled = np.searchsorted(bars.closed, funding.unix, side="right")
    volume = bars.volume * bars.perp
    return HourlySeries(bars.perp, bars.spot, volume, None, funding.rates * BP, settled)


def part_of(series, first, last):
    """Return the hours of a series from `first` to before `last`, settlements counted from it."""
    inside = (series.settled > first) & (series.settled <= last)
    return HourlySeries(
        series.perp[first:last],
        series.spot[first:last],
        series.volume[first:last],
        None,
        series.rates[inside],
        series.settled[inside] - first,
    )


def block_moments(series, first, last):
    """Return the moments of the hours from `first` to before `last`, by name."""
    start = max(first - WEEK, 0)
    block = part_of(series, start, last)
    return {**moments_of(block, first - start), **further_moments(block, first - start)}


def year_blocks(series, closed, year):
    """Return the moments of each full block of 30 days of a year."""
    years = closed.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    chosen = np.flatnonzero(years == year)
    first, count = (int(chosen[0]), len(chosen) // MONTH_HOURS) if len(chosen) else (0, 0)
    return [
        block_moments(series, first + k * MONTH_HOURS, first + (k + 1) * MONTH_HOURS)
        for k in range(count)
    ]
