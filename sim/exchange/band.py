"""The price band and the window of the ladder."""

import math

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.book import shift_window
from perplab.sim.state.records import market_at, run_row, view_at

BANDS_BELOW = 4  # widths of the band that a ladder must have at least: a quarter lies on either side of the mark


@kernel
def set_band(world, m):
    """Set the band of prices around the mark, inside the ladder; ask for a wider ladder where that cuts it, or soon may."""
    run, market = run_row(world, 0), market_at(world, m)
    centre, top = (
        view_at(world, m)["mark"] / market["tick"],
        market["window_low"] + market["window"] - 1,
    )
    market["band_low"] = max(
        int(math.ceil(centre * (1.0 - market["band"]))), market["window_low"], 1
    )
    market["band_high"] = min(int(math.floor(centre * (1.0 + market["band"]))), top)
    if BANDS_BELOW * market["band"] * centre > market["window"]:
        run["wider"] = max(run["wider"], int(2.0 * BANDS_BELOW * market["band"] * centre))


@kernel
def recentre(world, m):
    """Move the ladder's window, and cut the band to it, when the mark has left its middle half."""
    market = market_at(world, m)
    offset = int(view_at(world, m)["mark"] / market["tick"]) - market["window_low"]
    low = max(market["window_low"] + offset - market["window"] // 2, 1)
    if abs(offset - market["window"] // 2) > market["window"] // 4 and low != market["window_low"]:
        shift_window(world, m, low)
        set_band(world, m)
