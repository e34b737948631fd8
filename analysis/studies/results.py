"""Effects of a study: paired differences over seeds with 95 % intervals, and verdicts in words."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from perplab.analysis.estimators.series import known, mean_interval
from perplab.analysis.studies.study import SHARE_OF_SEEDS

ROUNDING = 1e-12


class Contrast(NamedTuple):
    """An effect.

    Attributes
    ----------
    effect, low, high : float or None
        Mean over seeds and its 95 % interval (Student's t); None if unknown.
    unit : str
    verdict : str
    seeds : int
        Number of seeds, or of pairs.
    """

    effect: float | None
    low: float | None
    high: float | None
    unit: str
    verdict: str
    seeds: int


@dataclasses.dataclass(frozen=True)
class Result:
    """The figures of a finished study.

    Attributes
    ----------
    study : Study
    arms : list of Arm
    seeds : list of int
    figures : dict of (str, int) to dict
        By arm and seed.
    real : dict of str to dict
        Real figures by story, as `perplab.analysis.studies.targets.real_figures` gives them.
    """

    study: object
    arms: list
    seeds: list
    figures: dict
    real: dict = dataclasses.field(default_factory=dict)

    def values(self, arm, key):
        """Return a figure of an arm by seed, NaN where it is unknown."""
        return as_floats(self.figures[arm, seed].get(key) for seed in self.seeds)

    def interval(self, arm, key):
        """Return mean over seeds and 95 % interval of a figure of an arm; None if unknown.

        Student's t; of a share of seeds the exact binomial one (Clopper and Pearson 1934).
        """
        values = self.values(arm, key)
        if self.study.figures[key].unit != SHARE_OF_SEEDS:
            return mean_interval(values)
        values = values[np.isfinite(values)]
        if not len(values):
            return None, None, None
        found = binomtest(int(values.sum()), len(values))
        limits = found.proportion_ci(0.95)
        return found.statistic, float(limits.low), float(limits.high)

    def control_of(self, arm):
        """Return the control of an arm: the first one in its setting."""
        return next(one for one in self.arms if (one.story, one.dt) == (arm.story, arm.dt))

    def differences(self, arm, key):
        """Return the differences of a figure from the control by seed, NaN where unknown.

        Differences within the rounding of the two numbers are 0.
        """
        treated, control = self.values(arm.name, key), self.values(self.control_of(arm).name, key)
        apart = treated - control
        size = np.maximum(np.abs(treated), np.abs(control))
        return np.where(np.abs(apart) <= ROUNDING * size, 0.0, apart)


def as_floats(values):
    """Return numbers as an array; None, and what JSON holds as text, is NaN.

    Examples
    --------
    >>> as_floats([1, None, "nan"])
    array([ 1., nan, nan])
    """
    return np.array([v if isinstance(v, (int, float)) else math.nan for v in values], float)


def contrast(values, unit="", figure=None, is_difference=True):
    """Return the `Contrast` of values, one per seed.

    Examples
    --------
    >>> found = contrast([1.0, 2.0, 3.0], "bp")
    >>> found.effect, round(found.low, 3), found.verdict
    (2.0, -0.484, 'no effect shown: the interval contains 0')
    """
    values = as_floats(values)
    centre, low, high = mean_interval(values)
    words = verdict(centre, low, high, unit, figure, is_difference)
    return Contrast(centre, low, high, unit, words, int(np.isfinite(values).sum()))


def verdict(centre, low, high, unit, figure=None, is_difference=True):
    """Return what an interval says, in one line.

    A mean is judged by the range of its figure, a difference by its sign.

    Examples
    --------
    >>> verdict(2.0, 1.0, 3.0, "bp"), verdict(-2.0, -3.0, -1.0, "")
    ('higher by 2 bp', 'lower by 2')
    >>> verdict(5_170_000.0, 1e6, 9e6, "quote currency")
    'higher by 5,170,000 quote currency'
    >>> verdict(2.0, None, None, "bp")
    'no verdict: it takes two seeds or more'
    """
    if centre is None:
        return "unknown: not measured in any seed"
    if not is_difference and figure is not None and figure.low is not None:
        return range_verdict(centre, figure.low, figure.high)
    if low is None:
        return "no verdict: it takes two seeds or more"
    if not is_difference:
        return "measured"
    if low <= 0 <= high:
        return "no effect shown: the interval contains 0"
    size = float(f"{abs(centre):.3g}")
    words = f"{size:,.0f}" if size >= 1_000 else f"{size:g}"
    return f"{'higher' if centre > 0 else 'lower'} by {words} {unit}".rstrip()


def range_verdict(centre, low, high):
    """Return whether a mean is in a range, in words.

    Examples
    --------
    >>> range_verdict(0.5, 0, 1), range_verdict(2, 0, 1)
    ('inside 0 to 1', 'outside 0 to 1')
    """
    return f"{'inside' if low <= centre <= high else 'outside'} {low:g} to {high:g}"


def ratio_of_means(parts, wholes, unit="", bound=None):
    """Return the `Contrast` of a ratio of means over seeds, by the jackknife.

    Parameters
    ----------
    parts, wholes : array_like
        One per seed.
    unit : str
    bound : float, optional
        What the upper end of the interval should not exceed.

    Examples
    --------
    >>> found = ratio_of_means([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    >>> found.effect, found.low, found.high
    (0.5, 0.5, 0.5)
    """
    found = of_means(lambda part, whole: part / whole, (parts, wholes), unit)
    if found.effect is None:
        return found
    words = "measured" if bound is None else bound_verdict(found.high, bound)
    return found._replace(verdict=words)


def of_means(formula, columns, unit=""):
    """Return the `Contrast` of a formula in means over seeds, by the jackknife.

    Parameters
    ----------
    formula : callable
        Of a mean for each column.
    columns : sequence of array_like
        One value per seed each. A seed counts if all are known.
    unit : str

    Examples
    --------
    >>> found = of_means(lambda a, b: a * b, ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]))
    >>> found.effect, round(found.low, 3)
    (4.0, -0.968)
    """
    rows = np.array([as_floats(column) for column in columns])
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    count = rows.shape[1]
    if count < 2:
        return Contrast(None, None, None, unit, "unknown: it takes two seeds or more", count)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = formula(*rows.mean(axis=1))
        without = formula(*(rows.sum(axis=1)[:, None] - rows) / (count - 1))
    half = stdtrit(count - 1, 0.975) * math.sqrt(
        (count - 1) / count * ((without - without.mean()) ** 2).sum()
    )
    centre, low, high = known(centre), known(centre - half), known(centre + half)
    return Contrast(centre, low, high, unit, verdict(centre, low, high, unit), count)


def bound_verdict(high, bound):
    """Return whether the upper end of an interval is within a bound, in words."""
    within = high is not None and high <= bound
    return f"{'within' if within else 'not shown to be within'} {bound:g}"


def over_mean(values, by, bound):
    """Return the `Contrast` of values over the size of the mean of others, with an upper bound.

    Examples
    --------
    >>> found = over_mean([-1.0, -1.2, -0.8], [-4.0, -4.0, -4.0], 0.5)
    >>> round(found.effect, 6), found.verdict
    (0.25, 'within 0.5')
    """
    size = mean_interval(by)[0]
    if not size:
        return Contrast(None, None, None, "share", "unknown: not measured in any seed", 0)
    found = contrast(as_floats(values) / size, "share")
    return found._replace(verdict=bound_verdict(found.high, bound))


def slope_over(result, key, doses, unit):
    """Return the `Contrast` of the least-squares slope of a figure over doses, seed by seed.

    Parameters
    ----------
    result : Result
    key : str
    doses : dict of str to float
        By arm.
    unit : str
    """
    table = np.array([result.values(arm, key) for arm in doses])
    apart = np.array(list(doses.values())) - np.mean(list(doses.values()))
    return contrast((apart[:, None] * table).sum(axis=0) / (apart**2).sum(), unit)


def contrasts_of(result):
    """Return the contrasts of a study by name: effects in runs, differences, derived ones."""
    study, found = result.study, {}
    for arm in result.arms:
        for key in study.effects:
            figure = study.figures[key]
            found[named(result, figure, arm)] = contrast(
                result.values(arm.name, key), figure.unit, figure, figure.low is None
            )
        if arm is not result.control_of(arm):
            for key in study.compared:
                figure = study.figures[key]
                values = result.differences(arm, key)
                found[named(result, figure, arm)] = contrast(values, figure.unit)
    return found | (study.derived(result) if study.derived else {})


def named(result, figure, arm):
    """Return the name of a contrast: its figure, and its arm where there are several."""
    return figure.words if len(result.arms) == 1 else f"{figure.words}: {arm.name}"


def as_json(result):
    """Return a study's result as one JSON object."""
    more = result.study.json(result) if result.study.json else {}
    return {
        "study": result.study.name,
        "question": result.study.question,
        "seeds": list(result.seeds),
        "arms": [arm.name for arm in result.arms],
        "contrasts": {name: each._asdict() for name, each in contrasts_of(result).items()},
        "figures": {arm.name: levels_of_arm(result, arm) for arm in result.arms},
        **more,
    }


def levels_of_arm(result, arm):
    """Return mean and 95 % interval of every shown figure of an arm."""
    return {
        key: dict(zip(("mean", "low", "high"), result.interval(arm.name, key), strict=True))
        for key in result.study.figures
    }
