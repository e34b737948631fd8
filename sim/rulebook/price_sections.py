"""The sections of a rulebook that make prices and funding: premium, funding, mark, index. Units as in `perplab.sim.rulebook.sections`."""

import math
from typing import Annotated, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.funding import CAP_LAWS
from perplab.sim.rulebook.sections import (
    Nonnegative,
    Number,
    Positive,
    Section,
    Share,
    Switch,
    Unbounded,
)
from perplab.sim.state import records

IMPACT_LAWS = ("impact", "impact_plus_pending", "impact_or_zero", "impact_mean")
IMBALANCE_LAWS = ("open_interest", "adaptive_open_interest", "skew_velocity")


class Premium(Section):
    """What a sample of the premium is, and how the samples of an interval are averaged.

    Rates by imbalance (`perplab.sim.funding.skew`) have ``factor`` (rate per interval) and ``exponent``; ``increase`` and ``decrease`` (rate per
    interval a second), two thresholds, the ``largest`` rate and the ``least`` that is charged; or the ``scale`` (asset) and the ``largest_velocity`` (rate per
    interval a day). Of the medians of an interval the share ``trim`` is cut at each end. A sample is kept within ``limit`` either side and then cut
    towards zero to a multiple of ``quantum`` (0 leaves it as it is).
    """

    needs = {
        "law": dict.fromkeys(IMPACT_LAWS, ("impact_notional",))
        | {
            "open_interest": ("factor", "exponent"),
            "skew_velocity": ("scale", "largest_velocity"),
            "adaptive_open_interest": (
                "increase",
                "decrease",
                "stable_imbalance",
                "decreasing_imbalance",
                "largest",
            ),
        },
        "average": {"median_of_votes": ("minimum_votes",)},
    }
    law: Literal[records.PREMIUM_LAWS]
    impact_notional: Positive | None = None
    average: Literal[records.AVERAGES]
    window_seconds: Positive | None = None
    minimum_votes: Annotated[int, pydantic.Field(strict=True, ge=0, le=records.VOTES)] | None = None
    trim: Annotated[float, pydantic.Field(strict=True, ge=0, lt=0.5)] = 0.0
    limit: Unbounded = math.inf
    quantum: Nonnegative = 0.0
    factor: Positive | None = None
    exponent: Positive | None = None
    increase: Nonnegative | None = None
    decrease: Nonnegative | None = None
    stable_imbalance: Share | None = None
    decreasing_imbalance: Share | None = None
    largest: Positive | None = None
    least: Nonnegative = 0.0
    scale: Positive | None = None
    largest_velocity: Positive | None = None

    def contradictions(self):
        if self.trim and self.average != "median_of_votes":
            yield Fault("trim", self.trim, f"absent: average is {self.average!r}")
        if self.least and self.law != "adaptive_open_interest":
            yield Fault("least", self.least, f"absent: law is {self.law!r}")
        wanted = self.law == "average_gap" or self.average == "recursive"
        if wanted and self.window_seconds is None:
            yield Fault("window_seconds", None, "given: an average that decays has one")
        if not wanted and self.window_seconds is not None:
            yield Fault("window_seconds", self.window_seconds, "absent: nothing here decays")

    def market_values(self, units):
        return {
            "premium_law": records.PREMIUM_LAWS.index(self.law),
            "impact_notional": units(self.impact_notional or 0.0),
            "premium_average": records.AVERAGES.index(self.average),
            "premium_window": self.window_seconds or 0.0,
            "minimum_votes": self.minimum_votes or 0,
            "trim": self.trim,
            "premium_limit": self.limit,
            "premium_quantum": self.quantum,
            "imbalance_number": self.imbalance_numbers,
        }

    @property
    def imbalance_numbers(self):
        """Numbers of a law on open interest in the order of `perplab.sim.funding.skew`, zeros after them."""
        keys = self.needs["law"].get(self.law, ()) if self.law in IMBALANCE_LAWS else ()
        return [getattr(self, key) for key in keys] + [0.0] * (5 - len(keys)) + [self.least]


LARGEST_RATE, LARGEST_MULTIPLE = 1.0, 10.0


