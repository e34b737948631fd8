"""What a calibration aims at: moments of a real market in blocks of time, and their covariance."""

from typing import NamedTuple

import numpy as np


class Target(NamedTuple):
    """Moments of a real market, block by block, each block as long as a simulated run.

    Attributes
    ----------
    names : tuple of str
    blocks : numpy.ndarray, shape (blocks, moments)
    toward : numpy.ndarray, shape (moments, moments), or None
        Correlations towards which those of the blocks are shrunk: those of simulated runs once
        there are enough, none before.
    discrepancy : numpy.ndarray, shape (moments,), or None
        Standard deviation of the part of each moment that no parameters are expected to give.
    """

    names: tuple
    blocks: np.ndarray
    toward: np.ndarray | None = None
    discrepancy: np.ndarray | None = None

    @property
    def means(self):
        """Mean of each moment over blocks."""
        return self.blocks.mean(axis=0)

    @property
    def covariance(self):
        """Covariance of the means, to which a bootstrap of blocks converges, and of the model.

        The first is larger by (n - 1) / (n - 3) for n blocks: their own spread is estimated, and
        that is the variance of Student's distribution with n - 1 degrees of freedom.
        """
        number = len(self.blocks)
        student = (number - 1) / (number - 3)
        sampling = student * shrunk_covariance(self.blocks, self.toward) / number
        return sampling if self.discrepancy is None else sampling + np.diag(self.discrepancy**2)

    @property
    def errors(self):
        """Standard error of each mean."""
        return self.blocks.std(axis=0, ddof=1) / len(self.blocks) ** 0.5


def shrunk_covariance(rows, toward=None):
    """Return the covariance of rows, its correlations shrunk towards others.

    Parameters
    ----------
    rows : numpy.ndarray, shape (rows, variables)
    toward : numpy.ndarray, shape (variables, variables), optional
        Correlations; zero by default.

    Notes
    -----
    Twelve blocks do not determine the correlations of fifteen moments: their plain covariance has
    no inverse. The intensity is the one that minimises the expected squared error, by Schäfer and
    Strimmer (2005, Statistical Applications in Genetics and Molecular Biology 4, 32). Variances
    are not shrunk.

    Examples
    --------
    >>> shrunk_covariance(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])).round(2)
    array([[1.67, 2.62],
           [2.62, 6.67]])
    """
    spread = rows.std(axis=0, ddof=1)
    standard = (rows - rows.mean(axis=0)) / spread
    own = standard.T @ standard / (len(rows) - 1)
    toward = np.eye(len(own)) if toward is None else toward
    share = shrinkage(standard, own, toward)
    return ((1.0 - share) * own + share * toward) * np.outer(spread, spread)


def shrinkage(standard, own, toward):
    """Return how far correlations are shrunk, from 0 (not) to 1 (to those of `toward`).

    `standard` are the standardised rows.
    """
    number = len(standard)
    products = standard[:, :, None] * standard[:, None, :]
    variances = products.var(axis=0) * number**2 / (number - 1) ** 3
    apart = ~np.eye(len(own), dtype=bool)
    total = ((own - toward)[apart] ** 2).sum()
    return float(min(variances[apart].sum() / total, 1.0)) if total > 0 else 1.0


def correlations(rows):
    """Return the correlations of rows, shrunk towards zero."""
    covariance = shrunk_covariance(rows)
    spread = np.sqrt(np.diag(covariance))
    return covariance / np.outer(spread, spread)
