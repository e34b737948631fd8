"""The result of a calibration as one JSON object."""

import numpy as np
from scipy.stats import binomtest

from perplab.analysis.calibration.estimation import LEVEL, REGION_LEVEL, overidentification, region
from perplab.analysis.calibration.identifiability import elasticities, sensitivities
from perplab.analysis.calibration.recovery import coverage, coverage_rows
from perplab.analysis.estimators.moments import MOMENTS


def result_of(parameters, target, surrogate, estimate, simulated, recovery):
    """Return the result as a dict of numbers, texts and lists.

    Parameters
    ----------
    parameters : dict of str to perplab.analysis.calibration.Parameter
    target : perplab.analysis.calibration.Target
    surrogate : perplab.analysis.calibration.Surrogate
    estimate : perplab.analysis.calibration.estimation.Estimate
    simulated : numpy.ndarray, shape (seeds, moments)
        At the point.
    recovery : perplab.analysis.calibration.recovery.Recovery
    """
    simulated = simulated[np.isfinite(simulated).all(axis=1)]
    names, kept = list(parameters), region(surrogate, target, estimate)
    test = overidentification(simulated, target, len(names))
    return {
        "parameters": parameter_rows(parameters, estimate, kept),
        "changes": changes_of(parameters, estimate.point),
        "fit": fit_rows(simulated, target),
        "j_test": test | pseudo_test(recovery.distances, estimate.distance),
        "region": {"level": REGION_LEVEL, "share_of_bounds": kept[0], "empty": kept[1] is None},
        "recovery": {
            "all": pooled_coverage(recovery),
            "parameters": coverage_rows(recovery, names),
        },
        "identifiability": identified(parameters, target, surrogate, estimate.point),
        "surrogate": surrogate_rows(surrogate, target.names),
        "blocks": {"number": len(target.blocks), "runs_at_the_point": len(simulated)},
    }


def parameter_rows(parameters, estimate, kept):
    """Return point, bounds, interval and region of each parameter."""
    interval, limits = estimate.interval(), kept[1]
    rows = {}
    for place, (name, each) in enumerate(parameters.items()):
        ends = None if limits is None else [each.value(share) for share in limits[:, place]]
        rows[name] = {
            "keys": list(each.all_keys),
            "point": each.value(estimate.point[place]),
            "bounds": [each.low, each.high],
            "interval": [each.value(share) for share in interval[:, place]],
            "level": LEVEL,
            "region": ends,
        }
    return rows


def changes_of(parameters, point):
    """Return what the point sets, by dotted key."""
    changes = {}
    for each, share in zip(parameters.values(), point, strict=True):
        changes |= each.changes(each.value(share))
    return changes


def fit_rows(simulated, target):
    """Return simulated and real value of each moment, with standard errors and t."""
    means, errors = simulated.mean(axis=0), simulated.std(axis=0, ddof=1) / len(simulated) ** 0.5
    real, real_errors = target.means, target.errors
    total = np.sqrt(errors**2 + real_errors**2)
    columns = ("simulated", "simulated_se", "real", "real_se", "t")
    table = zip(means, errors, real, real_errors, (means - real) / total, strict=True)
    return {
        name: dict(zip(columns, map(float, row), strict=True)) | {"unit": unit_of(name)}
        for name, row in zip(target.names, table, strict=True)
    }


def unit_of(name):
    """Return the unit of a moment, empty if it has none."""
    return MOMENTS[name][1] if name in MOMENTS else ""


def pseudo_test(distances, distance):
    """Return J on the surrogate, and the share of pseudo-samples whose J is at least as large.

    Unlike the chi-square, these include that the covariance of a few blocks is itself estimated.
    """
    larger = distances >= distance
    limits = binomtest(int(larger.sum()), len(larger)).proportion_ci(0.95)
    return {
        "surrogate_statistic": distance,
        "pseudo_p_value": float(larger.mean()),
        "pseudo_p_interval": [float(limits.low), float(limits.high)],
    }


def pooled_coverage(recovery):
    """Return the coverage over all parameters.

    The parameters of one sample are not independent, so the binomial interval is that of as many
    samples as there are.
    """
    share = recovery.covered.mean()
    samples = len(recovery.covered)
    alike = np.arange(samples) < round(share * samples)
    return coverage(alike) | {"share": float(share)}


def identified(parameters, target, surrogate, point):
    """Return what the moments say about the parameters, by name."""
    found = sensitivities(surrogate, target, point)
    steep = found.pop("slopes")
    elastic = elasticities(steep, surrogate.means(point)[0], list(parameters.values()), point)
    return {
        "per_tenth_of_range": by_name(found["per_tenth"], target.names, parameters),
        "elasticity": by_name(elastic, target.names, parameters),
        "singular_values": found["singular_values"].tolist(),
        "directions": [
            dict(zip(parameters, map(float, row), strict=True)) for row in found["directions"]
        ],
    }


def by_name(table, rows, columns):
    """Return a table as a dict of dicts; None for NaN."""
    return {
        row: {
            column: None if np.isnan(value) else float(value)
            for column, value in zip(columns, line, strict=True)
        }
        for row, line in zip(rows, table, strict=True)
    }


def surrogate_rows(surrogate, names):
    """Return how well each moment's surrogate predicts points that were left out.

    `error` is the root mean square; `explained` the share of the variance between points that is
    predicted; `relative` the root mean square of errors over their standard deviations, near 1 if
    the surrogate knows what it does not know.
    """
    errors, means = surrogate.left_out["errors"], surrogate.left_out["means"]
    squares = np.nanmean(errors**2, axis=0)
    relative = np.sqrt(np.nanmean((errors / surrogate.left_out["deviations"]) ** 2, axis=0))
    explained = 1.0 - squares / np.nanvar(means, axis=0)
    return {
        name: {"error": float(e), "explained": float(x), "relative": float(r)}
        for name, e, x, r in zip(names, np.sqrt(squares), explained, relative, strict=True)
    }
