"""Liquidation: how much is closed at once, at what limit price, and who gets what remains.

========================  ==========================================================================
``first_share``           the first share and, after a pause, the rest
``each_share``            the share each time
``tier_step``             down to the next lower margin tier, or several at once
``half``                  half while equity is above half of maintenance
``just_enough``           what makes equity maintenance and a buffer again
========================  ==========================================================================

No order closes more than ``maximum_share`` of the position, and positions of at most
``first_notional`` are closed at once.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice
from perplab.sim.laws.margin import floor_below, freed_fraction


class CloseFraction(Choice):
    """How much of a position is closed at once."""

    FIRST_SHARE, EACH_SHARE, TIER_STEP, HALF, JUST_ENOUGH = range(5)


class OrderLimit(Choice):
    """The price beyond which a liquidation order does not go; always within the band."""

    BAND, BANKRUPTCY, FILLABLE = range(3)


class SurplusOwner(Choice):
    """Who receives the remaining margin when a position is closed in full."""

    TRADER, FUND = range(2)


LIQUIDATION_LAW = row(
    ("close_fraction", "i8"),  # CloseFraction
    ("first_share", "f8"),
    ("first_notional", "f8"),  # units
    ("maximum_share", "f8"),
    ("tiers_down", "i8"),
    ("buffer", "f8"),  # fraction of maintenance
    ("order_limit", "i8"),  # OrderLimit
    ("bankruptcy_adjustment", "f8"),
    ("spread_to_maintenance", "f8"),
    ("surplus_owner", "i8"),  # SurplusOwner
)


@kernel
def closes_share(law, notional, fresh):
    """Return whether an order closes the first share, which starts a pause.

    `fresh`: no pause is running.
    """
    each = law["close_fraction"] == CloseFraction.EACH_SHARE
    first = law["close_fraction"] == CloseFraction.FIRST_SHARE and fresh
    return (each or first) and law["first_share"] < 1.0 and notional > law["first_notional"]


@kernel
def share_lots(law, size):
    """Return the lots of a first share, rounded up."""
    return np.int64(math.ceil(size * law["first_share"]))


@kernel
def lots_to_close(law, margin_law, size, notional, equity, maintenance, fee):
    """Return the lots that an order closes which closes no share.

    Parameters
    ----------
    law : LIQUIDATION_LAW record
    margin_law : MARGIN_LAW record
    size : int, lots, above 0
    notional, equity, maintenance : float, units
    fee : float
        Liquidation fee, fraction of the value closed.
    """
    if notional <= law["first_notional"]:
        return size
    wanted = float(size)
    if law["close_fraction"] == CloseFraction.TIER_STEP:
        below = floor_below(margin_law, notional, law["tiers_down"])
        wanted = size * (1.0 - below / notional) + 1.0
    elif law["close_fraction"] == CloseFraction.HALF:
        wanted = 0.5 * size if equity >= 0.5 * maintenance else size
    elif law["close_fraction"] == CloseFraction.JUST_ENOUGH:
        shortage = maintenance * (1.0 + law["buffer"]) - equity
        fraction = freed_fraction(margin_law, notional, size)
        wanted = size_for_shortage(shortage, notional / size, fraction, fee)
    else:
        return size
    wanted = min(wanted, size * law["maximum_share"])
    return np.int64(max(min(math.ceil(wanted - 1e-6), float(size)), 1.0))


@kernel
def has_limit_price(law):
    """Return whether a price besides the band limits liquidation orders."""
    return law["order_limit"] != OrderLimit.BAND


@kernel
def limit_price(law, mark, equity, lots, units_per_price, maintenance):
    """Return the price beyond which a liquidation order does not go, quote currency.

    Parameters
    ----------
    law : LIQUIDATION_LAW record
    mark : float, quote currency
    equity, maintenance : float, units
    lots : int
        Signed, not 0.
    units_per_price : float
    """
    if law["order_limit"] == OrderLimit.FILLABLE:
        return fillable_price(
            mark,
            equity,
            lots,
            units_per_price,
            maintenance,
            law["bankruptcy_adjustment"],
            law["spread_to_maintenance"],
        )
    return bankruptcy_price(mark, equity, lots, units_per_price)


@kernel
def fund_keeps_surplus(law):
    """Return whether the fund receives the remaining margin of a position closed in full."""
    return law["surplus_owner"] == SurplusOwner.FUND


@hot_kernel
def fillable_price(mark, equity, lots, units_per_price, maintenance, adjustment, spread):
    """Return the limit price of an order that concedes more as more maintenance margin is lost.

    Parameters
    ----------
    mark : float, quote currency
    equity, maintenance : float, units
    lots : int
        Signed, not 0.
    units_per_price : float
    adjustment : float
        Multiplies the share of maintenance that is lost, which then stays between 0 and 1.
    spread : float
        Largest distance from the mark as a share of the position's maintenance margin.

    References
    ----------
    .. [1] dYdX v4 chain, liquidations module, fillable price.

    Examples
    --------
    >>> fillable_price(50_000.0, 499.0, 1, 0.1, 500.0, 1.0, 0.1)
    49999.0
    """
    lost = min(max(adjustment * (1.0 - equity / maintenance), 0.0), 1.0)
    return mark - lost * spread * maintenance / (lots * units_per_price)


@hot_kernel
def size_for_shortage(shortage, unit_value, fraction, fee):
    """Return the size whose closing makes up a shortage of margin; infinite where closing cannot.

    Parameters
    ----------
    shortage : float
        Maintenance, and a buffer over it, less equity.
    unit_value : float
        Value of a unit of the size, in the currency of the shortage.
    fraction, fee : float
        Maintenance fraction that closing frees, and what closing costs.

    References
    ----------
    .. [1] Drift protocol v2, liquidation math.

    Examples
    --------
    >>> round(size_for_shortage(10.0, 100.0, 0.1, 0.01), 6)
    1.111111
    """
    return shortage / (unit_value * (fraction - fee)) if fraction > fee else math.inf


@hot_kernel
def bankruptcy_price(mark, equity, lots, units_per_price):
    """Return the price at which a position's equity is zero.

    Parameters
    ----------
    mark : float, quote currency
    equity : float, units
        Equity at `mark`.
    lots : int
        Signed, not 0.
    units_per_price : float

    Returns
    -------
    float, quote currency
        At or below 0 for a long that no price bankrupts.

    Notes
    -----
    mark - equity / (lots * units_per_price).

    Examples
    --------
    >>> bankruptcy_price(100.0, 50.0, 10, 1.0), bankruptcy_price(100.0, 50.0, -10, 1.0)
    (95.0, 105.0)
    """
    return mark - equity / (lots * units_per_price)


@hot_kernel
def liquidation_price(mark, equity, lots, units_per_price, fraction, deduction):
    """Return the price at which a position's equity equals its maintenance margin.

    Parameters
    ----------
    mark : float, quote currency
    equity : float, units
        Equity at `mark`; in a cross account without what other positions must keep.
    lots : int
        Signed, not 0.
    units_per_price : float
    fraction : float
        Maintenance fraction of the tier, below 1.
    deduction : float, units
        Deduction of that tier.

    Returns
    -------
    float, quote currency

    Notes
    -----
    Solves equity + lots * (p - mark) * u = abs(lots) * p * u * fraction - deduction. Maintenance
    being the largest of the tiers' lines, the price over all tiers is the highest of these for a
    long and the lowest for a short.

    References
    ----------
    .. [1] Binance, FAQ b3c689c1, "How to Calculate Liquidation Price of USD-M Futures Contracts".

    Examples
    --------
    >>> round(liquidation_price(10.0, 2.0, -1, 1.0, 0.01, 0.01), 6)
    11.891089
    """
    size = abs(lots)
    return (lots * units_per_price * mark - equity - deduction) / (
        units_per_price * (lots - size * fraction)
    )
