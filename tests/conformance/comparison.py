"""All laws together: where a tape and the rules disagree, and by how much at most."""

import collections
import math

import numpy as np

from tests.conformance import (
    average,
    fees,
    fund,
    funding,
    impact,
    index,
    liquidation,
    margin,
    mark,
    payments,
    pool,
    premium,
    skew,
)

LAWS = (
    index,
    impact,
    premium,
    skew,
    average,
    funding,
    payments,
    mark,
    margin,
    liquidation,
    fees,
    pool,
    fund,
)
TOLERANCES = {
    "index": 4e-11,
    "impact price": 4e-11,
    "premium sample": 4e-16,
    "average premium": 4e-16,
    "predicted rate": 4e-16,
    "rate charged": 4e-16,
    "rate in force": 4e-16,
    "rate of open interest": 4e-16,
    "mark": 4e-11,
    "ADL price": 1e-9,
}
"""Largest differences by what is compared, in quote currency or as fractions; 0 for the rest."""


def distance(seen, expected):
    """Return the largest absolute difference, infinite where a value is not a number."""
    largest = np.abs(np.subtract(seen, expected, dtype=float)).max(initial=0.0)
    return float(largest) if largest == largest else math.inf


def disagreements(tape, rules, laws=LAWS):
    """Yield ``(what, step, seen, expected)`` of all that differs by more than its tolerance."""
    for law in laws:
        for what, step, seen, expected in law.compare(tape, rules):
            if distance(seen, expected) > TOLERANCES.get(what, 0.0):
                yield what, step, seen, expected


def accuracy(tape, rules):
    """Return ``{what: (values compared, largest difference)}``."""
    counts, largest = collections.Counter(), collections.defaultdict(float)
    for law in LAWS:
        for what, _, seen, expected in law.compare(tape, rules):
            counts[what] += np.size(seen)
            largest[what] = max(largest[what], distance(seen, expected))
    return {what: (counts[what], largest[what]) for what in counts}


def notices(tape, rules, section):
    """Return whether any law that reads a section disagrees with the tape; its own law first."""
    laws = [law for law in LAWS if section in law.READS]
    laws.sort(key=lambda law: law.READS.index(section))
    return next(disagreements(tape, rules, laws), None) is not None
