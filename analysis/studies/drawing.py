"""The figure of a study: each compared figure by arm, mean over seeds and 95 % interval."""

import math
import textwrap

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from perplab.analysis.figures.style import DOUBLE_INCHES, GREY, PERPETUAL, REAL, STYLE
from perplab.analysis.studies.markdown import title_of
from perplab.analysis.studies.moment_tables import moment_of
from perplab.analysis.studies.results import contrasts_of

ROW_INCHES, HEAD_INCHES, PANEL_INCHES = 0.19, 1.05, 0.6
FORMS = ("png", "svg")
MOST_PANELS = 8
MOST_COLUMNS = 4
MOST_TICKS = 3
"""Between ticks of panels side by side: amounts of money are long."""


def draw_study(result, folder):
    """Draw the figure of a study into a folder, as PNG and SVG; return the paths."""
    with rc_context(STYLE):
        figure = (result.study.draw or draw_arms)(result)
        paths = [folder / f"{result.study.name}.{form}" for form in FORMS]
        for path in paths:
            figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else {})
    return paths


def rows_figure(panels, labels, width=DOUBLE_INCHES):
    """Return a figure of panels side by side that share their rows, and its axes."""
    columns = columns_of(panels)
    lines = -(-panels // columns)
    height = (HEAD_INCHES + ROW_INCHES * len(labels)) * lines
    figure = Figure(figsize=(width, height), layout="constrained")
    places = figure.subplots(lines, columns, sharey=True, squeeze=False).flatten()
    axes = places[:panels]
    for empty in places[panels:]:
        empty.set_visible(False)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].set_ylim(len(labels) - 0.5, -0.5)
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        if panels > 1:
            each.xaxis.set_major_locator(MaxNLocator(MOST_TICKS))
            each.xaxis.set_major_formatter(FuncFormatter(tick_text))
    return figure, axes


def draw_interval(axes, row, interval, **look):
    """Draw a mean and its interval on a row; nothing if it is unknown."""
    centre, low, high = interval
    if centre is None:
        return
    if low is not None:
        axes.plot([low, high], [row, row], color=look.get("color", PERPETUAL), linewidth=0.9)
    axes.plot([centre], [row], "o", markersize=3, **{"color": PERPETUAL, **look})


def draw_arms(result):
    """Return the figure of a study that compares arms: a panel per figure, a row per arm."""
    study = result.study
    keys = (study.compared or study.effects or tuple(study.figures))[:MOST_PANELS]
    labels = [arm.name for arm in result.arms]
    figure, axes = rows_figure(len(keys), labels)
    for place, key in zip(axes, keys, strict=True):
        shown = study.figures[key]
        for row, arm in enumerate(result.arms):
            draw_interval(place, row, result.interval(arm.name, key))
        control = result.interval(result.arms[0].name, key)[0]
        guide = control if key in study.compared else 0.0
        if guide is not None:
            place.axvline(guide, color=GREY, linewidth=0.6, zorder=0)
        place.set_xlabel(wrapped(title_of(shown), letters(len(keys))))
    return figure


def tick_text(value, _position=None):
    """Return the text of a tick, in millions (M) where it is large.

    Examples
    --------
    >>> tick_text(0.45), tick_text(-15.0), tick_text(8e7), tick_text(0.0)
    ('0.45', '\N{MINUS SIGN}15', '80M', '0')
    """
    text = f"{value / 1e6:.6g}M" if abs(value) >= 1e5 else f"{value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")


def columns_of(panels):
    """Return how many panels stand side by side: at most `MOST_COLUMNS`, in lines of equal length.

    Examples
    --------
    >>> [columns_of(panels) for panels in (1, 4, 6, 8)]
    [1, 4, 3, 4]
    """
    lines = -(-panels // MOST_COLUMNS)
    return -(-panels // lines)


def letters(panels):
    """Return how many letters of a label fit below one of several panels."""
    return 60 // columns_of(panels)


def wrapped(words, width=22):
    """Return words broken into lines.

    Examples
    --------
    >>> wrapped("standard deviation of the basis", 20).count(chr(10))
    1
    """
    return "\n".join(textwrap.wrap(words, width, break_long_words=False))


def draw_moments(result):
    """Return the figure of moments: where each lies in its range, from 0 to 1, beside the real one.

    A panel per scenario and step.
    """
    keys = [
        key
        for key in result.study.figures
        if any(moment_of(result, arm, key)["range"] for arm in result.arms)
    ]
    labels = [result.study.figures[key].words for key in keys]
    figure, axes = rows_figure(len(result.arms), labels)
    for place, arm in zip(axes, result.arms, strict=True):
        for row, key in enumerate(keys):
            draw_in_range(place, row, moment_of(result, arm, key))
        place.axvspan(0, 1, color="0.92", zorder=0)
        place.set_xlim(-1, 2)
        words = f"place in the range (blue: simulated, orange: real), {arm.name}"
        place.set_xlabel(wrapped(words, letters(len(result.arms))))
    return figure


def draw_in_range(axes, row, found):
    """Draw a moment and the real one on a row, by their place in the range if it is closed."""
    low, high = found["range"] or (None, None)
    if low is None or high is None or high <= low:
        return
    place = [at_share(found[name], low, high) for name in ("mean", "low", "high")]
    draw_interval(axes, row, place)
    if found["real"] is not None:
        draw_interval(axes, row, (at_share(found["real"], low, high), None, None), color=REAL)


def at_share(value, low, high):
    """Return where a value is in a range, 0 at its low end and 1 at its high end.

    Examples
    --------
    >>> at_share(1.5, 1, 2), at_share(None, 1, 2)
    (0.5, None)
    """
    return None if value is None or not math.isfinite(value) else (value - low) / (high - low)


def draw_effects(result):
    """Return the figure of a study's contrasts: a row each, a panel for each unit."""
    found = contrasts_of(result)
    units = list(dict.fromkeys(each.unit for each in found.values()))
    panels = [[name for name, each in found.items() if each.unit == unit] for unit in units]
    rows = [len(names) for names in panels]
    height = len(panels) * PANEL_INCHES + sum(rows) * ROW_INCHES
    figure = Figure(figsize=(DOUBLE_INCHES, height), layout="constrained")
    places = figure.subplots(len(panels), squeeze=False, height_ratios=[1 + n for n in rows])[:, 0]
    for axes, names, unit in zip(places, panels, units, strict=True):
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter(FuncFormatter(tick_text))
        axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        axes.set_xlabel(f"effect ({unit})" if unit else "effect")
        for row, name in enumerate(names):
            draw_interval(axes, row, found[name][:3])
    return figure
