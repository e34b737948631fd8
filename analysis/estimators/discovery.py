"""Price discovery: the perpetual's shares against spot.

From the error correction of the two log prices to the gap between them.
"""

import math
from typing import NamedTuple

import numpy as np

from perplab.analysis.estimators.block_intervals import CONFIDENCE, block_interval, clipped
from perplab.sim.errors import Fault, ParameterError

LAGS = 5


class Discovery(NamedTuple):
    """The perpetual's shares in price discovery, each ``(value, low, high)``."""

    component: tuple
    information_lowest: tuple
    information_highest: tuple


def price_discovery(log_perpetual, log_spot, lags=LAGS):
    """Return the perpetual's `Discovery` against spot.

    Parameters
    ----------
    log_perpetual, log_spot : numpy.ndarray
        Log prices at the same times.
    lags : int

    Returns
    -------
    Discovery

    Raises
    ------
    ParameterError
        If `statsmodels` is not installed.

    Notes
    -----
    A vector error correction of the two log prices with cointegrating vector (1, -1): each change
    is regressed on the previous gap, a constant and `lags` changes of both, by least squares.

    *Component share* (Gonzalo and Granger): the other's adjustment over both, not restricted to [0,
    1]. Below 0 the perpetual moves away from a gap that spot closes, so a value at or beyond a
    boundary says that one market leads alone. Limits are Fieller's, from a covariance that allows
    for heteroscedasticity (HC1).

    *Information share* (Hasbrouck): the order of the two prices bounds it between a lowest and a
    highest value, each with limits from blocks of the regression's rows.

    References
    ----------
    .. [1] Gonzalo and Granger, 1995, J. Business and Economic Statistics 13.
    .. [2] Hasbrouck, 1995, J. of Finance 50.
    .. [3] Fieller, 1954, J. of the Royal Statistical Society B 16.
    """
    rows = regression_rows(np.column_stack([log_perpetual, log_spot]), lags)
    bounds = (bound_interval(rows, number) for number in (0, 1))
    return Discovery(component_share(rows), *bounds)


def regression_rows(prices, lags):
    """Return a row per time: both changes, the previous gap, 1, past changes of both."""
    changes, gap = np.diff(prices, axis=0), prices[:, 0] - prices[:, 1]
    past = [changes[lags - k - 1 : len(changes) - k - 1] for k in range(lags)]
    return np.column_stack([changes[lags:], gap[lags:-1], np.ones(len(changes) - lags), *past])


def component_share(rows):
    """Return the component share ``(value, low, high)``.

    Limits are NaN where the error correction is not significant.
    """
    try:
        from statsmodels.regression.linear_model import OLS
    except ImportError:
        raise ParameterError(
            Fault("facts", "statsmodels", "installed: pip install -e '.[stats]'")
        ) from None
    fits = [OLS(rows[:, k], rows[:, 2:]).fit() for k in (0, 1)]
    own, other = (float(fit.params[0]) for fit in fits)
    return fieller(other, other - own, *ratio_covariance(adjustment_covariance(fits)))


def adjustment_covariance(fits):
    """Return the covariance of the two adjustments to the gap (HC1).

    Errors may be heteroscedastic and correlated between the two equations.
    """
    exogenous = fits[0].model.exog
    weights = exogenous @ fits[0].normalized_cov_params[0]
    scores = weights[:, None] * np.column_stack([fit.resid for fit in fits])
    return scores.T @ scores * len(exogenous) / (len(exogenous) - exogenous.shape[1])


def ratio_covariance(covariance):
    """Return what `fieller` needs of a covariance of the adjustments (own, other).

    Variance of the other's, its covariance with the sum of both, variance of the sum.
    """
    (own, both), (_, other) = covariance
    return other, other - both, own + other - 2 * both


def fieller(part, whole, part_variance, joint, whole_variance):
    """Return ``(part / whole, low, high)`` of two normal estimates (Fieller, 1954).

    Limits are NaN where `whole` does not differ significantly from 0.

    Examples
    --------
    >>> [round(x, 3) for x in fieller(1.0, 2.0, 0.01, 0.0, 0.01)]
    [0.5, 0.395, 0.615]
    >>> fieller(1.0, 2.0, 0.01, 0.0, 4.0)[1:]
    (nan, nan)
    """
    from scipy.special import ndtri

    value, z = part / whole, ndtri(0.5 + CONFIDENCE / 2)
    square, middle, constant = (
        whole**2 - z**2 * whole_variance,
        part * whole - z**2 * joint,
        part**2 - z**2 * part_variance,
    )
    room = middle**2 - square * constant
    if square <= 0 or room < 0:
        return value, math.nan, math.nan
    return (
        value,
        float((middle - math.sqrt(room)) / square),
        float((middle + math.sqrt(room)) / square),
    )


def bound_interval(rows, number):
    """Return a bound of the first price's information share, with limits within 0 and 1.

    `number` is 0 for the lowest, 1 for the highest.
    """
    value, low, high = block_interval(lambda part: information_bounds(part)[number], rows)
    return value, *clipped(low, high)


def information_bounds(rows):
    """Return the lowest and the highest information share of the first price over both orders."""
    changes, known = rows[:, :2], rows[:, 2:]
    found = np.linalg.lstsq(known, changes, rcond=None)[0]
    residuals = np.cov(changes - known @ found, rowvar=False)
    own, other = found[0]
    return sorted(
        information_share(np.array([other, -own]), residuals, order) for order in ((0, 1), (1, 0))
    )


def information_share(weights, covariance, order):
    """Return the first price's share of the variance of the common price.

    By the Cholesky factor of the residuals' covariance in one order.
    """
    factor = np.linalg.cholesky(covariance[np.ix_(order, order)])
    parts = (weights[list(order)] @ factor) ** 2
    return float(parts[list(order).index(0)] / parts.sum())
