"""Panels over time with one line per kind of trader: funding received, change of equity."""

import numpy as np
import pandas as pd
import seaborn as sns

from perplab.analysis.figures.style import (
    PALETTE,
    currency,
    in_clock,
    thinned,
    zero_line,
)
from perplab.analysis.metrics.catalogue import magnitude

SOLID_LINES = 5
FLATTENS, ZOOM_MARGIN = 5.0, 0.05


def draw_funding_received(records, axes):
    """Draw the funding that each kind has received (paid, if negative) since the start."""
    received = records.kinds["funding"] - records.kinds["funding"][0]
    amounts = received * records.meta["unit"]
    return kind_lines(records, axes, amounts, "funding received", drawstyle="steps-post")


def draw_equity_by_kind(records, axes, zoom=None):
    """Draw the change of each kind's equity since the start; `zoom` are the ends of the axis."""
    change = records.kinds["equity"] - records.kinds["equity"][0]
    meaning = "change of equity" if zoom is None else "enlarged"
    return kind_lines(records, axes, change * records.meta["unit"], meaning, zoom)


def kind_lines(records, axes, amounts, meaning, zoom=None, **look):
    """Draw one line per kind of trader.

    `amounts` is [records, kinds] in quote currency; `zoom` are the ends of the amount axis.
    """
    scale, word = magnitude(amounts if zoom is None else zoom)
    names = [kind.replace("_", " ") for kind in records.kind_names]
    sns.lineplot(
        long_frame(records, amounts / scale, names),
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
    axes.set_ylabel(f"{meaning}\n({word}{currency(records)})")
    axes.set_xlabel("")
    if zoom is not None:
        margin = ZOOM_MARGIN * (zoom[1] - zoom[0])
        axes.set_ylim((zoom[0] - margin) / scale, (zoom[1] + margin) / scale)
    sns.move_legend(axes, "center left", bbox_to_anchor=(1.01, 0.5), title=None)
    return axes


def long_frame(records, amounts, names):
    """Return thinned lines as one long frame: ``time``, ``amount``, ``kind``."""
    time = in_clock(records, records.kinds["seconds"][:, 0])
    lines = [thinned(time, amounts[:, k]) for k in range(len(names))]
    return pd.concat(
        [
            pd.DataFrame({"time": x, "amount": y, "kind": name})
            for name, (x, y) in zip(names, lines, strict=True)
        ]
    )


def zoom_range(records):
    """Return low and high equity change of the kinds that others flatten, in quote currency.

    A kind flattens the others if its peak is five or more times the median kind's peak. None if no
    kind does.
    """
    change = (records.kinds["equity"] - records.kinds["equity"][0]) * records.meta["unit"]
    peaks = np.abs(change).max(axis=0, initial=0.0)
    flat = peaks < FLATTENS * np.median(peaks) if len(peaks) else np.zeros(0, bool)
    if not flat.any() or flat.all():
        return None
    return float(change[:, flat].min()), float(change[:, flat].max())


def kind_colours(names):
    """Return the colour of each kind, by its position in the run."""
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def kind_dashes(names):
    """Return the dashes of each kind: the first five lines solid, the others dashed."""
    return {name: "" if k < SOLID_LINES else (3, 1) for k, name in enumerate(names)}
