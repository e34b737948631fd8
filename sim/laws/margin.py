"""Margin requirements: tiers, maintenance and initial margin.

Amounts of money are floats in money units (they are compared, never booked), prices are in quote
currency, margin fractions are fractions of the notional. A tier holds from its floor upwards.
Within tier k maintenance is ``notional * fraction[k] - deduction[k]``; the deductions make it
continuous, and with rising fractions it is the largest of the tiers' lines, hence convex.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row

TIERS = 16
"""Most tiers of a margin table."""
MARGIN_LAW = row(
    ("tiers", "i8"),  # in use
    ("tier_floor", "f8", (TIERS,)),  # units, rising from 0; infinite beyond the last
    ("tier_fraction", "f8", (TIERS,)),  # maintenance margin fraction
    ("tier_deduction", "f8", (TIERS,)),  # units
    ("tier_leverage", "f8", (TIERS,)),  # largest leverage
    ("leverage_cap", "f8"),  # largest leverage a trader may choose
    ("size_slope", "f8"),  # added to both fractions for each lot
    ("open_interest_low", "f8"),  # units, between which the initial fraction rises to 1;
    ("open_interest_high", "f8"),  # 0: it does not
    ("concentration_slope", "f8"),  # added to both fractions for a share 1 of open interest,
    ("concentration_free", "f8"),  # on the part of the notional above so many units
    ("position_limit", "f8"),  # units; the largest position of an account is at least this,
    ("position_limit_share", "f8"),  # and at least this share of open interest
)


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
    notional * fraction - deduction, deduction_n = deduction_(n-1) + floor_n * (fraction_n -
    fraction_(n-1)).

    References
    ----------
    .. [1] Binance, "Leverage and Margin of USD-M Futures"; Hyperliquid documentation, "Margin
           tiers".

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
    .. [1] Deribit, support article 25944738177565: .005 % for each BTC, on initial and on
           maintenance margin.

    Examples
    --------
    >>> round(2_500_000.0 * 0.02 + size_charge(2_500_000.0, 25.0, 5e-5), 6)
    53125.0
    """
    return notional * (slope * size)


@hot_kernel
def interest_scaled(fraction, open_notional, low, high):
    """Return an initial margin fraction that rises to 1 between two open interests.

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
def charge_of(law, notional, size, open_lots):
    """Return the margin of `size` lots beyond that of the tiers, float units.

    It rises with size, and for a concentrated position with its share of open interest.

    References
    ----------
    .. [1] CPMI-IOSCO (2012), Principles for financial market infrastructures, principle 6: add-ons
           for concentrated positions, whose liquidation would move the price.
    """
    share = size / max(open_lots, size, 1)
    charged = max(notional - law["concentration_free"], 0.0)
    by_share = law["concentration_slope"] * share * charged
    return size_charge(notional, float(size), law["size_slope"]) + by_share


@hot_kernel
def maintenance(law, notional, size, open_lots):
    """Return the maintenance margin of a position of `size` lots worth `notional`, float units.

    `open_lots` is the market's open interest.
    """
    needed = maintenance_margin(
        notional, law["tier_floor"], law["tier_fraction"], law["tier_deduction"], law["tiers"]
    )
    return needed + charge_of(law, notional, size, open_lots)


@hot_kernel
def initial(law, notional, size, leverage, open_lots):
    """Return the initial margin of `size` lots worth `notional` at a leverage, float units."""
    needed = initial_margin(
        notional, leverage, law["tier_leverage"], law["tier_floor"], law["tiers"]
    )
    return needed + charge_of(law, notional, size, open_lots)


@hot_kernel
def largest_position(law, open_notional):
    """Return the largest position that an order may lead to, float units.

    A limit in money, or a share of open interest (`open_notional`, units) where that is larger.

    References
    ----------
    .. [1] CFTC, 17 CFR part 150: limits as shares of open interest, above a minimum.
    """
    return max(law["position_limit"], law["position_limit_share"] * open_notional)


@hot_kernel
def follows_open_interest(law):
    """Return whether maintenance changes with open interest, though the position does not."""
    return law["concentration_slope"] > 0.0


@hot_kernel
def scales_with_open_interest(law):
    """Return whether the initial margin rises with the market's open interest."""
    return law["open_interest_high"] > 0.0


@hot_kernel
def scaled_leverage(law, leverage, open_notional):
    """Return the leverage that is left of a chosen one at an open interest of `open_notional`
    units.
    """
    low, high = law["open_interest_low"], law["open_interest_high"]
    return 1.0 / interest_scaled(1.0 / leverage, open_notional, low, high)


@hot_kernel
def tier_count(law):
    """Return the number of tiers in use."""
    return law["tiers"]


@hot_kernel
def tier_line(law, tier, size):
    """Return fraction and deduction (units) of a tier's maintenance line for `size` lots."""
    return law["tier_fraction"][tier] + law["size_slope"] * size, law["tier_deduction"][tier]


@kernel
def tiers_within(law, multiple):
    """Return the largest fraction of the first tiers, and the floor of the tier above them.

    The first tiers are those with at most `multiple` times the lowest fraction.

    The floor (units) is infinite where all tiers do, and 0 where a fraction depends on the size
    besides.
    """
    tier = 0
    while (
        tier + 1 < law["tiers"]
        and law["tier_fraction"][tier + 1] <= multiple * law["tier_fraction"][0]
    ):
        tier += 1
    ceiling = law["tier_floor"][tier + 1] if tier + 1 < law["tiers"] else math.inf
    return law["tier_fraction"][tier], ceiling if law["size_slope"] <= 0.0 else 0.0


@kernel
def floor_below(law, notional, steps):
    """Return the floor (units) of the tier above the one that lies `steps` tiers below that of a
    notional.
    """
    tier = tier_of(notional, law["tier_floor"], law["tiers"])
    return law["tier_floor"][max(tier + 1 - steps, 0)]


@kernel
def freed_fraction(law, notional, size):
    """Return the maintenance that closing a little frees, as a fraction of what is closed.

    The charge by concentration is left out, so an order that restores margin closes rather more.
    """
    tier = tier_of(notional, law["tier_floor"], law["tiers"])
    return law["tier_fraction"][tier] + 2.0 * law["size_slope"] * size


def leverage_limit(law):
    """Return the largest leverage that a trader may choose."""
    return law["leverage_cap"]


def lowest_fraction(law):
    """Return the maintenance fraction of the lowest tier."""
    return law["tier_fraction"][0]
