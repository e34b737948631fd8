"""The funding formula: from an average premium to a funding rate.

Positive: longs pay shorts. The bracket of premium, interest rate and damper is stated for a period
of `divisor` intervals; the rate, its cap, floor and step limit are fractions per interval.
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import clamp
from perplab.sim.laws.choices import Choice


class DamperMode(Choice):
    """How premium and interest rate combine: see `funding_rate`."""

    BAND, SUM, DEAD_BAND = range(3)


class CapLaw(Choice):
    """What the cap of a rulebook is stated in: see `cap_by_law`."""

    ABSOLUTE, MAINTENANCE, INITIAL_LESS_MAINTENANCE, SMALLER = range(4)


class Notional(Choice):
    """The price at which the notional of a payment is taken."""

    MARK, INDEX = range(2)


FUNDING_LAW = row(
    ("interest_rate", "f8"),  # fraction per `divisor` intervals
    ("damper", "f8"),  # fraction per `divisor` intervals, at least 0
    ("damper_mode", "i8"),  # DamperMode
    ("divisor", "f8"),  # intervals in the period for which the bracket is stated
    ("cap", "f8"),  # fraction per interval, at least 0
    ("floor", "f8"),  # signed fraction per interval, below the cap
    ("step_limit", "f8"),  # largest change of the rate from one interval to the next
    ("follows_skew", "i8"),  # whether the rate follows open interest instead of the premium
    ("payment_notional", "i8"),  # Notional
)


SEEN = row(
    ("volatility", "f8"),  # of spot, per square root of a second
    ("skew_rate", "f8"),  # rate by open interest, before divisor, cap and floor
)


"""State other than the premium that a funding formula may use.

View, recorded series and replay all have it.
"""


KINKS = 8


"""Premiums at which the slope of the rate may change: numbers of `rate_kink`."""


@hot_kernel
def funding_rate(law, average_premium, seen):
    """Return the funding rate of one interval, within cap and floor.

    Parameters
    ----------
    law : FUNDING_LAW record
    average_premium : float, fraction
    seen : SEEN record
        `skew_rate` stands in for the premium where the law follows open interest.

    Returns
    -------
    float, fraction per interval
        Positive when longs pay shorts.

    Notes
    -----
    With P the premium, I the interest rate, d the damper:

    - BAND: F = clamp((P + clamp(I - P, -d, d)) / divisor, -cap, cap). A damper of 0 gives the
      premium, an infinite one the interest rate. The bracket is computed as clamp(I, P - d, P + d),
      the same number, which inside the damper is the interest rate to the last bit, so that
      settlements at the interest rate can be counted by equality.
    - SUM: the bracket is P + I, whatever the damper.
    - DEAD_BAND: the bracket is I plus what of the premium lies outside the damper.

    References
    ----------
    .. [1] Binance, FAQ 360033525031 and announcement of 2025-09-16 (division by 8 / N).
    .. [2] Hyperliquid documentation, "Funding": hourly rate = eight-hour rate / 8, at most 4 % an
           hour.
    .. [3] Deribit, support article 31424939178397: max(d, P) + min(-d, P) (dead band).

    Examples
    --------
    >>> law = funding_law(interest_rate=0.0001, damper=0.0005, cap=0.003)
    >>> seen = np.zeros(1, SEEN)[0]
    >>> funding_rate(law, 0.0006, seen), round(funding_rate(law, 0.001, seen), 10)
    (0.0001, 0.0005)
    >>> deribit = funding_law(damper=0.00025, damper_mode=DamperMode.DEAD_BAND, cap=0.005)
    >>> round(funding_rate(deribit, 0.001, seen), 10)
    0.00075
    >>> hourly = funding_law(interest_rate=0.0001, damper=0.0005, cap=0.04, divisor=8.0)
    >>> round(funding_rate(hourly, -0.0066321638, seen), 10)
    -0.0007665205
    """
    premium = seen["skew_rate"] if law["follows_skew"] == 1 else average_premium
    bracket = damped_premium(law, premium, damper_width(law, seen))
    return max(clamp(bracket / law["divisor"], -law["cap"], law["cap"]), law["floor"])


@hot_kernel
def damper_width(law, seen):
    """Return the half-width of the damper in force, fraction; 0 without a damper."""
    return law["damper"] if law["damper_mode"] != DamperMode.SUM else 0.0


@hot_kernel
def damper_centre(law):
    """Return the premium in the middle of the damper, fraction."""
    return law["interest_rate"] if law["damper_mode"] == DamperMode.BAND else 0.0


@hot_kernel
def damped_premium(law, premium, damper):
    """Return the bracket of the formula, before divisor, cap and floor, by the damper in force."""
    interest = law["interest_rate"]
    if law["damper_mode"] == DamperMode.SUM:
        return premium + interest
    if law["damper_mode"] == DamperMode.DEAD_BAND:
        return interest + max(damper, premium) + min(-damper, premium)
    return clamp(interest, premium - damper, premium + damper)


@hot_kernel
def limited(law, before, rate, share):
    """Return a rate kept within the law's step limit of the one before.

    `share` is the part of an interval that has passed, and of the limit that applies.

    References
    ----------
    .. [1] BitMEX, "Perpetual Contracts Guide": a change of at most 75 % of the maintenance margin
       between intervals; dYdX perpetual contracts, funding oracle: from one bound to the other in
       45 minutes at the fastest.

    Examples
    --------
    >>> law = funding_law(step_limit=0.00375)
    >>> limited(law, 0.0, 0.005, 1.0), limited(law, 0.001, -0.004, 1.0)
    (0.00375, -0.00275)
    """
    return clamp(rate, before - law["step_limit"] * share, before + law["step_limit"] * share)


@hot_kernel
def interest_per_interval(law):
    """Return the interest rate per interval, before cap and floor."""
    return law["interest_rate"] / law["divisor"]


@hot_kernel
def set_terms(law, interest_rate, divisor):
    """Set interest rate and divisor of a law: they follow the length of the interval."""
    law["interest_rate"], law["divisor"] = interest_rate, divisor


@hot_kernel
def at_cap(law, rate):
    """Return whether a rate is at the cap, on either side."""
    return abs(rate) >= law["cap"]


@hot_kernel
def rate_kink(law, number, seen):
    """Return one of `KINKS` premiums that hold all at which the slope of the rate changes.

    They are those where the bracket equals the interest rate, either cap or the floor, on either
    side of the damper, in any order. They may be infinite or NaN, which callers must skip.
    """
    width = damper_width(law, seen)
    shift = law["interest_rate"] - damper_centre(law)
    bound = law["floor"]
    if number < 6:
        bound = law["cap"] if number < 4 else -law["cap"]
    level = law["interest_rate"] if number < 2 else bound * law["divisor"]
    return level - shift + (width if number % 2 else -width)


@hot_kernel
def notional_price(law, mark, index):
    """Return the price at which the notional of a payment is taken."""
    return index if law["payment_notional"] == Notional.INDEX else mark


def cap_by_law(law, number, initial_fraction, maintenance_fraction):
    """Return the cap of the funding rate as a venue states it.

    Parameters
    ----------
    law : str
        "absolute": `number` itself; "maintenance": `number` times the maintenance fraction;
        "initial_less_maintenance": `number` times the initial less the maintenance fraction;
        "smaller": the smaller of that and the maintenance fraction.
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
    code = CapLaw.code(law)
    if code == CapLaw.ABSOLUTE:
        return number
    if code == CapLaw.MAINTENANCE:
        return number * maintenance_fraction
    between = number * (initial_fraction - maintenance_fraction)
    if code == CapLaw.INITIAL_LESS_MAINTENANCE:
        return between
    return min(between, maintenance_fraction)


