"""From an average premium to a rate, and from a rate to money.

Sign: a positive rate is paid by longs to shorts. Rates are fractions of the notional per funding interval, before
`divisor` per eight hours where the venue states them so. Money is in integer units and is rounded once, here.
"""

import math

from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.records import DEAD_BAND, SUM


@hot_kernel
def clamp(value, low, high):
    """Return the number of [low, high] nearest to `value`.

    Examples
    --------
    >>> clamp(0.7, -0.5, 0.5)
    0.5
    """
    return min(max(value, low), high)


@hot_kernel
def funding_rate(average_premium, interest, damper, damper_mode, cap, divisor):
    """Return the funding rate of one interval.

    Parameters
    ----------
    average_premium : float, fraction
    interest : float, fraction
        Interest component, in the same period as the premium is read (eight hours where `divisor` is not 1).
    damper : float, fraction, at least 0
        Half-width of the plateau on which the rate is the interest alone: 0 gives the premium, infinity the interest.
    damper_mode : int
        BAND: the damped form; SUM: the plain sum of premium and interest, whatever the damper; DEAD_BAND: interest plus
        what of the premium lies outside the damper.
    cap : float, fraction per interval, at least 0
        Largest absolute rate; may be infinite.
    divisor : float, above 0
        Intervals in the period for which the bracket is stated.

    Returns
    -------
    float, fraction per interval
        Positive when longs pay shorts.

    Notes
    -----
    F = clamp((P + clamp(I - P, -d, d)) / divisor, -cap, cap). The bracket is computed as clamp(I, P - d, P + d), the
    same number, which on the plateau is the interest to the last bit, so that pinned settlements
    can be counted by equality.

    References
    ----------
    .. [1] Binance, FAQ 360033525031 and announcement of 2025-09-16 (division by 8 / N).
    .. [2] Hyperliquid documentation, "Funding": hourly rate = eight-hour rate / 8, at most 4 % an hour.
    .. [3] Deribit, support article 31424939178397: max(d, P) + min(-d, P) (dead band).

    Examples
    --------
    >>> funding_rate(0.0006, 0.0001, 0.0005, 0, 0.003, 1.0)
    0.0001
    >>> round(funding_rate(0.001, 0.0001, 0.0005, 0, 0.003, 1.0), 10)
    0.0005
    >>> round(funding_rate(0.001, 0.0, 0.00025, 2, 0.005, 1.0), 10)
    0.00075
    >>> round(funding_rate(-0.0066321638, 0.0001, 0.0005, 0, 0.04, 8.0), 10)
    -0.0007665205
    """
    if damper_mode == SUM:
        bracket = average_premium + interest
    elif damper_mode == DEAD_BAND:
        bracket = interest + max(damper, average_premium) + min(-damper, average_premium)
    else:
        bracket = clamp(interest, average_premium - damper, average_premium + damper)
    return clamp(bracket / divisor, -cap, cap)


@hot_kernel
def funding_payment(lots, price, units_per_price, rate):
    """Return what one position pays at a settlement.

    Parameters
    ----------
    lots : int
        Signed position.
    price : float, quote currency
        Mark or index, as the venue takes the notional.
    units_per_price : float
        Money units of one lot at a price of 1.
    rate : float, fraction per interval

    Returns
    -------
    int, units
        Positive: the position pays; negative: it receives.

    Notes
    -----
    ceil(lots * (price * units_per_price * rate)): the payer rounds up and the receiver down. The product in the
    parenthesis is one number for all positions, so payments of positions that net to zero sum to at least 0 and to
    less than their number (rounding to nearest is monotone and keeps integers), as long as the sum of their absolute
    values stays below 2**53 units. The residue is the insurance fund's.

    References
    ----------
    .. [1] dYdX perpetual contracts, settlement: rounded up for the payer, down for the receiver.

    Examples
    --------
    >>> [funding_payment(lots, 0.7, 1.0, 1.0) for lots in (7, -3, -4)]
    [5, -2, -2]
    """
    return int(math.ceil(lots * (price * units_per_price * rate)))


@hot_kernel
def limited(before, rate, step_limit):
    """Return a rate kept within `step_limit` of the one before.

    References
    ----------
    .. [1] BitMEX, "Perpetual Contracts Guide": a change of at most 75 % of the maintenance margin between intervals;
       dYdX perpetual contracts, funding oracle: from one bound to the other in 45 minutes at the fastest.

    Examples
    --------
    >>> limited(0.0, 0.005, 0.00375), limited(0.001, -0.004, 0.00375)
    (0.00375, -0.00275)
    """
    return clamp(rate, before - step_limit, before + step_limit)


CAP_LAWS = ("absolute", "maintenance", "initial_less_maintenance", "smaller")


def cap_by_law(law, number, initial_fraction, maintenance_fraction):
    """Return the cap of the funding rate by a venue's law.

    Parameters
    ----------
    law : str
        "absolute": `number` itself; "maintenance": `number` times the maintenance fraction; "initial_less_maintenance":
        `number` times the initial less the maintenance fraction; "smaller": the smaller of that and the maintenance fraction.
    number : float
    initial_fraction, maintenance_fraction : float
        Of the lowest margin tier.

    Returns
    -------
    float, fraction per interval

    References
    ----------
    .. [1] Binance, FAQ 360033525031 (maintenance); BitMEX, "Perpetual Contracts Guide", and dYdX v4
       (initial_less_maintenance); Bybit, "Introduction to Funding Rate" (smaller).

    Examples
    --------
    >>> cap_by_law("maintenance", 0.75, 0.008, 0.004), cap_by_law("smaller", 0.75, 0.01, 0.005)
    (0.003, 0.00375)
    """
    if law == "absolute":
        return number
    if law == "maintenance":
        return number * maintenance_fraction
    between = number * (initial_fraction - maintenance_fraction)
    return between if law == "initial_less_maintenance" else min(between, maintenance_fraction)
