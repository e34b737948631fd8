"""The figure of a funding formula: funding rate against premium."""

import math

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from perplab.analysis.escapes import figure_text
from perplab.analysis.estimators.series import BPS
from perplab.analysis.figures.style import DOUBLE_INCHES, PALETTE, STYLE
from perplab.sim.atomic_files import atomic_file
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.funding import SEEN, funding_rate
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.toml_files.reading import reason_of

HOURS = 8.0
VOLATILITY = 0.55 / math.sqrt(31_536_000.0)
"""Volatility at which a law that looks at it is drawn: 55 % a year, per square root of a second."""
LAW_REACH_BPS = (100.0, 12.0)
ENDINGS = (".png", ".svg", ".pdf")


def law_frame(names, widest_bps=100.0, points=801):
    """Return the funding rate of rulebooks over the premium.

    Parameters
    ----------
    names : list of str
        Rulebooks. Those without funding, or whose rate follows open interest, have no such curve
        and are left out.
    widest_bps : float
        Largest premium on either side, in bp of the index.
    points : int

    Returns
    -------
    pandas.DataFrame
        A row per point: ``rulebook``, ``premium_bps``, ``rate_bps_8h``.

    Raises
    ------
    ParameterError
        If no rulebook has such a curve.
    """
    premiums = np.linspace(-widest_bps, widest_bps, points)
    frames = [
        pd.DataFrame(
            {
                "rulebook": figure_text(book.name),
                "premium_bps": premiums,
                "rate_bps_8h": rates_of(book, premiums),
            }
        )
        for book in map(load_rulebook, names)
        if book.funding.enabled and not book.premium.follows_skew
    ]
    if not frames:
        raise ParameterError(
            Fault("rulebooks", " ".join(names), "at least one whose funding follows the premium")
        )
    return pd.concat(frames, ignore_index=True)


def rates_of(book, premiums):
    """Return the funding rates (bp per 8 h) of a rulebook at average premiums (bp)."""
    law, limit, seen = book.funding_law, BPS * book.premium.limit, np.zeros(1, SEEN)[0]
    seen["volatility"] = VOLATILITY
    rates = [funding_rate(law, premium / BPS, seen) for premium in np.clip(premiums, -limit, limit)]
    return np.array(rates) * BPS * HOURS / book.funding.interval_hours


def draw_law(frame, axes):
    """Draw the funding rates of a `law_frame` over the premium."""
    axes.axhline(0.0, color="0.85", linewidth=0.6, zorder=0)
    axes.axvline(0.0, color="0.85", linewidth=0.6, zorder=0)
    sns.lineplot(
        frame,
        x="premium_bps",
        y="rate_bps_8h",
        hue="rulebook",
        style="rulebook",
        ax=axes,
        palette=PALETTE[: frame["rulebook"].nunique()],
        errorbar=None,
    )
    axes.set_xlabel("average premium (bp of the index)")
    axes.set_ylabel("funding rate (bp per 8 h)")
    axes.legend(title=None, frameon=False)
    return axes


def funding_law_figure(names, path):
    """Draw funding rate against premium into a file: up to 100 bp on the left, 12 bp on the right.

    Parameters
    ----------
    names : list of str
        Rulebooks.
    path : pathlib.Path
        A PNG, SVG or PDF file.

    Raises
    ------
    ParameterError
        If no rulebook has such a curve, or the file's ending is another.
    """
    if path.suffix not in ENDINGS:
        raise ParameterError(Fault("--figure", str(path), "a file that ends in .png, .svg or .pdf"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(DOUBLE_INCHES, 2.8), layout="constrained")
        for axes, widest_bps in zip(figure.subplots(1, 2), LAW_REACH_BPS, strict=True):
            draw_law(law_frame(names, widest_bps), axes)
            sns.despine(ax=axes)
        axes.get_legend().remove()
        try:
            with atomic_file(path) as part:
                figure.savefig(part, dpi=300, format=path.suffix.removeprefix("."))
        except OSError as error:
            bound = f"a file that can be written ({reason_of(error)})"
            raise ParameterError(Fault("--figure", str(path), bound)) from None
