"""The four figures of a run, print-ready: price and basis, funding, open interest and liquidations, equity by kind.

Each drawing function puts one thing on given axes and returns them; `figures` lays them out and writes PNG and SVG.
Colours are seaborn's colour-blind palette; a kind of trader has the same one everywhere. Lines are thinned to at most
3,000 points, keeping the extremes of each stretch. The same run gives the same SVG bytes.
"""

import math
import pathlib

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from perplab.analysis.estimators.series import (
    BPS,
    FUNDING_SECONDS,
    HOUR_SECONDS,
    basis_bps,
    forced_events,
    funding_law_of,
    hourly_closes,
    known_mid,
    market_facts,
    run_seconds,
)
from perplab.analysis.figures.style import (
    LINE_POINTS,
    PALETTE,
    STYLE,
    currency,
    in_clock,
    key,
    line,
    panels,
    signed,
    thinned,
    time_axis,
    zero_line,
)
from perplab.analysis.metrics.cascade import notional, of_liquidations
from perplab.analysis.metrics.catalogue import magnitude
from perplab.sim.laws.funding import cap_of, has_dead_band, resting_rate

DOTS_PER_INCH = 200
LIQUIDATION_BINS = 60
SOLID_LINES = 5
CAP_SHOWN_WITHIN = 1.5
PERPETUAL, REAL, SHORTS, LONGS, GREY = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3], PALETTE[7]
SPOT, ACTING = "0.65", PALETTE[8]
SIDES = {"longs": LONGS, "shorts": SHORTS}


def figures(records, out_dir, real=None, market=0, acting=()):
    """Draw the four figures of a run and write each as PNG (200 dots an inch) and SVG.

    Parameters
    ----------
    records : Records
    out_dir : path
        Existing folder; files of the same names are replaced.
    real : dict of str to array, optional
        A real market to draw beside the simulated one: `seconds` since the start of the run, `basis_bps` at them, and
        `funding` (fraction per 8 h, NaN between settlements) at `funding_seconds`, or at `seconds` without that key.
    market : int
    acting : sequence of (float, float, str)
        Spans of hours in which something acts on the market, from `perplab.analysis.metrics.scenario_words.acting_of`.

    Returns
    -------
    list of pathlib.Path
        ``price_and_basis``, ``funding``, ``open_interest_and_liquidations``, ``equity_by_kind``, each .png and .svg.
    """
    with matplotlib.rc_context(STYLE):
        drawn = {
            "price_and_basis": price_and_basis_figure(records, real, market, acting),
            "funding": funding_figure(records, real, market),
            "open_interest_and_liquidations": open_interest_figure(records, market),
            "equity_by_kind": equity_figure(records),
        }
        return [
            path
            for name, figure in drawn.items()
            for path in write(figure, pathlib.Path(out_dir) / name)
        ]


def write(figure, path):
    """Write a figure beside `path` as PNG and as SVG without a date, and return both paths."""
    png, svg = path.with_suffix(".png"), path.with_suffix(".svg")
    figure.savefig(png, dpi=DOTS_PER_INCH)
    figure.set_layout_engine("none")
    figure.savefig(svg, metadata={"Date": None})
    return [png, svg]


def price_and_basis_figure(records, real=None, market=0, acting=()):
    """Return the figure of spot and perpetual price with liquidations, the basis below, and when shocks and attackers act."""
    figure, (above, below) = panels(2, 4.4, (1, 1))
    liquidation_marks(records, price(records, above, market), market)
    basis(records, below, real, market)
    for axes, words in ((above, True), (below, False)):
        acting_spans(records, axes, acting, words)
    time_axis(records, below)
    return figure


