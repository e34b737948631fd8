"""Closed forms that a simulation is checked against.

Sign: a positive funding rate is paid by longs; premium and price are relative to spot. Rates named *annual* are
continuously compounded fractions per year, times are in the unit their name gives.
"""

import math

SETTLEMENTS_A_YEAR = 3 * 365


def discrete_price(
    spot, quote_rate, base_yield, period, premium_rate, interest_factor, previous=True
):
    """Return the arbitrage-free price of a linear perpetual that settles at discrete times.

    Parameters
    ----------
    spot : float, quote currency
    quote_rate, base_yield : float, annual
        Interest on the quote currency, yield of the base asset.
    period : float, years
        Time between settlements.
    premium_rate, interest_factor : float, fraction per period
        The long pays premium_rate * (price - spot) + interest_factor * spot.
    previous : bool
        Whether a payment is fixed on the prices of the settlement before (True) or on its own (False).

    Returns
    -------
    float, quote currency

    Notes
    -----
    With Q = exp(q D), R = exp(r D) and M = Q if `previous` else R:
    f = x (kappa - iota) M / (Q - R + kappa M). It equals spot when iota = exp((r - q) D) - 1 (previous).

    References
    ----------
    .. [1] Ackerer, Hugonnier and Jermann, "Perpetual Futures Pricing", Mathematical Finance 36(3), 481-499.

    Examples
    --------
    >>> round(discrete_price(10000, 0.04, 0.02, 0.25, 0.01, 0.005), 6)
    10025.104585
    """
    quote, base = math.exp(quote_rate * period), math.exp(base_yield * period)
    settled = base if previous else quote
    return (
        spot * (premium_rate - interest_factor) * settled / (base - quote + premium_rate * settled)
    )


def discrete_inverse_price(
    spot, quote_rate, base_yield, period, premium_rate, interest_factor, previous=True
):
    """Return the arbitrage-free price of an inverse perpetual: the linear one with the two rates exchanged, inverted.

    Parameters are those of `discrete_price`.

    Examples
    --------
    >>> round(discrete_inverse_price(10000, 0.04, 0.02, 0.25, 0.01, 0.005), 6)
    29975.041615
    """
    return spot / discrete_price(
        1.0, base_yield, quote_rate, period, premium_rate, interest_factor, previous
    )


def continuous_price(spot, quote_rate, base_yield, premium_rate, interest_factor):
    """Return the arbitrage-free price of a linear perpetual that pays continuously.

    Parameters
    ----------
    spot : float, quote currency
    quote_rate, base_yield, premium_rate, interest_factor : float, annual
        premium_rate must exceed quote_rate - base_yield, or the price does not converge.

    Returns
    -------
    float, quote currency

    Notes
    -----
    f = x (kappa - iota) / (kappa + q - r); with iota = 0 it is x E[exp((r - q) tau)], tau exponential of rate kappa.

    References
    ----------
    .. [1] Ackerer, Hugonnier and Jermann, Mathematical Finance 36(3), 481-499.

    Examples
    --------
    A premium paid once each 8 hours, interest of 1 bp, a carry of 5 % a year: half a basis point below spot.

    >>> round(1e4 * (continuous_price(1.0, 0.05, 0.0, 1095.0, 0.1095) - 1), 4)
    -0.5434
    """
    return spot * (premium_rate - interest_factor) / (premium_rate + base_yield - quote_rate)


def continuous_inverse_price(spot, quote_rate, base_yield, premium_rate, interest_factor):
    """Return the price of an inverse perpetual that pays continuously; parameters as in `continuous_price`.

    Examples
    --------
    >>> round(continuous_inverse_price(10000, 0.04, 0.02, 0.2, 0.1), 6) == round(10000 * (0.2 + 0.02) / 0.1, 6)
    True
    """
    return spot / continuous_price(1.0, base_yield, quote_rate, premium_rate, interest_factor)


