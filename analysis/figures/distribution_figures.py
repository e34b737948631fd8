"""Distributions: leverage of positions, a figure by rulebook or arm, simulated against real."""

import numpy as np
import seaborn as sns

from perplab.analysis.escapes import figure_names
from perplab.analysis.figures.frame_figures import LETTERS_IN_PANEL, axis_words, over_seeds
from perplab.analysis.figures.style import PALETTE, axis_text, columns_of, log_ticks
from perplab.analysis.metrics.catalogue import interval_of, label
from perplab.analysis.metrics.scenario_words import value_text

FEWEST_FOR_VIOLIN = 10


def leverage_histogram(frame, axes):
    """Draw the leverage of open positions (`Records.positions`), stacked by kind of trader."""
    names = figure_names(frame["kind"].str.replace("_", " ").unique())
    shown = frame[frame["equity"] > 0].assign(
        leverage=lambda part: part["notional"] / part["equity"],
        kind=lambda part: part["kind"].str.replace("_", " ").map(names),
    )
    sns.histplot(
        shown,
        x="leverage",
        hue="kind",
        multiple="stack",
        bins=40,
        log_scale=True,
        ax=axes,
        palette=PALETTE[: shown["kind"].nunique()],
        linewidth=0,
    )
    log_ticks(axes.xaxis)
    axes.set_xlabel("leverage (notional / equity)")
    axes.set_ylabel("open positions (count)")
    if axes.get_legend():
        sns.move_legend(axes, "center left", bbox_to_anchor=(1.01, 0.5), title=None)
    return axes


def distribution(frame, axes, group, figure, hue=None, words=None):
    """Draw a figure by a factor of names, for example rulebooks.

    From ten seeds on these are violins (`are_violins`); below that every run is a dot, with the
    mean over seeds and its 95 % interval (Student's t).
    """
    factors = [group, *([hue] if hue else [])]
    shown, scale = over_seeds(frame, factors, figure)
    shown = shown.assign(**{name: in_words(shown[name]) for name in factors})
    look = {"x": figure, "y": group, "ax": axes} | hue_colours(shown, hue)
    if are_violins(frame, factors, figure):
        shape = {"inner": "quart", "density_norm": "width", "cut": 0}
        sns.violinplot(shown, linewidth=0.6, alpha=0.7, **shape, **look)
    else:
        run_dots(shown, figure, look)
    axes.set_xlabel(axis_text(label(figure, scale)))
    axes.set_ylabel(axis_words(group, words))
    if axes.get_legend():
        columns = columns_of(list(shown[hue].unique())[:4], LETTERS_IN_PANEL)
        place = {"bbox_to_anchor": (0, 1), "ncols": columns, "frameon": False, "alignment": "left"}
        sns.move_legend(axes, "lower left", title=axis_words(hue, words), **place)
    return axes


def are_violins(frame, factors, figure):
    """Return whether `distribution` draws violins: ten seeds or more of every combination."""
    shown, _ = over_seeds(frame, factors, figure)
    return bool(shown.groupby(factors).size().min() >= FEWEST_FOR_VIOLIN)


def in_words(column):
    """Return a column of names as texts for a figure, in the order of the column."""
    texts = column.map(value_text)
    return texts.map(figure_names(texts.unique()))


def hue_colours(frame, hue):
    """Return the colours of a seaborn chart: one per value of `hue`, or a single one."""
    if hue:
        return {"hue": hue, "palette": PALETTE[: frame[hue].nunique()]}
    return {"color": PALETTE[0]}


def run_dots(frame, figure, look):
    """Draw every run as a dot, and the mean with its interval beside."""
    dodge = "hue" in look
    dots = {"size": 2.5, "alpha": 0.6, "jitter": False}
    sns.stripplot(frame, orient="h", dodge=dodge, legend=dodge, **dots, **look)
    sns.pointplot(
        frame,
        orient="h",
        errorbar=interval_ends(figure),
        linestyle="none",
        marker="d",
        markersize=4,
        dodge=0.4 if dodge else False,
        legend=False,
        err_kws={"linewidth": 0.9},
        capsize=0.08,
        **look,
    )


def interval_ends(figure):
    """Return the function that gives both ends of the 95 % interval of a figure over seeds."""

    def ends(values):
        _, low, high = interval_of(values, figure)
        return (np.nan, np.nan) if low is None else (low, high)

    return ends


def compare_densities(simulated, real, axes, name):
    """Draw the kernel density of a simulated and of a real series; `name` labels the values."""
    for values, color, text in ((simulated, PALETTE[0], "simulated"), (real, "0.4", "real")):
        known = np.asarray(values)[np.isfinite(values)]
        look = {"fill": True, "alpha": 0.2, "linewidth": 0.9}
        sns.kdeplot(x=known, ax=axes, color=color, label=text, **look)
    axes.set_xlabel(name)
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    return axes
