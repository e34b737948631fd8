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

LIQUIDATION_BINS = 60
LEFT_EDGE = 0.15


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
    """Shade the spans of hours in which a shock or an attack acts; each name is written once."""
    written = set()
    for first, last, word in acting:
        ends = in_clock(records, [first * HOUR_SECONDS, last * HOUR_SECONDS])
        axes.axvspan(*ends, color=ACTING, linewidth=0.8, alpha=0.25, zorder=0)
        if named and word not in written:
            name_span(axes, word, ends, in_clock(records, run_seconds(records)))
        written.add(word)
    return axes


def name_span(axes, word, ends, length):
    """Write a name to the left of a span, or to its right near the left edge."""
    left = ends[0] > LEFT_EDGE * length
    axes.annotate(
        word,
        (ends[0] if left else ends[1], 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        ha="right" if left else "left",
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
    """Draw the liquidated notional at the mark price in time bins, longs and shorts stacked."""
    events = of_liquidations(forced_events(records, market))
    events = events[events["lots"] != 0]
    amount = notional(events, market_facts(records, market)["lot"])
    bins = np.linspace(0, in_clock(records, run_seconds(records)), LIQUIDATION_BINS + 1)
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
    axes.set_ylabel(f"liquidated\n({name}{currency(records)})")
    return axes


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
