"""Venue types: a limit order book, a virtual AMM, or a pool that fills at the oracle price.

==========  ========================================================================================
``book``    a limit order book
``vamm``    constant product of virtual reserves: buying d of the base x costs k / (x - d) - k / x
``oracle``  index * (1 + (skew before + skew after) / (2 scale)) and half a spread, with skew the
            net lots of traders; an order that restores balance may be paid less than one that
            disturbs it costs
==========  ========================================================================================

References: Perpetual Protocol v1 (vAMM); Synthetix SIP-279 (fill price by skew); GMX v2 (fills at
the oracle's price).
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice


class VenueType(Choice):
    """Where orders meet."""

    BOOK, VAMM, ORACLE = range(3)


AMM_LAW = row(
    ("venue_type", "i8"),  # VenueType
    ("reserve", "f8"),  # vAMM: base, asset
    ("reserve_product", "f8"),  # vAMM: base times quote
    ("pool_scale", "f8"),  # lots; infinite: no impact
    ("pool_half_spread", "f8"),  # fraction
    ("pool_limit", "f8"),  # most net lots that the pool backs
    ("rebate_share", "f8"),  # of the displacement, paid for restoring balance
)


@hot_kernel
def is_pool(law):
    """Return whether orders are filled by a pool instead of a book."""
    return law["venue_type"] != VenueType.BOOK


@kernel
def pool_fill_price(law, index, skew, lots, lot):
    """Return the average price at which the pool trades signed `lots`, quote currency.

    Parameters
    ----------
    law : AMM_LAW record
    index : float, quote currency
    skew, lots : float, lots
        Net lots of traders; the size, signed.
    lot : float, asset
    """
    if law["venue_type"] == VenueType.VAMM:
        return product_price(law["reserve"], law["reserve_product"], lots * lot)
    return skew_price(
        index, skew, lots, law["pool_scale"], law["pool_half_spread"], law["rebate_share"]
    )


@kernel
def pool_depth(law, side, price, index, skew, lot):
    """Return the lots that the pool trades on a side before its price passes `price`.

    A float, below 0 where the price is passed already.
    """
    if law["venue_type"] == VenueType.VAMM:
        return side * product_room(law["reserve"], law["reserve_product"], price) / lot
    distance, room = side * (price / index - 1.0) - law["pool_half_spread"], 1e9
    if distance < 0.0:
        distance = distance / law["rebate_share"] if law["rebate_share"] > 0.0 else -math.inf
    if law["pool_scale"] < 1e300:
        room = law["pool_scale"] * distance - side * skew
    elif distance < 0.0:
        room = 0.0
    return min(room, law["pool_limit"] - side * skew)


@kernel
def used_share(law, lots):
    """Return the share of the pool's limit that a side's open interest uses, at most 1.

    0 without a limit.
    """
    return min(lots / law["pool_limit"], 1.0) if law["pool_limit"] > 0.0 else 0.0


@kernel
def move_reserve(law, size):
    """Take `size` (asset, signed) out of a vAMM's base reserve; without effect elsewhere."""
    if law["venue_type"] == VenueType.VAMM:
        law["reserve"] -= size


@hot_kernel
def product_price(reserve, product, size):
    """Return the average price of a trade against reserves of constant product.

    Parameters
    ----------
    reserve : float, asset
        Base in the pool, above `size`.
    product : float
        Base times quote.
    size : float, asset, not 0
        Positive: bought from the pool.

    Examples
    --------
    >>> product_price(100.0, 100_000.0, 37.5), product_price(100.0, 100_000.0, -25.0)
    (16.0, 8.0)
    """
    return product / (reserve * (reserve - size))


@hot_kernel
def product_room(reserve, product, price):
    """Return the size that brings reserves of constant product to a price.

    Bought if positive, sold if negative.

    Examples
    --------
    >>> round(product_room(100.0, 100_000.0, 11.025), 9)
    4.761904762
    """
    return reserve - math.sqrt(product / price)


@hot_kernel
def skew_price(index, skew, size, scale, half_spread, rebate_share=1.0):
    """Return the average price of `size` at the oracle price, moved by the mean skew.

    The mean is that of the skew before and after the trade.

    Parameters
    ----------
    index : float, quote currency
    skew, size : float, lots
        `size` is signed and not 0.
    scale : float, lots
        Skew at which the price is moved by the index itself; infinite: no impact.
    half_spread : float, fraction
    rebate_share : float, fraction
        Part of the displacement that counts for the part of `size` that leads towards balance.
        Below 1 a round trip through balance loses, as where GMX takes a larger factor for negative
        than for positive price impact.

    Examples
    --------
    >>> round(skew_price(1200.0, 0.0, 100.0, 1e6, 0.0), 9)
    1200.06
    >>> round(skew_price(2025.0, 20.0, 5.0, 1e4, 0.0), 9)
    2029.55625
    >>> round(skew_price(1000.0, -10.0, 15.0, 1000.0, 0.0, 0.6), 9)
    998.833333333
    """
    side = 1.0 if size > 0.0 else -1.0
    towards = min(max(-skew * side, 0.0), abs(size))
    beyond = abs(size) - towards
    moved = rebate_share * towards * (skew + 0.5 * side * towards) + beyond * (
        skew + side * (towards + 0.5 * beyond)
    )
    return index * (1.0 + side * half_spread + moved / (abs(size) * scale))
