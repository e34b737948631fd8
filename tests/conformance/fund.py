"""The insurance fund: its first money, and how fast it unwinds."""

import math

from tests.conformance.rules import units

READS = ("fund", "contract")


def compare(tape, rules):
    """Yield the first money; the lots traded beyond the slice; whether any slice was traded."""
    first = tape.account["collateral"][0][tape.fund]
    yield "fund", 0, first, units(rules, rules["fund"]["initial"])
    share = 1.0 - math.exp(-tape.dt / rules["fund"]["unwind_seconds"])
    slices = []
    for step in range(1, tape.steps + 1):
        own = tape.prints[step]["taker"] == tape.fund
        if own.any():
            wanted = math.ceil(abs(tape.position["lots"][step - 1][tape.fund]) * share)
            slices.append((tape.prints[step]["lots"][own].sum(), wanted))
            yield "fund", step, max(slices[-1][0] - wanted, 0), 0
    full = sum(wanted > 20 and seen == wanted for seen, wanted in slices)
    if any(wanted > 20 for _, wanted in slices):
        yield "fund", tape.steps, full > 0, True
