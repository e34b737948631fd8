"""Moments of an hourly series of perpetual and spot, the same for a run and for a real market.

Basis in bp, funding in bp per 8 h. Autocorrelations divide by the number of pairs, so blocks of 30
days compare with runs of 30 days. A moment that a series does not determine is NaN.
"""

import numpy as np

from perplab.analysis.estimators.closes import hourly_closes

WEEK = 168
AT_INTEREST = 1e-4
"""Distance of a rate from the interest rate, bp per 8 h, below which it is pinned."""

MOMENTS = {
    "basis_mean": ("mean of the basis", "bp"),
    "basis_sd": ("standard deviation of the basis", "bp"),
    "basis_change_sd": ("standard deviation of its hourly change", "bp"),
    "basis_acf_1h": ("autocorrelation of the basis at 1 h", ""),
    "basis_acf_8h": ("autocorrelation of the basis at 8 h", ""),
    "basis_change_acf_1h": ("autocorrelation of hourly changes of the basis at 1 h", ""),
    "funding_mean": ("mean funding rate", "bp per 8 h"),
    "funding_sd": ("standard deviation of the funding rate", "bp per 8 h"),
    "funding_pinned": ("share of settlements at the interest rate", ""),
    "funding_negative": ("share of negative settlements", ""),
    "funding_above": ("share of settlements above the interest rate", ""),
    "funding_acf_1": ("autocorrelation of the funding rate at 1 settlement", ""),
    "funding_acf_9": ("autocorrelation of the funding rate at 9 settlements", ""),
    "funding_acf_21": ("autocorrelation of the funding rate at 21 settlements", ""),
    "funding_basis": ("correlation of funding and the mean basis of its interval", ""),
    "funding_return_7d": ("correlation of funding and the return of the 7 days before", ""),
    "return_volume": ("correlation of absolute hourly return and log volume", ""),
    "return_basis_change": ("correlation of absolute hourly return and absolute basis change", ""),
    "return_kurtosis": ("excess kurtosis of hourly returns", ""),
    "open_interest_change_sd": ("standard deviation of 4-hour changes of log open interest", "%"),
}
"""Meaning and unit of each moment, by name."""


def moments_of(series, warmup_hours=0, interest=1.0):
    """Return the moments of an hourly series.

    Parameters
    ----------
    series : perplab.analysis.estimators.closes.HourlySeries
    warmup_hours : int
        First hours that serve only as history for the return of the 7 days before a settlement.
    interest : float, bp per 8 h
        Interest rate of the venue.

    Returns
    -------
    dict of str to float
        By the names of `MOMENTS`.

    Examples
    --------
    >>> from perplab.analysis.estimators.closes import HourlySeries
    >>> price, rates = np.array([100.0, 101.0, 100.0, 102.0]), np.array([1.0, 0.5])
    >>> flat = HourlySeries(price * 1.0001, price, price, None, rates, np.array([2, 4]))
    >>> found = moments_of(flat)
    >>> round(found["basis_mean"], 9), found["funding_mean"], found["funding_pinned"]
    (1.0, 0.75, 0.5)
    """
    basis = (series.perp / series.spot - 1.0)[warmup_hours:] * 1e4
    returns = np.abs(np.diff(np.log(series.perp[warmup_hours:])))
    kept = series.settled > warmup_hours
    rates, changes = series.rates[kept], np.diff(basis)
    return {
        "basis_mean": float(np.nanmean(basis)),
        "basis_sd": float(np.nanstd(basis)),
        "basis_change_sd": float(np.nanstd(changes)),
        "basis_acf_1h": autocorrelation(basis, 1),
        "basis_acf_8h": autocorrelation(basis, 8),
        "basis_change_acf_1h": autocorrelation(changes, 1),
        **rate_moments(rates, interest),
        "funding_basis": correlation(rates, interval_means(series)[kept]),
        "funding_return_7d": correlation(rates, returns_before(series)[kept]),
        "return_volume": correlation(returns, log_positive(series.volume[warmup_hours + 1 :])),
        "return_basis_change": correlation(returns, np.abs(changes)),
        "return_kurtosis": excess_kurtosis(np.diff(np.log(series.perp[warmup_hours:]))),
        "open_interest_change_sd": open_interest_change(series.open_interest, warmup_hours),
    }


