"""Parameter recovery: estimates of pseudo-samples whose parameters are known.

A pseudo-sample is drawn at a point of the bounds: the surrogate's moments, an error of the size
that the surrogate has there, a discrepancy of the model, and as many blocks as the real market has,
each with the noise of a simulated run drawn from those at hand. It passes through the same steps as
the real one, beginning with the covariance of its own blocks.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from perplab.analysis.calibration.estimation import LEVEL, estimated

AIM = (0.8, 0.97)
SMOOTH = 0.5
"""Part of a second run in the noise of a block: a smoothed bootstrap of few runs."""


class Recovery(NamedTuple):
    """What the estimates of pseudo-samples are like.

    Attributes
    ----------
    truths, points : numpy.ndarray, shape (samples, parameters)
    covered : numpy.ndarray of bool, shape (samples, parameters)
        Whether the interval contains the true value.
    distances : numpy.ndarray, shape (samples,)
        J at the estimates.
    """

    truths: np.ndarray
    points: np.ndarray
    covered: np.ndarray
    distances: np.ndarray


def recovered(surrogate, rows, target, samples, rng):
    """Return the `Recovery` of pseudo-samples.

    Parameters
    ----------
    surrogate : perplab.analysis.calibration.surrogate.Surrogate
    rows : perplab.analysis.calibration.surrogate.RunRows
        Simulated runs: the noise of a block is that of one of them about the mean of its point.
    target : perplab.analysis.calibration.targets.Target
        For names and number of blocks.
    samples : int
    rng : numpy.random.Generator
    """
    noise, truths = rows.noise(), rng.random((samples, rows.shares.shape[1]))
    points, covered, found = [], [], []
    for truth in truths:
        blocks = pseudo_blocks(surrogate, noise, truth, len(target.blocks), rng)
        if target.discrepancy is not None:
            blocks = blocks + target.discrepancy * rng.standard_normal(len(target.names))
        estimate = estimated(surrogate, target._replace(blocks=blocks), rng)
        low, high = estimate.interval()
        points.append(estimate.point)
        covered.append((low <= truth) & (truth <= high))
        found.append(estimate.distance)
    return Recovery(truths, np.array(points), np.array(covered), np.array(found))


def pseudo_blocks(surrogate, noise, truth, number, rng):
    """Return the moments of `number` blocks of a market with the parameters `truth`."""
    centre, covariance = surrogate.means(truth)[0], surrogate.covariances(truth)[0]
    error = np.linalg.cholesky(covariance) @ rng.standard_normal(len(centre))
    one, other = noise[rng.integers(0, len(noise), (2, number))]
    return centre + error + SMOOTH * other + (1.0 - SMOOTH**2) ** 0.5 * one


def coverage(covered):
    """Return the share of intervals that contain the true value, with its binomial interval.

    Parameters
    ----------
    covered : numpy.ndarray of bool, shape (samples,)

    Returns
    -------
    dict
        `share`, `low`, `high` (95 %, Clopper and Pearson), `samples`, `nominal`.
    """
    limits = binomtest(int(covered.sum()), len(covered)).proportion_ci(0.95)
    return {
        "share": float(covered.mean()),
        "low": float(limits.low),
        "high": float(limits.high),
        "samples": len(covered),
        "nominal": LEVEL,
    }


def coverage_rows(recovery, names):
    """Return the coverage of each parameter, and the error of its estimate over its range.

    `error` is the root mean square; that of a guess in the middle would be .29.
    """
    errors = np.sqrt(((recovery.points - recovery.truths) ** 2).mean(axis=0))
    return {
        name: coverage(recovery.covered[:, place]) | {"error": float(errors[place])}
        for place, name in enumerate(names)
    }
