"""The metric catalogue: one entry per figure of a run.

A metric is a function decorated by `metric`. Its name is the key of ``--json``; the decorator gives
its words and its unit. No other code lists metrics: the summary, the tables of a run, of branches
and of sweeps, labels of axes and reasons for an unknown value all follow from the catalogue.
"""

from typing import NamedTuple

import numpy as np

from perplab.analysis.estimators.series import mean_interval

METRICS = {}
GROUPS = ("basis", "funding", "market", "forced", "run", "")
NO_DIMENSION = "dimensionless"
MAGNITUDES = ((1e9, "billion "), (1e6, "million "), (1e3, "thousand "))


def no_rows(summary, hours, twin):
    """Return why a metric without a reason of its own is unknown."""
    return "no rows to compute it from"


class Metric(NamedTuple):
    """The entry of one figure of a run.

    Attributes
    ----------
    words : str
        What tables and axes call it.
    unit : str
        Of a number of things what they are, of a ratio `NO_DIMENSION`.
    group : str
        Rows of one group are together in tables; no table of a run shows a metric without one.
    signed : bool
        Whether it may be negative.
    of : str
        What `compute` is given: the `MarketRun` ("run") or the attribute of it with this name.
    sweep_table : str
        The table of a sweep that shows it, if any.
    whole_run : bool
        Whether it is counted over the whole run only, not from a moment on.
    unknown : callable
        Of summary, length of the run in hours, and whether a twin ran; returns why it is None.
    compute : callable
    """

    words: str
    unit: str = ""
    group: str = ""
    signed: bool = False
    of: str = "run"
    sweep_table: str = ""
    whole_run: bool = False
    unknown: object = no_rows
    compute: object = None

    def value(self, run):
        """Return the metric of a `MarketRun`."""
        return self.compute(run if self.of == "run" else getattr(run, self.of))


def metric(words, unit="", **entry):
    """Return a decorator that enters a function in the catalogue; see `Metric` for `entry`."""

    def enter(function):
        METRICS[function.__name__] = Metric(words, unit, compute=function, **entry)
        return function

    return enter


def all_metrics():
    """Return all metrics by key, in the order of their groups."""
    keys = sorted(METRICS, key=lambda key: GROUPS.index(METRICS[key].group))
    return {key: METRICS[key] for key in keys}


def tabled_metrics():
    """Return the metrics that tables of a run show, by key."""
    return {key: each for key, each in all_metrics().items() if each.group}


def sweep_columns(table):
    """Return the keys of the metrics that one table of a sweep shows."""
    return tuple(key for key, each in all_metrics().items() if each.sweep_table == table)


def evaluate(of, subject):
    """Return by key the metrics that are computed from one kind of subject."""
    return {key: each.compute(subject) for key, each in METRICS.items() if each.of == of}


def metric_of(name):
    """Return the `Metric` of a column of runs; a column without one is called by its name.

    Examples
    --------
    >>> metric_of("pnl_by_kind.directional_short").words, metric_of("x_y").words
    ('profit, directional short', 'x y')
    """
    key, _, part = name.partition(".")
    if key not in METRICS:
        return Metric(name.replace("_", " "), signed=True)
    entry = METRICS[key]
    words = f"{entry.words}, {part.replace('_', ' ')}"
    return entry._replace(words=words) if part else entry


def why_unknown(key, summary, hours, twin):
    """Return why a metric is unknown, in a few words.

    Parameters
    ----------
    key : str
    summary : dict
    hours : float
        Length of the run.
    twin : bool
        Whether the no-impact twin ran beside it.

    Examples
    --------
    >>> why_unknown("amplification", {}, 48, False), why_unknown("amplification", {}, 48, True)
    ('no twin', 'no liquidation')
    >>> why_unknown("basis_half_life_hours", {}, 48, False)
    'run too short: 216 h needed'
    >>> why_unknown("funding_mean_bps_8h", {}, 2, False)
    'no settlement'
    """
    return metric_of(key).unknown(summary, hours, twin)


def label(name, scale=""):
    """Return what a column is called on an axis, with its unit and a word of scale before it.

    A unit that is a word of the name is not repeated.

    Examples
    --------
    >>> label("basis_mean_bps"), label("volume", "million ")
    ('basis, mean (bp)', 'volume (million USD)')
    >>> label("liquidations"), label("factor.cap"), label("basis_sd_bps")
    ('accounts liquidated', 'cap', 'basis, sd (bp)')
    """
    if name.startswith("factor."):
        return name.removeprefix("factor.").replace("_", " ")
    entry = metric_of(name)
    unit = (scale + entry.unit).strip()
    words = entry.words.replace("standard deviation", "sd")
    return words if unit in ("", NO_DIMENSION, *words.split()) else f"{words} ({unit})"


def magnitude(amounts):
    """Return the divisor and the word that bring amounts near to 1 to 1,000.

    Examples
    --------
    >>> magnitude([2_500_000.0]), magnitude([])
    ((1000000.0, 'million '), (1.0, ''))
    """
    largest = np.max(np.abs(amounts), initial=0.0)
    return next(((scale, name) for scale, name in MAGNITUDES if largest >= scale), (1.0, ""))


def scaled(values, name):
    """Return divisor and word that bring a column of money near to 1 to 1,000; else 1 and no word.

    Examples
    --------
    >>> scaled([2e6], "volume"), scaled([2e6], "trades")
    ((1000000.0, 'million '), (1.0, ''))
    """
    if metric_of(name).unit != "USD":
        return 1.0, ""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return magnitude(np.asarray(known, float))


def interval_of(values, name):
    """Return mean and 95 % interval over seeds (Student's t) of a figure.

    The low end of a figure that cannot be negative is cut at 0.

    Examples
    --------
    >>> [round(x, 2) for x in interval_of([0.0, 0.0, 9.0], "liquidations")]
    [3.0, 0.0, 15.91]
    """
    centre, low, high = mean_interval(values)
    return centre, low if low is None or metric_of(name).signed else max(low, 0.0), high


def cut_at_zero(values, name):
    """Return whether `interval_of` had to cut an interval at 0."""
    low = mean_interval(values)[1]
    return low is not None and low < 0 and not metric_of(name).signed
