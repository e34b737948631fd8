"""Estimators with intervals: persistence, tails, clustering, price discovery, impact, cascades, profit, rates.

Intervals are 95 %. Where rows depend on each other they come from the stationary block bootstrap (Politis and Romano, 1994, J. American
Statistical Association 89; `arch.bootstrap`) with a fixed seed, so that the same rows have one interval; where a closed form is used, the
docstring names it.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.errors import Fault, ParameterError

YEAR_HOURS = 8_760.0
DRAWS, SEED = 400, 20_260
TAIL_SHARE = 0.05
Z = 1.959963984540054
IMPACT_GROUPS = 12


def bootstrapped(statistic, values, block, draws=DRAWS):
    """Return ``(value, low, high)`` of a statistic of dependent rows.

    Parameters
    ----------
    statistic : callable
        Of an array of rows, in order.
    values : numpy.ndarray
        One row a time.
    block : float
        Mean length of a block, rows.

    Raises
    ------
    ParameterError
        If `arch` is not installed.
    """
    try:
        from arch.bootstrap import StationaryBootstrap
    except ImportError:
        raise ParameterError(Fault("facts", "arch", "installed: pip install perplab[stats]")) from None
    if len(values) < 8:
        return math.nan, math.nan, math.nan
    sampler = StationaryBootstrap(max(min(block, len(values) / 4), 2.0), values, seed=SEED)
    drawn = np.array([statistic(data[0]) for data, _ in sampler.bootstrap(draws)], float)
    low, high = np.nanpercentile(drawn, [2.5, 97.5], method="nearest") if np.isfinite(drawn).any() else (math.nan, math.nan)
    return float(statistic(values)), float(low), float(high)


def half_life(pairs):
    """Return the half-life, in rows, of an error correction: change = a + k * level before, ln 2 / -ln(1 + k).

    Parameters
    ----------
    pairs : numpy.ndarray, shape (rows, 2)
        Level before, and the change that followed. Infinite where the level does not revert.

    Examples
    --------
    >>> levels = 0.5 ** np.arange(12)
    >>> round(half_life(np.column_stack([levels[:-1], np.diff(levels)])), 9)
    1.0
    """
    before, change = pairs[:, 0], pairs[:, 1]
    slope = np.cov(before, change, bias=True)[0, 1] / max(before.var(), 1e-300)
    if not -1.0 < slope < 0.0:
        return math.inf if slope >= 0 else 0.0
    return math.log(2.0) / -math.log1p(slope)


def hill(returns, share=TAIL_SHARE):
    """Return the tail index of absolute returns, ``(value, low, high)``: Hill (1975, Annals of Statistics 3), value +- 1.96 value / sqrt(k).

    Examples
    --------
    >>> sample = (1.0 - (np.arange(20_000) + 0.5) / 20_000) ** (-1 / 3)
    >>> round(hill(sample)[0], 2)
    3.0
    """
    size = np.sort(np.abs(returns[np.isfinite(returns)]))[::-1]
    k = int(len(size) * share)
    if k < 10 or size[k] <= 0:
        return math.nan, math.nan, math.nan
    index = 1.0 / np.mean(np.log(size[:k] / size[k]))
    return float(index), float(index * (1 - Z / math.sqrt(k))), float(index * (1 + Z / math.sqrt(k)))


def autocorrelation_of(lag):
    """Return the statistic of the autocorrelation at a lag, in rows."""
    def statistic(values):
        return correlation(values[:-lag], values[lag:])
    return statistic


def kurtosis(values):
    """Return the excess kurtosis.

    Examples
    --------
    >>> kurtosis(np.array([-1.0, 1.0, -1.0, 1.0]))
    -2.0
    """
    centred = values - values.mean()
    return float((centred**4).mean() / max((centred**2).mean() ** 2, 1e-300) - 3.0)


def leads(pairs):
    """Return the correlation of the first column with the second one a row later; NaN where one does not move.

    Examples
    --------
    >>> pairs = np.column_stack([[1.0, -1.0, 2.0, 0.5], [0.0, 1.0, -1.0, 2.0]])
    >>> round(leads(pairs), 9), follows(pairs) < 1
    (1.0, True)
    """
    return correlation(pairs[:-1, 0], pairs[1:, 1])


def follows(pairs):
    """Return the correlation of the first column with the second one a row before."""
    return leads(pairs[:, ::-1])


def correlation(before, after):
    """Return the correlation of two columns of the same length, NaN of fewer than three rows or of one that does not move."""
    if len(before) < 3 or before.std() == 0 or after.std() == 0:
        return math.nan
    return float(np.corrcoef(before, after)[0, 1])


class Discovery(NamedTuple):
    """The perpetual's part in finding the common price: component share with its interval, bounds of the information share."""

    component: float
    low: float
    high: float
    information_low: float
    information_high: float


