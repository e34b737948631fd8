"""The sections of a rulebook about margin, liquidation and loss. Units as in `sim.sections`."""

import math
from typing import Annotated, Literal

import pydantic

from sim import records
from sim.errors import Fault
from sim.sections import Nonnegative, Number, Positive, Section, Share, Switch


class Tier(Section):
    """A row of the margin table: ``[floor, maintenance fraction, largest leverage]`` and, if printed, the deduction."""

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
            yield Fault("maintenance_fraction", self.maintenance_fraction,
                        f"below the initial fraction {1 / self.leverage:g} (1 / leverage)")


class Margin(Section):
    """Margin tiers with rising floors and fractions, and the largest leverage a trader may choose."""

    maximum_leverage: Annotated[Number, pydantic.Field(ge=1)]
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
        if not 1 <= len(self.tiers) <= records.TIERS:
            yield Fault("tiers", f"{len(self.tiers)} tiers", f"1 to {records.TIERS} tiers")
        elif self.tiers[0].floor != 0:
            yield Fault("tiers.0.floor", self.tiers[0].floor, "0, where the first tier starts")
        for n, (low, high) in enumerate(zip(self.tiers, self.tiers[1:]), 1):
            if high.floor <= low.floor:
                yield Fault(f"tiers.{n}.floor", high.floor, f"above the floor before, {low.floor:g}")
            if high.maintenance_fraction < low.maintenance_fraction:
                yield Fault(f"tiers.{n}.maintenance_fraction", high.maintenance_fraction,
                            f"at least the fraction before, {low.maintenance_fraction:g}")
            if high.leverage > low.leverage:
                yield Fault(f"tiers.{n}.leverage", high.leverage, f"at most the leverage before, {low.leverage:g}")
        for n, (tier, deduction) in enumerate(zip(self.tiers, self.deductions)):
            if tier.deduction is not None and abs(tier.deduction - deduction) > 0.01:
                yield Fault(f"tiers.{n}.deduction", tier.deduction,
                            f"{deduction:.10g}, which makes maintenance continuous")

    def market_values(self, units):
        tiers, spare = self.tiers, records.TIERS - len(self.tiers)
        return {
            "maximum_leverage": min(self.maximum_leverage, tiers[0].leverage), "tiers": len(tiers),
            "tier_floor": [units(tier.floor) for tier in tiers] + spare * [math.inf],
            "tier_fraction": [tier.maintenance_fraction for tier in tiers] + spare * [0.0],
            "tier_deduction": [units(deduction) for deduction in self.deductions] + spare * [0.0],
            "tier_leverage": [tier.leverage for tier in tiers] + spare * [1.0],
        }


class Liquidation(Section):
    """Forced closing: a first slice above a notional, when the fund takes over, how forced orders are limited, fee."""

    first_share: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)]
    first_notional: Nonnegative
    pause_seconds: Nonnegative
    takeover_share: Share
    takeover_after_order: Switch
    forced_limit: Literal[records.FORCED_LIMITS]
    fee: Annotated[Nonnegative, pydantic.Field(le=0.1)]
    round_seconds: Positive

    def venue_values(self, units):
        return {"liquidation_fee": self.fee, "first_share": self.first_share, "first_notional": units(self.first_notional),
                "pause_seconds": self.pause_seconds, "takeover_share": self.takeover_share,
                "takeover_after_order": self.takeover_after_order, "round_seconds": self.round_seconds,
                "forced_limit": records.FORCED_LIMITS.index(self.forced_limit)}


class Fund(Section):
    """The insurance fund's first money (quote currency) and the time over which it unwinds a position."""

    initial: Nonnegative
    unwind_seconds: Annotated[float, pydantic.Field(strict=True, gt=0)]

    def venue_values(self, units):
        return {"unwind_seconds": self.unwind_seconds}


class Deleveraging(Section):
    """Price of automatic deleveraging, and the ranking of its queue."""

    price: Literal[records.DELEVERAGING_PRICES]
    rank: Literal[records.DELEVERAGING_RANKS]

    def venue_values(self, units):
        return {"deleveraging_price": records.DELEVERAGING_PRICES.index(self.price),
                "deleveraging_rank": records.DELEVERAGING_RANKS.index(self.rank)}
