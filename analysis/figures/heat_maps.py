"""Maps of a figure over two factors of a sweep."""

import numpy as np
import seaborn as sns

from perplab.analysis.figures.frame_figures import axis_words
from perplab.analysis.figures.style import signed
from perplab.analysis.metrics.catalogue import label, scaled

MOST_NUMBERS = 49
BOUNDARY = 0.25
"""Price amplification from which a fall is drawn as a cascade."""


def heat_map(frame, axes, across, down, figure, words=None):
    """Draw the mean of a figure over two factors."""
    scale, word = scaled(frame[figure], figure)
    table = mean_table(frame, across, down, figure) / scale
    texts = np.vectorize(signed, otypes=[object])(table)
    draw_map(table, axes, texts, 7, cmap="cividis", cbar_kws={"label": label(figure, word)})
    return name_axes(axes, across, down, words)


def phase_map(frame, axes, across, down, figure="price_amplification", words=None):
    """Draw the mean price amplification over two factors, and the line where it is `BOUNDARY`."""
    heat_map(frame, axes, across, down, figure, words)
    table = mean_table(frame, across, down, figure).to_numpy(float)
    if min(table.shape) > 1 and np.nanmin(table) < BOUNDARY < np.nanmax(table):
        rows, columns = (np.arange(count) + 0.5 for count in table.shape)
        axes.contour(columns, rows, table, levels=[BOUNDARY], colors="white", linewidths=1.5)
    return axes


def attack_map(frame, axes, across, down, profit="pnl_by_kind.manipulation", words=None):
    """Draw the attacker's mean profit over two factors, in thousand USD.

    Gains and losses have different colours. The liquidated notional (thousand USD) is in brackets.
    """
    table = mean_table(frame, across, down, profit) / 1e3
    liquidated = mean_table(frame, across, down, "liquidated_notional") / 1e3
    widest = float(np.nanmax(np.abs(table.to_numpy()))) or 1.0
    texts = np.vectorize(lambda gain, amount: f"{signed(gain)}\n({amount + 0.0:,.0f})")(
        table, liquidated
    )
    draw_map(
        table,
        axes,
        texts,
        6,
        cmap="PuOr",
        vmin=-widest,
        vmax=widest,
        cbar_kws={"label": "attacker's profit\n(thousand USD)"},
    )
    return name_axes(axes, across, down, words)


def draw_map(table, axes, texts, size, **look):
    """Draw a table as a heat map, with a text in each cell if there is room; return the axes."""
    texts = texts if texts.size <= MOST_NUMBERS else False
    return sns.heatmap(table, ax=axes, annot=texts, fmt="", annot_kws={"size": size}, **look)


def mean_table(frame, across, down, figure):
    """Return the mean of a figure by two factors, high values of the second factor at the top."""
    means = frame.pivot_table(index=down, columns=across, values=figure, aggfunc="mean")
    return means.sort_index(ascending=False)


def name_axes(axes, across, down, words):
    """Label both axes with their factors; numbers are written horizontally."""
    axes.set_xlabel(axis_words(across, words))
    axes.set_ylabel(axis_words(down, words))
    axes.tick_params(axis="y", rotation=0)
    return axes
