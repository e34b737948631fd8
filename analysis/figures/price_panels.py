"""Panels over time of one market: price, basis, open interest, liquidated notional."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from perplab.analysis.estimators.series import (
    HOUR_SECONDS,
    basis_bps,
    forced_events,
    hourly_closes,
    known_mid,
    market_facts,
    run_seconds,
)
from perplab.analysis.figures.style import (
    ACTING,
    GREY,
    LINE_POINTS,
    PERPETUAL,
    REAL,
    SIDES,
    SPOT,
    currency,
    in_clock,
    key,
    line,
    within,
    zero_line,
)
from perplab.analysis.metrics.cascade import notional, of_liquidations
from perplab.analysis.metrics.catalogue import magnitude

MOST_BARS = 60
BAR_SECONDS = [
    *(60.0 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600.0 * hours for hours in (1, 2, 3, 6, 12)),
    *(86_400.0 * days for days in (1, 2, 7, 30, 90, 365)),
]
ROOM_FOR_NAME, LINE_OF_NAMES = 0.2, 10


def draw_price(records, axes, market=0):
    """Draw spot and the perpetual's mid price in quote currency."""
    series = records.series[market]
    seconds = series["seconds"]
    line(records, axes, seconds, series["spot"], color=SPOT, label="spot", linewidth=2.0)
    perpetual = {"color": PERPETUAL, "label": "perpetual (mid)", "linewidth": 0.7}
    line(records, axes, seconds, known_mid(series), **perpetual)
    axes.set_ylabel(f"price ({currency(records)})")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    return key(axes)


def mark_liquidations(records, axes, market=0):
    """Mark the first forced trade of each liquidation at its mark price: longs v, shorts ^."""
    events = of_liquidations(forced_events(records, market))
    events = events[events["lots"] != 0]
    first = events[np.unique(events["node"], return_index=True)[1]]
    for side, marker, chosen in (
        ("longs", "v", first["lots"] < 0),
        ("shorts", "^", first["lots"] > 0),
    ):
        rows = first[chosen][:LINE_POINTS]
        if len(rows):
            axes.scatter(
                in_clock(records, rows["seconds"]),
                rows["mark"],
                s=22,
                marker=marker,
                color=SIDES[side],
                edgecolors="white",
                linewidths=0.2,
                zorder=3,
                label=f"{side} liquidated",
            )
    return key(axes)


def draw_basis(records, axes, real=None, market=0):
    """Draw the basis in bp of spot; with a real market both lines are hourly closes."""
    series = records.series[market]
    if real is not None:
        series = hourly_closes(series)
        known = within(records, real["seconds"], real["basis_bps"])
        line(records, axes, *known, color=REAL, label="real" if len(known[0]) else None)
    simulated = basis_bps(known_mid(series), series["spot"])
    label = None if real is None else "simulated"
    line(records, axes, series["seconds"], simulated, color=PERPETUAL, label=label)
    zero_line(axes)
    axes.set_ylabel("basis (bp of spot)")
    return key(axes)


def shade_spans(records, axes, acting, named=True):
    """Shade the spans of hours in which a shock or an attack acts; each name is written once.

    Only what lies within the run is shaded.
    """
    length, written = float(in_clock(records, run_seconds(records))), []
    for first, last, word in acting:
        ends = in_clock(records, [first * HOUR_SECONDS, last * HOUR_SECONDS]).clip(0, length)
        if ends[0] >= length:
            continue
        axes.axvspan(*ends, color=ACTING, linewidth=0.8, alpha=0.25, zorder=0)
        if named and word not in written:
            name_span(axes, word, ends, length, len(written))
            written.append(word)
    return axes


def name_span(axes, word, ends, length, row):
    """Write a name beside a span, on the side with more room; inside if there is none on either.

    Each name has a `row` of its own, counted from the bottom.
    """
    left, right = ends[0], length - ends[1]
    outside = max(left, right) > ROOM_FOR_NAME * length
    before = outside and left > right
    axes.annotate(
        word,
        (ends[1] if outside and not before else ends[0], 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if before else 3, LINE_OF_NAMES * row),
        textcoords="offset points",
        ha="right" if before else "left",
        color="0.35",
    )


def draw_open_interest(records, axes, market=0):
    """Draw open interest at the mark price in quote currency."""
    series = records.series[market]
    amount = series["open_interest"] * series["mark"] * market_facts(records, market)["lot"]
    scale, name = magnitude(amount)
    line(records, axes, series["seconds"], amount / scale, color=PERPETUAL)
    axes.set_ylabel(f"open interest\n({name}{currency(records)})")
    axes.set_ylim(bottom=0)
    return axes


def draw_liquidated_notional(records, axes, market=0):
    """Draw the liquidated notional at the mark price in bars of time, longs and shorts stacked.

    The label of the axis states the length of a bar.
    """
    events = of_liquidations(forced_events(records, market))
    events = events[events["lots"] != 0]
    amount = notional(events, market_facts(records, market)["lot"])
    width, edges = bars_of(run_seconds(records))
    bins = in_clock(records, edges)
    time = in_clock(records, events["seconds"])
    scale, name = magnitude(np.histogram(time, bins, weights=amount)[0])
    sides = np.where(events["lots"] < 0, "longs", "shorts")
    if len(events):
        stack_bars(
            axes, pd.DataFrame({"time": time, "amount": amount / scale, "side": sides}), bins
        )
    else:
        axes.set_yticks([0])
        axes.text(0.5, 0.5, "no liquidations", transform=axes.transAxes, ha="center", color=GREY)
    axes.set_ylabel(f"liquidated\n({name}{currency(records)}\nper {duration_text(width)})")
    return axes


def bars_of(seconds):
    """Return the round length of bars over a run, at most 60 of them, and their edges, in seconds.

    The last bar ends with the run.

    Examples
    --------
    >>> bars_of(150.0)
    (60.0, array([  0.,  60., 120., 150.]))
    """
    width = next((width for width in BAR_SECONDS if seconds <= width * MOST_BARS), BAR_SECONDS[-1])
    edges = np.arange(0, seconds + width, width).clip(max=seconds)
    return width, np.unique(edges) if seconds > 0 else np.array([0.0, width])


def duration_text(seconds):
    """Return a length of time as text in its largest unit, which has no number if it is one.

    Examples
    --------
    >>> duration_text(1800.0), duration_text(7200.0), duration_text(86_400.0)
    ('30 min', '2 h', 'd')
    """
    units = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
    length, unit = next(part for part in units if seconds % part[0] == 0)
    return unit if seconds == length else f"{seconds / length:g} {unit}"


def stack_bars(axes, frame, bins):
    """Draw amounts in time bins, stacked by side; only sides that occur are in the legend."""
    sides = [side for side in SIDES if (frame["side"] == side).any()]
    sns.histplot(
        frame,
        x="time",
        weights="amount",
        hue="side",
        hue_order=sides,
        palette=SIDES,
        multiple="stack",
        bins=list(bins),
        ax=axes,
        linewidth=0,
        alpha=0.9,
    )
    sns.move_legend(axes, "lower right", bbox_to_anchor=(1, 1), ncols=2, title=None)
