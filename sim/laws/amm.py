"""Prices of automated market makers."""

import math

from perplab.sim.compiler.jit import hot_kernel


@hot_kernel
def product_price(reserve, product, size):
    """Return the average price of buying `size` (negative: selling) from reserves of constant product.

    Parameters
    ----------
    reserve : float, asset
        Base in the pool, above `size`.
    product : float
        Base times quote.
    size : float, asset, not 0

    Examples
    --------
    >>> product_price(100.0, 100_000.0, 37.5), product_price(100.0, 100_000.0, -25.0)
    (16.0, 8.0)
    """
    return product / (reserve * (reserve - size))


@hot_kernel
def product_room(reserve, product, price):
    """Return the size that brings reserves of constant product to a price: bought if positive, sold if negative.

    Examples
    --------
    >>> round(product_room(100.0, 100_000.0, 11.025), 9)
    4.761904762
    """
    return reserve - math.sqrt(product / price)


@hot_kernel
def skew_price(index, skew, size, scale, half_spread, relief=1.0):
    """Return the average price of `size` at an oracle's price, moved by the mean of the skew before and after.

    Parameters
    ----------
    index : float, quote currency
    skew, size : float, lots
        `size` is signed and not 0.
    scale : float, lots
        Skew at which the price is moved by the index itself; infinite: no impact.
    half_spread : float, fraction
    relief : float, fraction
        Part of the displacement that counts for the part of `size` that leads towards balance. Below 1 a round trip through
        balance loses, as where GMX takes a larger factor for negative than for positive price impact.

    Examples
    --------
    >>> round(skew_price(1200.0, 0.0, 100.0, 1e6, 0.0), 9), round(skew_price(2025.0, 20.0, 5.0, 1e4, 0.0), 9)
    (1200.06, 2029.55625)
    >>> round(skew_price(1000.0, -10.0, 15.0, 1000.0, 0.0, 0.6), 9)
    998.833333333
    """
    side = 1.0 if size > 0.0 else -1.0
    towards = min(max(-skew * side, 0.0), abs(size))
    beyond = abs(size) - towards
    moved = relief * towards * (skew + 0.5 * side * towards) + beyond * (
        skew + side * (towards + 0.5 * beyond)
    )
    return index * (1.0 + side * half_spread + moved / (abs(size) * scale))