def price_discovery(log_perpetual, log_spot, lags=5):
    """Return the perpetual's `Discovery` against spot.

    Notes
    -----
    A vector error correction of the two log prices whose cointegrating vector is (1, -1): each change on the gap before, a constant and
    `lags` changes of both, by least squares (`statsmodels`). Component share: Gonzalo and Granger (1995, J. Business and Economic
    Statistics 13), the other's adjustment over both; unknown (NaN) unless both point towards each other. Its interval: 4,000 draws of the
    two adjustments from their joint normal distribution, those on the wrong side set to 0. Information share: Hasbrouck (1995, J. of
    Finance 50), over both orders.
    """
    prices = np.column_stack([log_perpetual, log_spot])
    alpha, covariance, residuals = adjustments(prices, lags)
    weights = np.array([alpha[1], -alpha[0]]) / (alpha[1] - alpha[0])
    shares = [information_share(weights, residuals, order) for order in ((0, 1), (1, 0))]
    drawn = np.random.default_rng(SEED).multivariate_normal(alpha, covariance, 4_000)
    own, other = np.maximum(-drawn[:, 0], 0.0), np.maximum(drawn[:, 1], 0.0)
    known = own + other > 0
    low, high = np.percentile(other[known] / (own + other)[known], [2.5, 97.5]) if known.any() else (math.nan, math.nan)
    told = 0.0 <= weights[0] <= 1.0
    return Discovery(float(weights[0]) if told else math.nan, *((float(low), float(high)) if told else (math.nan, math.nan)), min(shares), max(shares))


def adjustments(prices, lags):
    """Return how two log prices adjust to the gap between them, the covariance of these two numbers, and that of the residuals."""
    from statsmodels.regression.linear_model import OLS

    changes, gap = np.diff(prices, axis=0), prices[:, 0] - prices[:, 1]
    past = [changes[lags - k - 1:len(changes) - k - 1] for k in range(lags)]
    known = np.column_stack([gap[lags:-1], np.ones(len(changes) - lags), *past])
    fits = [OLS(changes[lags:, k], known).fit() for k in (0, 1)]
    residuals = np.cov(np.column_stack([fit.resid for fit in fits]), rowvar=False)
    return np.array([fit.params[0] for fit in fits]), residuals * fits[0].normalized_cov_params[0, 0], residuals


def information_share(weights, covariance, order):
    """Return the first series' share of the variance of the common price, by the Cholesky factor of one order."""
    factor = np.linalg.cholesky(covariance[np.ix_(order, order)])
    parts = (weights[list(order)] @ factor) ** 2
    return float(parts[list(order).index(0)] / parts.sum())


def sharpe(hourly):
    """Return the Sharpe ratio per year of hourly profits, without a riskless rate."""
    return float(hourly.mean() / hourly.std() * math.sqrt(YEAR_HOURS)) if len(hourly) and hourly.std() > 0 else math.nan


def drawdown_of(profits):
    """Return the largest fall from its peak of the wealth that successive profits make.

    Examples
    --------
    >>> drawdown_of(np.array([2.0, -4.0, 5.0]))
    4.0
    """
    wealth = np.cumsum(np.append(0.0, profits))
    return float((np.maximum.accumulate(wealth) - wealth).max(initial=0.0))


def rate_interval(count, exposure):
    """Return ``(rate, low, high)`` of events over an exposure: exact Poisson limits (Garwood, 1936).

    Examples
    --------
    >>> [round(x, 3) for x in rate_interval(10, 5.0)]
    [2.0, 0.959, 3.678]
    """
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return count / exposure, float(low / exposure), float(chi2.ppf(0.975, 2 * count + 2) / 2 / exposure)


def effective_spread(trades):
    """Return the effective spread, basis points: twice the distance of a trade from the mid before it, in the taker's direction.

    Parameters
    ----------
    trades : numpy.ndarray, shape (trades, 4)
        Side of the taker, price, mid before the trade, lots. Weighted by lots.

    Examples
    --------
    >>> round(effective_spread(np.array([[1, 100.01, 100.0, 3.0], [-1, 99.98, 100.0, 1.0]])), 6)
    2.5
    """
    side, price, mid, lots = trades.T
    return float((2e4 * side * (price / mid - 1) * lots).sum() / lots.sum())


def impact_exponent(pairs):
    """Return d of the impact of aggregate order flow, E[return | flow] ~ sign(flow) |flow|^d; NaN where none can be told.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (rows, 2)
        Signed lots taken in an interval, and the log return over it.

    Notes
    -----
    Rows with flow are divided by the size of flow into 12 equal groups; the logarithm of each group's mean signed return is regressed on that
    of its mean size. Unknown where fewer than half of the groups move the price in the flow's direction.

    References
    ----------
    .. [1] Plerou, Gopikrishnan, Gabaix, Stanley, 2002, "Quantifying stock-price response to demand fluctuations", Physical Review E 66.

    Examples
    --------
    >>> flow = np.concatenate([np.arange(1.0, 241.0), -np.arange(1.0, 241.0)])
    >>> round(impact_exponent(np.column_stack([flow, np.sign(flow) * np.sqrt(np.abs(flow))])), 1)
    0.5
    """
    flow, moves = pairs[pairs[:, 0] != 0].T
    if len(flow) < 4 * IMPACT_GROUPS:
        return math.nan
    groups = np.array_split(np.argsort(np.abs(flow), kind="stable"), IMPACT_GROUPS)
    size = np.array([np.abs(flow[rows]).mean() for rows in groups])
    impact = np.array([(np.sign(flow[rows]) * moves[rows]).mean() for rows in groups])
    along = impact > 0
    if along.sum() < IMPACT_GROUPS // 2 or np.ptp(size[along]) == 0:
        return math.nan
    return float(np.polyfit(np.log(size[along]), np.log(impact[along]), 1)[0])


def branching(trees):
    """Return the share of liquidations that others brought about.

    Parameters
    ----------
    trees : numpy.ndarray, shape (trees, 2)
        Nodes of each tree, and those of them that are endogenous: trees are what a bootstrap may draw, nodes are not.
    """
    return trees[:, 1].sum() / trees[:, 0].sum()