def damped_premium(carry, interest, damper):
    """Return the premium at which damped funding pays exactly the carry.

    Parameters
    ----------
    carry : float, fraction per interval
        What holding spot against the perpetual costs: (r - q) / settlements a year.
    interest, damper : float, fraction per interval

    Returns
    -------
    float, fraction
        nan where carry equals interest: there any premium of the plateau is consistent.

    Notes
    -----
    P* = r' - sgn(iota' - r') g solves P + clamp(iota' - P, -g, g) = r'.

    References
    ----------
    .. [1] He, Manela, Ross and von Wachter, "Fundamentals of Perpetual Futures", arXiv 2212.06888, the same as a bound.

    Examples
    --------
    >>> [round(1e4 * damped_premium(annual / SETTLEMENTS_A_YEAR, 1e-4, 5e-4), 2) for annual in (0.0, 0.05, 0.2)]
    [-5.0, -4.54, 6.83]
    """
    if carry == interest:
        return math.nan
    return carry - math.copysign(damper, interest - carry)


def plateau(interest, damper):
    """Return the lowest and highest average premium for which the funding rate is the interest alone.

    Examples
    --------
    >>> [round(1e4 * edge, 9) for edge in plateau(1e-4, 5e-4)]
    [-4.0, 6.0]
    """
    return interest - damper, interest + damper


def liquidation_price_ratio(leverage, maintenance_fraction, side):
    """Return liquidation price over entry price of an isolated position opened with margin 1 / leverage.

    Parameters
    ----------
    leverage : float
    maintenance_fraction : float
    side : {1, -1}
        Long or short.

    Returns
    -------
    float

    Notes
    -----
    (1 - 1/L) / (1 - m) long, (1 + 1/L) / (1 + m) short; m = 0 gives the bankruptcy price. No fees, no funding.

    References
    ----------
    .. [1] Chitra, "Autodeleveraging: Impossibilities and Optimization", arXiv 2512.01112, section 2.

    Examples
    --------
    >>> round(liquidation_price_ratio(20, 0.005, 1), 6), round(liquidation_price_ratio(20, 0.005, -1), 6)
    (0.954774, 1.044776)
    """
    return (1 - side / leverage) / (1 - side * maintenance_fraction)


def hitting_probability(price_ratio, volatility, time, step=0.0):
    """Return the probability that a driftless log-price reaches a barrier, by the reflection principle.

    Parameters
    ----------
    price_ratio : float, above 0
        Barrier over present price.
    volatility : float, per square root of the unit of `time`
    time : float
    step : float
        Time between looks at the price; 0: continuous. Discrete looks move the barrier away by 0.5826 sigma sqrt(step).

    Returns
    -------
    float

    Notes
    -----
    2 Phi(-abs(ln ratio) / (sigma sqrt(T))).

    References
    ----------
    .. [1] Broadie, Glasserman and Kou (1997), "A continuity correction for discrete barrier options", Mathematical
       Finance 7, 325-349 (the shift).
    .. [2] Alexander, Deng and Zou (2023), EJOR 306(1), 478-493 (one-day probabilities on Bybit, for comparison).

    Examples
    --------
    >>> round(hitting_probability(liquidation_price_ratio(20, 0.005, 1), 0.04, 1.0), 3)
    0.247
    """
    distance = abs(math.log(price_ratio)) + 0.5826 * volatility * math.sqrt(step)
    return math.erfc(distance / (volatility * math.sqrt(2 * time)))


def branching_total(branching_ratio):
    """Return the mean size of a cascade, its first event included: 1 / (1 - n), infinite from n = 1.

    Under linear impact lambda and a liquidation density g per unit of price, n = lambda g, and a shock moves the price
    this many times as far as it would without forced orders. Only there are the share of events that others caused (counted in accounts by a rule
    of parents: `perplab.analysis.metrics.cascade.branching_ratio`) and the share of notional that forced trading caused (against the twin:
    `perplab.analysis.metrics.cascade.amplification`) one n; in a run they are two figures.

    Examples
    --------
    >>> branching_total(0.2), branching_total(1.0)
    (1.25, inf)
    """
    return 1 / (1 - branching_ratio) if branching_ratio < 1 else math.inf


def branching_ratio(total, first):
    """Return the branching ratio of which `first` events in all cause `total`, themselves included: 1 - first / total, of equal events.

    Examples
    --------
    >>> branching_ratio(200, 100)
    0.5
    """
    return 1 - first / total
