"""dYdX v1: bounds of the rate and of its change, accrual, settlement and its rounding."""

from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.rulebook.rulebook import load_rulebook

EIGHT_HOURS = 28_800.0


def bounds(max_8h, min_to_max_minutes):
    rules = load_rulebook("dydx-v1")
    interval = 3600 * rules.funding.interval_hours
    assert (
        rules.funding_cap == max_8h
        and abs(rules.funding.step_limit - 2 * max_8h * interval / (60 * min_to_max_minutes))
        < 1e-15
    )
    return {
        "max_abs_per_s": rules.funding_cap / interval,
        "max_diff_per_s2": rules.funding.step_limit / interval / interval,
    }


def accrual(rate_per_s, seconds):
    units = 1e15
    return {"funding": funding_payment(1, 1.0, units, rate_per_s * seconds) / units}


def settlement(funding, price, size):
    paid = funding_payment(size, price, 1.0, funding)
    return {
        "interest": paid,
        "long_margin": -paid,
        "short_margin": 2000 - funding_payment(-size, price, 1.0, funding),
    }


def rounding(price, funding, start, order):
    """Settle A twice and B and C once for both times: each payment is rounded by itself."""
    assert order.startswith("settle A at index 0.7, A again at 1.4")
    margins = {name: margin for name, (margin, _) in start.items()}
    margins["A"] -= 2 * funding_payment(start["A"][1], price, 1.0, funding)
    for name in "BC":
        margins[name] -= funding_payment(start[name][1], price, 1.0, 2 * funding)
    return margins | {
        "contract_surplus": sum(margin for margin, _ in start.values()) - sum(margins.values())
    }


ADAPTERS = {
    "funding_bounds": bounds,
    "funding_accrual": accrual,
    "settlement": settlement,
    "rounding_solvency": rounding,
}
