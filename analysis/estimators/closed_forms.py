"""Closed forms that a simulation is checked against.

Sign: a positive funding rate is paid by longs; premium and price are relative to spot. Rates named
*annual* are continuously compounded fractions per year; times are in the unit in their names.
"""

import math

SETTLEMENTS_PER_YEAR = 3 * 365


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
        Whether a payment is fixed on the prices of the previous settlement (True) or on its own
        (False).

    Returns
    -------
    float, quote currency

    Notes
    -----
    With Q = exp(q D), R = exp(r D) and M = Q if `previous` else R:
    f = x (kappa - iota) M / (Q - R + kappa M). It equals spot when iota = exp((r - q) D) - 1
    (previous).

    References
    ----------
    .. [1] Ackerer, Hugonnier and Jermann, "Perpetual Futures Pricing", Mathematical Finance 36(3),
       481-499.

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
    """Return the arbitrage-free price of an inverse perpetual that settles at discrete times.

    It is the inverse of the linear price with the two rates exchanged. Parameters are those of
    `discrete_price`.

    Returns
    -------
    float, quote currency

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
    f = x (kappa - iota) / (kappa + q - r). With iota = 0 it is x E[exp((r - q) tau)], tau
    exponential of rate kappa.

    References
    ----------
    .. [1] Ackerer, Hugonnier and Jermann, Mathematical Finance 36(3), 481-499.

    Examples
    --------
    A premium paid once every 8 hours, interest of 1 bp, a carry of 5 % a year: half a basis point
    below spot.

    >>> round(1e4 * (continuous_price(1.0, 0.05, 0.0, 1095.0, 0.1095) - 1), 4)
    -0.5434
    """
    return spot * (premium_rate - interest_factor) / (premium_rate + base_yield - quote_rate)


def continuous_inverse_price(spot, quote_rate, base_yield, premium_rate, interest_factor):
    """Return the price of an inverse perpetual that pays continuously.

    Parameters are those of `continuous_price`.

    Returns
    -------
    float, quote currency

    Examples
    --------
    >>> round(continuous_inverse_price(10000, 0.04, 0.02, 0.2, 0.1), 6)
    22000.0
    """
    return spot / continuous_price(1.0, base_yield, quote_rate, premium_rate, interest_factor)


def damped_premium(carry, interest, damper):
    """Return the premium at which damped funding pays exactly the carry.

    Parameters
    ----------
    carry : float, fraction per interval
        Cost of holding spot against the perpetual: (r - q) / settlements per year.
    interest, damper : float, fraction per interval

    Returns
    -------
    float, fraction
        NaN where carry equals interest: any premium in the dead band is consistent with it.

    Notes
    -----
    P* = r' - sgn(iota' - r') g solves P + clamp(iota' - P, -g, g) = r'.

    References
    ----------
    .. [1] He, Manela, Ross and von Wachter, "Fundamentals of Perpetual Futures", arXiv 2212.06888
       (the same as a bound).

    Examples
    --------
    >>> annual_carries = (0.0, 0.05, 0.2)
    >>> carries = [annual / SETTLEMENTS_PER_YEAR for annual in annual_carries]
    >>> [round(1e4 * damped_premium(carry, 1e-4, 5e-4), 2) for carry in carries]
    [-5.0, -4.54, 6.83]
    """
    if carry == interest:
        return math.nan
    return carry - math.copysign(damper, interest - carry)


def dead_band(interest, damper):
    """Return the lowest and highest average premium at which the funding rate is the interest.

    Examples
    --------
    >>> [round(1e4 * edge, 9) for edge in dead_band(1e-4, 5e-4)]
    [-4.0, 6.0]
    """
    return interest - damper, interest + damper


def liquidation_price_ratio(leverage, maintenance_fraction, side):
    """Return liquidation price over entry price of an isolated position.

    Parameters
    ----------
    leverage : float
        The position was opened with margin 1 / leverage.
    maintenance_fraction : float
    side : {1, -1}
        Long or short.

    Returns
    -------
    float

    Notes
    -----
    (1 - 1/L) / (1 - m) long, (1 + 1/L) / (1 + m) short; m = 0 gives the bankruptcy price. No fees,
    no funding.

    References
    ----------
    .. [1] Chitra, "Autodeleveraging: Impossibilities and Optimization", arXiv 2512.01112, section
    2.

    Examples
    --------
    >>> [round(liquidation_price_ratio(20, 0.005, side), 6) for side in (1, -1)]
    [0.954774, 1.044776]
    """
    return (1 - side / leverage) / (1 - side * maintenance_fraction)


def hitting_probability(price_ratio, volatility, time, step=0.0):
    """Return the probability that a driftless log price reaches a barrier (reflection principle).

    Parameters
    ----------
    price_ratio : float, above 0
        Barrier over present price.
    volatility : float, per square root of the unit of `time`
    time : float
    step : float
        Time between observations of the price; 0: continuous. Discrete observation moves the
        barrier away by 0.5826 sigma sqrt(step).

    Returns
    -------
    float

    Notes
    -----
    2 Phi(-abs(ln ratio) / (sigma sqrt(T))).

    References
    ----------
    .. [1] Broadie, Glasserman and Kou (1997), "A continuity correction for discrete barrier
    options",
       Mathematical Finance 7, 325-349 (the shift).
    .. [2] Alexander, Deng and Zou (2023), EJOR 306(1), 478-493 (one-day probabilities on Bybit, for
       comparison).

    Examples
    --------
    >>> round(hitting_probability(liquidation_price_ratio(20, 0.005, 1), 0.04, 1.0), 3)
    0.247
    """
    distance = abs(math.log(price_ratio)) + 0.5826 * volatility * math.sqrt(step)
    return math.erfc(distance / (volatility * math.sqrt(2 * time)))


def branching_total(branching_ratio):
    """Return the mean size of a cascade with its first event: 1 / (1 - n), infinite from n = 1.

    Under linear impact lambda and a liquidation density g per unit of price, n = lambda g, and a
    shock moves the price this many times as far as it would without liquidation orders. Only then
    do the share of events triggered by others (counted in accounts:
    `perplab.analysis.metrics.cascade.branching_ratio`) and the share of notional caused by forced
    trading (against the twin: `perplab.analysis.metrics.cascade.amplification`) equal one n; in a
    run they are two figures.

    Examples
    --------
    >>> branching_total(0.2), branching_total(1.0)
    (1.25, inf)
    """
    return 1 / (1 - branching_ratio) if branching_ratio < 1 else math.inf


def branching_ratio(total, first):
    """Return the branching ratio at which `first` equal events cause `total`, themselves included.

    It is 1 - first / total.

    Examples
    --------
    >>> branching_ratio(200, 100)
    0.5
    """
    return 1 - first / total
