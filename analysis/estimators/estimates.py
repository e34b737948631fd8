"""Estimators of stylised facts: reversion, tails, clustering, lead and lag, impact, profit.

Intervals are from `perplab.analysis.estimators.block_intervals`.
"""

import math

import numpy as np

from perplab.analysis.estimators.block_intervals import CORRELATION, block_interval
from perplab.analysis.estimators.series import autocorrelation, mean

YEAR_HOURS = 8_760.0
TAIL_SHARES, SHAPE_SHARE, SHORTEST_TAIL = (0.01, 0.0025), 0.01, 25
IMPACT_GROUPS = 12


def reversion(pairs):
    """Return the bias-corrected slope of the change on the previous level.

    The correction is slope + (1 + 3 (1 + slope)) / n (Kendall, 1954, Biometrika 41).

    Parameters
    ----------
    pairs : numpy.ndarray, shape (rows, 2)
        Level, and the change that followed.
    """
    before, change = pairs[:, 0], pairs[:, 1]
    slope = np.cov(before, change, bias=True)[0, 1] / max(before.var(), 1e-300)
    return slope + (1 + 3 * (1 + slope)) / len(pairs)


def half_life_interval(levels):
    """Return the half-life of successive levels in rows, ``(value, low, high)``.

    It is ln 2 / -ln(1 + `reversion`), infinite where the slope is not negative.

    Examples
    --------
    >>> half_life_interval(np.arange(100.0))[0]
    inf
    """
    pairs = np.column_stack([levels[:-1], np.diff(levels)]) if len(levels) > 1 else np.zeros((0, 2))
    return tuple(half_life(slope) for slope in block_interval(reversion, pairs))


def half_life(slope):
    """Return the half-life of a slope: 0 up to -1, infinite from 0 on; NaN stays.

    Examples
    --------
    >>> half_life(-0.5), half_life(0.1), half_life(-1.2)
    (1.0, inf, 0.0)
    """
    if slope != slope or -1.0 < slope < 0.0:
        return math.log(2.0) / -math.log1p(slope)
    return math.inf if slope >= 0 else 0.0


def log_excesses(returns, share):
    """Return the log ratios of the largest absolute returns to the next smaller one.

    Empty with fewer than 25 of them, or where that one is 0.
    """
    size = np.sort(np.abs(returns))[::-1]
    number = int(len(size) * share)
    return (
        np.log(size[:number] / size[number])
        if number >= SHORTEST_TAIL and size[number] > 0
        else np.empty(0)
    )


def tail_index(returns, share):
    """Return the tail index of absolute returns, ``(value, low, high)``.

    Parameters
    ----------
    returns : numpy.ndarray
    share : float
        The part of the largest absolute returns that counts as the tail.

    Returns
    -------
    tuple of float

    Notes
    -----
    Hill's estimator: 1 / mean log excess of the largest `share`. Limits are from blocks of time, of
    the inverse, so that clustering counts. Over 43,200 returns limits from the largest .0025 cover
    the index of Student's t with 3 and 4 degrees of freedom, of a Pareto law and of a GARCH(1, 1)
    in 92 to 96 of 100 samples; from the largest .01 in 90, 69, 99 and 47 (Hill is biased downwards
    where the tail is a power only far out); from the largest .05 in none for the two Student's t.

    The index is infinite where the tail is not distinguishable from a thin one: where the lower
    limit of the shape by the moment estimator, which may be 0 or below, from the largest .01, does
    not exceed 0. A normal law has 0 fat tails in 100 samples, a Laplace law 3, Student's t with 3
    degrees 99, with 4 degrees 94, such a GARCH (index 7) 19.

    References
    ----------
    .. [1] Hill, 1975, Annals of Statistics 3.
    .. [2] Dekkers, Einmahl and de Haan, 1989, Annals of Statistics 17 (the moment estimator).

    Examples
    --------
    >>> shares = (np.arange(40_000) + 0.5) / 40_000
    >>> sample = np.random.default_rng(1).permutation((1.0 - shares) ** (-1 / 3))
    >>> round(tail_index(sample, 0.0025)[0], 1)
    3.0
    """
    finite = returns[np.isfinite(returns)]
    shape, low, high = block_interval(lambda rows: mean(log_excesses(rows, share)), finite)
    lowest_shape = block_interval(moment_shape, finite)[1]
    if not (math.isfinite(low) and math.isfinite(lowest_shape)):
        return math.nan, math.nan, math.nan
    fat = lowest_shape > 0
    return 1 / shape if fat else math.inf, 1 / high, 1 / low if fat and low > 0 else math.inf


def moment_shape(returns):
    """Return the shape of the tail by the moment estimator, from the largest 1 %.

    0 or below for a thin tail.
    """
    logs = log_excesses(returns, SHAPE_SHARE)
    if not len(logs):
        return math.nan
    first, second = logs.mean(), (logs**2).mean()
    return first + 1 - 0.5 / (1 - first**2 / second)


def autocorrelation_interval(values, lag=1):
    """Return the autocorrelation at a lag, in rows, ``(value, low, high)``.

    The value is that of `perplab.analysis.estimators.series.autocorrelation`.
    """
    return block_interval(
        lambda rows: autocorrelation(rows[:, 0], lag), values[:, None], CORRELATION
    )


