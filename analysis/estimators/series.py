"""Units, warm-up, hourly closes, facts of a market, and simple statistics."""

import math

import numpy as np

from perplab.sim.laws.funding import funding_law

HOUR_SECONDS = 3600.0


DAY_SECONDS = 86400.0


FUNDING_SECONDS = 8 * HOUR_SECONDS


BPS = 1e4


WARMUP_HOURS = 24.0


SHORTEST_WITH_WARMUP_SECONDS = 3 * DAY_SECONDS


def run_seconds(records):
    """Return the length of a run, seconds."""
    return records.meta["dt"] * records.meta["steps"]


def warmup(records, warmup_hours):
    """Return the seconds to leave out at the start of a run: none if it is shorter than 3 days."""
    return (
        HOUR_SECONDS * warmup_hours if run_seconds(records) >= SHORTEST_WITH_WARMUP_SECONDS else 0.0
    )


def hourly_closes(series, warmup_seconds=0.0):
    """Return the rows at whole hours from `warmup_seconds` on: the last row not after each.

    Hours without a row, and closes with a one-sided book (mid unknown), are left out.
    """
    seconds = series["seconds"]
    if not len(seconds):
        return series
    first = math.ceil((warmup_seconds - 1e-6) / HOUR_SECONDS)
    hours = HOUR_SECONDS * np.arange(first, math.floor((seconds[-1] + 1e-6) / HOUR_SECONDS) + 1)
    rows = np.searchsorted(seconds, hours + 1e-6, side="right") - 1
    closes = series[rows[(rows >= 0) & (seconds[rows] > hours - HOUR_SECONDS)]]
    return closes[closes["mid"] > 0]


def known_mid(series):
    """Return the mid price, NaN where the book was one-sided."""
    return np.where(series["mid"] > 0, series["mid"], math.nan)


def basis_bps(perpetual, spot):
    """Return the basis in basis points of spot.

    Examples
    --------
    >>> basis_bps(np.array([100.05]), np.array([100.0])).round(6)
    array([5.])
    """
    return (perpetual / spot - 1) * BPS


def autocorrelation(values, lag=1):
    """Return the autocorrelation at a lag: products of deviations over their sum of squares.

    All deviations are from the one mean. NaN of too few values, or of equal ones.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, 2.0, 3.0, 4.0]))
    0.25
    """
    if len(values) < lag + 2 or np.ptp(values) == 0:
        return math.nan
    shift = values - mean(values)
    return float((shift[lag:] * shift[:-lag]).sum() / (shift * shift).sum())


def funding_law_of(records, market=0):
    """Return the funding law of a market as a FUNDING_LAW record (`perplab.sim.laws.funding`)."""
    return funding_law(**market_facts(records, market)["funding_law"])


def market_facts(records, market=0):
    """Return the contract numbers and counters of one market of a run.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    market : int

    Returns
    -------
    dict
        See `perplab.sim.state.run_facts.describe_market`.
    """
    return records.meta["markets"][market]


def venue_facts(records, market=0):
    """Return fund, fees and liquidation rounds of the venue that a market belongs to.

    Returns
    -------
    dict
        See `perplab.sim.state.run_facts.describe_venue`.
    """
    return records.meta["venues"][market_facts(records, market)["venue"]]


def forced_events(records, market):
    """Return the forced events of one market."""
    return records.events[records.events["market"] == market]


def venue_events(records, market):
    """Return the forced events of all markets that share a market's venue, and so its fund."""
    venue = market_facts(records, market)["venue"]
    sharing = [m for m, facts in enumerate(records.meta["markets"]) if facts["venue"] == venue]
    return records.events[np.isin(records.events["market"], sharing)]


def mean_interval(values, confidence=0.95):
    """Return mean and confidence interval (Student's t) of one figure over seeds.

    Parameters
    ----------
    values : iterable of float or None
        One per seed; None and NaN are left out.
    confidence : float

    Returns
    -------
    tuple of (float or None, float or None, float or None)
        Mean, low, high; low and high are None with fewer than two values.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0, None])]
    [2.0, -0.484, 4.484]
    """
    from scipy.special import stdtrit

    known_values = np.array(
        [value for value in values if value is not None and math.isfinite(value)], float
    )
    if len(known_values) < 2:
        return known(mean(known_values)), None, None
    half = (
        stdtrit(len(known_values) - 1, (1 + confidence) / 2)
        * known_values.std(ddof=1)
        / math.sqrt(len(known_values))
    )
    return (
        float(known_values.mean()),
        float(known_values.mean() - half),
        float(known_values.mean() + half),
    )


def mean(values):
    """Return the mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else math.nan


def deviation(values):
    """Return the standard deviation (dividing by n), NaN of fewer than two values."""
    return float(np.std(values)) if len(values) > 1 else math.nan


def ratio(part, whole):
    """Return part / whole, NaN where the whole is 0 or not finite."""
    return float(part / whole) if whole and math.isfinite(whole) else math.nan


def known(value):
    """Return a value as JSON holds it: a plain number, None for what is not finite."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(figures):
    """Return figures, and those by kind inside them, as `known` returns them."""
    return {
        key: plain(value) if isinstance(value, dict) else known(value)
        for key, value in figures.items()
    }
