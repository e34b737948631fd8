"""Who receives what payers of funding pay.

The other side at the same rate, pro rata, or as far as a pool's fees carry it.

A rate is positive when longs pay. Values are in any one unit; nothing here is rounded but where it
says so.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice

YEAR_SECONDS = 31_536_000.0


class Receivers(Choice):
    """What those who receive funding get."""

    SAME_RATE, PRO_RATA, POOL_FEES = range(3)


TRANSFER_LAW = row(
    ("receivers", "i8"),  # Receivers
    ("fee_reserve_share", "f8"),  # of a pool's earned fees, never spent on funding
    ("fee_subsidy_share", "f8"),  # of what is left, spent at most
    ("borrow_base", "f8"),  # per year at full usage, without the kink
    ("borrow_kink", "f8"),  # usage
    ("borrow_above", "f8"),  # per year at full usage
)


@hot_kernel
def pool_stands_aside(law):
    """Return whether the pool itself is charged nothing and bears the residue."""
    return law["receivers"] != Receivers.SAME_RATE


@kernel
def transfer_rate(
    law, side, rate, own_lots, other_lots, lot_value, pool_fees, pool_left, usage, seconds
):
    """Return the rate of the traders of one side.

    Parameters
    ----------
    law : TRANSFER_LAW record
    side : {1, -1}
        1: longs.
    rate : float, fraction
        The market's funding rate.
    own_lots, other_lots : float, lots
        Open interest of the side and of the other.
    lot_value : float, units
        Value of a lot at the price of the notional.
    pool_fees, pool_left : float, units
        Fees that the pool has earned, and what funding has left of them.
    usage : float, fraction
        Of the reserve that the side uses.
    seconds : float
        Time for which borrowing is charged.

    Notes
    -----
    Payers pay the rate. Receivers share what they pay, or have the same rate as far as the pool's
    fees carry it. Pro rata, nobody pays while a side is empty. The larger side pays besides for the
    reserve it uses.
    """
    own, receives = rate, rate * side < 0.0
    if receives and law["receivers"] == Receivers.POOL_FEES and own_lots > 0.0:
        spare = law["fee_subsidy_share"] * fee_pool(pool_left, pool_fees, law["fee_reserve_share"])
        own = carried_rate(rate, other_lots * lot_value, own_lots * lot_value, spare)
    elif law["receivers"] == Receivers.PRO_RATA:
        own = rate if other_lots > 0.0 else 0.0
        if receives:
            own = received_rate(rate, other_lots, own_lots)
    if law["borrow_base"] > 0.0 and own_lots >= other_lots:
        yearly = borrowing_rate(usage, law["borrow_base"], law["borrow_kink"], law["borrow_above"])
        own += side * yearly * seconds / YEAR_SECONDS
    return own


ROUNDED_DOWN = 1.0 - 1e-15


@hot_kernel
def received_rate(rate, payers, receivers):
    """Return the pro-rata receiving rate, 0 without receivers.

    It is rounded down by 1e-15, so that receipts never exceed payments.

    Examples
    --------
    >>> round(received_rate(0.02, 200.0, 100.0), 12), received_rate(0.02, 200.0, 0.0)
    (0.04, 0.0)
    """
    return rate * payers / receivers * ROUNDED_DOWN if receivers > 0.0 else 0.0


@hot_kernel
def fee_pool(fees_left, fees_earned, kept_share):
    """Return what of a pool's fees may pay funding.

    What is left beyond the share it keeps of all it has earned.

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
    """Return what a pool adds to what payers pay so that receivers get the same rate.

    Whole units, at most `pool_units`; what is left over is the pool's (negative).

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
    If receivers would get more than payers and pool give, they share the whole units of both, less
    one, so that the rounding is theirs.

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
    >>> [round(borrowing_rate(usage, 0.6, 0.75, 1.3), 9) for usage in (0.75, 1.0)]
    [0.45, 1.3]
    """
    rate = base * usage
    if usage > kink and kink < 1.0:
        rate += max(above - base, 0.0) * (usage - kink) / (1.0 - kink)
    return rate


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
    ceil(lots * (price * units_per_price * rate)): the payer rounds up and the receiver down. The
    product in the parenthesis is one number for all positions, so payments of positions that net to
    zero sum to at least 0 and to less than their number (rounding to nearest is monotone and
    preserves integers), as long as the sum of their absolute values stays below 2**53 units. The
    residue is the insurance fund's.

    References
    ----------
    .. [1] dYdX perpetual contracts, settlement: rounded up for the payer, down for the receiver.

    Examples
    --------
    >>> [funding_payment(lots, 0.7, 1.0, 1.0) for lots in (7, -3, -4)]
    [5, -2, -2]
    """
    return int(math.ceil(lots * (price * units_per_price * rate)))
