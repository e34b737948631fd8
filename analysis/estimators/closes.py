"""Hourly closes of a run, observed as those of an exchange are: last trades of random ages.

A bar closes at the last trade before its end, which is a fraction of a second old and on one side
of the spread. Perpetual and spot have ages of their own, so the close of the basis has noise that
the mids do not have. The numbers are those of BTC at Binance on 8 August 2024 (345 s of ticks, 1 s
bars): spot and perpetual traded in 98.8 % and 99.7 % of the seconds, so mean ages of .23 and .17 s
if trades come in independent bursts; the standard deviation of last price less mid is .09 bp.
"""

from typing import NamedTuple

import numpy as np

from perplab.sim.streams import generator

HOUR, FUNDING_HOURS = 3600.0, 8.0
SPOT_AGE, PERP_AGE = 0.23, 0.17
BOUNCE = 0.09e-4
BP = 1e4


class HourlySeries(NamedTuple):
    """Hourly closes with what happened in the hour before each, of a run or of a real market.

    Attributes
    ----------
    perp, spot : numpy.ndarray, shape (hours,)
    volume : numpy.ndarray, shape (hours,)
        Of the perpetual, in any unit.
    open_interest : numpy.ndarray, shape (hours,), or None
        In any unit.
    rates : numpy.ndarray, shape (settlements,), bp per 8 h
    settled : numpy.ndarray of int, shape (settlements,)
        Number of closes up to each settlement.
    """

    perp: np.ndarray
    spot: np.ndarray
    volume: np.ndarray
    open_interest: np.ndarray | None
    rates: np.ndarray
    settled: np.ndarray


def rows_at_hours(seconds):
    """Return the rows of a recorded series that end a whole hour."""
    return np.flatnonzero(np.abs(seconds / HOUR - np.rint(seconds / HOUR)) < 1e-9)


def hourly_mids(records, market=0):
    """Return the `HourlySeries` of a run's mids; an hour without one has the last trade.

    Parameters
    ----------
    records : perplab.sim.state.records.Records
        With rows at whole hours.
    market : int
    """
    series = records.series[market]
    rows = rows_at_hours(series["seconds"])
    mid = np.where(series["mid"] > 0, series["mid"], series["last"])[rows]
    settlements = records.settlements[records.settlements["market"] == market]
    seconds = settlements["seconds"]
    hours = np.diff(seconds, prepend=0.0) / HOUR
    return HourlySeries(
        perp=mid,
        spot=series["spot"][rows],
        volume=np.diff(series["volume"][rows], prepend=0.0) * mid,
        open_interest=series["open_interest"][rows].astype(float),
        rates=settlements["rate"] * BP * FUNDING_HOURS / hours,
        settled=np.rint(seconds / HOUR).astype(int),
    )


def hourly_closes(records, seed, market=0):
    """Return the `HourlySeries` of a run's closes: last trades of random ages.

    `seed` is that of the observation, usually the run's. Both markets see one path of the
    efficient price, whose volatility is the public one.
    """
    mids, series = hourly_mids(records, market), records.series[market]
    volatility = series["volatility"][rows_at_hours(series["seconds"])]
    rng = generator(seed, f"closes/{market}")
    perp_age, spot_age = (rng.exponential(age, len(mids.perp)) for age in (PERP_AGE, SPOT_AGE))
    shared = volatility * np.sqrt(np.minimum(perp_age, spot_age)) * standard(rng, perp_age)
    apart = volatility * np.sqrt(np.abs(perp_age - spot_age)) * standard(rng, perp_age)
    perp_moved = shared + np.where(perp_age > spot_age, apart, 0.0)
    spot_moved = shared + np.where(spot_age > perp_age, apart, 0.0)
    return mids._replace(
        perp=mids.perp * np.exp(bounce(rng, perp_age) - perp_moved),
        spot=mids.spot * np.exp(bounce(rng, spot_age) - spot_moved),
    )


def standard(rng, like):
    """Return standard normal draws, as many as `like` has."""
    return rng.standard_normal(len(like))


def bounce(rng, like):
    """Return the log distance of last trades from the mid, on a random side."""
    return BOUNCE * (2.0 * rng.integers(0, 2, len(like)) - 1.0)
