"""Synthetix v3: funding that drifts with the skew, and fills at the mean of the skews."""

from perplab.sim.laws.amm import skew_price
from perplab.sim.laws.skew_funding import skew_velocity_rate


def path(skew_scale, max_velocity_per_day, price, position, steps):
    """Let time pass, then trade; the position pays the mean of the rates at both ends."""
    skew, rate, accrued, rates, paid = float(position), 0.0, 0.0, [], []
    for days, traded in steps:
        before, rate = (
            rate,
            rate + skew_velocity_rate(skew, skew_scale, max_velocity_per_day) * days,
        )
        accrued += 0.5 * (before + rate) * days * price * position
        skew += traded
        rates.append(rate)
        paid.append(accrued)
    return {"rate_before_step": rates, "accrued": paid}


def drift(prev_rate, velocity, seconds):
    return {"rate": prev_rate + velocity * seconds / 86_400}


def fill(price, skew, size, skew_scale):
    return {"fill": skew_price(float(price), float(skew), float(size), skew_scale, 0.0)}


ADAPTERS = {"funding_velocity_path": path, "funding_rate": drift, "fill_price": fill}