class Funding(Section):
    """The law of `perplab.sim.laws.funding.funding_rate`; under the mode "sum" the damper plays no part.

    ``cap`` is a fraction per interval, or a multiple as ``cap_law`` says (`perplab.sim.laws.funding.cap_by_law`); it bounds the rate on both sides, unless a
    ``floor`` (signed, fraction per interval) stands above -cap. ``step_limit`` bounds the
    change of the rate from one interval to the next (in proportion to time where funding accrues continuously).
    With ``receivers`` "pro_rata" those who receive share what the others pay, and the pool stands aside; with "pool_fees" the
    pool adds at most the share ``fees_spent`` of its fees beyond the share ``fees_kept`` of those it has earned. With
    ``lag`` a rate is charged at the settlement after the one that fixed it. At the cap the interval is cut to
    ``short_interval_hours``, the interest with it, until ``restore_after`` settlements in a row stay below the cap.
    """

    needs = {"receivers": {"pool_fees": ("fees_kept", "fees_spent")}}
    enabled: Switch
    accrual: Literal["interval", "continuous"] = "interval"
    interval_hours: Annotated[Positive, pydantic.Field(le=8760)]
    interest: Number
    damper: Unbounded
    damper_mode: Literal[records.DAMPER_MODES]
    cap_law: Literal[CAP_LAWS] = "absolute"
    cap: Unbounded
    floor: Annotated[float, pydantic.Field(strict=True)] = -math.inf
    step_limit: Unbounded = math.inf
    divisor: Positive
    notional: Literal[records.NOTIONALS]
    receivers: Literal[records.RECEIVERS] = "same_rate"
    fees_kept: Share | None = None
    fees_spent: Share | None = None
    lag: Switch = False
    short_interval_hours: Positive | None = None
    restore_after: Annotated[int, pydantic.Field(strict=True, ge=1)] | None = None

    def too_large(self):
        """Yield the faults of rates that can only be percentages: finite and beyond the whole notional in one interval."""
        multiple = self.cap_law != "absolute"
        for key in ("cap", "damper", "interest", "floor", "step_limit"):
            value = getattr(self, key)
            most = LARGEST_MULTIPLE if key == "cap" and multiple else LARGEST_RATE
            if math.isfinite(value) and abs(value) > most:
                words = (
                    f"a multiple of at most {most:g}"
                    if key == "cap" and multiple
                    else f"at most {most:g} either side: a fraction, 0.003 being 0.3 %"
                )
                yield Fault(
                    key,
                    value,
                    words + (", or infinite for none" if key not in ("interest", "damper") else ""),
                )

    def contradictions(self):
        yield from self.too_large()
        if self.cap_law == "absolute" and not self.floor < self.cap:
            yield Fault("floor", self.floor, f"below the cap, {self.cap:g}")
        if self.lag and self.accrual == "continuous":
            yield Fault(
                "lag", self.lag, "false: what accrues continuously is charged as it is fixed"
            )
        if (self.short_interval_hours is None) != (self.restore_after is None):
            yield Fault(
                "restore_after", self.restore_after, "given together with short_interval_hours"
            )
        if self.short_interval_hours is not None:
            if self.accrual == "continuous":
                yield Fault(
                    "short_interval_hours",
                    self.short_interval_hours,
                    "absent: continuous funding has no interval to cut",
                )
            if self.short_interval_hours >= self.interval_hours:
                yield Fault(
                    "short_interval_hours",
                    self.short_interval_hours,
                    f"below interval_hours, {self.interval_hours:g}",
                )

    def market_values(self, units):
        return {
            "funding_on": self.enabled,
            "interval_seconds": 3600 * self.interval_hours,
            "interest": self.interest,
            "damper": self.damper,
            "damper_mode": records.DAMPER_MODES.index(self.damper_mode),
            "cap": self.cap,
            "divisor": self.divisor,
            "notional_price": records.NOTIONALS.index(self.notional),
            "step_limit": self.step_limit,
            "floor": self.floor,
            "receivers": records.RECEIVERS.index(self.receivers),
            "fees_kept": self.fees_kept or 0.0,
            "fees_spent": self.fees_spent or 0.0,
            "lag": self.lag,
            "continuous": self.accrual == "continuous",
            "long_interval_seconds": 3600 * self.interval_hours,
            "long_interest": self.interest,
            "short_interval_seconds": 3600 * (self.short_interval_hours or 0),
            "restore_after": self.restore_after or 0,
        }


AVERAGED = (
    "index_plus_basis",
    "quotes_average",
    "mid_average",
    "index_plus_deep_basis",
    "index_plus_shrunk_basis",
)


