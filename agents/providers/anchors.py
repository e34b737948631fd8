"""The basis at which a provider is indifferent to holding a hedged position.

A provider finances a short perpetual hedged with spot at its own cost of funds c. It is indifferent
at the basis where the funding rate pays c, which is outside the dead band of the damper. A long one
pays until the rate is as negative as the cost of borrowing spot; the end of the band for a short
serves both. Expected funding over its own horizon beyond c shifts the basis against the side that
pays.

These kernels serve the rule of `perplab.agents.providers.provider`; `me` has its traits and memory.
"""

import math

from perplab.agents.carry.reservation import REACH, reservation_basis
from perplab.agents.orders import BASIS_POINT, YEAR_SECONDS
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.laws.funding import funding_rate

CARRY, OWN_AVERAGE, SPOT = 0, 1, 2
ANCHORS = ("carry", "own_average", "spot")
"""What a provider anchors its quotes to: the values of the trait ``anchor``, and their names."""


@hot_kernel
def funds_per_interval(me, view):
    """Return its cost of funds per funding interval, fraction."""
    return me["funds_per_year"] * view["interval_seconds"] / YEAR_SECONDS


@hot_kernel
def carry_basis(me, view):
    """Return the basis at which funding pays the cost of funds; 0 where none does."""
    if view["funding_on"] == 0:
        return 0.0
    basis = reservation_basis(view, -1, funds_per_interval(me, view), 0.0, 0.0, 0.0, 0.0)
    return basis if abs(basis) <= REACH else 0.0


@hot_kernel
def funding_shift(me, view):
    """Return the shift by what a long pays over its horizon beyond the cost of funds."""
    if view["funding_on"] == 0:
        return 0.0
    rate = funding_rate(view["funding_law"], view["premium_90m"], view["seen"])
    intervals = me["hold_hours"] * 3600.0 / view["interval_seconds"]
    return -(rate - funds_per_interval(me, view)) * intervals


@hot_kernel
def advance_average(me, view, elapsed):
    """Return the exponential mean of the market's basis over ``average_seconds``."""
    share = 1.0 - math.exp(-elapsed / me["average_seconds"])
    me["average_basis"] += share * (view["basis_mid"] - me["average_basis"])
    return me["average_basis"]


@hot_kernel
def fair_basis(me, view, elapsed):
    """Return the basis that it quotes around without inventory.

    With weight ``anchor_weight`` it is the anchor's: spot (0) or the average of the market's own
    basis; the rest is that of the carry, with the shift by expected funding.
    """
    weight = me["anchor_weight"] if me["anchor"] != CARRY else 0.0
    own = carry_basis(me, view) + funding_shift(me, view)
    average = advance_average(me, view, elapsed)
    anchor = average if me["anchor"] == OWN_AVERAGE else funding_shift(me, view)
    return (1.0 - weight) * own + weight * anchor


@hot_kernel
def skew_at(me, share, strength):
    """Return the shift of the basis by inventory over its limit, within 1.5, against its sign.

    It grows faster than the share.
    """
    bounded = min(max(share, -1.5), 1.5)
    shift = bounded * (1.0 + me["convexity"] * bounded * bounded)
    return -me["skew_bps"] * BASIS_POINT * shift * strength


@hot_kernel
def skew_strength(me, stress, alarm):
    """Return what the skew of inventory is multiplied with: volatility, and alarm."""
    return min(stress, 2.0) * math.exp(me["alarm_skew_power"] * math.log(alarm))