def acting_spans(records, axes, acting, words=True):
    """Shade the spans of hours in which something acts on the market, each word written once."""
    said = set()
    for first, last, word in acting:
        ends = in_clock(records, [first * HOUR_SECONDS, last * HOUR_SECONDS])
        axes.axvspan(*ends, color=ACTING, linewidth=0.8, alpha=0.25, zorder=0)
        if words and word not in said:
            axes.annotate(
                word,
                (ends[0], 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                color="0.35",
            )
        said.add(word)
    return axes


def funding_figure(records, real=None, market=0):
    """Return the figure of the funding rate and of who has paid whom."""
    figure, (above, below) = panels(2, 3.8, (1, 1))
    funding_rate(records, above, real, market)
    funding_received(records, below)
    time_axis(records, below)
    return figure


def open_interest_figure(records, market=0):
    """Return the figure of open interest and of the liquidated notional."""
    figure, (above, below) = panels(2, 3.6, (3, 2))
    open_interest(records, above, market)
    liquidated(records, below, market)
    time_axis(records, below)
    return figure


def equity_figure(records):
    """Return the figure of the change of equity by kind of trader."""
    figure, (axes,) = panels(1, 2.6)
    time_axis(records, equity_by_kind(records, axes))
    return figure


def price(records, axes, market=0):
    """Draw spot and the perpetual's mid price in quote currency."""
    series = records.series[market]
    line(records, axes, series["seconds"], series["spot"], color=SPOT, label="spot", linewidth=2.0)
    line(
        records,
        axes,
        series["seconds"],
        known_mid(series),
        color=PERPETUAL,
        label="perpetual, mid",
        linewidth=0.7,
    )
    axes.set_ylabel(f"price ({currency(records)})")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    return key(axes)


def liquidation_marks(records, axes, market=0):
    """Mark the first forced trade of each liquidation at its mark price: longs downward, shorts upward."""
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


def basis(records, axes, real=None, market=0):
    """Draw the basis in basis points of spot; beside a real one if given, and then both at hourly closes."""
    series = records.series[market]
    if real is not None:
        series = hourly_closes(series)
        line(
            records,
            axes,
            *within(records, real["seconds"], real["basis_bps"]),
            color=REAL,
            label="real",
        )
    line(
        records,
        axes,
        series["seconds"],
        basis_bps(known_mid(series), series["spot"]),
        color=PERPETUAL,
        label=None if real is None else "simulated",
    )
    zero_line(axes)
    axes.set_ylabel("basis (bp)")
    return key(axes)


def funding_rate(records, axes, real=None, market=0):
    """Draw the rate of each settlement in basis points per 8 h over the damper's plateau and, when near, the cap."""
    settled = records.settlements[records.settlements["market"] == market]
    scale = FUNDING_SECONDS / market_facts(records, market)["interval_seconds"] * BPS
    zero_line(axes)
    interest_line(records, axes, market)
    if real is not None:
        settlement_steps(
            records,
            axes,
            *real_funding(records, real),
            color=REAL,
            label=real.get("funding_label", "real"),
        )
    settlement_steps(
        records,
        axes,
        settled["seconds"],
        settled["rate"] * scale,
        color=PERPETUAL,
        label="funding rate" if real is None else "simulated",
    )
    cap_lines(axes, cap_of(funding_law_of(records, market)) * scale)
    axes.set_ylabel("funding rate\n(bp per 8 h)")
    return key(axes)


def interest_line(records, axes, market=0):
    """Mark the rate at which funding is pinned while the premium is inside the damper's plateau, if there is one."""
    law = funding_law_of(records, market)
    if not has_dead_band(law):
        return axes
    per_8h = FUNDING_SECONDS / market_facts(records, market)["interval_seconds"]
    rate = resting_rate(law) * BPS * per_8h
    axes.axhline(
        rate,
        color=GREY,
        linewidth=0.8,
        linestyle=(0, (4, 2)),
        zorder=0,
        label=f"rate inside the plateau ({signed(rate)} bp)",
    )
    return axes


def cap_lines(axes, cap_bps):
    """Mark the cap where the rates come near it, else write it above the axes."""
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    if max(abs(low), abs(high)) * CAP_SHOWN_WITHIN >= cap_bps:
        for bound in (-cap_bps, cap_bps):
            axes.axhline(
                bound,
                color=LONGS,
                linewidth=0.8,
                linestyle=":",
                zorder=0,
                label="cap" if bound > 0 else None,
            )
    elif math.isfinite(cap_bps):
        axes.text(
            0,
            1.03,
            f"cap at \N{PLUS-MINUS SIGN}{cap_bps:,.4g} bp",
            transform=axes.transAxes,
            color="0.4",
        )
    return axes


def settlement_steps(records, axes, seconds, bps, **look):
    """Draw rates as steps, each over the interval that ends with its settlement."""
    if len(seconds) > 1:
        seconds, bps = np.insert(seconds, 0, 2 * seconds[0] - seconds[1]), np.insert(bps, 0, bps[0])
    return line(records, axes, seconds, bps, drawstyle="steps-pre", **look)


def real_funding(records, real):
    """Return seconds and rates (basis points per 8 h) of the real settlements within the run."""
    rates, seconds = (
        np.asarray(real["funding"], float),
        np.asarray(real.get("funding_seconds", real["seconds"]), float),
    )
    settled = np.isfinite(rates)
    return within(records, seconds[settled], rates[settled] * BPS)


def funding_received(records, axes):
    """Draw the funding that each kind has received (paid, if negative) since the start."""
    received = records.kinds["funding"] - records.kinds["funding"][0]
    return kind_lines(records, axes, received * records.meta["unit"], "funding received")


def equity_by_kind(records, axes):
    """Draw the change of each kind's equity since the start."""
    change = records.kinds["equity"] - records.kinds["equity"][0]
    return kind_lines(records, axes, change * records.meta["unit"], "change of equity")


def kind_lines(records, axes, amounts, meaning):
    """Draw one line a kind of trader: `amounts` is [records, kinds] in quote currency."""
    seconds = records.kinds["seconds"][:, 0]
    scale, word = magnitude(amounts)
    names = [kind.replace("_", " ") for kind in records.kind_names]
    frame = pd.concat(
        [
            thinned_frame(records, seconds, amounts[:, k] / scale, name)
            for k, name in enumerate(names)
        ]
    )
    sns.lineplot(
        frame,
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
    )
    zero_line(axes)
    axes.set_ylabel(f"{meaning}\n({word}{currency(records)})")
    axes.set_xlabel("")
    sns.move_legend(axes, "center left", bbox_to_anchor=(1.01, 0.5), title=None)
    return axes


def kind_colours(names):
    """Return the colour of each kind, by its place in the run."""
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def kind_dashes(names):
    """Return the dashes of each kind: the first five solid, the others dashed, since few hues are told apart."""
    return {name: "" if k < SOLID_LINES else (3, 1) for k, name in enumerate(names)}


def open_interest(records, axes, market=0):
    """Draw open interest at the mark in quote currency."""
    series = records.series[market]
    amount = series["open_interest"] * series["mark"] * market_facts(records, market)["lot"]
    scale, name = magnitude(amount)
    line(records, axes, series["seconds"], amount / scale, color=PERPETUAL)
    axes.set_ylabel(f"open interest\n({name}{currency(records)})")
    axes.set_ylim(bottom=0)
    return axes


def liquidated(records, axes, market=0):
    """Draw the liquidated notional (at the mark) in equal stretches of time, longs and shorts stacked."""
    events = of_liquidations(forced_events(records, market))
    amount = notional(events, market_facts(records, market)["lot"])
    bins = np.linspace(0, in_clock(records, run_seconds(records)), LIQUIDATION_BINS + 1)
    clock_time, sides = (
        in_clock(records, events["seconds"]),
        np.where(events["lots"] < 0, "longs", "shorts"),
    )
    scale, name = magnitude(np.histogram(clock_time, bins, weights=amount)[0])
    axes.set_ylabel(f"liquidated\n({name}{currency(records)})")
    if not len(events):
        axes.set_yticks([0])
        axes.text(0.5, 0.5, "no liquidations", transform=axes.transAxes, ha="center", color=GREY)
        return axes
    frame = pd.DataFrame({"time": clock_time, "amount": amount / scale, "side": sides})
    sns.histplot(
        frame,
        x="time",
        weights="amount",
        hue="side",
        hue_order=list(SIDES),
        palette=SIDES,
        multiple="stack",
        bins=list(bins),
        ax=axes,
        linewidth=0,
        alpha=0.9,
    )
    axes.set_ylabel(f"liquidated\n({name}{currency(records)})")
    sns.move_legend(axes, "lower right", bbox_to_anchor=(1, 1), ncols=2, title=None)
    return axes


def thinned_frame(records, seconds, values, kind):
    """Return one thinned line as rows of a long frame."""
    x, y = thinned(in_clock(records, seconds), values)
    return pd.DataFrame({"time": x, "amount": y, "kind": kind})


def within(records, seconds, values):
    """Return the part of a real series that falls into the run."""
    seconds, values = np.asarray(seconds, float), np.asarray(values, float)
    inside = (seconds >= 0) & (seconds <= run_seconds(records))
    return seconds[inside], values[inside]