def kurtosis(values):
    """Return the excess kurtosis.

    Examples
    --------
    >>> kurtosis(np.array([-1.0, 1.0, -1.0, 1.0]))
    -2.0
    """
    centred = values - values.mean()
    return float((centred**4).mean() / max((centred**2).mean() ** 2, 1e-300) - 3.0)


def lead_correlation(pairs):
    """Return the correlation of the first column with the next row of the second.

    NaN where one of them is constant.

    Examples
    --------
    >>> pairs = np.column_stack([[1.0, -1.0, 2.0, 0.5], [0.0, 1.0, -1.0, 2.0]])
    >>> round(lead_correlation(pairs), 9), lag_correlation(pairs) < 1
    (1.0, True)
    """
    return correlation(pairs[:-1, 0], pairs[1:, 1])


def lag_correlation(pairs):
    """Return the correlation of the first column with the previous row of the second."""
    return lead_correlation(pairs[:, ::-1])


def correlation(before, after):
    """Return the correlation of two columns, NaN with fewer than 3 rows or a constant column."""
    if len(before) < 3 or before.std() == 0 or after.std() == 0:
        return math.nan
    return float(np.corrcoef(before, after)[0, 1])


def sharpe(hourly):
    """Return the Sharpe ratio per year of hourly profits, without a riskless rate."""
    return (
        float(hourly.mean() / hourly.std() * math.sqrt(YEAR_HOURS))
        if len(hourly) and hourly.std() > 0
        else math.nan
    )


def drawdown_of(profits):
    """Return the largest drawdown of the wealth that accumulates successive profits.

    Examples
    --------
    >>> drawdown_of(np.array([2.0, -4.0, 5.0]))
    4.0
    """
    wealth = np.cumsum(np.append(0.0, profits))
    return float((np.maximum.accumulate(wealth) - wealth).max(initial=0.0))


def effective_spread(trades):
    """Return the effective spread, basis points, weighted by lots.

    Twice the distance of a trade from the mid before it, in the taker's direction.

    Parameters
    ----------
    trades : numpy.ndarray, shape (trades, 4)
        Side of the taker, price, mid before the trade, lots.

    Examples
    --------
    >>> trades = np.array([[1, 100.01, 100.0, 3.0], [-1, 99.98, 100.0, 1.0]])
    >>> round(effective_spread(trades), 6)
    2.5
    """
    side, price, mid, lots = trades.T
    return float((2e4 * side * (price / mid - 1) * lots).sum() / lots.sum())


def impact_exponent(pairs):
    """Return d of the impact of order flow, E[return | flow] = c sign(flow) |flow|^d.

    NaN with fewer than 48 rows with flow, or where the fit does not converge.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (rows, 2)
        Signed lots taken in an interval, and the log return over it.

    Notes
    -----
    Rows with flow are divided by the size of flow into 12 equal groups. c and d are fitted to the
    groups' mean signed returns by least squares, weighted by their standard errors
    (`scipy.optimize.curve_fit`). No logarithm of a mean is taken: groups whose mean return is
    against the flow stay in, because dropping them would flatten the curve where noise is large.

    References
    ----------
    .. [1] Plerou, Gopikrishnan, Gabaix, Stanley, 2002, "Quantifying stock-price response to demand
       fluctuations", Physical Review E 66.

    Examples
    --------
    >>> flow = np.concatenate([np.arange(1.0, 241.0), -np.arange(1.0, 241.0)])
    >>> round(impact_exponent(np.column_stack([flow, np.sign(flow) * np.sqrt(np.abs(flow))])), 1)
    0.5
    """
    flow, moves = pairs[pairs[:, 0] != 0].T
    if len(flow) < 4 * IMPACT_GROUPS or np.ptp(np.abs(flow)) == 0:
        return math.nan
    groups = np.array_split(np.argsort(np.abs(flow), kind="stable"), IMPACT_GROUPS)
    size = np.array([np.abs(flow[rows]).mean() for rows in groups]) / np.abs(flow).mean()
    signed = np.sign(flow) * moves
    impact, errors = (
        np.array([measure(signed[rows]) for rows in groups])
        for measure in (np.mean, standard_error)
    )
    return fitted_exponent(size, impact, errors)


def standard_error(values):
    """Return the standard error of a mean of independent values, above 0."""
    return max(values.std() / math.sqrt(len(values)), 1e-300)


def fitted_exponent(size, impact, errors):
    """Return d of impact = c size^d by weighted least squares, NaN without convergence."""
    from scipy.optimize import curve_fit

    try:
        found, _ = curve_fit(
            lambda x, scale, power: scale * x**power,
            size,
            impact,
            (impact.mean(), 0.7),
            errors,
            maxfev=2_000,
        )
    except RuntimeError:
        return math.nan
    return float(found[1])


def branching(trees):
    """Return the share of liquidations that were triggered by others.

    Parameters
    ----------
    trees : numpy.ndarray, shape (trees, 2)
        Nodes of each tree, and how many of them are endogenous. A bootstrap may draw trees, which
        are independent, not nodes.
    """
    return trees[:, 1].sum() / trees[:, 0].sum()
