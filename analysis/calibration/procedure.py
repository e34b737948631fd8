"""The procedure: design, surrogate, minimum, refinement, final point, tests; one result.

1. Points that fill the bounds (Sobol or Latin hypercube) are simulated with common seeds.
2. A surrogate of each moment gives a first minimum of the distance.
3. Points around it are simulated with the same seeds, the minimum itself with fresh ones: these fix
   the level that few common seeds leave uncertain.
4. The surrogate of all runs gives the final point, which is simulated with the fresh seeds.
5. Region, J-test, recovery and identifiability follow.
"""

import numpy as np
from scipy.stats import qmc

from perplab.analysis.calibration.estimation import SHARE_DIGITS, estimated
from perplab.analysis.calibration.outcome import result_of
from perplab.analysis.calibration.recovery import recovered
from perplab.analysis.calibration.surrogate import RunRows, fit_surrogate
from perplab.analysis.calibration.targets import correlations
from perplab.sim.errors import SweepError
from perplab.sim.streams import generator

AROUND = 0.2
LEAST_ROWS = 4


def calibrate(parameters, target, budget, simulate, note=lambda sentence: None):
    """Estimate parameters by the simulated method of moments.

    Parameters
    ----------
    parameters : dict of str to perplab.analysis.calibration.Parameter
    target : perplab.analysis.calibration.Target
    budget : perplab.analysis.calibration.Budget
    simulate : callable
        ``(points, seeds) -> array of shape (points, seeds, moments)``; `points` has a row of
        parameter values for each point. NaN for a moment that a run does not determine.
    note : callable, optional
        Called with a sentence before each part.

    Returns
    -------
    dict
        The result, as written to ``calibration.json`` (docs/calibration.md).

    Raises
    ------
    SweepError
        If too few runs determine some moment.
    """
    rng = generator(budget.design_seed, "calibration")
    lab = Laboratory(parameters, target, simulate)
    estimate, simulated = located(lab, budget, rng, note)
    note(f"recovery: {budget.pseudo_samples} pseudo-samples")
    surrogate = lab.surrogate()
    recovery = recovered(surrogate, lab.rows, lab.target, budget.pseudo_samples, rng)
    return result_of(parameters, lab.target, surrogate, estimate, simulated, recovery)


def located(lab, budget, rng, note):
    """Simulate what the estimate needs.

    Returns
    -------
    estimate : perplab.analysis.calibration.estimation.Estimate
        Its draws are those of the surrogate of all runs.
    simulated : numpy.ndarray, shape (seeds, moments)
        At the point.
    """
    note(f"design: {budget.points} points x {budget.seeds} seeds")
    lab.run(design(len(lab.parameters), budget), budget.common)
    centre = lab.estimate(rng).point
    note(f"refinement: {budget.refine_points} points, and {budget.final_seeds} fresh seeds")
    lab.run(around(centre, budget), budget.common)
    lab.run(centre[None], budget.fresh)
    lab.learn_correlations()
    point = lab.estimate(rng).point
    note(f"final point: {budget.final_seeds} seeds")
    simulated = lab.run(point[None], budget.fresh)[0]
    return lab.estimate(rng)._replace(point=point), simulated


class Laboratory:
    """Runs at points of the unit cube, and their surrogate."""

    def __init__(self, parameters, target, simulate):
        self.parameters, self.target, self.simulate = list(parameters.values()), target, simulate
        self.known = {}
        self.rows = None

    def run(self, shares, seeds):
        """Simulate points with seeds; return their moments and add them to the rows."""
        values = [
            [each.value(share) for each, share in zip(self.parameters, point, strict=True)]
            for point in shares
        ]
        found = np.asarray(self.simulate(values, seeds), float)
        points = [self.known.setdefault(tuple(point), len(self.known)) for point in shares]
        new = RunRows(
            np.repeat(shares, len(seeds), axis=0),
            np.repeat(points, len(seeds)),
            np.tile(seeds, len(shares)),
            found.reshape(-1, found.shape[2]),
        )
        self.rows = new if self.rows is None else joined(self.rows, new)
        return found

    def surrogate(self):
        """Return the surrogate of all runs so far."""
        check_enough(self.rows, self.target.names)
        return fit_surrogate(self.rows)

    def estimate(self, rng):
        """Return the `Estimate` of the target from all runs so far."""
        return estimated(self.surrogate(), self.target, rng)

    def learn_correlations(self):
        """Shrink the correlations of the real blocks towards those of simulated runs."""
        self.target = self.target._replace(toward=correlations(self.rows.noise()))


def joined(rows, new):
    """Return two sets of rows as one; a run that is in both counts once."""
    both = RunRows(*(np.concatenate(pair) for pair in zip(rows, new, strict=True)))
    names = np.column_stack([both.points, both.seeds])
    first = np.sort(np.unique(names, axis=0, return_index=True)[1])
    return RunRows(*(part[first] for part in both))


def check_enough(rows, names):
    """Raise SweepError if a moment is known in fewer runs than its surrogate needs."""
    needed = LEAST_ROWS * (rows.shares.shape[1] + 1)
    counts = np.isfinite(rows.values).sum(axis=0)
    few = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < needed]
    if few:
        raise SweepError(
            f"moments known in fewer than {needed} runs: {', '.join(few)}; leave them out, "
            "narrow the bounds or add points"
        )


def design(dimensions, budget):
    """Return the points of the design in the unit cube, shape (points, parameters)."""
    samplers = {"latin_hypercube": qmc.LatinHypercube, "sobol": qmc.Sobol}
    sampler = samplers[budget.design](dimensions, rng=np.random.default_rng(budget.design_seed))
    return np.round(sampler.random(budget.points), SHARE_DIGITS)


def around(centre, budget):
    """Return points within `AROUND` of the centre, moved inside the bounds."""
    sampler = qmc.LatinHypercube(len(centre), rng=np.random.default_rng(budget.design_seed + 1))
    low = np.clip(centre - AROUND, 0, 1 - 2 * AROUND)
    points = low + 2 * AROUND * sampler.random(budget.refine_points)
    return np.round(points, SHARE_DIGITS)
