"""Who finds the price: shares of the perpetual against spot, from the error correction of the two log prices to the gap between them."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from perplab.analysis.estimators.block_intervals import CONFIDENCE, block_interval, clipped
from perplab.sim.errors import Fault, ParameterError

LAGS = 5


class Discovery(NamedTuple):
    """The perpetual's part in finding the common price: each ``(value, low, high)``."""

    component: tuple
    information_lowest: tuple
    information_highest: tuple


def price_discovery(log_perpetual, log_spot, lags=LAGS):
    """Return the perpetual's `Discovery` against spot.

    Notes
    -----
    A vector error correction of the two log prices whose cointegrating vector is (1, -1): each change on the gap before, a constant and
    `lags` changes of both, by least squares. Component share: Gonzalo and Granger (1995, J. Business and Economic Statistics 13), the
    other's adjustment over both, not restricted to [0, 1]: below 0 the perpetual goes on moving away from a gap that spot closes, so that a
    value at or beyond a boundary says that one market leads alone. Limits by `fieller`, from a covariance that allows for changing
    variance (HC1). Information share: Hasbrouck (1995, J. of Finance 50); the order of the two leaves it open between a lowest and a
    highest, each with limits from blocks of the regression's rows.

    Raises
    ------
    ParameterError
        If `statsmodels` is not installed.
    """
    rows = regression_rows(np.column_stack([log_perpetual, log_spot]), lags)
    bounds = (bound_interval(rows, number) for number in (0, 1))
    return Discovery(component_share(rows), *bounds)


def regression_rows(prices, lags):
    """Return a row a time of the error correction: both changes, the gap before, 1, past changes of both."""
    changes, gap = np.diff(prices, axis=0), prices[:, 0] - prices[:, 1]
    past = [changes[lags - k - 1 : len(changes) - k - 1] for k in range(lags)]
    return np.column_stack([changes[lags:], gap[lags:-1], np.ones(len(changes) - lags), *past])


def component_share(rows):
    """Return the component share ``(value, low, high)``; limits are NaN where the gap's closing cannot be told from none."""
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
    """Return the covariance of the two adjustments to the gap, variance free to change and errors of both equations correlated (HC1)."""
    exogenous = fits[0].model.exog
    weights = exogenous @ fits[0].normalized_cov_params[0]
    scores = weights[:, None] * np.column_stack([fit.resid for fit in fits])
    return scores.T @ scores * len(exogenous) / (len(exogenous) - exogenous.shape[1])


def ratio_covariance(covariance):
    """Return variance of the other's adjustment, its covariance with the sum of both, variance of that sum, of a covariance of (own, other)."""
    (own, both), (_, other) = covariance
    return other, other - both, own + other - 2 * both


def fieller(part, whole, part_variance, joint, whole_variance):
    """Return ``(part / whole, low, high)`` of two normal estimates; NaN limits where `whole` cannot be told from 0 (Fieller, 1954).

    Examples
    --------
    >>> [round(x, 3) for x in fieller(1.0, 2.0, 0.01, 0.0, 0.01)]
    [0.5, 0.395, 0.615]
    >>> fieller(1.0, 2.0, 0.01, 0.0, 4.0)[1:]
    (nan, nan)
    """
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
    """Return the lowest (0) or the highest (1) information share of the first price, with limits within 0 and 1."""
    value, low, high = block_interval(lambda kept: information_bounds(kept)[number], rows)
    return value, *clipped(low, high)


def information_bounds(rows):
    """Return the lowest and the highest information share of the first price, over both orders."""
    changes, known = rows[:, :2], rows[:, 2:]
    found = np.linalg.lstsq(known, changes, rcond=None)[0]
    residuals = np.cov(changes - known @ found, rowvar=False)
    own, other = found[0]
    return sorted(
        information_share(np.array([other, -own]), residuals, order) for order in ((0, 1), (1, 0))
    )


def information_share(weights, covariance, order):
    """Return the first series' share of the variance of the common price, by the Cholesky factor of one order."""
    factor = np.linalg.cholesky(covariance[np.ix_(order, order)])
    parts = (weights[list(order)] @ factor) ** 2
    return float(parts[list(order).index(0)] / parts.sum())
