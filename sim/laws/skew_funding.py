"""Funding rates that follow the open interest of longs and shorts, not the price.

Long open interest is L, short S, both of traders alone; a positive rate is paid by longs. Rates are
fractions of the notional in the period for which the funding formula is stated.

References: GMX v2, market utilities (static and adaptive funding factor); Synthetix SIP-279
(funding velocity).
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice

DAY_SECONDS = 86_400.0


class SkewLaw(Choice):
    """What of open interest the rate follows; NONE where it follows the premium."""

    NONE, OPEN_INTEREST, ADAPTIVE_OPEN_INTEREST, SKEW_VELOCITY = range(4)

    @classmethod
    def names(cls):
        """Return the names that a rulebook may state."""
        return super().names()[1:]


SKEW_LAW = row(
    ("skew_formula", "i8"),  # SkewLaw
    ("factor", "f8"),  # rate per period at full imbalance
    ("exponent", "f8"),  # of the imbalance in lots
    ("increase", "f8"),  # rate per period a second, at full imbalance
    ("decrease", "f8"),  # rate per period a second, in the quiet zone
    ("stable_imbalance", "f8"),  # above it the rate grows
    ("decreasing_imbalance", "f8"),  # below it the rate declines
    ("maximum_rate", "f8"),
    ("minimum_rate", "f8"),  # smallest rate charged that is not 0
    ("skew_scale", "f8"),  # asset
    ("maximum_velocity", "f8"),  # rate per period a day
)


@hot_kernel
def follows_skew(law):
    """Return whether the rate follows open interest."""
    return law["skew_formula"] != SkewLaw.NONE


@kernel
def skew_rate(law, rate, long_lots, short_lots, elapsed, lot):
    """Return ``(rate charged, rate carried to the next sample)``, fractions per interval.

    Parameters
    ----------
    law : SKEW_LAW record
    rate : float, fraction per period
        Carried over from the last sample, before the minimum.
    long_lots, short_lots : float, lots of traders
    elapsed : float, seconds
    lot : float, asset
    """
    if law["skew_formula"] == SkewLaw.OPEN_INTEREST:
        charged = imbalance_of(long_lots, short_lots, law["exponent"]) * law["factor"]
        return charged, rate
    if law["skew_formula"] == SkewLaw.ADAPTIVE_OPEN_INTEREST:
        rate = adapted_rate(
            rate,
            imbalance_of(long_lots, short_lots, 1.0),
            elapsed,
            law["increase"],
            law["decrease"],
            law["stable_imbalance"],
            law["decreasing_imbalance"],
            law["maximum_rate"],
        )
        return floored_magnitude(rate, law["minimum_rate"]), rate
    scale = law["skew_scale"] / lot
    per_day = skew_velocity_rate(long_lots - short_lots, scale, law["maximum_velocity"])
    rate += per_day * elapsed / DAY_SECONDS
    return rate, rate


@hot_kernel
def imbalance_of(long_lots, short_lots, exponent):
    """Return sign(L - S) |L - S|**exponent / (L + S), 0 while a side is empty.

    Examples
    --------
    >>> imbalance_of(106.0, 94.0, 1.0), imbalance_of(5.0, 0.0, 1.0)
    (0.06, 0.0)
    """
    if long_lots <= 0.0 or short_lots <= 0.0 or long_lots == short_lots:
        return 0.0
    size = abs(long_lots - short_lots)
    raised = size if exponent == 1.0 else math.exp(exponent * math.log(size))
    return (raised if long_lots > short_lots else -raised) / (long_lots + short_lots)


@hot_kernel
def adapted_rate(state, imbalance, elapsed, increase, decrease, stable, decreasing, largest):
    """Return the rate of an adaptive venue after `elapsed` seconds of an imbalance.

    Parameters
    ----------
    state : float
        Rate before; its sign says who pays.
    imbalance : float
        Signed, of `imbalance_of`.
    elapsed : float, seconds
    increase, decrease : float, per second
        Growth at full imbalance; decline in the quiet zone.
    stable, decreasing : float
        Imbalance above which the rate grows, and below which it declines; between the two it stays.
    largest : float
        Bound of the rate.

    Notes
    -----
    An imbalance against the rate's sign moves it back through zero whatever its size.

    Examples
    --------
    >>> round(adapted_rate(0.0, 0.06, 600.0, 1e-6, 2e-8, 0.05, 0.03, 1.0), 12)
    3.6e-05
    """
    size = abs(imbalance)
    if imbalance * state < 0.0 or size > stable:
        state += imbalance * increase * elapsed
    elif size < decreasing:
        decline = decrease * elapsed
        state = max(state - decline, 0.0) if state > 0.0 else min(state + decline, 0.0)
    return min(max(state, -largest), largest)


@hot_kernel
def floored_magnitude(rate, least):
    """Return a rate that is not 0 with at least this size.

    Examples
    --------
    >>> floored_magnitude(-0.001, 0.01), floored_magnitude(0.02, 0.01), floored_magnitude(0.0, 0.01)
    (-0.01, 0.02, 0.0)
    """
    if rate == 0.0 or abs(rate) >= least:
        return rate
    return least if rate > 0.0 else -least


@hot_kernel
def skew_velocity_rate(skew, scale, largest):
    """Return the change of the rate per day.

    The skew over its scale, kept within one, times the largest.

    Examples
    --------
    >>> round(skew_velocity_rate(-60.0, 10_000.0, 3.0), 12), skew_velocity_rate(2e4, 1e4, 3.0)
    (-0.018, 3.0)
    """
    return min(max(skew / scale, -1.0), 1.0) * largest