class MarkInput(Section):
    """One input of the mark; inputs that are averages have a window (seconds), the others none.

    ``depth`` is the size (asset) whose average prices make the deep mid, ``basis_limit`` the basis (fraction) at which the
    shrunk basis counts most.
    """

    needs = {
        "input": {"index_plus_deep_basis": ("depth",), "index_plus_shrunk_basis": ("basis_limit",)}
    }
    input: Literal[records.MARK_INPUTS[1:]]
    window_seconds: Nonnegative = 0.0
    depth: Positive | None = None
    basis_limit: Positive | None = None

    def contradictions(self):
        if self.window_seconds > 0 and self.input not in AVERAGED:
            yield Fault(
                "window_seconds", self.window_seconds, f"absent: {self.input} is no average"
            )


class Mark(Section):
    """One input, which is the mark, or three, of which it is the median (two of a venue need its reduced rule).

    ``refresh_seconds`` is the venue's clock (0: as often as it can), ``clamp`` keeps the mark within a fraction of the index.
    """

    inputs: tuple[MarkInput, ...]
    refresh_seconds: Nonnegative = 0.0
    clamp: Annotated[float, pydantic.Field(strict=True, gt=0)] = math.inf

    def contradictions(self):
        if len(self.inputs) not in (1, 3):
            yield Fault(
                "inputs", f"{len(self.inputs)} inputs", "one input, or three for their median"
            )

    def market_values(self, units):
        spare = [0] * (3 - len(self.inputs))
        return {
            "mark_input": [records.MARK_INPUTS.index(part.input) for part in self.inputs] + spare,
            "mark_refresh": self.refresh_seconds,
            "mark_clamp": self.clamp,
            "mark_window": [part.window_seconds for part in self.inputs] + spare,
            "mark_number": [part.depth or part.basis_limit or 0.0 for part in self.inputs] + spare,
        }


OF_SOURCES = {
    "deviation_bps": 0.0,
    "deviation_seconds": 60.0,
    "outages_per_day": 0.0,
    "outage_seconds": 600.0,
    "stale_seconds": math.inf,
    "exclusion": math.inf,
}
"""Keys that only an index of several sources may have, and what they are if not given."""


class Index(Section):
    """Spot, or several sources of it put together by a law (`perplab.sim.prices.sources`), and the time constant of the lag behind them, seconds.

    ``deviation_bps`` is the standard deviation of a source from spot, ``deviation_seconds`` how long it lasts; ``outages_per_day`` how often a
    source stands still, ``outage_seconds`` how long on average. A source has no weight after ``stale_seconds`` without news, or
    further than ``exclusion`` (fraction) from the median.
    """

    needs = {"law": {"clamped_mean": ("weights", "clamp"), "weighted_median": ("weights",)}}
    window_seconds: Nonnegative
    law: Literal[records.INDEX_LAWS] = "one_source"
    weights: (
        Annotated[tuple[Positive, ...], pydantic.Field(min_length=1, max_length=records.SOURCES)]
        | None
    ) = None
    clamp: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    deviation_bps: Annotated[Nonnegative, pydantic.Field(le=1000)] | None = None
    deviation_seconds: Positive | None = None
    outages_per_day: Annotated[Nonnegative, pydantic.Field(le=10_000)] | None = None
    outage_seconds: Positive | None = None
    stale_seconds: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    exclusion: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None

    def contradictions(self):
        if self.law == "one_source":
            yield from (
                Fault(key, getattr(self, key), "absent: law is 'one_source'")
                for key in OF_SOURCES
                if getattr(self, key) is not None
            )

    def of_sources(self, key):
        """Return a key of several sources, or what it is if not given."""
        return OF_SOURCES[key] if getattr(self, key) is None else getattr(self, key)

    def market_values(self, units):
        weights = list(self.weights or ())
        return {
            "index_window": self.window_seconds,
            "index_law": records.INDEX_LAWS.index(self.law),
            "index_sources": len(weights),
            "index_weight": weights + [0.0] * (records.SOURCES - len(weights)),
            "index_clamp": self.clamp or 0.0,
            "deviation": self.of_sources("deviation_bps") * 1e-4,
            "deviation_seconds": self.of_sources("deviation_seconds"),
            "outages": self.of_sources("outages_per_day") / 86_400.0,
            "outage_seconds": self.of_sources("outage_seconds"),
            "stale_seconds": self.of_sources("stale_seconds"),
            "exclusion": self.of_sources("exclusion"),
        }
