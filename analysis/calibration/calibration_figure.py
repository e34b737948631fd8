"""One printable figure of a calibration: fit by moment, and which parameters each moment sees."""

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from perplab.analysis.estimators.moments import MOMENTS
from perplab.analysis.figures.style import DOUBLE_INCHES, GREY, PERPETUAL, STYLE, signed
from perplab.sim.atomic_files import atomic_file

ROW_INCHES, LEAST_INCHES = 0.24, 2.2
TWO_SIDED = 1.96
MOST_SHOWN = 10.0


def write_figure(result, folder):
    """Write ``calibration.pdf`` and ``calibration.png`` into a folder."""
    with matplotlib.rc_context(STYLE):
        figure = figure_of(result)
        with atomic_file(folder / "calibration.pdf") as part:
            figure.savefig(part, format="pdf", metadata={"CreationDate": None})
        with atomic_file(folder / "calibration.png") as part:
            figure.savefig(part, format="png", dpi=200)


def figure_of(result):
    """Return the figure of a result."""
    height = max(ROW_INCHES * len(result["fit"]) + 1.0, LEAST_INCHES)
    figure = Figure(figsize=(DOUBLE_INCHES, height), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_fit(result, left)
    draw_slopes(result, right)
    return figure


def draw_fit(result, axes):
    """Draw the distance of each simulated from its real moment, in standard errors."""
    distances = np.array([row["t"] for row in result["fit"].values()])
    rows = np.arange(len(distances)) + 0.5
    axes.axvspan(-TWO_SIDED, TWO_SIDED, color="0.93", zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.plot(np.clip(distances, -MOST_SHOWN, MOST_SHOWN), rows, "o", color=PERPETUAL, ms=4)
    for row, distance in zip(rows, distances, strict=True):
        if abs(distance) > MOST_SHOWN:
            axes.annotate(
                signed(distance),
                (np.sign(distance) * MOST_SHOWN, row),
                (0, 4),
                textcoords="offset points",
                fontsize=6,
                ha="center",
            )
    axes.set_yticks(rows, [words_of(name) for name in result["fit"]])
    axes.set_ylim(len(rows), 0)
    axes.set_xlabel("simulated less real\n(standard errors)")
    axes.set_title("fit")
    sns.despine(ax=axes)
    return axes


def words_of(name):
    """Return what a moment is called beside the figure."""
    return name.replace("_", " ") if name in MOMENTS else name


def draw_slopes(result, axes):
    """Draw the change of each moment with each parameter, in standard errors."""
    table = result["identifiability"]["per_tenth_of_range"]
    names = list(result["parameters"])
    values = np.array([[row[name] for name in names] for row in table.values()])
    widest = min(float(np.abs(values).max()) or 1.0, MOST_SHOWN)
    sns.heatmap(
        values,
        ax=axes,
        cmap="PuOr",
        vmin=-widest,
        vmax=widest,
        annot=np.vectorize(signed, otypes=[object])(np.round(values, 1)),
        fmt="",
        annot_kws={"size": 6},
        cbar_kws={"label": "change (standard errors)\nper tenth of the range"},
        yticklabels=False,
    )
    axes.set_xticks(
        np.arange(len(names)) + 0.5,
        [name.replace("_", " ") for name in names],
        rotation=35,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set_title("sensitivity")
    return axes
