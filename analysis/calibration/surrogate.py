"""A surrogate of each moment: a quadratic of the parameters and a smooth remainder.

For moment k, point u of the unit cube and seed s::

    m_k(u, s) = a + b'u + q(u)'c + remainder(u) + seed(s) + noise

`a` and `b` are free. The second-order coefficients c, the remainder (a Gaussian process with
correlation exp(-|u - v|^2 / (2 LENGTH^2))), what all runs of a seed have in common, and the noise
are independent normal, with variances found by restricted maximum likelihood. So the ridge on the
second-order terms is chosen by the data; common random numbers sharpen the slopes without
sharpening the level; and the variance of a prediction includes what the surrogate does not know.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

LENGTH = 0.5
START, LEAST, MOST = (0.0, -1.0, -1.0), -9.0, 9.0
LEAST_VARIANCE = 1e-12


class RunRows(NamedTuple):
    """Simulated runs, a row each.

    Attributes
    ----------
    shares : numpy.ndarray, shape (runs, parameters)
        Points in the unit cube.
    points, seeds : numpy.ndarray of int, shape (runs,)
        Number of the point, and seed, of each run.
    values : numpy.ndarray, shape (runs, moments)
        NaN where a run does not determine a moment.
    """

    shares: np.ndarray
    points: np.ndarray
    seeds: np.ndarray
    values: np.ndarray

    def noise(self):
        """Return the runs of the points with most seeds less the mean of their point.

        They are scaled to the variance between seeds.
        """
        known = np.isfinite(self.values).all(axis=1)
        points, values = self.points[known], self.values[known]
        counts = np.bincount(points)
        several = np.flatnonzero(counts == counts.max())
        scale = np.sqrt(counts.max() / (counts.max() - 1.0))
        parts = (values[points == point] for point in several)
        return scale * np.concatenate([part - part.mean(axis=0) for part in parts])


class Variances(NamedTuple):
    """Variances of one moment: relative to that of the noise, and that of the noise."""

    curvature: float
    seed: float
    remainder: float
    noise: float


class Surrogate(NamedTuple):
    """The surrogates of all moments; each is linear in the terms of `terms_at`.

    Attributes
    ----------
    centres : numpy.ndarray, shape (points, parameters)
        Simulated points.
    coefficients : numpy.ndarray, shape (terms, moments)
    forms : numpy.ndarray, shape (moments, terms, terms)
        The variance of a prediction is this quadratic form plus `remainders`.
    remainders : numpy.ndarray, shape (moments,)
        Variance of the remainder.
    correlations : numpy.ndarray, shape (moments, moments)
        Of the residuals.
    left_out : dict of str to numpy.ndarray, shape (points, moments)
        ``errors`` of the prediction of each point from all others, their ``deviations`` as the
        model has them, and the simulated ``means``.
    """

    centres: np.ndarray
    coefficients: np.ndarray
    forms: np.ndarray
    remainders: np.ndarray
    correlations: np.ndarray
    left_out: dict

    def means(self, shares):
        """Return the predicted moments at points, shape (points, moments)."""
        return terms_at(shares, self.centres) @ self.coefficients

    def covariances(self, shares):
        """Return the covariances of the predictions, shape (points, moments, moments)."""
        terms = terms_at(shares, self.centres)
        variances = ((terms @ self.forms) * terms).sum(axis=2).T + self.remainders
        spread = np.sqrt(np.maximum(variances, LEAST_VARIANCE * self.remainders))
        return spread[:, :, None] * spread[:, None, :] * self.correlations


def terms_at(shares, centres):
    """Return constant, linear and second-order terms at points, and correlations with centres.

    Examples
    --------
    >>> terms_at(np.array([[1.0, 0.5]]), np.array([[1.0, 0.5]]))
    array([[1., 1., 0., 1., 0., 0., 1.]])
    """
    shares = np.atleast_2d(shares)
    centred = 2.0 * shares - 1.0
    first, second = np.triu_indices(centred.shape[1])
    near = np.exp(-cdist(shares, centres, "sqeuclidean") / (2.0 * LENGTH**2))
    return np.column_stack(
        [np.ones(len(centred)), centred, centred[:, first] * centred[:, second], near]
    )


def fit_surrogate(rows):
    """Return the `Surrogate` of `RunRows`; a run counts for the moments that it determines."""
    centres = rows.shares[np.unique(rows.points, return_index=True)[1]]
    fits = [MomentFit(rows, centres, moment) for moment in range(rows.values.shape[1])]
    coefficients = np.column_stack([fit.coefficients() for fit in fits])
    residuals = rows.values - terms_at(rows.shares, centres) @ coefficients
    residuals = residuals[np.isfinite(residuals).all(axis=1)]
    left_out = [fit.errors_left_out() for fit in fits]
    return Surrogate(
        centres,
        coefficients,
        np.array([fit.form() for fit in fits]),
        np.array([fit.variances.noise * fit.variances.remainder for fit in fits]),
        np.atleast_2d(np.corrcoef(residuals.T)),
        {key: np.column_stack([each[key] for each in left_out]) for key in left_out[0]},
    )


class MomentFit:
    """The surrogate of one moment: generalised least squares with random effects."""

    def __init__(self, rows, centres, moment):
        known = np.isfinite(rows.values[:, moment])
        self.values, self.points = rows.values[known, moment], rows.points[known]
        self.number, width = len(centres), rows.shares.shape[1] + 1
        everything = terms_at(rows.shares[known], centres)
        end = everything.shape[1] - self.number
        self.linear, self.second = everything[:, :width], everything[:, width:end]
        self.curved = self.second @ self.second.T
        self.shared = same(rows.seeds[known])
        self.smooth = everything[:, end:][:, self.points]
        relative = self._likeliest()
        inverse = np.linalg.inv(self._covariance(relative))
        self.weighted = inverse @ self.linear
        self.inner = np.linalg.inv(self.linear.T @ self.weighted)
        self.projection = inverse - self.weighted @ self.inner @ self.weighted.T
        free = len(self.values) - width
        noise = self.values @ self.projection @ self.values / free
        self.variances = Variances(*relative, noise=float(noise))

    def _covariance(self, relative):
        """Return the covariance of the runs over the variance of the noise."""
        curved, shared, smooth = (
            part * share
            for part, share in zip((self.curved, self.shared, self.smooth), relative, strict=True)
        )
        return curved + shared + smooth + np.eye(len(self.values))

    def _deviance(self, logs, values):
        """Return minus twice the restricted log likelihood, up to a constant."""
        factor = cholesky(self._covariance(np.exp(logs)), lower=True, check_finite=False)
        white = np.column_stack([self.linear, values])
        white = solve_triangular(factor, white, lower=True, check_finite=False)
        upper = np.linalg.qr(white, mode="r")
        free = len(values) - self.linear.shape[1]
        determinants = np.log(np.diag(factor)).sum() + np.log(np.abs(np.diag(upper)[:-1])).sum()
        return free * np.log(max(upper[-1, -1] ** 2 / free, 1e-300)) + 2.0 * determinants

    def _likeliest(self):
        """Return the relative variances of greatest restricted likelihood."""
        scaled = self.values / (self.values.std() or 1.0)
        limits = [(LEAST, MOST)] * len(START)
        best = minimize(self._deviance, START, (scaled,), method="L-BFGS-B", bounds=limits)
        return tuple(map(float, np.exp(best.x)))

    def _loading(self):
        """Return the covariance of the runs with each second-order term and each near point."""
        curvature, _, remainder, _ = self.variances
        indicator = np.eye(self.number)[self.points]
        return np.column_stack([curvature * self.second, remainder * indicator])

    def coefficients(self):
        """Return the coefficients of all terms."""
        linear = self.inner @ self.weighted.T @ self.values
        return np.concatenate([linear, self._loading().T @ self.projection @ self.values])

    def form(self):
        """Return the quadratic form of the variance of a prediction, less the remainder's own."""
        loading, width = self._loading(), self.second.shape[1]
        corner = -self.inner @ self.weighted.T @ loading
        below = -loading.T @ self.projection @ loading
        below[:width, :width] += self.variances.curvature * np.eye(width)
        return self.variances.noise * np.block([[self.inner, corner], [corner.T, below]])

    def errors_left_out(self):
        """Return errors of predicting each point from the others, with variances as they are.

        Uses the formula for omitted blocks (Dubrule 1983, Mathematical Geology 15), which needs no
        second fit. A point without a known value has NaN.
        """
        weighted, result = self.projection @ self.values, np.full((3, self.number), np.nan)
        for point in np.unique(self.points):
            here = np.flatnonzero(self.points == point)
            inner = np.linalg.inv(self.projection[np.ix_(here, here)])
            error, spread = inner @ weighted[here], np.sqrt(self.variances.noise * inner.sum())
            result[:, point] = error.mean(), spread / len(here), self.values[here].mean()
        return dict(zip(("errors", "deviations", "means"), result, strict=True))


def same(labels):
    """Return a matrix with 1 where two labels are the same."""
    return (labels[:, None] == labels[None, :]).astype(float)
