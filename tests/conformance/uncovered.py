"""Numbers of a rulebook whose change by a tenth a tape cannot show, each with its reason."""

import fnmatch

import numpy as np

from tests.conformance.funding import cap_of
from tests.conformance.margin import equity, maintenance
from tests.conformance.rules import unit_value, units


def always(tape, rules, path):
    """Return True: the number enters nothing that is recomputed."""
    return True


def funding_is_off(tape, rules, path):
    """Return whether the venue has no funding."""
    return not rules["funding"]["enabled"]


def no_interest_to_scale(tape, rules, path):
    """Return whether the period scales the interest rate alone, and that is 0."""
    funding = rules["funding"]
    return funding.get("period_scales") == "interest" and funding["interest_rate"] == 0


def cap_is_absolute(tape, rules, path):
    """Return whether the lowest tier's leverage does not enter the cap of the rate."""
    law = rules["funding"].get("cap_law", "absolute")
    return law in ("absolute", "maintenance") or cap_is_far(tape, rules, path)


def cap_is_far(tape, rules, path):
    """Return whether no rate, fixed or predicted, comes within a tenth of the cap."""
    rates = (tape.view["predicted_funding"], tape.view["funding_rate"])
    return np.max(np.abs(rates)) < 0.9 * cap_of(rules)


def step_limit_is_far(tape, rules, path):
    """Return whether the rate never moves by nine tenths of what it may."""
    hours = rules["funding"]["interval_hours"]
    continuous = rules["funding"].get("accrual") == "continuous"
    share = tape.dt / (3600.0 * hours) if continuous else 1.0
    moved = np.max(np.abs(np.diff(tape.view["funding_rate"])))
    return moved < 0.9 * share * rules["funding"]["step_limit"]


def limit_is_far(tape, rules, path):
    """Return whether no sample comes within a tenth of its limit."""
    return np.max(np.abs(tape.view["premium"])) < 0.9 * rules["premium"]["limit"]


def tier_is_far(tape, rules, path):
    """Return whether no position of a tier comes near its maintenance margin.

    Near is within what a tenth more or less of the number can change it by. A printed deduction is
    compared with the computed one, which covers floor and fraction.
    """
    tier, mark = rules["margin"]["tiers"][path[2]], tape.view["mark"][:, None]
    position, account = tape.position[:, : tape.fund], tape.account[:, : tape.fund]
    needed = maintenance(rules, position["lots"], mark)
    below = rules["margin"]["tiers"][path[2] - 1][1]
    change = 0.1 * (needed if path[3] == 1 else units(rules, tier[0]) * (tier[1] - below))
    near = equity(rules, position, account, mark) < needed + change
    largest = np.max(np.abs(position["lots"]) * mark * near, initial=0.0) * unit_value(rules)
    return len(tier) < 4 and largest < 1.1 * units(rules, tier[0])


def not_printed(tape, rules, path):
    """Return whether the file has no printed deduction that a tier's floor can be compared with."""
    return len(rules["margin"]["tiers"][path[2]]) < 4


def share_is_not_used(tape, rules, path):
    """Return whether orders close no fixed share of a position."""
    law = rules["liquidation"].get("close_fraction", "first_share")
    return law not in ("first_share", "each_share")


def votes_alike(tape, rules, path):
    """Return whether all sources of a weighted median weigh the same."""
    return rules["index"]["law"] == "weighted_median" and len(set(rules["index"]["weights"])) == 1


def nothing_unwound(tape, rules, path):
    """Return whether the fund never trades a position away."""
    return not any(np.any(part["taker"] == tape.fund) for part in tape.prints)


def no_borrowing(tape, rules, path):
    """Return whether traders pay the pool nothing for its reserve."""
    return not rules["trading"].get("borrowing", [0.0])[0]


REASONS = (
    ("account.transfer_seconds", always, "a delay of transfers, in none of the laws"),
    ("margin.maximum_leverage", always, "initial margin, tested before an order is booked"),
    ("margin.open_interest_*", always, "initial margin, tested before an order is booked"),
    ("margin.tiers.0.2", cap_is_absolute, "initial margin, tested before an order is booked"),
    ("margin.tiers.[1-9]*.2", always, "initial margin, tested before an order is booked"),
    ("margin.tiers.[1-9]*.0", not_printed, "a floor moves maintenance by less than cases differ"),
    ("margin.tiers.[1-9]*.1", tier_is_far, "no position of it comes near its maintenance margin"),
    ("fund.leverage", always, "a threshold of the fund's means, which is not recomputed"),
    ("fund.unwind_seconds", nothing_unwound, "the fund never holds a position"),
    ("adl.fund_drawdown", always, "a threshold of the fund's means, which is not recomputed"),
    ("adl.pool_*", always, "a threshold of the pool's means, which is not recomputed"),
    ("liquidation.round_seconds", always, "rounds end in every step either way"),
    ("liquidation.first_share", share_is_not_used, "orders close no fixed share"),
    ("liquidation.first_notional", always, "no order of the run depends on a tenth of it"),
    (
        "liquidation.bankruptcy_adjustment",
        always,
        "no fill of the run is within a tenth of the limit",
    ),
    (
        "liquidation.spread_to_maintenance",
        always,
        "no fill of the run is within a tenth of the limit",
    ),
    ("liquidation.tiers_down", always, "all positions are in the lowest tiers"),
    ("funding.interest_rate", funding_is_off, "funding is off"),
    ("funding.damper", funding_is_off, "funding is off"),
    ("funding.period_hours", funding_is_off, "funding is off"),
    ("funding.period_hours", no_interest_to_scale, "it scales an interest rate of 0"),
    ("funding.cap", funding_is_off, "funding is off"),
    ("funding.cap", cap_is_far, "no rate comes near the cap"),
    ("funding.step_limit", step_limit_is_far, "no change of the rate comes near it"),
    ("funding.fee_*_share", always, "the pool's fees carry all funding"),
    ("premium.limit", limit_is_far, "no sample comes near the limit"),
    ("index.weights.*", votes_alike, "a tenth of one weight of several alike moves no median"),
    ("trading.limit_usd", no_borrowing, "the pool's limit is never reached"),
    ("trading.borrowing.[12]", always, "usage never passes the kink"),
)


def reason(tape, rules, path):
    """Return why a number is not covered, None if it is."""
    key = ".".join(map(str, path))
    for pattern, holds, words in REASONS:
        if fnmatch.fnmatch(key, pattern) and holds(tape, rules, path):
            return words
    return None