def dead_band(law, seen):
    """Return the average premiums between which the rate is the interest rate, ``(low, high)``.

    They are fractions of the index, NaN where the law has no such band. `seen` is a SEEN record, or
    rows with its fields: then the bounds are arrays where they vary.

    Examples
    --------
    >>> law = funding_law(interest_rate=0.0001, damper=0.0005)
    >>> low, high = dead_band(law, np.zeros(1, SEEN)[0])
    >>> round(float(low), 12), round(float(high), 12)
    (-0.0004, 0.0006)
    """
    if not has_dead_band(law):
        return math.nan, math.nan
    centre, width = damper_centre(law), damper_width(law, seen)
    return centre - width, centre + width


def cap_of(law):
    """Return the cap of the rate, a fraction per interval; may be infinite."""
    return law["cap"]


def has_dead_band(law):
    """Return whether the rate is the interest rate over a band of premiums."""
    damped = law["damper_mode"] != DamperMode.SUM and law["follows_skew"] == 0
    interest = interest_per_interval(law)
    reached = law["floor"] <= interest <= law["cap"] and -interest <= law["cap"]
    return bool(damped and law["damper"] > 0.0 and reached)


def cap_at_zero(laws):
    """Let the rates of laws be 0 from now on: settlements go on and pay nothing."""
    laws["cap"] = 0.0


def funding_law(**fields):
    """Return a FUNDING_LAW record: no damper, no cap, a divisor of 1, but for the fields given.

    Examples
    --------
    >>> float(funding_law(cap=0.003)["cap"])
    0.003
    """
    law = np.zeros(1, FUNDING_LAW)[0]
    standard = {"cap": math.inf, "floor": -math.inf, "step_limit": math.inf, "divisor": 1.0}
    for name, value in (standard | fields).items():
        law[name] = value
    return law
