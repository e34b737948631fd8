"""Sensitivity of any figure of a sweep: Sobol and Morris indices by SALib, by sample size."""

import numpy as np
import pandas as pd

from perplab.scenarios.sweeps.sweep_design import Design, salib_problem, salib_shares
from perplab.sim.errors import Fault, ParameterError

LEAST_SAMPLES = 4


def figure_of_points(opened, figure, arm="base"):
    """Return the mean of a figure over seeds, point by point in the order of the design.

    Raises
    ------
    ParameterError
        If a point has no value: an index needs all of them.
    """
    runs = opened.runs[(opened.runs["arm"] == arm)]
    if figure not in runs:
        raise ParameterError(Fault("figure", figure, "a column of runs.parquet"))
    point = runs["number"] // len(opened.manifest["seeds"])
    values = runs.groupby(point)[figure].mean().sort_index()
    expected = len(opened.manifest["runs"]) // len(opened.manifest["seeds"])
    if len(values) != expected or values.isna().any():
        raise ParameterError(
            Fault(
                "figure",
                figure,
                f"known at all {expected} points of the design ({int(values.notna().sum())} are)",
            )
        )
    return values.to_numpy(float)


def sensitivity_indices(opened, figure, arm="base"):
    """Return sensitivity indices of a figure of a sweep for growing parts of its design.

    Parameters
    ----------
    opened : perplab.scenarios.runs.results.Runs
        Of a sweep whose design is ``saltelli`` or ``morris``.
    figure : str
    arm : str

    Returns
    -------
    pandas.DataFrame
        Factor, samples (base number), index, value, half: 95 % half-width (bootstrap). Sobol: first
        and total; Morris: mu_star and sigma (without an interval).

    References
    ----------
    .. [1] Saltelli et al. (2010), Computer Physics Communications 181.
    .. [2] Campolongo, Cariboni and Saltelli (2007), Environmental Modelling and Software 22.
    """
    manifest = opened.manifest
    names, design = list(manifest["factors"]), Design(**manifest["design"])
    if design.kind not in ("saltelli", "morris"):
        raise ParameterError(Fault("design.kind", design.kind, "'saltelli' or 'morris'"))
    values = figure_of_points(opened, figure, arm)
    width = len(names) + (2 if design.kind == "saltelli" else 1)
    sizes = [size for size in growing(design.samples) if size >= LEAST_SAMPLES] or [design.samples]
    rows = []
    for size in sizes:
        part = values[: size * width]
        rows += (
            saltelli_rows(names, part, size)
            if design.kind == "saltelli"
            else morris_rows(names, salib_shares(design, names)[: size * width], part, size)
        )
    return pd.DataFrame(rows)


def growing(samples):
    """Return successively doubled sizes up to a number of samples, smallest first.

    Examples
    --------
    >>> growing(20)
    [2, 5, 10, 20]
    """
    sizes = [samples]
    while sizes[0] >= 4:
        sizes.insert(0, sizes[0] // 2)
    return sizes


def saltelli_rows(names, values, size):
    """Return Sobol indices of the values of a Saltelli design."""
    from SALib.analyze import sobol

    found = sobol.analyze(salib_problem(names), values, calc_second_order=False, seed=0)
    return [
        {
            "factor": name,
            "samples": size,
            "index": index,
            "value": float(found[key][k]),
            "half": float(found[f"{key}_conf"][k]),
        }
        for index, key in (("first", "S1"), ("total", "ST"))
        for k, name in enumerate(names)
    ]


def morris_rows(names, shares, values, size):
    """Return Morris' mean absolute elementary effect and its spread."""
    from SALib.analyze import morris

    found = morris.analyze(salib_problem(names), np.asarray(shares), values, seed=0)
    return [
        {
            "factor": name,
            "samples": size,
            "index": index,
            "value": float(found[index][k]),
            "half": float(found["mu_star_conf"][k]) if index == "mu_star" else float("nan"),
        }
        for index in ("mu_star", "sigma")
        for k, name in enumerate(names)
    ]
