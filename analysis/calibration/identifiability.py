"""Identifiability: which moments move with which parameter, and what none of them sees."""

import numpy as np

STEP = 0.01
TENTH = 0.1
UNIFORM = 12**0.5
"""Singular value at which a direction is known no better than that it is within the bounds."""


def slopes(surrogate, point):
    """Return the change of each moment per unit of share, shape (moments, parameters).

    Central differences, one-sided at a bound.
    """
    columns = []
    for place in range(len(point)):
        low, high = point.copy(), point.copy()
        low[place], high[place] = max(point[place] - STEP, 0), min(point[place] + STEP, 1)
        change = surrogate.means(high)[0] - surrogate.means(low)[0]
        columns.append(change / (high[place] - low[place]))
    return np.column_stack(columns)


def sensitivities(surrogate, target, point):
    """Return what the moments say about the parameters at a point.

    Returns
    -------
    dict
        ``per_tenth``: the change of each moment when a parameter moves by a tenth of its range, in
        standard errors of the distance between simulated and real moment; ``singular_values`` of
        the slopes in units of the covariance of that distance, over the range; ``directions``, the
        parameters' part in each. The reciprocal of a singular value is the standard error of its
        direction, as a share of the range.
    """
    covariance = target.covariance + surrogate.covariances(point)[0]
    steep = slopes(surrogate, point)
    white = np.linalg.solve(np.linalg.cholesky(covariance), steep)
    _, values, directions = np.linalg.svd(white, full_matrices=False)
    return {
        "per_tenth": TENTH * steep / np.sqrt(np.diag(covariance))[:, None],
        "slopes": steep,
        "singular_values": values,
        "directions": directions,
    }


def elasticities(steep, means, parameters, point):
    """Return the percentage change of each moment per per cent of each parameter.

    Parameters
    ----------
    steep : numpy.ndarray, shape (moments, parameters)
        Change of each moment per unit of share.
    means : numpy.ndarray, shape (moments,)
    parameters : list of perplab.analysis.calibration.calibration_file.Parameter
    point : numpy.ndarray, shape (parameters,)
        Shares.

    Returns
    -------
    numpy.ndarray, shape (moments, parameters)
        NaN where the moment or the parameter is 0.
    """
    values = np.array([each.at(share) for each, share in zip(parameters, point, strict=True)])
    spans = np.array(
        [
            value * np.log(each.high / each.low) if each.log else each.high - each.low
            for each, value in zip(parameters, values, strict=True)
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = steep / spans * values / means[:, None]
    return np.where(np.isfinite(ratios), ratios, np.nan)
