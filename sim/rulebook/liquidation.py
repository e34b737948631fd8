"""The rulebook section of liquidation."""

from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.liquidation import CloseFraction, OrderLimit, SurplusOwner
from perplab.sim.laws.margin import TIERS
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section, Share, Switch


class Liquidation(Section):
    """Liquidation orders, takeover by the fund, and the fee (`perplab.sim.laws.liquidation`).

    Positions of at most ``first_notional`` are closed in one order. The fund gets ``fund_share`` of
    the fee, external liquidators the rest. What closing a whole position fetches above its
    bankruptcy price goes to ``surplus_owner``. ``tiers_down``: margin tiers of a step down.
    ``takeover_share``: the fund takes over at once below this share of maintenance.
    """

    renamed: ClassVar[dict] = {
        "portion": "close_fraction",
        "largest_share": "maximum_share",
        "forced_limit": "order_limit",
        "surplus": "surplus_owner",
    }
    needs: ClassVar[dict] = {
        "close_fraction": {"just_enough": ("buffer",)},
        "order_limit": {"fillable": ("bankruptcy_adjustment", "spread_to_maintenance")},
    }

    close_fraction: Literal[CloseFraction.names()] = "first_share"
    maximum_share: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)] = 1.0
    buffer: Nonnegative | None = None
    bankruptcy_adjustment: Positive | None = None
    spread_to_maintenance: Positive | None = None
    first_share: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)]
    first_notional: Nonnegative
    pause_seconds: Nonnegative
    takeover_share: Share
    takeover_after_order: Switch
    order_limit: Literal[OrderLimit.names()]
    fee: Annotated[Nonnegative, pydantic.Field(le=0.1)]
    fund_share: Share = 1.0
    surplus_owner: Literal[SurplusOwner.names()] = "trader"
    tiers_down: Annotated[int, pydantic.Field(strict=True, ge=1, lt=TIERS)] = 1
    round_seconds: Positive

    def contradictions(self):
        if self.tiers_down != 1 and self.close_fraction != "tier_step":
            yield Fault(
                "tiers_down", self.tiers_down, f"absent: close_fraction is {self.close_fraction!r}"
            )

    def venue_values(self, units):
        return {
            "liquidation_fee": self.fee,
            "liquidation_fund_share": self.fund_share,
            "pause_seconds": self.pause_seconds,
            "takeover_share": self.takeover_share,
            "takeover_after_order": self.takeover_after_order,
            "round_seconds": self.round_seconds,
            "liquidation_law": {
                "close_fraction": CloseFraction.code(self.close_fraction),
                "first_share": self.first_share,
                "first_notional": units(self.first_notional),
                "maximum_share": self.maximum_share,
                "tiers_down": self.tiers_down,
                "buffer": self.buffer or 0.0,
                "order_limit": OrderLimit.code(self.order_limit),
                "bankruptcy_adjustment": self.bankruptcy_adjustment or 0.0,
                "spread_to_maintenance": self.spread_to_maintenance or 0.0,
                "surplus_owner": SurplusOwner.code(self.surplus_owner),
            },
        }
