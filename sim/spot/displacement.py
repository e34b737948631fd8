"""The numbers of the law of displacement that a scenario states."""

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from perplab.sim.impact.displacement import RECOVERY
from perplab.sim.spot.process import Model

Seconds = Annotated[float, Field(strict=True, gt=0, le=1e8)]
LEDGER_KEYS = ("makers_capital", "late_seconds", "late_displacement", "late_capital")
RECOVERY_FIXED = (
    f"absent: log depth returns at {RECOVERY:g} times the resilience, beyond which a round trip "
    "may earn (docs/model.md)"
)


class Displacement(Model):
    """Spot as a virtual book with resilience and a depth that answers stress.

    Parameters
    ----------
    depth : float
        Quote currency per unit of log price near the undisplaced price: a trade of ``depth / 1e4``
        moves spot by 1 bp.
    curvature : float
        Log price at which the book is twice as deep. At most .5, as the bound on the return of
        depth holds for moves of prices only where it is small.
    seconds : float
        Time constant in which a displacement decays.
    thin_power : float
        Exponent by which depth falls with volatility and drift over `calm_volatility`; 0: constant.
    sight_seconds : float
        Time constant of the mean that spot's moves are measured from.
    calm_volatility : float
        Per square root of a second.
    makers_capital : float
        Depth falls in proportion to what makers have left of it.
    least_depth : float
        Share of depth that is left whatever happens: that of latent buyers.
    late_seconds : float
        Delay with which late value buyers see a displacement; 0: there are none.
    late_displacement : float
        Log price at which they double the resilience.
    late_capital : float
        Most that they hold, at the initial price, less what they have lost.
    """

    absent: ClassVar[dict] = {"recovery": RECOVERY_FIXED}
    depth: Annotated[float, Field(strict=True, ge=1, le=1e15, description="quote currency")]
    curvature: Annotated[float, Field(strict=True, ge=1e-6, le=0.5)] = 0.02
    seconds: Seconds = 458.0
    thin_power: Annotated[float, Field(strict=True, ge=0, le=4)] = 1.5
    sight_seconds: Seconds = 900.0
    calm_volatility: Annotated[float, Field(strict=True, ge=1e-9, le=1)] = 1.5e-4
    makers_capital: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=True)] = math.inf
    least_depth: Annotated[float, Field(strict=True, ge=1e-6, le=1)] = 0.02
    late_seconds: Annotated[float, Field(strict=True, ge=0, le=1e8)] = 0.0
    late_displacement: Annotated[float, Field(strict=True, gt=0, le=5)] = 0.03
    late_capital: Annotated[float, Field(strict=True, ge=0, le=1e15)] = 0.0

    @property
    def largest_permanent_bps(self) -> float:
        """The largest slope of permanent impact, bp per 100,000, at which no round trip earns."""
        return (2.0 / self.curvature - 1.0) / self.depth * 1e5 / 1e-4

    def fill(self, law: np.void, ledger: np.void) -> None:
        """Write the numbers into the records of the law and its ledger; their state stays."""
        law["in_force"], law["depth_recovery"] = 1, RECOVERY
        for name in ("curvature", "seconds", "thin_power"):
            law[name] = getattr(self, name)
        law["calm_depth"], law["spot_sight_seconds"] = self.depth, self.sight_seconds
        law["calm_volatility"], law["least_depth"] = self.calm_volatility, self.least_depth
        for name in LEDGER_KEYS:
            ledger[name] = getattr(self, name)
