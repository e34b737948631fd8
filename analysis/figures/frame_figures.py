"""Charts of data frames on given axes: figures over a factor of a sweep, index convergence, phases.

Every chart is a function ``frame, axes -> axes``. Axes carry units; colours are colour-blind safe.
"""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from perplab.analysis.escapes import figure_names, figure_text
from perplab.analysis.estimators.series import BPS, FUNDING_SECONDS
from perplab.analysis.figures.style import PALETTE, axis_text, columns_of, log_ticks
from perplab.analysis.metrics.catalogue import interval_of, label, scaled
from perplab.analysis.metrics.scenario_words import value_text

MOST_TICKS = 8
CELLS = (44, 26)
DECADE, MINUTE = 10.0, 60.0
MARKERS, POINTS_ASIDE = "osD^vPX*", 3.0
LETTERS_IN_PANEL = 48


def phase_portrait(frame, axes, interval_seconds=FUNDING_SECONDS):
    """Draw how long the market was at each basis and predicted funding rate.

    Cells are hexagons; their colour is the time spent in them, on a logarithmic scale.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of a series table: ``seconds``, ``mid``, ``spot`` and ``predicted_funding``
        (fraction per interval).
    axes : matplotlib.axes.Axes
    interval_seconds : float
        Length of the funding interval.
    """
    known = frame[(frame["mid"] > 0) & np.isfinite(frame["predicted_funding"])]
    seconds = float(frame["seconds"].diff().median()) if len(frame) > 1 else MINUTE
    cells = axes.hexbin(
        (known["mid"] / known["spot"] - 1) * BPS,
        known["predicted_funding"] * BPS * FUNDING_SECONDS / interval_seconds,
        C=np.full(len(known), seconds / MINUTE),
        reduce_C_function=np.sum,
        gridsize=CELLS,
        cmap="cividis_r",
        norm=LogNorm(seconds / MINUTE, max(seconds * len(known) / MINUTE / 10, 10.0)),
        linewidths=0.1,
    )
    plain = FuncFormatter(lambda value, _: f"{value:,.6g}")
    bar = axes.figure.colorbar(cells, ax=axes, label="time in cell (min)", format=plain)
    bar.outline.set_visible(False)
    axes.axhline(0, color="0.85", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.85", linewidth=0.6, zorder=0)
    axes.set_xlabel("basis (bp of spot)")
    axes.set_ylabel("predicted funding rate\n(bp per 8 h)")
    return axes


def response_curve(frame, axes, factor, figure, hue="arm", words=None):
    """Draw a figure over a factor of a sweep, one curve per value of `hue`.

    A point is the mean over seeds with its 95 % interval (Student's t). Other factors are averaged
    over within each seed.

    Parameters
    ----------
    frame : pandas.DataFrame
        Runs: ``seed``, the factors and the figure. Without the column `hue` there is one curve.
    axes : matplotlib.axes.Axes
    factor, figure, hue : str
        Columns. Values of the factor that are not numbers stay in the order of the frame.
    words : dict of str to str, optional
        Labels of columns.
    """
    frame = frame if hue in frame else frame.assign(**{hue: ""})
    shown, scale = over_seeds(frame, [factor, hue], figure)
    names = [] if pd.api.types.is_numeric_dtype(shown[factor]) else list(shown[factor].unique())
    if names:
        shown[factor] = shown[factor].map(names.index)
    levels = list(shown[hue].unique())
    labels = figure_names(map(value_text, levels))
    for place, level in enumerate(levels):
        look = curve_style(axes, place, len(levels)) | {"label": labels[value_text(level)]}
        mean_curve(shown[shown[hue] == level], axes, factor, figure, **look)
    factor_axis(axes, shown[factor].unique(), list(figure_names(map(value_text, names)).values()))
    axes.set_xlabel(axis_words(factor, words))
    axes.set_ylabel(axis_text(label(figure, scale)))
    if len(levels) > 1:
        legend_above(axes, list(labels.values()), axis_words(hue, words))
    return axes


def axis_words(name, words=None):
    """Return what an axis or a legend calls a column: its words if it has any, else its label."""
    return axis_text((words or {}).get(name, label(name)))


def curve_style(axes, place, count):
    """Return colour, marker and sideways shift (a few points) of one of several curves."""
    aside = (place - (count - 1) / 2) * POINTS_ASIDE / 72
    return {
        "color": PALETTE[place % len(PALETTE)],
        "marker": MARKERS[place % len(MARKERS)],
        "transform": axes.transData + ScaledTranslation(aside, 0, axes.figure.dpi_scale_trans),
    }


def legend_above(axes, labels, title):
    """Put the legend above the axes, up to four entries in a row."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns_of(labels[:4], LETTERS_IN_PANEL),
        title=title,
        frameon=False,
        columnspacing=1.0,
        handletextpad=0.4,
        alignment="left",
    )


def mean_curve(rows, axes, factor, figure, **look):
    """Draw the mean of a figure at each level of a factor with its interval over seeds."""
    levels = np.sort(rows[factor].unique())
    ends = np.array(
        [interval_of(rows[figure][rows[factor] == level], figure) for level in levels], float
    )
    reach = np.column_stack([ends[:, 0] - ends[:, 1], ends[:, 2] - ends[:, 0]]).T
    reached = np.column_stack([np.repeat(levels, 3), ends.ravel()])
    axes.update_datalim(reached[np.isfinite(reached).all(axis=1)])
    axes.errorbar(
        levels,
        ends[:, 0],
        yerr=np.nan_to_num(reach),
        capsize=2,
        markersize=3.5,
        linewidth=0.9,
        elinewidth=0.7,
        **look,
    )


def response_points(frame, axes, factor, figure, words=None):
    """Draw a figure over a factor of a sampled design: a dot per point, its mean over seeds.

    All other factors vary too.
    """
    points = [name for name in frame if name.startswith("factor.")]
    shown, scale = over_seeds(frame, points, figure)
    means = shown.groupby(points, as_index=False)[figure].mean()
    axes.scatter(means[factor], means[figure], s=8, color=PALETTE[0], linewidths=0, alpha=0.8)
    if spans_decades(means[factor].unique()):
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    axes.set_xlabel(axis_words(factor, words))
    axes.set_ylabel(axis_text(label(figure, scale)))
    return axes


def over_seeds(frame, factors, figure):
    """Return a figure by factors and seed, other factors averaged over, and its scale word.

    Money is divided by a thousand, million or billion; the scale word names which.
    """
    scale, word = scaled(frame[figure], figure)
    keys = list(dict.fromkeys([*factors, *(["seed"] if "seed" in frame else [])]))
    known = frame[[*keys, figure]].dropna(subset=[figure])
    if "seed" in frame:
        known = known.groupby(keys, as_index=False, sort=False, dropna=False)[figure].mean()
    return known.assign(**{figure: known[figure] / scale}), word


def spans_decades(levels):
    """Return whether levels suit a logarithmic axis.

    They do if they are positive, span a factor of ten and are spaced more evenly by ratio than by
    difference.

    Examples
    --------
    >>> spans_decades([0.0003, 0.001, 0.003]), spans_decades([50, 150, 250])
    (True, False)
    >>> spans_decades([1, 50, 100, 150])
    False
    """
    levels = np.sort(np.asarray(levels, float))
    if len(levels) < 2 or levels[0] <= 0 or levels[-1] < DECADE * levels[0] * (1 - 1e-9):
        return False
    by_ratio, by_step = np.diff(np.log(levels)), np.diff(levels)
    return bool(by_ratio.std() / by_ratio.mean() <= by_step.std() / by_step.mean())


def factor_axis(axes, levels, names=()):
    """Put ticks at a factor's levels if they are few; use a logarithmic axis if it suits them.

    `names` are the labels of the levels 0, 1, ... of a factor that is not a number.
    """
    levels = np.sort(levels.astype(float))
    if spans_decades(levels):
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    axes.margins(x=0.08)
    axes.autoscale_view()
    if len(levels) <= MOST_TICKS:
        texts = names or [f"{level:,.6g}" for level in levels]
        crowded = sum(map(len, texts)) > LETTERS_IN_PANEL
        look = {"rotation": 30, "ha": "right"} if crowded else {}
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(levels, texts, **look)
    return axes


def index_convergence(frame, axes):
    """Draw sensitivity indices over the number of samples, with error bars.

    `frame` is from `perplab.analysis.estimators.sensitivity.indices`.
    """
    for k, ((factor, index), part) in enumerate(frame.groupby(["factor", "index"], sort=False)):
        axes.errorbar(
            part["samples"],
            part["value"],
            yerr=part["half"],
            color=PALETTE[k % 10],
            marker="o",
            markersize=3,
            linewidth=0.9,
            capsize=2,
            label=figure_text(f"{factor}, {index.replace('_', ' ')}"),
        )
    axes.set_xscale("log", base=2)
    log_ticks(axes.xaxis, 2.0)
    axes.set_xlabel("samples (base number)")
    axes.set_ylabel("sensitivity index")
    axes.legend(frameon=False, fontsize=6)
    return axes
