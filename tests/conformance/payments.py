"""What each position pays, to the unit, and what is left for the fund.

References: dYdX perpetual contracts, settlement (rounded up for the payer, down for the receiver);
GMX v2 (receivers share what payers pay; borrowing); Drift v2, calculate_funding_rate_long_short.
"""

import math

import numpy as np

from tests.conformance.rules import unit_value
from tests.conformance.skew import interest
from tests.conformance.tape import first_mark

READS = ("funding", "contract", "trading")
YEAR_SECONDS = 31_536_000.0


def price_of_notional(tape, rules, step):
    """Return the price at which the notional of a payment is taken."""
    if rules["funding"]["notional"] == "index":
        return tape.view["index"][step]
    return first_mark(tape, step)


def rate_paid(tape, rules, step):
    """Return the rate charged in a step, None where none is."""
    funding, rate = rules["funding"], tape.view["funding_rate"]
    if not funding["enabled"]:
        return None
    if funding.get("accrual", "interval") == "continuous":
        share = tape.dt / (3600.0 * funding["interval_hours"])
        return 0.5 * (rate[step - 1] + rate[step]) * share
    if tape.market["settled_seconds"][step] == tape.market["settled_seconds"][step - 1]:
        return None
    return rate[step - 1] if funding.get("lag", False) else rate[step]


def borrowed(tape, rules, own, seconds):
    """Return what the larger side pays the pool for the reserve it uses, as a fraction."""
    base, kink, above = rules["trading"].get("borrowing", [0.0, 1.0, 0.0])
    limit = rules["trading"]["limit_usd"] / (tape.asset["spot"][0] * rules["contract"]["lot"])
    usage = min(own / limit, 1.0)
    beyond = max(above - base, 0.0) * (usage - kink) / (1.0 - kink) if usage > kink else 0.0
    return (base * usage + beyond) * seconds / YEAR_SECONDS


def carried(rules, rate, paid, wanted, value, fees, left):
    """Return the receivers' rate where a pool's fees make up what payers lack."""
    spare = max(left - rules["funding"]["fee_reserve_share"] * fees, 0.0)
    spare *= rules["funding"]["fee_subsidy_share"]
    if wanted - paid <= spare:
        return rate
    limit = max(math.floor(spare) + math.floor(paid) - 1.0, 0.0) / value
    return math.copysign(limit, rate)


def side_rate(tape, rules, step, side, rate, price):
    """Return the rate of the traders of one side of a pool."""
    longs, shorts = interest(tape, step)
    own, other = (longs, shorts) if side > 0 else (shorts, longs)
    receives, result, value = rate * side < 0.0, rate, price * unit_value(rules)
    if rules["funding"]["receivers"] == "pro_rata":
        result = rate if other else 0.0
        if receives:
            result = rate * other / own * (1.0 - 1e-15) if own else 0.0
    elif receives and own:
        fees = float(tape.position["all_fees"][step][tape.fund])
        left = fees + tape.position["all_funding"][step - 1][tape.fund]
        size = abs(rate) * value
        result = carried(rules, rate, size * other, size * own, own * value, fees, left)
    if rules["trading"].get("borrowing", [0.0])[0] and own >= other:
        continuous = rules["funding"].get("accrual") == "continuous"
        seconds = tape.dt if continuous else 3600.0 * rules["funding"]["interval_hours"]
        result += side * borrowed(tape, rules, own, seconds)
    return result


def payments(tape, rules, step, rate):
    """Return the units that each row pays, the fund and its residue included."""
    lots, price = tape.position["lots"][step], price_of_notional(tape, rules, step)
    apart = rules["funding"].get("receivers", "same_rate") != "same_rate"
    sides = [side_rate(tape, rules, step, s, rate, price) if apart else rate for s in (1, -1)]
    unit = unit_value(rules)
    paid = np.where(
        lots > 0,
        np.ceil(lots * (price * unit * sides[0])),
        np.ceil(lots * (price * unit * sides[1])),
    ).astype(np.int64)
    if apart:
        paid[tape.fund] = 0
    longs, shorts = paid[lots > 0].sum(), paid[lots < 0].sum()
    paid[tape.fund] -= longs + shorts
    return paid, longs, shorts


def unmoved(tape, step):
    """Return the rows whose position at the end of a step is that of its settlement."""
    if tape.still[step]:
        return np.ones(tape.fund + 1, bool)
    rows = tape.position["lots"][step] == tape.position["lots"][step - 1]
    for field in ("taker", "maker"):
        rows[tape.prints[step][field]] = False
    for field in ("trader", "counterparty"):
        rows[tape.events[step][field]] = False
    rows[tape.fund] = False
    return rows


def compare(tape, rules):
    """Yield each position's payment, the sum over all of them, and the sums of an interval."""
    totals, whole = [0, 0], True
    apart = "receivers" in rules["funding"]
    for step in range(1, tape.steps + 1):
        rate = rate_paid(tape, rules, step)
        seen = tape.position["all_funding"][step - 1] - tape.position["all_funding"][step]
        yield "residue", step, seen.sum(), 0
        visible = tape.still[step] or not apart  # rounds after a payment move the pool's fees
        if rate is None:
            yield "payment", step, seen, 0
        elif visible:
            paid, longs, shorts = payments(tape, rules, step, rate)
            rows = unmoved(tape, step)
            yield "payment", step, seen[rows], paid[rows]
            totals = [totals[0] + longs, totals[1] + shorts]
        whole = whole and (rate is None or bool(tape.still[step]))
        for row in tape.settlements[step]:
            if whole:
                yield "payment", step, [row["long_paid"], row["short_paid"]], totals
            yield "residue", step, row["residue"], row["long_paid"] + row["short_paid"]
        if len(tape.settlements[step]):
            totals, whole = [0, 0], True
