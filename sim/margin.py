"""What a position must be covered by, and the prices at which it no longer is.

Amounts of money are floats in money units (they are compared, never booked), prices are in quote currency, margin
fractions are fractions of the notional. A tier holds from its floor upwards. Within tier k maintenance is
``notional * fraction[k] - deduction[k]``; the deductions make it continuous, and with rising fractions it is the
largest of the tiers' lines, hence convex.
"""

from sim.kernel import hot_kernel


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
    return (lots * units_per_price * mark - equity - deduction) / (units_per_price * (lots - size * fraction))
