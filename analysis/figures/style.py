"""Style and shared parts of figures: sizes, colours, panels, time axis, thinned lines.

Names reach a figure through `perplab.analysis.escapes.figure_text` and `figure_names`, and no text
is read as mathematics.
"""

import math
import textwrap

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullFormatter

from perplab.analysis.escapes import figure_text
from perplab.analysis.estimators.series import DAY_SECONDS, HOUR_SECONDS, run_seconds

DOUBLE_INCHES = 7.0
LINE_POINTS = 3000
PALETTE = sns.color_palette("colorblind", 10)
PERPETUAL, REAL, SHORTS, LONGS, GREY = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3], PALETTE[7]
SPOT, ACTING = "0.65", PALETTE[8]
SIDES = {"longs": LONGS, "shorts": SHORTS}
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
    "text.parse_math": False,
}
TICK_STEPS = (0.25, 0.5, 1, 2, 3, 6, 10, 12, 20, 30, 60, 90, 180, 365)
MOST_TICKS = 10
BEYOND_THE_END = 1.01
FLATTENS, ZOOM_MARGIN = 5.0, 0.05
LETTERS_IN_ROW, LETTERS_OF_LABEL, MOST_LETTERS, HANDLE_LETTERS = 90, 42, 84, 5


def panels(count, height, ratios=None, width=DOUBLE_INCHES):
    """Return a figure (height and width in inches) and its stacked axes, which share time."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(
        count, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    )[:, 0]
    for each in axes:
        sns.despine(ax=each)
    figure.align_ylabels(axes)
    return figure, axes


def single_panel(fill, width=3.4, height=2.6):
    """Return a figure (inches) of one panel that `fill` draws on its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    fill(axes)
    sns.despine(ax=axes)
    return figure


def enlarged_panel(fill, lines, width=3.4, height=2.6):
    """Return a figure (inches) of one panel that `fill` draws; further ones enlarge what is flat.

    `lines` are the values of each line, in the unit of the axis (`enlarged_ranges`).
    """
    limits = enlarged_ranges(lines)
    if not limits:
        return single_panel(fill, width, height)
    figure, stacked = panels(1 + len(limits), (1 + 0.8 * len(limits)) * height, width=width)
    for axes in stacked:
        fill(axes)
    for axes, ends in zip(stacked[1:], limits, strict=True):
        enlarge(axes, ends)
        axes.set_ylabel(f"enlarged:\n{axes.get_ylabel()}")
        if axes.get_legend():
            axes.get_legend().remove()
    for axes in stacked[:-1]:
        axes.set_xlabel("")
    return figure


def clock(records):
    """Return the unit of time that suits a run's length: its seconds and its name."""
    length = run_seconds(records)
    if length >= 3 * DAY_SECONDS:
        return DAY_SECONDS, "days"
    return (HOUR_SECONDS, "hours") if length >= 3 * HOUR_SECONDS else (60.0, "minutes")


def in_clock(records, seconds):
    """Return seconds converted to the run's unit of time (`clock`)."""
    return np.asarray(seconds, float) / clock(records)[0]


def time_axis(records, axes):
    """Label the time axis, set its ticks and limit it to the run, its last event within sight."""
    length = float(in_clock(records, run_seconds(records)))
    step = next((step for step in TICK_STEPS if length <= step * MOST_TICKS), length / MOST_TICKS)
    axes.set_xlabel(f"time since start ({clock(records)[1]})")
    axes.set_xlim(0, length * BEYOND_THE_END)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    return axes


def line(records, axes, seconds, values, **look):
    """Draw one thinned line over time."""
    x, y = thinned(in_clock(records, seconds), values)
    sns.lineplot(x=x, y=y, ax=axes, estimator=None, errorbar=None, sort=False, legend=False, **look)
    return axes


def thinned(x, y, points=LINE_POINTS):
    """Return a line of at most `points` points: minimum and maximum of points / 2 equal bins.

    Unknown values (NaN) remain only where a bin has no known value.

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
    chosen = [
        a + part
        for a, b in zip(edges[:-1], edges[1:], strict=True)
        for part in sorted((low[a:b].argmin(), high[a:b].argmax()))
    ]
    return x[chosen], y[chosen]


def currency(records):
    """Return the name of the quote currency."""
    return figure_text(records.meta.get("quote", "USD"), 12)


def signed(number):
    """Return a number as text with three digits and a true minus sign; zero has no sign.

    Examples
    --------
    >>> signed(-4.0), signed(6.0), signed(-0.0)
    ('−4', '6', '0')
    """
    return f"{number + 0.0:.3g}".replace("-", "\N{MINUS SIGN}").replace("inf", "\N{INFINITY}")


def zero_line(axes):
    """Draw a thin line at zero behind everything else."""
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    return axes


def key(axes):
    """Put the legend of labelled lines above the axes, in as few rows as the width allows."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        columns = columns_of(labels, LETTERS_IN_ROW)
        axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=columns)
    return axes


def columns_of(labels, room):
    """Return the number of columns of a legend that fit into a width of some letters.

    Examples
    --------
    >>> columns_of(["spot", "perpetual"], 100), columns_of(["x" * 30, "y", "z" * 30], 50)
    (2, 1)
    """
    lengths = [len(str(label)) + HANDLE_LETTERS for label in labels]
    for columns in range(len(labels), 1, -1):
        if sum(max(part) for part in np.array_split(lengths, columns)) <= room:
            return columns
    return 1


def axis_text(text):
    """Return the label of an axis as `figure_text`, in lines short enough for a small panel."""
    return textwrap.fill(figure_text(text, MOST_LETTERS), LETTERS_OF_LABEL)


def log_ticks(axis, base=10.0):
    """Write plain numbers at the ticks of a logarithmic axis."""
    axis.set_major_locator(LogLocator(base))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


def enlarged_ranges(lines):
    """Return low and high of each further panel that lines which others flatten need.

    A line is flattened if its peak is at most a fifth of the largest peak in the panel before.

    Examples
    --------
    >>> enlarged_ranges([np.array([-1.0, 1.0]), np.array([2.0]), np.array([900.0])])
    [(-1.0, 2.0)]
    >>> enlarged_ranges([np.array([1.0]), np.array([2.0])])
    []
    >>> enlarged_ranges([np.array([900.0]), np.array([0.0, 90.0]), np.array([-9.0])])
    [(-9.0, 90.0), (-9.0, -9.0)]
    """
    known = [line[np.isfinite(line)] for line in map(np.asarray, lines)]
    left, ranges = [line for line in known if line.any()], []
    while left:
        most = max(map(peak, left)) / FLATTENS
        left = [line for line in left if peak(line) <= most]
        ranges += [(min(map(np.min, left)), max(map(np.max, left)))] if left else []
    return [(float(low), float(high)) for low, high in ranges]


def peak(values):
    """Return the largest size of some numbers."""
    return np.abs(values).max()


def enlarge(axes, limits, scale=1.0):
    """Limit an axis of amounts, in units of `scale`, to a range with some margin."""
    low, high = limits
    margin = ZOOM_MARGIN * (high - low or abs(high))
    axes.set_ylim((low - margin) / scale, (high + margin) / scale)


def within(records, seconds, values):
    """Return the part of a real series that falls into the run."""
    seconds, values = np.asarray(seconds, float), np.asarray(values, float)
    inside = (seconds >= 0) & (seconds <= run_seconds(records))
    return seconds[inside], values[inside]
