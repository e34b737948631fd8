"""What figures are drawn with: the paper's style, panels, the clock of a run, thinned lines, legible amounts."""

import math

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from perplab.analysis.estimators.series import DAY_SECONDS, HOUR_SECONDS, run_seconds

DOUBLE_INCHES = 7.0
LINE_POINTS = 3000
PALETTE = sns.color_palette("colorblind", 10)
STYLE = {
    **sns.axes_style("ticks"),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.6,
    "lines.linewidth": 0.9,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.columnspacing": 1.2,
    "legend.borderaxespad": 0.2,
    "axes.formatter.useoffset": False,
    "svg.hashsalt": "perplab",
    "svg.fonttype": "path",
}
TICK_STEPS = (0.25, 0.5, 1, 2, 3, 6, 10, 12, 20, 30, 60, 90, 180, 365)
MOST_TICKS = 10


def panels(count, height, ratios=None, width=DOUBLE_INCHES):
    """Return a figure (inches) and its axes one above the other, sharing time, in the style in force."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(
        count, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    )[:, 0]
    for each in axes:
        sns.despine(ax=each)
    figure.align_ylabels(axes)
    return figure, axes


def clock(records):
    """Return the seconds and the name of the unit of time that suits a run's length."""
    length = run_seconds(records)
    if length >= 3 * DAY_SECONDS:
        return DAY_SECONDS, "days"
    return (HOUR_SECONDS, "hours") if length >= 3 * HOUR_SECONDS else (60.0, "minutes")


def in_clock(records, seconds):
    """Return seconds in the run's unit of time."""
    return np.asarray(seconds, float) / clock(records)[0]


def time_axis(records, axes):
    """Label the time axis and let it span the run."""
    length = float(in_clock(records, run_seconds(records)))
    step = next((step for step in TICK_STEPS if length <= step * MOST_TICKS), length / MOST_TICKS)
    axes.set_xlabel(f"time since start ({clock(records)[1]})")
    axes.set_xlim(0, length)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    return axes


def line(records, axes, seconds, values, **look):
    """Draw one thinned line over time."""
    x, y = thinned(in_clock(records, seconds), values)
    sns.lineplot(x=x, y=y, ax=axes, estimator=None, errorbar=None, sort=False, legend=False, **look)
    return axes


def thinned(x, y, points=LINE_POINTS):
    """Return a line of at most `points` points: the lowest and the highest of each of points / 2 equal stretches.

    Unknown values (NaN) stay only where a whole stretch is unknown.

    Examples
    --------
    >>> thinned(np.arange(6.0), np.array([0.0, 5.0, 1.0, 1.0, -2.0, 0.0]), 4)[1]
    array([ 0.,  5.,  1., -2.])
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) <= points:
        return x, y
    edges = np.linspace(0, len(x), points // 2 + 1).astype(int)
    low, high = np.where(np.isnan(y), math.inf, y), np.where(np.isnan(y), -math.inf, y)
    kept = [
        a + part
        for a, b in zip(edges[:-1], edges[1:], strict=True)
        for part in sorted((low[a:b].argmin(), high[a:b].argmax()))
    ]
    return x[kept], y[kept]


def currency(records):
    """Return the name of the quote currency."""
    return records.meta.get("quote", "USD")


def signed(number):
    """Return a number as text with a printed minus sign.

    Examples
    --------
    >>> signed(-4.0), signed(6.0)
    ('−4', '6')
    """
    return f"{number:.3g}".replace("-", "\N{MINUS SIGN}").replace("inf", "\N{INFINITY}")


def zero_line(axes):
    """Draw a thin line at zero behind everything."""
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    return axes


def key(axes):
    """Put the legend of labelled lines above the axes, in one row."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(labels))
    return axes
