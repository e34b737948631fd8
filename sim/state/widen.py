"""Widen the ladders of the books between two steps.

This is needed once a price has risen so far that a ladder would be narrower than the venue's band.
"""

import math

import numpy as np

from perplab.sim.errors import Fault, ParameterError

LARGEST_WINDOW = 2**24


def widened(tables, ticks):
    """Return tables whose ladders cover at least `ticks` ticks; every order keeps its price.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
    ticks : int

    Raises
    ------
    ParameterError
        Beyond `LARGEST_WINDOW` ticks.

    Examples
    --------
    >>> from perplab.sim.state.trader_rows import DEPTH, LEVEL
    >>> from perplab.sim.state.market_rows import MARKET, RUN
    >>> tables = {"run": np.zeros(1, RUN), "market": np.zeros(1, MARKET)}
    >>> tables |= {"level": np.zeros((1, 4096), LEVEL), "depth": np.zeros((1, 4096), DEPTH)}
    >>> tables["market"]["window"], tables["market"]["window_low"] = 4096, 10_000
    >>> tables["depth"][0, 7] = 5
    >>> wide = widened(tables, 5000)
    >>> index = 10_007 - int(wide["market"]["window_low"][0])
    >>> wide["level"].shape, wide["depth"][0, index].item()
    ((1, 8192), 5)
    >>> np.flatnonzero(wide["word"][0]).item() == index // 64
    True
    """
    old = tables["level"].shape[1]
    new = 2 ** math.ceil(math.log2(ticks))
    if new > LARGEST_WINDOW:
        raise ParameterError(
            Fault(
                "contract.band",
                f"{ticks} ticks wide at the price that the run has reached",
                f"such that the ladder needs at most {LARGEST_WINDOW} ticks",
            )
        )
    run, market = tables["run"].copy(), tables["market"].copy()
    run["wider"], market["window"] = 0, new
    market["window_low"] = np.maximum(market["window_low"] - (new - old) // 2, 1)
    shifts = tables["market"]["window_low"] - market["window_low"]
    wide = {name: shifted(tables[name], shifts, new) for name in ("level", "depth")}
    words = bits_of(wide["depth"] > 0)
    changed = {"run": run, "market": market, "word": words, "summary_word": bits_of(words != 0)}
    return tables | changed | wide


def shifted(table, shifts, width):
    """Return a table of `width` columns with each row of `table` shifted right by its shift."""
    wide = np.zeros((len(table), width), table.dtype)
    for row, old, shift in zip(wide, table, shifts.tolist(), strict=True):
        row[shift : shift + len(old)] = old
    return wide


def bits_of(occupied):
    """Return a table of booleans as 64-bit words, the first in the lowest bit.

    A row fills at least one word.
    """
    short = -occupied.shape[1] % 64
    return np.packbits(np.pad(occupied, ((0, 0), (0, short))), axis=1, bitorder="little").view(
        np.uint64
    )
