"""The rulebook section of funding: formula, interval, cap and who receives what payers pay."""

import math
from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.funding import CapLaw, DamperMode, Notional
from perplab.sim.laws.funding_interval import PeriodScales
from perplab.sim.laws.funding_transfer import Receivers
from perplab.sim.rulebook.sections import Number, Positive, Section, Share, Switch, Unbounded

LARGEST_RATE, LARGEST_MULTIPLE = 1.0, 10.0


class Funding(Section):
    """The law of `perplab.sim.laws.funding.funding_rate`.

    Under the mode "sum" the damper plays no part.

    The formula is stated for ``period_hours``. In an interval of another length the venue divides
    the whole bracket by period / interval (``period_scales`` "bracket"), or the interest rate alone
    ("interest": premium and damper hold for an interval of any length).

    ``cap`` is a fraction per interval, or a multiple as ``cap_law`` says
    (`perplab.sim.laws.funding.cap_by_law`); it bounds the rate on both sides, unless a ``floor``
    (signed, fraction per interval) stands above -cap. ``step_limit`` bounds the change of the rate
    from one interval to the next (in proportion to time where funding accrues continuously). With
    ``bounds_per`` "period" the three are stated for the period and scaled to the interval. With
    ``receivers`` "pro_rata" those who receive share what the others pay, and the pool stands aside;
    with "pool_fees" the pool adds at most the share ``fee_subsidy_share`` of its fees beyond the
    share ``fee_reserve_share`` of those it has earned. With ``lag`` a rate is charged at the
    settlement after the one that fixed it. At the cap the interval is cut to
    ``short_interval_hours``, until ``restore_after`` settlements in a row stay below the cap.
    """

    renamed: ClassVar[dict] = {
        "divisor": "period_hours",
        "interest": "interest_rate",
        "fees_kept": "fee_reserve_share",
        "fees_spent": "fee_subsidy_share",
    }
    needs: ClassVar[dict] = {"receivers": {"pool_fees": ("fee_reserve_share", "fee_subsidy_share")}}
    enabled: Switch
    accrual: Literal["interval", "continuous"] = "interval"
    interval_hours: Annotated[Positive, pydantic.Field(le=8760)]
    period_hours: Annotated[Positive, pydantic.Field(le=8760)]
    period_scales: Literal[PeriodScales.names()] = "bracket"
    interest_rate: Number
    damper: Unbounded
    damper_mode: Literal[DamperMode.names()]
    cap_law: Literal[CapLaw.names()] = "absolute"
    cap: Unbounded
    floor: Annotated[float, pydantic.Field(strict=True)] = -math.inf
    step_limit: Unbounded = math.inf
    bounds_per: Literal["interval", "period"] = "interval"
    notional: Literal[Notional.names()]
    receivers: Literal[Receivers.names()] = "same_rate"
    fee_reserve_share: Share | None = None
    fee_subsidy_share: Share | None = None
    lag: Switch = False
    short_interval_hours: Positive | None = None
    restore_after: Annotated[int, pydantic.Field(strict=True, ge=1)] | None = None

    @property
    def intervals(self):
        """Intervals in the period for which the formula is stated."""
        return self.period_hours / self.interval_hours

    @property
    def divisor(self):
        """What the bracket is divided by."""
        return 1.0 if self.period_scales == "interest" else self.intervals

    @property
    def interval_interest(self):
        """Interest rate that enters the bracket."""
        scales = self.period_scales == "interest"
        return self.interest_rate / self.intervals if scales else self.interest_rate

    @property
    def bound_parts(self):
        """What a stated bound of the rate is divided by."""
        return self.intervals if self.bounds_per == "period" else 1.0

    def too_large(self):
        """Yield the faults of rates that can only be percentages.

        Finite and beyond the whole notional in one interval.
        """
        multiple = self.cap_law != "absolute"
        for key in ("cap", "damper", "interest_rate", "floor", "step_limit"):
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
                    words
                    + (", or infinite for none" if key not in ("interest_rate", "damper") else ""),
                )

    def contradictions(self):
        yield from self.too_large()
        if self.damper_mode == "dead_band" and math.isinf(self.damper):
            yield Fault("damper", self.damper, "finite: outside an infinite dead band is nothing")
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
            if self.bounds_per == "period":
                yield Fault(
                    "bounds_per", self.bounds_per, "'interval' where the interval may be cut"
                )
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
            "continuous": self.accrual == "continuous",
            "lag": self.lag,
            "interval_seconds": 3600 * self.interval_hours,
            "funding_law": {
                "interest_rate": self.interval_interest,
                "damper": self.damper,
                "damper_mode": DamperMode.code(self.damper_mode),
                "divisor": self.divisor,
                "cap": self.cap,
                "floor": self.floor / self.bound_parts,
                "step_limit": self.step_limit / self.bound_parts**2,
                "payment_notional": Notional.code(self.notional),
            },
            "interval_law": {
                "short_seconds": 3600 * (self.short_interval_hours or 0),
                "base_seconds": 3600 * self.interval_hours,
                "restore_after": self.restore_after or 0,
                "period_seconds": 3600 * self.period_hours,
                "period_interest": self.interest_rate,
                "period_scales": PeriodScales.code(self.period_scales),
            },
            "transfer_law": {
                "receivers": Receivers.code(self.receivers),
                "fee_reserve_share": self.fee_reserve_share or 0.0,
                "fee_subsidy_share": self.fee_subsidy_share or 0.0,
            },
        }
