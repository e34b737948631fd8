"""The average premium of the running interval, from the samples since the last settlement.

References: Binance, FAQ 360033525031 (linear ramp); Hyperliquid, "Funding" (simple mean); dYdX v4,
perpetuals module (medians of votes, tails cut); dYdX v3 (recursive).
"""

import math

import numpy as np

from tests.conformance.arithmetic import cut, decayed

READS = ("premium",)


class Interval:
    """The samples of an interval, and their average so far."""

    def __init__(self, rules, dt):
        self.rules, self.dt, self.average, self.samples = rules, dt, 0.0, []

    def add(self, premium, votes):
        """Take in a sample, or a minute's votes, and return the average."""
        law = self.rules["average"]
        if law == "last":
            self.average = premium
        elif law == "recursive":
            window = self.rules["window_seconds"]
            self.average = decayed(self.average, premium, self.dt, window)
        else:
            voted = law == "median_of_votes"
            self.samples.append(self.median(votes) if voted else premium)
            self.average = self.mean(law)
        return self.average

    def mean(self, law):
        """Return the mean of the samples: plain, under a linear ramp, or with its tails cut."""
        samples = np.array(self.samples)
        if law == "linear_ramp":
            return np.average(samples, weights=np.arange(1, len(samples) + 1))
        if law == "simple":
            return samples.mean()
        cut_off = int(2.0 * self.rules.get("trim", 0.0) * len(samples) + 1e-9)
        inner = np.sort(samples)[cut_off // 2 : len(samples) - (cut_off - cut_off // 2)]
        return cut(inner.mean(), self.rules.get("quantum", 0.0))

    def median(self, votes):
        """Return the median of votes, zeros for those that lack, rounded away from zero."""
        lacking = max(round(self.rules["minimum_votes"]) - len(votes), 0)
        middle, quantum = np.median([*votes, *[0.0] * lacking]), self.rules.get("quantum", 0.0)
        if not quantum:
            return middle
        return math.copysign(math.ceil(abs(middle) / quantum - 1e-9) * quantum, middle)

    def end(self):
        """Return the average of the interval and begin the next."""
        average, self.samples = self.average, []
        return average


def cast_votes(tape, step):
    """Return the votes of a minute; the table holds them among the zeros that were lacking."""
    votes = tape.market["premium_sums"]["votes"][step]
    return [vote for vote in votes if vote][: tape.samples]


def compare(tape, rules):
    """Yield the published average of every step, and that of every settlement."""
    interval = Interval(rules["premium"], tape.dt)
    for step in range(1, tape.steps + 1):
        votes = cast_votes(tape, step) if tape.samples > 1 else ()
        average = interval.add(tape.view["premium"][step], votes)
        yield "average premium", step, tape.view["average_premium"][step], average
        if tape.market["settled_seconds"][step] > tape.market["settled_seconds"][step - 1]:
            average = interval.end()
            for row in tape.settlements[step]:
                yield "average premium", step, row["average_premium"], average
