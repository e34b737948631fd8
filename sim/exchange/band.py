"""The price band around the mark and the window of the ladder."""

import math

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.book import shift_window
from perplab.sim.state.records import market_at, run_row, view_at

LEAST_WIDTHS = 4  # half-widths of the band that the window must cover: the band is half of it


@kernel
def set_band(world, m):
    """Set the price band around the mark, cut to the window; request a wider ladder if tight."""
    run, market = run_row(world, 0), market_at(world, m)
    centre = view_at(world, m)["mark"] / market["tick"]
    top = market["window_low"] + market["window"] - 1
    market["band_low"] = max(
        int(math.ceil(centre * (1.0 - market["band"]))), market["window_low"], 1
    )
    market["band_high"] = min(int(math.floor(centre * (1.0 + market["band"]))), top)
    if LEAST_WIDTHS * market["band"] * centre > market["window"]:
        run["wider"] = max(run["wider"], int(2.0 * LEAST_WIDTHS * market["band"] * centre))


@kernel
def recentre(world, m):
    """Centre the ladder's window on the mark when the mark has left its middle half."""
    market = market_at(world, m)
    offset = int(view_at(world, m)["mark"] / market["tick"]) - market["window_low"]
    low = max(market["window_low"] + offset - market["window"] // 2, 1)
    if abs(offset - market["window"] // 2) > market["window"] // 4 and low != market["window_low"]:
        shift_window(world, m, low)
        set_band(world, m)
