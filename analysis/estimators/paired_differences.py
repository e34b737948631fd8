"""Differences between levels of a factor, paired by seed.

Runs of one seed share their random numbers, so most of the noise cancels. A pair is two runs of the
same seed that differ in one factor alone. A difference is taken at each value of the other factors,
or averaged over them within each seed before seeds are compared. The interval is Student's t over
seeds either way.
"""

from typing import NamedTuple

import pandas as pd

from perplab.analysis.estimators.series import mean_interval

ARM = "arm"
ROUNDING = 1e-12


class Difference(NamedTuple):
    """A figure at a higher level of a factor less that at the lower one.

    Attributes
    ----------
    factor : str
    lower, upper : object
        The two levels.
    place : dict
        Values of the other factors, by name; empty where they are averaged over.
    at_lower, at_upper : float
        Means of the pairs.
    centre, low, high : float
        Mean difference and its 95 % interval; no limits with one pair.
    pairs : int
        Number of seeds.
    """

    factor: str
    lower: object
    upper: object
    place: dict
    at_lower: float
    at_upper: float
    centre: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def clear(self):
        """Whether the interval excludes 0."""
        return self.low is not None and (self.low > 0 or self.high < 0)


def difference(frame, factor, lower, upper, figure, place=()):
    """Return the paired `Difference` of a figure between two levels, None without pairs.

    Averaged over the factors that vary in the frame.

    Examples
    --------
    >>> runs = pd.DataFrame({"seed": [0, 0, 1, 1], "factor.a": [1, 2, 1, 2]})
    >>> found = difference(runs.assign(x=[5.0, 6.0, 1.0, 2.5]), "factor.a", 1, 2, "x")
    >>> found.at_lower, found.centre, round(found.low, 2), found.pairs
    (3.0, 1.25, -1.93, 2)
    """
    others = [
        name for name in frame if (name.startswith("factor.") or name == ARM) and name != factor
    ]
    wide = frame.pivot_table(index=["seed", *others], columns=factor, values=figure, aggfunc="mean")
    if lower not in wide or upper not in wide:
        return None
    pairs = wide[[lower, upper]].dropna().groupby("seed").mean()
    if not len(pairs):
        return None
    changes = pairs[upper] - pairs[lower]
    changes = changes.where(changes.abs() > ROUNDING * pairs.abs().max(axis=1), 0.0)
    return Difference(
        factor,
        lower,
        upper,
        dict(place),
        float(pairs[lower].mean()),
        float(pairs[upper].mean()),
        *mean_interval(changes),
        len(pairs),
    )


def levels_of(frame, factor):
    """Return the levels of a factor: numbers in ascending order, names in that of the design."""
    levels = list(frame[factor].dropna().unique())
    return sorted(levels) if pd.api.types.is_numeric_dtype(frame[factor]) else levels


def places_of(frame, others):
    """Yield ``(place, rows)`` of each combination of the other factors."""
    if not others:
        yield {}, frame
        return
    for values, rows in frame.groupby(list(others), sort=False, dropna=False):
        yield dict(zip(others, values, strict=True)), rows


def contrasts(frame, factors, figure, averaged=False):
    """Return the differences of each level of each factor from the factor's first level.

    Parameters
    ----------
    frame : pandas.DataFrame
        Completed runs: ``seed``, ``factor.NAME``, ``arm`` and figures.
    factors : list of str
        Columns to take in turn; ``arm`` may be one of them.
    figure : str
    averaged : bool
        Average over the other factors instead of holding each at each of its values.

    Returns
    -------
    list of Difference
    """
    return [
        one
        for factor in factors
        for one in from_first(
            frame, factor, [] if averaged else [name for name in factors if name != factor], figure
        )
    ]


def from_first(frame, factor, others, figure):
    """Return the differences of each level of a factor from its first, at each place."""
    first, *rest = levels_of(frame, factor)
    found = (
        difference(rows, factor, first, level, figure, place)
        for place, rows in places_of(frame, others)
        for level in rest
    )
    return [one for one in found if one is not None]
