"""The length of the funding interval, and the terms of the formula in it.

Cut after a settlement at the cap, restored after enough settlements below it.
"""

from perplab.sim.compiler.jit import kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice


class PeriodScales(Choice):
    """What a venue scales where its interval is not the period for which its formula is stated."""

    BRACKET, INTEREST = range(2)


INTERVAL_LAW = row(
    ("short_seconds", "f8"),  # 0: the interval is never cut
    ("base_seconds", "f8"),
    ("restore_after", "i8"),  # settlements below the cap
    ("period_seconds", "f8"),  # for which the formula is stated
    ("period_interest", "f8"),  # interest rate of that period
    ("period_scales", "i8"),  # PeriodScales
)


@kernel
def adapts(law):
    """Return whether the venue ever cuts its interval."""
    return law["short_seconds"] > 0.0


@kernel
def next_interval(law, seconds, capped, below_cap):
    """Return the seconds of the next interval.

    Parameters
    ----------
    law : INTERVAL_LAW record
    seconds : float
        Of the interval that has ended.
    capped : bool
        Whether it ended at the cap.
    below_cap : int
        Settlements in a row below the cap, this one included.
    """
    if capped:
        return law["short_seconds"]
    return law["base_seconds"] if below_cap >= law["restore_after"] else seconds


@kernel
def terms_of(law, seconds):
    """Return interest rate and divisor of the formula in an interval, ``(interest, divisor)``.

    Parameters
    ----------
    law : INTERVAL_LAW record
    seconds : float
        Of the interval.

    Notes
    -----
    With n intervals in the period: BRACKET divides premium, interest and damper together by n;
    INTEREST divides the interest alone, and premium and damper hold for the interval as they are.

    References
    ----------
    .. [1] Binance, announcement of 2025-09-16, and OKX: the bracket over 8 / N. Bybit,
       "Introduction to Funding Rate": interest of .03 % / (24 / N) beside an undivided premium.
    """
    intervals = law["period_seconds"] / seconds
    if law["period_scales"] == PeriodScales.INTEREST:
        return law["period_interest"] / intervals, 1.0
    return law["period_interest"], intervals
