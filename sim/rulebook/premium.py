"""The rulebook section of the premium.

What a sample is, and how the samples of an interval are averaged.
"""

import math
from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.premium import IMPACT_LAWS, PremiumLaw
from perplab.sim.laws.premium_average import VOTES, PremiumAverage
from perplab.sim.laws.skew_funding import SkewLaw
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section, Share, Unbounded

SKEW_KEYS = {
    "open_interest": ("factor", "exponent"),
    "skew_velocity": ("skew_scale", "maximum_velocity"),
    "adaptive_open_interest": (
        "increase",
        "decrease",
        "stable_imbalance",
        "decreasing_imbalance",
        "maximum_rate",
    ),
}


class Premium(Section):
    """What a sample of the premium is, and how the samples of an interval are averaged.

    Laws on open interest (`perplab.sim.laws.skew_funding`) have ``factor`` (rate per
    ``funding.period_hours``) and ``exponent``; or ``increase`` and ``decrease`` (rate a second),
    two thresholds, the ``maximum_rate`` and the ``minimum_rate`` that is charged; or the
    ``skew_scale`` (asset) and the ``maximum_velocity`` (rate a day). Of the medians of an interval
    the share ``trim`` is cut at each end. A sample is kept within ``limit`` either side and then
    cut towards zero to a multiple of ``quantum`` (0: not cut).
    """

    renamed: ClassVar[dict] = {
        "least_votes": "minimum_votes",
        "largest": "maximum_rate",
        "least": "minimum_rate",
        "scale": "skew_scale",
        "largest_velocity": "maximum_velocity",
    }
    needs: ClassVar[dict] = {
        "law": dict.fromkeys(IMPACT_LAWS, ("impact_notional",)) | SKEW_KEYS,
        "average": {"median_of_votes": ("minimum_votes",)},
    }
    law: Literal[(*PremiumLaw.names(), *SkewLaw.names())]
    impact_notional: Positive | None = None
    average: Literal[PremiumAverage.names()]
    window_seconds: Positive | None = None
    minimum_votes: Annotated[int, pydantic.Field(strict=True, ge=0, le=VOTES)] | None = None
    trim: Annotated[float, pydantic.Field(strict=True, ge=0, lt=0.5)] = 0.0
    limit: Unbounded = math.inf
    quantum: Nonnegative = 0.0
    factor: Positive | None = None
    exponent: Positive | None = None
    increase: Nonnegative | None = None
    decrease: Nonnegative | None = None
    stable_imbalance: Share | None = None
    decreasing_imbalance: Share | None = None
    maximum_rate: Positive | None = None
    minimum_rate: Nonnegative = 0.0
    skew_scale: Positive | None = None
    maximum_velocity: Positive | None = None

    def contradictions(self):
        if self.trim and self.average != "median_of_votes":
            yield Fault("trim", self.trim, f"absent: average is {self.average!r}")
        if self.minimum_rate and self.law != "adaptive_open_interest":
            yield Fault("minimum_rate", self.minimum_rate, f"absent: law is {self.law!r}")
        wanted = self.law == "average_gap" or self.average == "recursive"
        if wanted and self.window_seconds is None:
            yield Fault("window_seconds", None, "given: an average that decays has one")
        if not wanted and self.window_seconds is not None:
            yield Fault("window_seconds", self.window_seconds, "absent: nothing here decays")

    @property
    def weights_rise(self):
        """Whether later samples of an interval weigh more."""
        return self.average == "linear_ramp"

    @property
    def follows_skew(self):
        """Whether the rate follows open interest instead of the premium."""
        return self.law in SKEW_KEYS

    def market_values(self, units):
        skew_keys = sorted({key for keys in SKEW_KEYS.values() for key in keys})
        return {
            "premium_law": {
                "premium_formula": 0 if self.follows_skew else PremiumLaw.code(self.law),
                "impact_notional": units(self.impact_notional or 0.0),
                "sample_limit": self.limit,
                "sample_quantum": self.quantum,
                "gap_window": self.window_seconds or 0.0,
            },
            "average_law": {
                "average_formula": PremiumAverage.code(self.average),
                "average_window": self.window_seconds or 0.0,
                "minimum_votes": self.minimum_votes or 0,
                "trim": self.trim,
                "average_quantum": self.quantum,
            },
            "skew_law": {
                "skew_formula": SkewLaw.code(self.law) if self.follows_skew else 0,
                "minimum_rate": self.minimum_rate,
                **{key: getattr(self, key) or 0.0 for key in skew_keys},
            },
            "funding_law": {"follows_skew": self.follows_skew},
        }
