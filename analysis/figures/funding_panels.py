"""The panel of the funding rate over time."""

import math

import numpy as np

from perplab.analysis.estimators.series import BPS, FUNDING_SECONDS, funding_law_of, market_facts
from perplab.analysis.figures.style import (
    GREY,
    LONGS,
    PERPETUAL,
    REAL,
    key,
    line,
    signed,
    within,
    zero_line,
)
from perplab.sim.laws.funding import cap_of, has_dead_band, interest_per_interval

CAP_SHOWN_WITHIN = 1.5


def draw_funding_rate(records, axes, real=None, market=0):
    """Draw the rate of each settlement in bp per 8 h, the interest rate and, when near, the cap."""
    settled = records.settlements[records.settlements["market"] == market]
    scale = FUNDING_SECONDS / market_facts(records, market)["interval_seconds"] * BPS
    zero_line(axes)
    draw_interest_rate(records, axes, market)
    label = "funding rate"
    if real is not None:
        look = {"color": REAL, "label": real.get("funding_label", "real")}
        draw_settlements(records, axes, *real_funding(records, real), **look)
        label = "simulated"
    look = {"color": PERPETUAL, "label": label}
    draw_settlements(records, axes, settled["seconds"], settled["rate"] * scale, **look)
    draw_cap(axes, cap_of(funding_law_of(records, market)) * scale)
    axes.set_ylabel("funding rate\n(bp per 8 h)")
    return key(axes)


def draw_interest_rate(records, axes, market=0):
    """Mark the rate that applies while the premium is inside the clamp, if there is a clamp."""
    law = funding_law_of(records, market)
    if not has_dead_band(law):
        return axes
    seconds = market_facts(records, market)["interval_seconds"]
    rate = interest_per_interval(law) * BPS * FUNDING_SECONDS / seconds
    label = f"interest rate ({signed(rate)} bp per 8 h)"
    dashes = (0, (4, 2))
    axes.axhline(rate, color=GREY, linewidth=0.8, linestyle=dashes, zorder=0, label=label)
    return axes


def draw_cap(axes, cap_bps):
    """Mark the cap (bp per 8 h) if the rates come near it, else only state it in the legend."""
    axes.margins(y=0.08)
    text = f"\N{PLUS-MINUS SIGN}{cap_bps:,.4g} bp per 8 h"
    low, high = axes.get_ylim()
    if max(abs(low), abs(high)) * CAP_SHOWN_WITHIN >= cap_bps:
        look = {"color": LONGS, "linewidth": 0.8, "linestyle": ":", "zorder": 0}
        axes.axhline(cap_bps, label=f"cap ({text})", **look)
        axes.axhline(-cap_bps, **look)
    elif math.isfinite(cap_bps):
        axes.plot([], [], linestyle="", label=f"cap {text}, outside the axis")
    return axes


def draw_settlements(records, axes, seconds, bps, **look):
    """Draw rates as steps, each over the interval that ends with its settlement."""
    if len(seconds) > 1:
        seconds, bps = np.insert(seconds, 0, 2 * seconds[0] - seconds[1]), np.insert(bps, 0, bps[0])
    return line(records, axes, seconds, bps, drawstyle="steps-pre", **look)


def real_funding(records, real):
    """Return seconds and rates (bp per 8 h) of the real settlements during the run."""
    rates = np.asarray(real["funding"], float)
    seconds = np.asarray(real.get("funding_seconds", real["seconds"]), float)
    settled = np.isfinite(rates)
    return within(records, seconds[settled], rates[settled] * BPS)
