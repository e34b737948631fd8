"""The rulebook section of the index price."""

import math
from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.index import SOURCES, IndexLaw
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section

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
    """The index: spot, or several sources of it, and the time constant of its lag in seconds.

    ``deviation_bps`` is the standard deviation of a source from spot, ``deviation_seconds`` how
    long it lasts; ``outages_per_day`` how often a source stands still, ``outage_seconds`` how long
    on average. A source has no weight after ``stale_seconds`` without news, or further than
    ``exclusion`` (fraction) from the median.
    """

    needs: ClassVar[dict] = {
        "law": {"clamped_mean": ("weights", "clamp"), "weighted_median": ("weights",)}
    }
    window_seconds: Nonnegative
    law: Literal[IndexLaw.names()] = "one_source"
    weights: (
        Annotated[tuple[Positive, ...], pydantic.Field(min_length=1, max_length=SOURCES)] | None
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
            "index_law": {
                "index_formula": IndexLaw.code(self.law),
                "index_window": self.window_seconds,
                "index_sources": len(weights),
                "index_weight": weights + [0.0] * (SOURCES - len(weights)),
                "index_clamp": self.clamp or 0.0,
                "deviation": self.of_sources("deviation_bps") * 1e-4,
                "deviation_seconds": self.of_sources("deviation_seconds"),
                "outages": self.of_sources("outages_per_day") / 86_400.0,
                "outage_seconds": self.of_sources("outage_seconds"),
                "stale_seconds": self.of_sources("stale_seconds"),
                "exclusion": self.of_sources("exclusion"),
            }
        }
