"""The summary of a recorded run: every metric of the catalogue, computed for one market.

The simulation knows no metric: all are computed afterwards from `Records`. Basis and premium are
in basis points at hourly closes, funding in basis points per 8 h, amounts in quote currency.
Means, standard deviations and shares leave out the warm-up; totals cover the whole run. Standard
deviations divide by n. A metric that a run cannot give is None, never NaN and never 0. Keys,
units and estimators: ``docs/estimators.md``.
"""

import dataclasses
import functools
from typing import Any

from perplab.analysis.estimators.series import (
    DAY_SECONDS,
    SHORTEST_WITH_WARMUP_SECONDS,
    WARMUP_HOURS,
    forced_events,
    funding_law_of,
    hourly_closes,
    market_facts,
    plain,
    venue_facts,
    warmup,
)
from perplab.analysis.metrics import activity_metrics, forced_metrics, peg_metrics  # noqa: F401
from perplab.analysis.metrics.catalogue import all_metrics
from perplab.sim.laws.funding import interest_per_interval
from perplab.sim.state.recorder import Records


@dataclasses.dataclass(frozen=True)
class MarketRun:
    """One market of a recorded run, as metrics read it.

    Attributes
    ----------
    records : perplab.sim.state.recorder.Records
    market : int
    warmup_seconds : float
        Left out of `hourly`, `closes`, `funding` and `late`.
    twin : Records, optional
        The same run with forced positions taken at the mark.
    """

    records: object
    market: int = 0
    warmup_seconds: float = 0.0
    twin: object = None

    @property
    def meta(self):
        """Numbers of the whole run."""
        return self.records.meta

    @property
    def facts(self):
        """Contract numbers and counters of the market."""
        return market_facts(self.records, self.market)

    @property
    def venue(self):
        """Fund, fees and liquidation rounds of the market's venue."""
        return venue_facts(self.records, self.market)

    @property
    def series(self):
        """Recorded rows of the market."""
        return self.records.series[self.market]

    @functools.cached_property
    def late(self):
        """Recorded rows after the warm-up."""
        return self.series[self.series["seconds"] >= self.warmup_seconds]

    @functools.cached_property
    def hourly(self):
        """Rows of the hourly closes after the warm-up."""
        return hourly_closes(self.series, self.warmup_seconds)

    @property
    def closes(self):
        """Hourly mid and spot."""
        return peg_metrics.Closes(self.hourly["mid"], self.hourly["spot"])

    @functools.cached_property
    def settled(self):
        """Settlements of the market after the warm-up."""
        rows = self.records.settlements
        return rows[(rows["market"] == self.market) & (rows["seconds"] > self.warmup_seconds)]

    @property
    def funding(self):
        """Rates of the settlements."""
        interest = interest_per_interval(funding_law_of(self.records, self.market))
        return peg_metrics.FundingRates(
            self.settled["rate"], interest, self.facts["interval_seconds"]
        )

    @functools.cached_property
    def events(self):
        """Forced events of the market."""
        return forced_events(self.records, self.market)

    @property
    def rounds_per_step(self):
        """Liquidation rounds of the venue that fit into a step, at least 1."""
        return max(int(self.meta["dt"] / self.venue["round_seconds"]), 1)


def market_run(records, market=0, warmup_hours=WARMUP_HOURS, twin=None):
    """Return a `MarketRun`, its warm-up in hours; a run shorter than 3 days has none."""
    return MarketRun(records, market, warmup(records, warmup_hours), twin)


def summarize(
    records: Records,
    twin: Records | None = None,
    market: int = 0,
    warmup_hours: float = WARMUP_HOURS,
) -> dict[str, Any]:
    """Return every metric of a run that ``--json`` prints.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    twin : Records, optional
        The same run with forced positions taken at the mark; without it, or without a shock,
        `amplification` is None.
    market : int
    warmup_hours : float, hours
        Left out of means, standard deviations and shares; nothing is left out of a run shorter
        than 3 days.

    Returns
    -------
    dict of str to (int, float, None or dict)
        Keys, units and estimators: ``docs/estimators.md``.
    """
    run = market_run(records, market, warmup_hours, twin)
    return plain({key: each.value(run) for key, each in all_metrics().items()})


def left_out(days):
    """Return in words what means, standard deviations and shares of a run leave out.

    Examples
    --------
    >>> left_out(2.0)
    'below 3 days the start counts too: open interest is still growing'
    >>> left_out(30.0)
    'means, deviations and shares leave out the first 24 h'
    """
    shortest = SHORTEST_WITH_WARMUP_SECONDS / DAY_SECONDS
    if days < shortest:
        return f"below {shortest:g} days the start counts too: open interest is still growing"
    return f"means, deviations and shares leave out the first {WARMUP_HOURS:g} h"
