"""Panels over time with one line per kind of trader: funding received, change of equity."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from perplab.analysis.figures.style import (
    PALETTE,
    currency,
    in_clock,
    signed,
    thinned,
    zero_line,
)
from perplab.analysis.metrics.catalogue import magnitude

SOLID_LINES = 5
FLATTENS = 8.0


def draw_funding_received(records, axes):
    """Draw the funding that each kind has received (paid, if negative) since the start."""
    received = records.kinds["funding"] - records.kinds["funding"][0]
    amounts = received * records.meta["unit"]
    return kind_lines(records, axes, amounts, "funding received", drawstyle="steps-post")


def draw_equity_by_kind(records, axes):
    """Draw the change of each kind's equity since the start."""
    change = records.kinds["equity"] - records.kinds["equity"][0]
    return kind_lines(records, axes, change * records.meta["unit"], "change of equity")


def kind_lines(records, axes, amounts, meaning, **look):
    """Draw one line per kind of trader; `amounts` is [records, kinds] in quote currency.

    The axis is symmetric-logarithmic where one kind's line would flatten the others.
    """
    scale, word = magnitude(amounts)
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
    unit = f"{word}{currency(records)}{symmetric_log_axis(axes, amounts / scale)}"
    axes.set_ylabel(f"{meaning}\n({unit})")
    axes.set_xlabel("")
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


def symmetric_log_axis(axes, amounts):
    """Make the amount axis symmetric-logarithmic if one kind flattens the others; name the scale.

    Linear is the scale below the power of ten under the median kind's peak.
    """
    peaks = np.abs(amounts).max(axis=0, initial=0.0)
    middle = float(np.median(peaks)) if len(peaks) else 0.0
    if middle <= 0 or peaks.max() < FLATTENS * middle:
        return ""
    linear = 10.0 ** np.floor(np.log10(middle))
    axes.set_yscale("symlog", linthresh=linear)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value)))
    return ", symlog"


def kind_colours(names):
    """Return the colour of each kind, by its position in the run."""
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def kind_dashes(names):
    """Return the dashes of each kind: the first five lines solid, the others dashed."""
    return {name: "" if k < SOLID_LINES else (3, 1) for k, name in enumerate(names)}
