"""The funding rate: predicted, fixed at each settlement or accrued, with cap, floor and interval.

References: Binance, FAQ 360033525031; BitMEX, "Perpetual Contracts Guide"; Bybit, "Introduction to
Funding Rate"; Hyperliquid, "Funding"; Deribit, article 31424939178397; Drift v2; dYdX v1 and v4.
"""

import math

from tests.conformance.arithmetic import clamp

READS = ("funding", "margin", "account")


def stated_cap(rules):
    """Return the cap as the venue states it: of an interval, or of the period of its formula."""
    funding, tier = rules["funding"], rules["margin"]["tiers"][0]
    law, number, maintenance = funding.get("cap_law", "absolute"), funding["cap"], tier[1]
    if law == "absolute":
        return number
    if law == "maintenance":
        return number * maintenance
    between = number * (1.0 / tier[2] - maintenance)
    return between if law == "initial_less_maintenance" else min(between, maintenance)


def bound_parts(funding):
    """Return what a stated bound of the rate is divided by to be one of an interval."""
    per_period = funding.get("bounds_per", "interval") == "period"
    return funding["period_hours"] / funding["interval_hours"] if per_period else 1.0


def cap_of(rules):
    """Return the cap of the rate, a fraction per interval."""
    return stated_cap(rules) / bound_parts(rules["funding"])


def terms_of(funding, hours):
    """Return interest rate and divisor of the bracket in an interval of so many hours."""
    intervals = funding["period_hours"] / hours
    if funding.get("period_scales", "bracket") == "interest":
        return funding["interest_rate"] / intervals, 1.0
    return funding["interest_rate"], intervals


def bracket(funding, premium, interest):
    """Return premium and interest rate combined, before divisor and cap."""
    damper = funding["damper"]
    if funding["damper_mode"] == "sum":
        return premium + interest
    if funding["damper_mode"] == "dead_band":
        return interest + max(damper, premium) + min(-damper, premium)
    return premium + clamp(interest - premium, -damper, damper)


def rate_of(rules, premium, hours, before, share=1.0):
    """Return the rate that a premium gives, within `share` of the step limit of the one before."""
    funding, cap = rules["funding"], cap_of(rules)
    interest, divisor = terms_of(funding, hours)
    rate = clamp(bracket(funding, premium, interest) / divisor, -cap, cap)
    parts = bound_parts(funding)
    step = funding.get("step_limit", math.inf) / parts**2 * share
    floor = funding.get("floor", -math.inf) / parts
    return clamp(max(rate, floor), before - step, before + step)


class Clock:
    """The funding interval in force, which some venues cut while the rate is at its cap."""

    def __init__(self, funding):
        self.funding, self.hours, self.settled, self.below = (
            funding,
            funding["interval_hours"],
            0,
            0,
        )

    def ends(self, seconds):
        """Return whether the interval has ended by a time."""
        return seconds - self.settled >= 3600.0 * self.hours - 1e-6

    def settle(self, capped):
        """Begin the next interval."""
        self.settled += 3600.0 * self.hours
        short, self.below = (
            self.funding.get("short_interval_hours"),
            0 if capped else self.below + 1,
        )
        if short and capped:
            self.hours = short
        elif short and self.below >= self.funding["restore_after"]:
            self.hours = self.funding["interval_hours"]


def compare(tape, rules):
    """Yield predicted rate, rate in force and countdown of every step; the rate charged."""
    funding, clock, charged = rules["funding"], Clock(rules["funding"]), 0.0
    continuous = funding.get("accrual", "interval") == "continuous"
    shown = funding["enabled"] and not rules["account"]["hide_prediction"]
    interest, divisor = terms_of(funding, clock.hours)
    rate = interest / divisor * funding["enabled"]
    for step in range(1, tape.steps + 1):
        premium, hours = tape.view["average_premium"][step], clock.hours
        fixed = rate_of(rules, premium, hours, rate)
        expected = fixed if shown and not funding.get("lag", False) else rate
        yield "predicted rate", step, tape.view["predicted_funding"][step], expected
        if continuous and funding["enabled"]:
            share, before = tape.dt / (3600.0 * hours), rate
            rate = rate_of(rules, premium, hours, before, share)
            charged += 0.5 * (before + rate) * share
            fixed = rate_of(rules, premium, hours, rate)
        if clock.ends(step * tape.dt):
            if not continuous:
                charged = rate if funding.get("lag", False) else fixed
                rate = fixed if funding["enabled"] else rate
            for row in tape.settlements[step]:
                yield "rate charged", step, row["rate"], charged
                yield "capped", step, row["capped"], abs(charged) >= cap_of(rules)
            clock.settle(abs(fixed) >= cap_of(rules))
            charged = 0.0
        left = 3600.0 * clock.hours - (step * tape.dt - clock.settled)
        yield "rate in force", step, tape.view["funding_rate"][step], rate
        yield "countdown", step, tape.view["seconds_to_settlement"][step], left
