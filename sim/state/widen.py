"""A ladder made wider, between two calls of compiled code: when a price has risen so far that the old one would cut the venue's band."""

import math

import numpy as np

from perplab.sim.errors import Fault, ParameterError

LARGEST_WINDOW = 2**24


def widened(tables, ticks):
    """Return tables whose ladders cover at least `ticks` ticks; every order stays in its place.

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
    >>> from perplab.sim.state.records import DEPTH, LEVEL, MARKET, RUN
    >>> tables = {"run": np.zeros(1, RUN), "market": np.zeros(1, MARKET), "level": np.zeros((1, 4096), LEVEL), "depth": np.zeros((1, 4096), DEPTH)}
    >>> tables["market"]["window"], tables["market"]["window_low"], tables["depth"][0, 7] = 4096, 10_000, 5
    >>> wide = widened(tables, 5000)
    >>> place = 10_007 - int(wide["market"]["window_low"][0])
    >>> wide["level"].shape, wide["depth"][0, place].item(), np.flatnonzero(wide["word"][0]).item() == place // 64
    ((1, 8192), 5, True)
    """
    markets, old = tables["level"].shape
    new = 2 ** math.ceil(math.log2(ticks))
    if new > LARGEST_WINDOW:
        raise ParameterError(
            Fault(
                "contract.band",
                f"{ticks} ticks wide at the price that the run has come to",
                f"such that the ladder needs at most {LARGEST_WINDOW} ticks",
            )
        )
    wide = {name: np.zeros((markets, new), tables[name].dtype) for name in ("level", "depth")}
    market = tables["market"].copy()
    for m in range(markets):
        low = max(int(market["window_low"][m]) - (new - old) // 2, 1)
        first = int(market["window_low"][m]) - low
        for name, table in wide.items():
            table[m, first : first + old] = tables[name][m]
        market["window_low"][m], market["window"][m] = low, new
    words = bits_of(wide["depth"] > 0)
    run = tables["run"].copy()
    run["wider"] = 0
    return (
        tables
        | {"run": run, "market": market, "word": words, "summary_word": bits_of(words != 0)}
        | wide
    )


def bits_of(occupied):
    """Return a table of booleans as 64-bit words, the first in the lowest bit; a row fills at least one word."""
    short = -occupied.shape[1] % 64
    return np.packbits(np.pad(occupied, ((0, 0), (0, short))), axis=1, bitorder="little").view(
        np.uint64
    )
