"""The estimate: weighted distance, quasi-posterior, region, and tests.

The distance at a point u is ``J(u) = g' O^-1 g``: g is the surrogate's moments less the target's,
O the covariance of the target plus that of the surrogate's prediction. The quasi-likelihood is
normal: ``-2 log L(u) = J(u) + log det O(u)``. The point is where L is largest. Intervals are
quantiles of L as a density over the bounds.

References
----------
McFadden (1989, Econometrica 57) and Duffie and Singleton (1993, Econometrica 61) for the method;
Franke and Westerhoff (2012, JEDC 36) for weights from blocks; Chernozhukov and Hong (2003, Journal
of Econometrics 115) for intervals from the quasi-posterior, which need neither a regular optimum
nor one inside the bounds; Stock and Wright (2000, Econometrica 68) for the region that J does not
reject.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import chi2, qmc

LEVEL, REGION_LEVEL = 0.9, 0.95
POOL = 4096
PARTICLES, MOVES = 512, 4
LEAST_EFFECTIVE = 0.5
SHARE_DIGITS = 4


class Estimate(NamedTuple):
    """An estimate in the unit cube.

    Attributes
    ----------
    point : numpy.ndarray, shape (parameters,)
    distance : float
        J at the point.
    draws : numpy.ndarray, shape (draws, parameters)
        Of the quasi-posterior.
    """

    point: np.ndarray
    distance: float
    draws: np.ndarray

    def interval(self, level=LEVEL):
        """Return the limits of equal tails, shape (2, parameters)."""
        return np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)


def estimated(surrogate, target, rng):
    """Return the `Estimate` of a target from a surrogate.

    Parameters
    ----------
    surrogate : perplab.analysis.calibration.surrogate.Surrogate
    target : perplab.analysis.calibration.targets.Target
    rng : numpy.random.Generator
    """
    means, covariance = target.means, target.covariance

    def energy(shares):
        """Return minus the log quasi-likelihood at points."""
        distance, log_determinant = distances(surrogate, means, covariance, shares)
        return 0.5 * (distance + log_determinant)

    draws = quasi_posterior(energy, surrogate.centres.shape[1], rng)
    best = draws[np.argmin(energy(draws))]
    found = minimize(
        lambda share: energy(share[None])[0], best, method="L-BFGS-B", bounds=[(0, 1)] * len(best)
    )
    point = np.round(np.clip(found.x, 0, 1), SHARE_DIGITS)
    return Estimate(point, float(distances(surrogate, means, covariance, point)[0][0]), draws)


def distances(surrogate, means, covariance, shares):
    """Return J and the log determinant of its covariance at points."""
    shares = np.atleast_2d(shares)
    total = covariance + surrogate.covariances(shares)
    gaps = surrogate.means(shares) - means
    lower = np.linalg.cholesky(total)
    white = np.linalg.solve(lower, gaps[:, :, None])[:, :, 0]
    logs = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    return (white**2).sum(axis=1), logs


def quasi_posterior(energy, dimensions, rng):
    """Return draws from the density exp(-energy) on the unit cube, by tempering.

    Particles begin uniform; the power of the density rises from 0 to 1 in steps that leave half of
    them effective, and each is moved by random walks of the particles' own covariance (Del Moral,
    Doucet and Jasra 2006, JRSS B 68).
    """
    shares, power = rng.random((PARTICLES, dimensions)), 0.0
    energies = energy(shares)
    while power < 1.0:
        step = next_step(energies, 1.0 - power)
        power += step
        weights = np.exp(-step * (energies - energies.min()))
        chosen = rng.choice(PARTICLES, PARTICLES, p=weights / weights.sum())
        shares, energies = shares[chosen], energies[chosen]
        for _ in range(MOVES * (3 if power >= 1.0 else 1)):
            shares, energies = moved(energy, shares, energies, power, rng)
    return shares


def next_step(energies, most):
    """Return the largest step of the power that leaves half of the particles effective."""

    def effective(step):
        weights = np.exp(-step * (energies - energies.min()))
        return weights.sum() ** 2 / (weights**2).sum() / len(energies)

    if effective(most) >= LEAST_EFFECTIVE:
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if effective(middle) >= LEAST_EFFECTIVE else (low, middle)
    return max(low, 1e-9)


def moved(energy, shares, energies, power, rng):
    """Return particles after one Metropolis step, and their energies."""
    number, dimensions = shares.shape
    spread = np.atleast_2d(np.cov(shares.T)) * 2.38**2 / dimensions + 1e-12 * np.eye(dimensions)
    steps = rng.standard_normal(shares.shape) @ np.linalg.cholesky(spread).T
    steps *= rng.choice([0.2, 1.0], number)[:, None]
    proposed = shares + steps
    inside = ((proposed >= 0) & (proposed <= 1)).all(axis=1)
    there = energy(np.clip(proposed, 0, 1))
    accepted = inside & (np.log(rng.random(number)) < -power * (there - energies))
    return np.where(accepted[:, None], proposed, shares), np.where(accepted, there, energies)


def region(surrogate, target, estimate):
    """Return the part of the bounds that J does not reject at 5 %.

    Tested are a Sobol sequence over the bounds and the draws of the quasi-posterior; the quantile
    is that of chi-square with one degree of freedom per moment.

    Returns
    -------
    share : float
        Of the points of the Sobol sequence.
    limits : numpy.ndarray, shape (2, parameters), or None
        Smallest and largest value of each parameter among the points; None if all are rejected.
    """
    dimensions = len(estimate.point)
    pool = qmc.Sobol(dimensions, rng=np.random.default_rng(0)).random(POOL)
    tested = np.vstack([pool, estimate.draws, estimate.point])
    distance, _ = distances(surrogate, target.means, target.covariance, tested)
    kept = distance <= chi2.ppf(REGION_LEVEL, len(target.names))
    inside = tested[kept]
    limits = np.array([inside.min(axis=0), inside.max(axis=0)]) if len(inside) else None
    return float(kept[:POOL].mean()), limits


def overidentification(simulated, target, parameters):
    """Return the J-test of runs simulated at the point.

    Parameters
    ----------
    simulated : numpy.ndarray, shape (seeds, moments)
    target : perplab.analysis.calibration.targets.Target
    parameters : int

    Returns
    -------
    dict
        `statistic`, `degrees`, `p_value` (None without degrees of freedom). The covariance is that
        of the target plus that of the simulated means.
    """
    gap = simulated.mean(axis=0) - target.means
    between = np.atleast_2d(np.cov(simulated.T)) / len(simulated)
    statistic = float(gap @ np.linalg.solve(target.covariance + between, gap))
    degrees = len(gap) - parameters
    p_value = float(chi2.sf(statistic, degrees)) if degrees else None
    return {"statistic": statistic, "degrees": degrees, "p_value": p_value}
