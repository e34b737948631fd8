"""Trading fees, from the trades, rounded up for the payer."""

import numpy as np

from tests.conformance.rules import unit_value

READS = ("fees", "contract", "trading")


def paid_by(tape, rules, step):
    """Return the fee units that the trades of a step cost each row."""
    fees, paid = rules["fees"], np.zeros(tape.fund + 1)
    pooled = rules["trading"]["venue_type"] != "book"
    maker_fee = -rules["trading"].get("fee_share", 0.0) * fees["taker"] if pooled else fees["maker"]
    for row in tape.prints[step]:
        value = row["lots"] * row["tick"] * round(unit_value(rules) * rules["contract"]["tick"])
        taker_fee = 0.0 if row["taker"] == tape.fund else fees["taker"]
        paid[row["taker"]] += np.ceil(value * taker_fee)
        paid[row["maker"]] += np.ceil(value * maker_fee)
    return paid


def compare(tape, rules):
    """Yield what each row paid in the steps without a liquidation."""
    for step in range(1, tape.steps + 1):
        if len(tape.prints[step]) and not tape.forced[step]:
            seen = tape.position["all_fees"][step - 1] - tape.position["all_fees"][step]
            yield "fees", step, seen, paid_by(tape, rules, step)
