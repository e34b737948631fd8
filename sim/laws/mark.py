"""The mark price.

What values positions and triggers liquidations, made of an index and of the book.

The mark is one input, or the median of three. All prices are floats in quote currency; none of them
enters a booking.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import clamp, median_of_three
from perplab.sim.laws.choices import Choice

INPUTS = 3


class MarkInput(Choice):
    """An input of the mark; NONE where the mark is a single input."""

    NONE = 0
    INDEX_PLUS_FUNDING = 1
    INDEX_PLUS_BASIS = 2
    LAST_PRICE = 3
    QUOTES_OR_LAST = 4
    QUOTES_AVERAGE = 5
    INDEX = 6
    MID_AVERAGE = 7
    INDEX_PLUS_DEEP_BASIS = 8
    INDEX_PLUS_SHRUNK_BASIS = 9

    @classmethod
    def names(cls):
        """Return the names that a rulebook may state."""
        return super().names()[1:]


AVERAGED = (
    "index_plus_basis",
    "quotes_average",
    "mid_average",
    "index_plus_deep_basis",
    "index_plus_shrunk_basis",
)
"""Names of the inputs that are averages over a window."""

MARK_LAW = row(
    ("mark_input", "i8", (INPUTS,)),  # MarkInput
    ("mark_window", "f8", (INPUTS,)),  # seconds
    ("mark_depth", "f8", (INPUTS,)),  # asset, of the deep basis
    ("basis_limit", "f8", (INPUTS,)),  # fraction, of the shrunk basis
    ("refresh_seconds", "f8"),  # between two marks; 0: as often as there is a new one
    ("mark_clamp", "f8"),  # fraction of the index either side
)


@kernel
def starts_at_price(law, k):
    """Return whether the average of input k is of prices, and so starts at the price instead of at
    0.
    """
    kind = law["mark_input"][k]
    return kind == MarkInput.QUOTES_AVERAGE or kind == MarkInput.MID_AVERAGE


def changed_inputs(before, after):
    """Return the numbers of the inputs that are of another kind under the law `after`."""
    return np.flatnonzero(before["mark_input"] != after["mark_input"]).tolist()


@hot_kernel
def is_averaged(law, k):
    """Return whether input k is an average over a window."""
    kind = law["mark_input"][k]
    return (
        kind == MarkInput.INDEX_PLUS_BASIS
        or kind == MarkInput.QUOTES_AVERAGE
        or kind == MarkInput.MID_AVERAGE
        or kind == MarkInput.INDEX_PLUS_DEEP_BASIS
        or kind == MarkInput.INDEX_PLUS_SHRUNK_BASIS
    )


@hot_kernel
def window_of(law, k):
    """Return the window of input k, seconds."""
    return law["mark_window"][k]


@hot_kernel
def longest_window(law):
    """Return the longest window of the inputs, seconds."""
    windows = law["mark_window"]
    return max(max(windows[0], windows[1]), windows[2])


@hot_kernel
def reads_quotes(law, k):
    """Return whether the average of input k takes the quotes.

    It then takes them with an empty side too.
    """
    return law["mark_input"][k] == MarkInput.QUOTES_AVERAGE


@hot_kernel
def deep_size(law, k):
    """Return the size (asset) to which input k reads the book, 0 if it reads no deeper than the
    mid.
    """
    return law["mark_depth"][k] if law["mark_input"][k] == MarkInput.INDEX_PLUS_DEEP_BASIS else 0.0


@hot_kernel
def sample_of_mid(law, k, mid, index):
    """Return what the average of input k takes in of a mid price.

    The mid, or its distance from the index.
    """
    return mid if law["mark_input"][k] == MarkInput.MID_AVERAGE else mid - index


@hot_kernel
def mark_input(law, k, view, average, forced, quotes, last):
    """Return input k of the mark rule.

    Parameters
    ----------
    law : MARK_LAW record
    k : int
    view : record with index (quote currency), funding_rate, seconds_to_settlement, interval_seconds
    average, forced : float, quote currency
        The average of the input, and what is to be taken off it as displacement by liquidation
        orders.
    quotes, last : float, quote currency
        Median of quotes and last price; last price.

    Returns
    -------
    float, quote currency
    """
    kind = law["mark_input"][k]
    if kind == MarkInput.INDEX_PLUS_FUNDING:
        return index_plus_funding(
            view["index"],
            view["funding_rate"],
            view["seconds_to_settlement"],
            view["interval_seconds"],
        )
    if kind == MarkInput.INDEX_PLUS_BASIS or kind == MarkInput.INDEX_PLUS_DEEP_BASIS:
        return view["index"] + average - forced
    if kind == MarkInput.LAST_PRICE:
        return last
    if kind == MarkInput.QUOTES_OR_LAST:
        return quotes
    if kind == MarkInput.INDEX_PLUS_SHRUNK_BASIS:
        return view["index"] + shrunk_basis(average - forced, view["index"] * law["basis_limit"][k])
    if kind == MarkInput.QUOTES_AVERAGE or kind == MarkInput.MID_AVERAGE:
        return average - forced
    return view["index"]


@hot_kernel
def has_three_inputs(law):
    """Return whether the mark is the median of three inputs."""
    return law["mark_input"][1] != MarkInput.NONE


@hot_kernel
def within_clamp(law, mark, index):
    """Return a mark kept within the law's fraction of the index."""
    return clamp(mark, index * (1.0 - law["mark_clamp"]), index * (1.0 + law["mark_clamp"]))


