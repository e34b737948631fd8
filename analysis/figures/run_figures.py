"""The figures of a run: price and basis, funding, open interest and liquidations, equity.

The panels are drawn by `price_panels`, `funding_panels` and `kind_panels`. Lines are thinned to at
most 3,000 points that keep the extremes. The same run gives the same SVG bytes.
"""

import dataclasses
import pathlib

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator

from perplab.analysis.figures.funding_panels import draw_funding_rate
from perplab.analysis.figures.kind_panels import (
    draw_equity_by_kind,
    draw_funding_received,
    zoom_ranges,
)
from perplab.analysis.figures.price_panels import (
    draw_basis,
    draw_liquidated_notional,
    draw_open_interest,
    draw_price,
    mark_liquidations,
    shade_spans,
)
from perplab.analysis.figures.style import STYLE, in_clock, panels, time_axis

DOTS_PER_INCH, LARGEST_CLOSE_UP = 200, 0.25


def write_figures(records, out_dir, real=None, market=0, acting=()):
    """Draw the figures of a run and write each as PNG (200 dots per inch) and SVG.

    Parameters
    ----------
    records : Records
    out_dir : path
        Existing folder; files of the same names are replaced.
    real : dict of str to array, optional
        A real market to draw for comparison: `seconds` since the start of the run, `basis_bps` at
        these times, and `funding` (fraction per 8 h, NaN between settlements) at `funding_seconds`,
        or at `seconds` without that key.
    market : int
    acting : sequence of (float, float, str)
        Spans of hours in which a shock or an attack acts, from
        `perplab.analysis.metrics.scenario_words.acting_of`.

    Returns
    -------
    list of pathlib.Path
        ``price_and_basis``, ``funding``, ``open_interest_and_liquidations`` and
        ``equity_by_kind``, each as .png and .svg; ``price_and_basis_closer`` too where what acts
        first is short beside the run.
    """
    with matplotlib.rc_context(STYLE):
        drawn = {
            "price_and_basis": price_and_basis_figure(records, real, market, acting),
            "funding": funding_figure(records, real, market),
            "open_interest_and_liquidations": open_interest_figure(records, market),
            "equity_by_kind": equity_figure(records),
        }
        if span := short_span(records, acting):
            closer = price_and_basis_figure(within(records, span), real, market, acting, span)
            drawn["price_and_basis_closer"] = closer
        return [
            path
            for name, figure in drawn.items()
            for path in save(figure, pathlib.Path(out_dir) / name)
        ]


def save(figure, path):
    """Write a figure as PNG and as SVG without a date, and return both paths."""
    png, svg = path.with_suffix(".png"), path.with_suffix(".svg")
    figure.savefig(png, dpi=DOTS_PER_INCH)
    figure.set_layout_engine("none")
    figure.savefig(svg, metadata={"Date": None})
    return [png, svg]


def short_span(records, acting):
    """Return the hours around the first span that acts, None where they are most of the run.

    They begin half as long before it as it lasts, at least half an hour, and end three times as
    long after it.
    """
    if not len(acting):
        return None
    start, end, _ = acting[0]
    room = max(0.5 * (end - start), 0.5)
    hours = start - room, end + 3.0 * room
    last = float(records.series[0]["seconds"][-1]) / 3_600.0
    return hours if hours[1] - hours[0] <= LARGEST_CLOSE_UP * last and hours[1] <= last else None


def within(records, hours):
    """Return records with the rows of the series between two hours, so that lines keep detail."""
    low, high = 3_600.0 * np.asarray(hours)
    kept = (
        series[(series["seconds"] >= low) & (series["seconds"] <= high)]
        for series in records.series
    )
    return dataclasses.replace(records, series=list(kept))


def price_and_basis_figure(records, real=None, market=0, acting=(), hours=None):
    """Return the figure of spot and perpetual price with liquidations, and the basis below.

    `hours`, first and last, limit what is shown.
    """
    figure, (above, below) = panels(2, 4.4, (1, 1))
    mark_liquidations(records, draw_price(records, above, market), market)
    draw_basis(records, below, real, market)
    for axes, named in ((above, True), (below, False)):
        shade_spans(records, axes, acting, named)
    time_axis(records, below)
    if hours is not None:
        below.set_xlim(*in_clock(records, 3_600.0 * np.asarray(hours)))
        below.xaxis.set_major_locator(MaxNLocator(7))
    return figure


def funding_figure(records, real=None, market=0):
    """Return the figure of the funding rate and of cumulative funding by kind of trader.

    If a few kinds flatten the others, further panels enlarge the others.
    """
    limits = zoomed(records, "funding")
    figure, (above, *below) = panels(1 + len(limits), 2.0 + 1.8 * len(limits))
    draw_funding_rate(records, above, real, market)
    draw_kinds(records, below, draw_funding_received, limits)
    return figure


def open_interest_figure(records, market=0):
    """Return the figure of open interest and of the liquidated notional."""
    figure, (above, below) = panels(2, 3.6, (3, 2))
    draw_open_interest(records, above, market)
    draw_liquidated_notional(records, below, market)
    time_axis(records, below)
    return figure


def equity_figure(records):
    """Return the figure of the change of equity by kind of trader.

    If a few kinds flatten the others, further panels enlarge the others.
    """
    limits = zoomed(records, "equity")
    figure, axes = panels(len(limits), 0.8 + 1.8 * len(limits))
    draw_kinds(records, axes, draw_equity_by_kind, limits)
    return figure


def zoomed(records, column):
    """Return the limits of the panels of a column by kind: None, and what is to be enlarged."""
    return [None, *zoom_ranges(records, column)]


def draw_kinds(records, axes, draw, limits):
    """Draw lines by kind on a panel for each of some limits, with one legend, over time."""
    for each, ends in zip(axes, limits, strict=True):
        draw(records, each, ends)
    for each in axes[1:]:
        each.get_legend().remove()
    time_axis(records, axes[-1])
