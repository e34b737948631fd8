"""Panels over time with one line per kind of trader: funding received, change of equity."""

import numpy as np
import pandas as pd
import seaborn as sns

from perplab.analysis.escapes import figure_names
from perplab.analysis.figures.style import (
    PALETTE,
    currency,
    enlarge,
    enlarged_ranges,
    in_clock,
    thinned,
    zero_line,
)
from perplab.analysis.metrics.catalogue import magnitude

SOLID_LINES = 5


def draw_funding_received(records, axes, zoom=None):
    """Draw the funding that each kind has received (paid, if negative) since the start."""
    amounts, look = since_start(records, "funding"), {"drawstyle": "steps-post"}
    return kind_lines(records, axes, amounts, "funding received", zoom, **look)


def draw_equity_by_kind(records, axes, zoom=None):
    """Draw the change of each kind's equity since the start; `zoom` are the ends of the axis."""
    return kind_lines(records, axes, since_start(records, "equity"), "change of equity", zoom)


def since_start(records, column):
    """Return the change of a column since the start in quote currency, [rows, kinds]."""
    return (records.kinds[column] - records.kinds[column][0]) * records.meta["unit"]


def kind_lines(records, axes, amounts, meaning, zoom=None, **look):
    """Draw one line per kind of trader.

    `amounts` is [records, kinds] in quote currency; `zoom` are the ends of the amount axis, which
    lines that leave it are not drawn on.
    """
    scale, word = magnitude(amounts if zoom is None else zoom)
    names = list(figure_names(kind.replace("_", " ") for kind in records.kind_names).values())
    sns.lineplot(
        long_frame(records, amounts / scale, names, fits(amounts, zoom)),
        x="time",
        y="amount",
        hue="kind",
        style="kind",
        palette=kind_colours(names),
        dashes=kind_dashes(names),
        ax=axes,
        estimator=None,
        errorbar=None,
        sort=False,
        **look,
    )
    zero_line(axes)
    meaning = meaning if zoom is None else f"{meaning},\nenlarged"
    axes.set_ylabel(f"{meaning}\n({word}{currency(records)})")
    axes.set_xlabel("")
    if zoom is not None:
        enlarge(axes, zoom, scale)
    sns.move_legend(axes, "center left", bbox_to_anchor=(1.01, 0.5), title=None)
    return axes


def long_frame(records, amounts, names, shown):
    """Return the thinned lines shown as one long frame: ``time``, ``amount``, ``kind``."""
    time = in_clock(records, records.kinds["seconds"][:, 0])
    lines = [thinned(time, amounts[:, k]) for k in range(len(names))]
    return pd.concat(
        [
            pd.DataFrame({"time": x, "amount": y, "kind": name})
            for name, (x, y), is_shown in zip(names, lines, shown, strict=True)
            if is_shown
        ]
    )


def zoom_ranges(records, column="equity"):
    """Return low and high of each panel for kinds that others flatten, in quote currency."""
    return enlarged_ranges(since_start(records, column).T)


def fits(amounts, zoom):
    """Return for each kind whether its line stays within the ends of a panel."""
    low, high = (-np.inf, np.inf) if zoom is None else zoom
    return ((amounts >= low) & (amounts <= high) | np.isnan(amounts)).all(axis=0)


def kind_colours(names):
    """Return the colour of each kind, by its position in the run."""
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def kind_dashes(names):
    """Return the dashes of each kind: the first five lines solid, the others dashed."""
    return {name: "" if k < SOLID_LINES else (3, 1) for k, name in enumerate(names)}