@hot_kernel
def is_due(law, before, now):
    """Return whether the venue refreshes its mark between two times, seconds.

    Examples
    --------
    >>> import numpy as np
    >>> law = np.zeros(1, MARK_LAW)[0]
    >>> law["refresh_seconds"] = 60.0
    >>> is_due(law, 61.0, 119.0), is_due(law, 61.0, 120.0)
    (False, True)
    """
    refresh = law["refresh_seconds"]
    return refresh == 0.0 or math.floor(now / refresh) > math.floor(before / refresh)


@hot_kernel
def index_plus_funding(index, funding_rate, seconds_to_settlement, interval_seconds):
    """Return the index plus the part of the running funding still to be paid.

    Parameters
    ----------
    index : float, quote currency
    funding_rate : float, fraction per interval
        The last fixed rate.
    seconds_to_settlement, interval_seconds : float, seconds

    Returns
    -------
    float, quote currency

    Notes
    -----
    index * (1 + F * tau / T), tau running from T to 0.

    References
    ----------
    .. [1] Binance, "Mark Price", Price 1; BitMEX, "Fair Price Marking".

    Examples
    --------
    >>> round(index_plus_funding(97843.77, 0.00011, 16020.0, 28800.0), 2)
    97849.76
    """
    return index * (1.0 + funding_rate * seconds_to_settlement / interval_seconds)


@hot_kernel
def quotes_or_last(bid, ask, last):
    """Return the median of best bid, best ask and last price.

    The last price kept inside the quotes.

    Parameters
    ----------
    bid, ask : float, quote currency
        0 where that side of the book is empty; it then bounds nothing.
    last : float, quote currency

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Hyperliquid documentation, "Robust price indices", input (b).

    Examples
    --------
    >>> quotes_or_last(10005.0, 10015.0, 10010.0), quotes_or_last(10005.0, 10015.0, 10100.0)
    (10010.0, 10015.0)
    >>> quotes_or_last(10005.0, 0.0, 10100.0)
    10100.0
    """
    return median_of_three(bid, ask if ask > 0.0 else math.inf, last)


@hot_kernel
def shrunk_basis(basis, largest):
    """Return an average basis, counted the more the nearer it is to the largest.

    By .3 of it at least, .7 at most.

    Parameters
    ----------
    basis, largest : float, quote currency
        `largest` is above 0.

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Bybit, "Mark Price Calculation (Perpetual Contracts)", contracts listed since November
       2025; another copy of it has the bounds .1 and .9.

    Examples
    --------
    >>> shrunk_basis(10.0, 20.0), shrunk_basis(-1.0, 20.0)
    (5.0, -0.3)
    """
    return min(max(abs(basis) / largest, 0.3), 0.7) * basis
