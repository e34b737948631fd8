"""What a position must be covered by, and the prices at which it no longer is.

Amounts of money are floats in money units (they are compared, never booked), prices are in quote currency, margin
fractions are fractions of the notional. A tier holds from its floor upwards. Within tier k maintenance is
``notional * fraction[k] - deduction[k]``; the deductions make it continuous, and with rising fractions it is the
largest of the tiers' lines, hence convex.
"""

import math

from perplab.sim.compiler.jit import hot_kernel


@hot_kernel
def tier_of(notional, floors, count):
    """Return the number of the tier in which a notional falls.

    Parameters
    ----------
    notional : float, units
    floors : array[TIERS] of float, units
        Rising, the first being 0.
    count : int
        Tiers in use, at least 1.

    Returns
    -------
    int
        From 0; a notional at a floor belongs to the tier that starts there.

    Examples
    --------
    >>> import numpy as np
    >>> floors = np.array([0.0, 50.0, 600.0])
    >>> [tier_of(notional, floors, 3) for notional in (0.0, 49.0, 50.0, 1e9)]
    [0, 0, 1, 2]
    """
    tier = 0
    while tier + 1 < count and notional >= floors[tier + 1]:
        tier += 1
    return tier


@hot_kernel
def maintenance_margin(notional, floors, fractions, deductions, count):
    """Return the equity below which a position is liquidated.

    Parameters
    ----------
    notional : float, units
        Absolute value of the position at the mark.
    floors, deductions : array[TIERS] of float, units
    fractions : array[TIERS] of float
    count : int

    Returns
    -------
    float, units

    Notes
    -----
    notional * fraction - deduction, deduction_n = deduction_(n-1) + floor_n * (fraction_n - fraction_(n-1)).

    References
    ----------
    .. [1] Binance, "Leverage and Margin of USD-M Futures"; Hyperliquid documentation, "Margin tiers".

    Examples
    --------
    >>> import numpy as np
    >>> floors, fractions, deductions = np.array([[0.0, 150e6], [0.0125, 0.025], [0.0, 1875000.0]])
    >>> float(maintenance_margin(200e6, floors, fractions, deductions, 2))
    3125000.0
    """
    tier = tier_of(notional, floors, count)
    return notional * fractions[tier] - deductions[tier]


@hot_kernel
def initial_margin(notional, leverage, tier_leverages, floors, count):
    """Return the equity needed to open a position.

    Parameters
    ----------
    notional : float, units
    leverage : float
        Chosen by the trader.
    tier_leverages : array[TIERS] of float
        Largest leverage of each tier.
    floors : array[TIERS] of float, units
    count : int

    Returns
    -------
    float, units

    Examples
    --------
    >>> import numpy as np
    >>> floors, leverages = np.array([[0.0, 150e6], [40.0, 20.0]])
    >>> float(initial_margin(200e6, 40.0, leverages, floors, 2))
    10000000.0
    """
    return notional / min(leverage, tier_leverages[tier_of(notional, floors, count)])


@hot_kernel
def size_charge(notional, size, slope):
    """Return the further margin of a venue whose fractions rise with the size of a position.

    Parameters
    ----------
    notional : float
    size : float
        In lots, or in the asset, as `slope` is per lot or per unit of it.
    slope : float
        Fraction of the notional for each of them.

    References
    ----------
    .. [1] Deribit, support article 25944738177565: .005 % for each BTC, on initial and on maintenance margin.

    Examples
    --------
    >>> round(2_500_000.0 * 0.02 + size_charge(2_500_000.0, 25.0, 5e-5), 6)
    53125.0
    """
    return notional * (slope * size)


@hot_kernel
def interest_scaled(fraction, open_notional, low, high):
    """Return an initial margin fraction that rises to 1 as the market's open interest goes from `low` to `high`.

    References
    ----------
    .. [1] dYdX v4 chain, liquidity tiers: open interest caps.

    Examples
    --------
    >>> round(interest_scaled(0.2, 1.5e6, 1e6, 2e6), 12)
    0.6
    """
    if high <= low:
        return fraction
    return fraction + (1.0 - fraction) * min(max((open_notional - low) / (high - low), 0.0), 1.0)


@hot_kernel
def fillable_price(mark, equity, lots, units_per_price, maintenance, adjustment, spread):
    """Return the limit of a forced order that gives way the more of the maintenance margin is lost.

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
    Solves equity + lots * (p - mark) * u = abs(lots) * p * u * fraction - deduction. Maintenance being the largest
    of the tiers' lines, the price over all tiers is the highest of these for a long and the lowest for a short.

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
