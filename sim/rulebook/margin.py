"""The rulebook section of margin: tiers, leverage, and what else the margin fractions rise with."""

import math
from typing import Annotated, ClassVar

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.margin import TIERS
from perplab.sim.rulebook.sections import Nonnegative, Number, Positive, Section, Share


class Tier(Section):
    """A row of the margin table.

    ``[floor, maintenance fraction, largest leverage]`` and, if printed, the deduction.
    """

    floor: Nonnegative
    maintenance_fraction: Annotated[float, pydantic.Field(strict=True, gt=0, lt=1)]
    leverage: Annotated[Number, pydantic.Field(ge=1)]
    deduction: Nonnegative | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _from_row(cls, row):
        if isinstance(row, (list, tuple)):
            if not 3 <= len(row) <= 4:
                raise ValueError("a row of 3 or 4 numbers: floor, fraction, leverage[, deduction]")
            return dict(zip(cls.model_fields, row))
        return row

    def contradictions(self):
        if self.maintenance_fraction >= 1 / self.leverage:
            yield Fault(
                "maintenance_fraction",
                self.maintenance_fraction,
                f"below the initial fraction {1 / self.leverage:g} (1 / leverage)",
            )


class Margin(Section):
    """Margin tiers with rising floors and fractions, and the largest leverage a trader may choose.

    ``size_slope`` is added to both fractions for each unit of the asset held. Between two open
    interests of the market the initial fraction rises to 1. A position with a share s of open
    interest needs ``concentration_slope`` x s of its value above ``concentration_free_usd``
    besides, initially and as maintenance. No order may lead to a position above
    ``position_limit_usd`` or, where that is more, ``position_limit_share`` of open interest.
    """

    renamed: ClassVar[dict] = {
        "interest_low_usd": "open_interest_low_usd",
        "interest_high_usd": "open_interest_high_usd",
    }
    maximum_leverage: Annotated[Number, pydantic.Field(ge=1)]
    size_slope: Nonnegative = 0.0
    open_interest_low_usd: Nonnegative | None = None
    open_interest_high_usd: Positive | None = None
    concentration_slope: Share = 0.0
    concentration_free_usd: Nonnegative | None = None
    position_limit_usd: Positive | None = None
    position_limit_share: Share | None = None
    tiers: tuple[Tier, ...]

    @property
    def deductions(self):
        """Deductions that make maintenance continuous across the tiers, quote currency."""
        deductions = [0.0]
        for low, high in zip(self.tiers, self.tiers[1:]):
            step = high.floor * (high.maintenance_fraction - low.maintenance_fraction)
            deductions.append(deductions[-1] + step)
        return tuple(deductions)

    def contradictions(self):
        for key, other in (
            ("concentration_free_usd", "concentration_slope"),
            ("position_limit_share", "position_limit_usd"),
        ):
            if getattr(self, key) is not None and not getattr(self, other):
                yield Fault(key, getattr(self, key), f"absent unless {other} is above 0")
        if not 1 <= len(self.tiers) <= TIERS:
            yield Fault("tiers", f"{len(self.tiers)} tiers", f"1 to {TIERS} tiers")
        elif self.tiers[0].floor != 0:
            yield Fault("tiers.0.floor", self.tiers[0].floor, "0, where the first tier starts")
        if (self.open_interest_low_usd is None) != (self.open_interest_high_usd is None) or (
            self.open_interest_low_usd or 0
        ) > (self.open_interest_high_usd or 0):
            yield Fault(
                "open_interest_high_usd",
                self.open_interest_high_usd,
                "given together with open_interest_low_usd, and above it",
            )
        for n, (low, high) in enumerate(zip(self.tiers, self.tiers[1:]), 1):
            if high.floor <= low.floor:
                yield Fault(
                    f"tiers.{n}.floor", high.floor, f"above the floor before, {low.floor:g}"
                )
            if high.maintenance_fraction < low.maintenance_fraction:
                yield Fault(
                    f"tiers.{n}.maintenance_fraction",
                    high.maintenance_fraction,
                    f"at least the fraction before, {low.maintenance_fraction:g}",
                )
            if high.leverage > low.leverage:
                yield Fault(
                    f"tiers.{n}.leverage",
                    high.leverage,
                    f"at most the leverage before, {low.leverage:g}",
                )
        for n, (tier, deduction) in enumerate(zip(self.tiers, self.deductions)):
            if tier.deduction is not None and abs(tier.deduction - deduction) > 0.01:
                yield Fault(
                    f"tiers.{n}.deduction",
                    tier.deduction,
                    f"{deduction:.10g}, which makes maintenance continuous",
                )

    @property
    def leverage_limit(self):
        """Largest leverage a trader may choose.

        The stated one, or that of the first tier if lower.
        """
        return min(self.maximum_leverage, self.tiers[0].leverage)

    def market_values(self, units):
        tiers, spare = self.tiers, TIERS - len(self.tiers)
        return {
            "margin_law": {
                "tiers": len(tiers),
                "tier_floor": [units(tier.floor) for tier in tiers] + spare * [math.inf],
                "tier_fraction": [tier.maintenance_fraction for tier in tiers] + spare * [0.0],
                "tier_deduction": [units(part) for part in self.deductions] + spare * [0.0],
                "tier_leverage": [tier.leverage for tier in tiers] + spare * [1.0],
                "leverage_cap": self.leverage_limit,
                "open_interest_low": units(self.open_interest_low_usd or 0.0),
                "open_interest_high": units(self.open_interest_high_usd or 0.0),
                "concentration_slope": self.concentration_slope,
                "concentration_free": units(self.concentration_free_usd or 0.0),
                "position_limit": units(self.position_limit_usd or math.inf),
                "position_limit_share": self.position_limit_share or 0.0,
            }
        }
