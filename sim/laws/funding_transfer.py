"""Who receives what payers of funding pay: the other side pro rata, or the other side as far as a pool's fees carry it.

A rate is positive when longs pay. Values are in any one unit; nothing here is rounded but where it says so.
"""

import math

from perplab.sim.compiler.jit import hot_kernel

ROUNDED_DOWN = 1.0 - 1e-15


@hot_kernel
def received_rate(rate, payers, receivers):
    """Return what receivers get per unit so that they share what payers pay, a hair less rather than more; 0 without either.

    Examples
    --------
    >>> round(received_rate(0.02, 200.0, 100.0), 12), received_rate(0.02, 200.0, 0.0)
    (0.04, 0.0)
    """
    return rate * payers / receivers * ROUNDED_DOWN if receivers > 0.0 else 0.0


@hot_kernel
def fee_pool(fees_left, fees_earned, kept_share):
    """Return what of a pool's fees may pay funding: what is left beyond the share it keeps of all it has earned.

    References
    ----------
    .. [1] Drift v2, get_total_fee_lower_bound: half of the exchange fees are kept.

    Examples
    --------
    >>> fee_pool(0.5, 0.5, 0.5), fee_pool(0.2, 0.5, 0.5)
    (0.25, 0.0)
    """
    return max(fees_left - kept_share * fees_earned, 0.0)


@hot_kernel
def pool_spends(rate, payers_value, receivers_value, pool_units):
    """Return what a pool adds to what payers pay so that receivers get the same rate: whole units, at most `pool_units`; what is
    left over is the pool's (negative).

    Examples
    --------
    >>> pool_spends(0.01, 50e6, 100e6, 123.4), pool_spends(0.01, 100e6, 50e6, 0.0)
    (123.0, -500000.0)
    """
    cost = abs(rate) * receivers_value - abs(rate) * payers_value
    return cost if cost <= pool_units else float(math.floor(pool_units))


@hot_kernel
def carried_rate(rate, payers_value, receivers_value, pool_units):
    """Return the receivers' rate where the pool adds at most `pool_units` to what payers pay.

    Parameters
    ----------
    rate : float, fraction
        Signed rate that payers pay; it is never reduced.
    payers_value, receivers_value : float, units
        Values of both sides at the price of the notional.
    pool_units : float, units, at least 0

    Returns
    -------
    float, fraction

    Notes
    -----
    If receivers would get more than payers and pool give, they share the whole units of both, less one, so that the
    rounding is theirs.

    References
    ----------
    .. [1] Drift v2, calculate_funding_rate_long_short.

    Examples
    --------
    >>> carried_rate(0.01, 100e6, 50e6, 0.0), carried_rate(-0.01, 50e6, 100e6, 500e3)
    (0.01, -0.01)
    >>> round(carried_rate(0.01, 50e6, 100e6, 0.0), 9)
    0.00499999
    """
    paid = abs(rate) * payers_value
    if abs(rate) * receivers_value - paid <= pool_units:
        return rate
    limit = (
        max(
            pool_spends(rate, payers_value, receivers_value, pool_units) + math.floor(paid) - 1.0,
            0.0,
        )
        / receivers_value
    )
    return limit if rate > 0.0 else -limit


@hot_kernel
def borrowing_rate(usage, base, kink, above):
    """Return what the larger side pays the pool for the reserve it uses, per year.

    Parameters
    ----------
    usage : float, fraction
        Open interest of the side over the most there may be.
    base : float, fraction per year
        Rate at full usage were there no kink.
    kink : float, fraction
        Usage beyond which the rate rises faster, towards `above` at full usage.
    above : float, fraction per year

    References
    ----------
    .. [1] GMX v2, MarketUtils.getKinkBorrowingFactor.

    Examples
    --------
    >>> round(borrowing_rate(0.75, 0.6, 0.75, 1.3), 9), round(borrowing_rate(1.0, 0.6, 0.75, 1.3), 9)
    (0.45, 1.3)
    """
    rate = base * usage
    if usage > kink and kink < 1.0:
        rate += max(above - base, 0.0) * (usage - kink) / (1.0 - kink)
    return rate
