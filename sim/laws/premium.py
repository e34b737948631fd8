"""The premium index: how far the perpetual trades from its index, sample by sample.

Sign: positive when the perpetual is dearer than the index, so that longs will pay. Prices are in
quote currency, the premium is a fraction of the index. With the average prices IB and IA of selling
and buying the impact notional, the index I and the mark M:

========================  ==========================================================================
``impact``                (max(0, IB - I) - max(0, I - IA)) / I; size beyond the book is
                          priced at the index
``impact_plus_pending``   the same against M, as a fraction of I, plus the rate in force, which
                          M contains
``impact_or_zero``        as ``impact``, but a side thinner than the notional gives 0
``impact_mean``           (IB + IA) / (2 I) - 1
``mid``                   mid / I - 1
``mark``                  M / I - 1
``average_gap``           decaying average of the mid over that of the index, - 1
========================  ==========================================================================

Rates that follow open interest instead are the laws of `perplab.sim.laws.skew_funding`.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import clamp, decayed_average
from perplab.sim.laws.choices import Choice


class PremiumLaw(Choice):
    """What a sample of the premium is; NONE where the rate follows open interest instead."""

    NONE = 0
    IMPACT = 1
    IMPACT_PLUS_PENDING = 2
    IMPACT_OR_ZERO = 3
    IMPACT_MEAN = 4
    MID = 5
    MARK = 6
    AVERAGE_GAP = 7

    @classmethod
    def names(cls):
        """Return the names that a rulebook may state."""
        return super().names()[1:]


IMPACT_LAWS = ("impact", "impact_plus_pending", "impact_or_zero", "impact_mean")
"""Names of the laws that take impact prices."""


PREMIUM_LAW = row(
    ("premium_formula", "i8"),  # PremiumLaw
    ("impact_notional", "f8"),  # units
    ("sample_limit", "f8"),  # fraction either side
    ("sample_quantum", "f8"),  # fraction; 0: samples are not cut to multiples
    ("gap_window", "f8"),  # seconds, of the law "average_gap"
)
GAP_STATE = row(("mid_average", "f8"), ("index_average", "f8"))  # quote currency


@hot_kernel
def premium_index(impact_bid, impact_ask, index):
    """Return one sample of the premium index.

    Parameters
    ----------
    impact_bid, impact_ask : float, quote currency
        Mean price of selling, and of buying, the impact notional at once; impact_bid <= impact_ask.
    index : float, quote currency, above 0

    Returns
    -------
    float, fraction of the index
        Zero while the index lies between the two impact prices.

    Notes
    -----
    P = (max(0, impact_bid - index) - max(0, index - impact_ask)) / index.

    References
    ----------
    .. [1] Binance, "Introduction to Binance Futures Funding Rates" (FAQ 360033525031).
    .. [2] Hyperliquid documentation, "Funding", with the oracle price for the index.

    Examples
    --------
    >>> premium_index(10100.0, 10110.0, 10000.0)
    0.01
    >>> premium_index(9990.0, 10010.0, 10000.0)
    0.0
    """
    return (max(0.0, impact_bid - index) - max(0.0, index - impact_ask)) / index


@hot_kernel
def is_impact_premium(law):
    """Return whether the law is the common one: impact prices against the index."""
    return law["premium_formula"] == PremiumLaw.IMPACT


@hot_kernel
def notional_of(law):
    """Return the impact notional, units."""
    return law["impact_notional"]


@kernel
def takes_impact_prices(law):
    """Return whether a sample needs the impact prices of the book."""
    formula = law["premium_formula"]
    return (
        formula == PremiumLaw.IMPACT
        or formula == PremiumLaw.IMPACT_PLUS_PENDING
        or formula == PremiumLaw.IMPACT_OR_ZERO
        or formula == PremiumLaw.IMPACT_MEAN
    )


@hot_kernel
def impact_price(law, price, thin, index):
    """Return the impact price of a side that enters the sample.

    The index where a thin side counts as zero.
    """
    return index if thin and law["premium_formula"] == PremiumLaw.IMPACT_OR_ZERO else price


@kernel
def sample_by_impact(law, bid, ask, view):
    """Return the sample of a law that takes impact prices `bid` and `ask`, before limit and
    quantum.

    Parameters
    ----------
    law : PREMIUM_LAW record
    bid, ask : float, quote currency
    view : record with index and mark (quote currency) and funding_rate (fraction per interval)
    """
    index = view["index"]
    if law["premium_formula"] == PremiumLaw.IMPACT_MEAN:
        return 0.5 * (bid + ask) / index - 1.0
    if law["premium_formula"] == PremiumLaw.IMPACT_PLUS_PENDING:
        return premium_index(bid, ask, view["mark"]) * view["mark"] / index + view["funding_rate"]
    return premium_index(bid, ask, index)


@kernel
def sample_by_price(law, state, mid, view, elapsed):
    """Return the sample of a law that takes no impact prices, before limit and quantum.

    Parameters
    ----------
    law : PREMIUM_LAW record
    state : GAP_STATE record
        Brought up to date under the law "average_gap".
    mid : float, quote currency
        0 where a side of the book is empty.
    view : record with index and mark, quote currency
    elapsed : float, seconds
        Since the last sample.
    """
    index = view["index"]
    if law["premium_formula"] == PremiumLaw.MARK:
        return view["mark"] / index - 1.0
    if law["premium_formula"] == PremiumLaw.MID:
        return mid / index - 1.0 if mid > 0.0 else 0.0
    window = law["gap_window"]
    state["mid_average"] = decayed_average(
        state["mid_average"], mid if mid > 0.0 else index, elapsed, window
    )
    state["index_average"] = decayed_average(state["index_average"], index, elapsed, window)
    return state["mid_average"] / state["index_average"] - 1.0


@hot_kernel
def bounded_sample(law, premium):
    """Return a sample kept within the law's limit and cut towards zero to a multiple of its
    quantum.
    """
    limit = law["sample_limit"]
    return truncated(clamp(premium, -limit, limit), law["sample_quantum"])


@hot_kernel
def truncated(value, quantum):
    """Return a value cut towards zero to a multiple of `quantum`; 0 leaves it.

    Notes
    -----
    A value within 1e-9 quanta of a multiple counts as that multiple: it stands for one whose
    decimals a float has lost.

    Examples
    --------
    >>> truncated(-1001.999, 1.0), truncated(0.3, 0.0)
    (-1001.0, 0.3)
    """
    if quantum <= 0.0:
        return value
    whole = math.floor(abs(value) / quantum + 1e-9) * quantum
    return whole if value >= 0.0 else -whole


def impact_notional(initial_fraction, margin):
    """Return the notional at which impact prices are taken.

    What a given margin carries at full leverage.

    Parameters
    ----------
    initial_fraction : float
        Initial margin fraction at the contract's maximum leverage.
    margin : float, quote currency

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Binance, FAQ 360033525031: impact margin notional = 200 USDT / initial margin rate.

    Examples
    --------
    >>> impact_notional(0.008, 200.0)
    25000.0
    """
    return margin / initial_fraction