def run_moments(records, twin=None, warmup_hours=0):
    """Return the moments of a run, observed at its closes; a sweep calls it as its summary.

    Parameters
    ----------
    records : perplab.sim.state.records.Records
        With rows at whole hours.
    twin : object
        Not used.
    warmup_hours : int
    """
    closes = hourly_closes(records, records.meta["seed"])
    return moments_of(closes, warmup_hours)


def rate_moments(rates, interest):
    """Return the moments of funding rates alone, bp per 8 h."""
    known = len(rates) > 0
    return {
        "funding_mean": float(np.mean(rates)) if known else np.nan,
        "funding_sd": float(np.std(rates)) if known else np.nan,
        "funding_pinned": share(np.abs(rates - interest) < AT_INTEREST),
        "funding_negative": share(rates < 0),
        "funding_above": share(rates > interest + AT_INTEREST),
        "funding_acf_1": autocorrelation(rates, 1),
        "funding_acf_9": autocorrelation(rates, 9),
        "funding_acf_21": autocorrelation(rates, 21),
    }


def share(chosen):
    """Return the share of True, NaN of nothing."""
    return float(np.mean(chosen)) if len(chosen) else np.nan


def autocorrelation(values, lag):
    """Return the mean product of deviations `lag` apart over the variance; NaN if unknown.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, -1.0, 1.0, -1.0]), 1)
    -1.0
    """
    centred = np.asarray(values, float) - np.nanmean(values) if len(values) else np.empty(0)
    products = centred[:-lag] * centred[lag:]
    variance = np.nanvar(centred) if len(centred) else 0.0
    enough = np.isfinite(products).sum() > 3 or len(products) > 2
    return float(np.nanmean(products) / variance) if variance > 0 and enough else np.nan


def correlation(one, other):
    """Return the correlation of two arrays where both are finite, NaN below 6 pairs."""
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if len(one) < 6 or one.std() == 0 or other.std() == 0:
        return np.nan
    return float(np.corrcoef(one, other)[0, 1])


def excess_kurtosis(values):
    """Return the excess kurtosis, NaN without variance."""
    values = values[np.isfinite(values)]
    variance = values.var() if len(values) else 0.0
    return float(((values - values.mean()) ** 4).mean() / variance**2 - 3) if variance else np.nan


def interval_means(series):
    """Return the mean basis, bp, of the interval that each settlement ends."""
    basis = (series.perp / series.spot - 1.0) * 1e4
    starts = np.concatenate([[0], series.settled[:-1]]) if len(series.settled) else []
    ends = np.minimum(series.settled, len(basis))
    return np.array(
        [basis[a:b].mean() if b > a else np.nan for a, b in zip(starts, ends, strict=True)]
    )


def returns_before(series):
    """Return the log return of the perpetual over the 7 days before each settlement."""
    log_perp = np.log(series.perp)
    last = np.minimum(series.settled, len(log_perp)) - 1
    first = np.maximum(last - WEEK, 0)
    return np.where(last >= WEEK, log_perp[last] - log_perp[first], np.nan)


def log_positive(volume):
    """Return log volume, NaN where nothing was traded."""
    return np.log(np.where(volume > 0, volume, np.nan))


def open_interest_change(open_interest, warmup_hours):
    """Return the standard deviation of 4-hour changes of log open interest, per cent."""
    if open_interest is None:
        return np.nan
    changes = np.diff(np.log(open_interest[warmup_hours::4]))
    return float(np.nanstd(changes) * 100) if len(changes) > 1 else np.nan
