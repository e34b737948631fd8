"""The sections of a rulebook: their keys, the range of each, and what they cannot be together.

Units: money, notionals and prices in quote currency (US dollars), sizes in the asset, rates and shares as plain
fractions, times in the unit that the key names. Every key is required, but for the window of a mark input
and the deduction of a tier.
"""

from typing import Annotated, Literal

import pydantic

from sim import records
from sim.errors import Fault, ParameterError

Number = Annotated[float, pydantic.Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, pydantic.Field(strict=True, gt=0, allow_inf_nan=False)]
Nonnegative = Annotated[float, pydantic.Field(strict=True, ge=0, allow_inf_nan=False)]
Unbounded = Annotated[float, pydantic.Field(strict=True, ge=0)]
Share = Annotated[float, pydantic.Field(strict=True, ge=0, le=1)]
Switch = Annotated[bool, pydantic.Field(strict=True)]


class Section(pydantic.BaseModel):
    """A table of a rulebook: frozen, no other keys; `contradictions` names what its numbers cannot be together."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    def contradictions(self):
        """Return the faults of numbers that are each allowed, but not together."""
        return ()

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if faults := list(self.contradictions()):
            raise ParameterError(*faults)
        return self


class Contract(Section):
    """Price step and money unit (quote currency), size step (asset) and price band (fraction each side)."""

    tick: Positive
    lot: Positive
    unit: Positive
    band: Annotated[float, pydantic.Field(strict=True, gt=0, lt=1)]

    @property
    def units_per_tick(self):
        """Money units by which one lot's value changes in one tick."""
        return round(self.tick * self.lot / self.unit)

    @property
    def units_per_price(self):
        """Money units of one lot at a price of 1."""
        return self.units_per_tick / self.tick

    def contradictions(self):
        exact = self.tick * self.lot / self.unit
        if self.units_per_tick < 1 or abs(exact - self.units_per_tick) > 1e-9 * exact:
            yield Fault("unit", self.unit, f"such that tick x lot is a whole number of units (it is {exact:g})")


class Fees(Section):
    """Fractions of traded value, positive when the trader pays; a negative maker fee is a rebate."""

    taker: Annotated[Number, pydantic.Field(ge=-0.1, le=0.1)]
    maker: Annotated[Number, pydantic.Field(ge=-0.1, le=0.1)]

    def contradictions(self):
        if self.taker + self.maker < 0:
            yield Fault("maker", self.maker, f"at least {-self.taker}, minus the taker fee")


class Premium(Section):
    """Notional of the impact prices, and how the samples of an interval are averaged."""

    impact_notional: Positive
    average: Literal["linear_ramp", "simple"]


class Funding(Section):
    """The law of `sim.funding.funding_rate`; under the mode "sum" the damper plays no part."""

    enabled: Switch
    interval_hours: Positive
    interest: Number
    damper: Unbounded
    damper_mode: Literal["band", "sum"]
    cap: Unbounded
    divisor: Positive
    notional: Literal[records.NOTIONALS]


class MarkInput(Section):
    """One input of the mark; inputs that are averages have a window (seconds), the others none."""

    input: Literal[records.MARK_INPUTS[1:]]
    window_seconds: Nonnegative = 0.0

    def contradictions(self):
        averaged = self.input in ("index_plus_basis", "quotes_average")
        if self.window_seconds > 0 and not averaged:
            yield Fault("window_seconds", self.window_seconds, f"absent: {self.input} is no average")


class Mark(Section):
    """One input, which is the mark, or three, of which it is the median (two of a venue need its reduced rule)."""

    inputs: tuple[MarkInput, ...]

    def contradictions(self):
        if len(self.inputs) not in (1, 3):
            yield Fault("inputs", f"{len(self.inputs)} inputs", "one input, or three for their median")


class Index(Section):
    """Time constant of the index behind spot, seconds."""

    window_seconds: Nonnegative


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


class Fund(Section):
    """The insurance fund's first money (quote currency) and the time over which it unwinds a position."""

    initial: Nonnegative
    unwind_seconds: Annotated[float, pydantic.Field(strict=True, gt=0)]


class Deleveraging(Section):
    """Price of automatic deleveraging, and the ranking of its queue."""

    price: Literal[records.DELEVERAGING_PRICES]
    rank: Literal[records.DELEVERAGING_RANKS]


class Account(Section):
    """Delay of money from wallet to collateral; whether the predicted funding rate is withheld."""

    transfer_seconds: Nonnegative
    hide_prediction: Switch
