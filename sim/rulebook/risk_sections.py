"""The sections of a rulebook about margin, liquidation and loss. Units as in `perplab.sim.rulebook.sections`."""

import math
from typing import Annotated, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.rulebook.sections import Nonnegative, Number, Positive, Section, Share, Switch
from perplab.sim.state import records


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
            yield Fault(
                "maintenance_fraction",
                self.maintenance_fraction,
                f"below the initial fraction {1 / self.leverage:g} (1 / leverage)",
            )


class Margin(Section):
    """Margin tiers with rising floors and fractions, and the largest leverage a trader may choose.

    ``size_slope`` is added to both fractions for each unit of the asset held. Between two open interests of the market the initial
    fraction rises to 1.
    """

    maximum_leverage: Annotated[Number, pydantic.Field(ge=1)]
    size_slope: Nonnegative = 0.0
    interest_low_usd: Nonnegative | None = None
    interest_high_usd: Positive | None = None
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
        if (self.interest_low_usd is None) != (self.interest_high_usd is None) or (
            self.interest_low_usd or 0
        ) > (self.interest_high_usd or 0):
            yield Fault(
                "interest_high_usd",
                self.interest_high_usd,
                "given together with interest_low_usd, and above it",
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

    def market_values(self, units):
        tiers, spare = self.tiers, records.TIERS - len(self.tiers)
        return {
            "interest_low": units(self.interest_low_usd or 0.0),
            "interest_high": units(self.interest_high_usd or 0.0),
            "maximum_leverage": min(self.maximum_leverage, tiers[0].leverage),
            "tiers": len(tiers),
            "tier_floor": [units(tier.floor) for tier in tiers] + spare * [math.inf],
            "tier_fraction": [tier.maintenance_fraction for tier in tiers] + spare * [0.0],
            "tier_deduction": [units(deduction) for deduction in self.deductions] + spare * [0.0],
            "tier_leverage": [tier.leverage for tier in tiers] + spare * [1.0],
        }


class Liquidation(Section):
    """Forced closing: how much at once (`perplab.sim.risk.forced_orders`), when the fund takes over, how forced orders are limited, fee.

    Positions of at most ``first_notional`` are closed whole. What closing a position whole fetches above its bankruptcy price is the
    trader's or the fund's (``surplus``). The fund gets ``fund_share`` of the fee, liquidators from outside the rest. A step
    down goes ``tiers_down`` margin tiers at once.
    """

    needs = {
        "portion": {"just_enough": ("buffer",)},
        "forced_limit": {"fillable": ("bankruptcy_adjustment", "spread_to_maintenance")},
    }

    portion: Literal[records.CLOSE_FRACTIONS] = "first_share"
    largest_share: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)] = 1.0
    buffer: Nonnegative | None = None
    bankruptcy_adjustment: Positive | None = None
    spread_to_maintenance: Positive | None = None
    first_share: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)]
    first_notional: Nonnegative
    pause_seconds: Nonnegative
    takeover_share: Share
    takeover_after_order: Switch
    forced_limit: Literal[records.FORCED_LIMITS]
    fee: Annotated[Nonnegative, pydantic.Field(le=0.1)]
    fund_share: Share = 1.0
    surplus: Literal[records.SURPLUS_OWNERS] = "trader"
    tiers_down: Annotated[int, pydantic.Field(strict=True, ge=1, lt=records.TIERS)] = 1
    round_seconds: Positive

    def contradictions(self):
        if self.tiers_down != 1 and self.portion != "tier_step":
            yield Fault("tiers_down", self.tiers_down, f"absent: portion is {self.portion!r}")

    def venue_values(self, units):
        return {
            "portion": records.CLOSE_FRACTIONS.index(self.portion),
            "largest_share": self.largest_share,
            "buffer": self.buffer or 0.0,
            "bankruptcy_adjustment": self.bankruptcy_adjustment or 0.0,
            "spread_to_maintenance": self.spread_to_maintenance or 0.0,
            "liquidation_fee": self.fee,
            "liquidation_fund_share": self.fund_share,
            "tiers_down": self.tiers_down,
            "first_share": self.first_share,
            "first_notional": units(self.first_notional),
            "pause_seconds": self.pause_seconds,
            "takeover_share": self.takeover_share,
            "takeover_after_order": self.takeover_after_order,
            "round_seconds": self.round_seconds,
            "surplus": records.SURPLUS_OWNERS.index(self.surplus),
            "forced_limit": records.FORCED_LIMITS.index(self.forced_limit),
        }


class Fund(Section):
    """The insurance fund's first money (quote currency), what it may hold at most over its equity, and the time over which it unwinds a position."""

    initial: Nonnegative
    leverage: Annotated[float, pydantic.Field(strict=True, gt=0)]
    unwind_seconds: Annotated[float, pydantic.Field(strict=True, gt=0)]

    def venue_values(self, units):
        return {"fund_leverage": self.leverage, "unwind_seconds": self.unwind_seconds}


class Deleveraging(Section):
    """What happens to a loss beyond the fund: three switches of price, picking and sharing; the ranking of a queue, where there is one.

    With ``below_zero`` an account below zero is deleveraged whatever the fund has, else once the fund cannot take its positions.
    ``trigger_fall`` is the fall of the fund from its eight-hour peak, as a share, at which it stops carrying losses; 1: when spent.
    In a pool, winners are closed once a side's profit is beyond the share ``pool_adl_trigger`` of the pool, until it is ``pool_adl_target``.
    """

    price: Literal[records.ADL_PRICES]
    rank: Literal[records.ADL_RANKS] | None = None
    picking: Literal[records.ADL_SELECTIONS] = "ranked"
    sharing: Literal[records.LOSS_SHARINGS] = "deleveraging"
    below_zero: Switch = False
    trigger_fall: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)] = 1.0
    pool_adl_trigger: Positive | None = None
    pool_adl_target: Nonnegative | None = None

    def contradictions(self):
        if self.rank is None and self.sharing == "deleveraging" and self.picking != "random":
            yield Fault(
                "rank", None, f"given: sharing is {self.sharing!r}, picking {self.picking!r}"
            )
        if (self.pool_adl_trigger is None) != (self.pool_adl_target is None) or (
            self.pool_adl_target or 0.0
        ) > (self.pool_adl_trigger or 0.0):
            yield Fault(
                "pool_adl_target",
                self.pool_adl_target,
                "given together with pool_adl_trigger, and at most that",
            )

    def venue_values(self, units):
        return {
            "adl_selection": records.ADL_SELECTIONS.index(self.picking),
            "trigger_fall": self.trigger_fall,
            "below_zero": self.below_zero,
            "pool_adl_trigger": self.pool_adl_trigger or 0.0,
            "pool_adl_target": self.pool_adl_target or 0.0,
            "loss_sharing": records.LOSS_SHARINGS.index(self.sharing),
            "adl_price": records.ADL_PRICES.index(self.price),
            "adl_rank": records.ADL_RANKS.index(self.rank or records.ADL_RANKS[0]),
        }
