"""The rulebook sections of the insurance fund and of ADL."""

from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.adl import AdlPrice, AdlRank, AdlSelection, LossSharing
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section, Switch


class Fund(Section):
    """The insurance fund: initial balance, largest holdings over equity, time to unwind."""

    initial: Nonnegative
    leverage: Annotated[float, pydantic.Field(strict=True, gt=0)]
    unwind_seconds: Annotated[float, pydantic.Field(strict=True, gt=0)]

    def venue_values(self, units):
        return {"fund_leverage": self.leverage, "unwind_seconds": self.unwind_seconds}


class Adl(Section):
    """What happens to a loss beyond the fund (`perplab.sim.laws.adl`).

    Price, rank, selection and loss sharing.

    With ``below_zero`` an account with negative equity goes to ADL whatever the fund has, else once
    the fund cannot take its positions. ``fund_drawdown`` is the fall of the fund from its
    eight-hour peak, as a share, at which it stops carrying losses; 1: when it is spent. In a pool,
    winners are closed once a side's profit exceeds the share ``pool_trigger`` of the pool, until it
    is ``pool_target``.
    """

    renamed: ClassVar[dict] = {
        "picking": "selection",
        "sharing": "loss_sharing",
        "trigger_fall": "fund_drawdown",
        "winners_trigger": "pool_trigger",
        "winners_target": "pool_target",
    }
    price: Literal[AdlPrice.names()]
    rank: Literal[AdlRank.names()] | None = None
    selection: Literal[AdlSelection.names()] = "ranked"
    loss_sharing: Literal[LossSharing.names()] = "adl"
    below_zero: Switch = False
    fund_drawdown: Annotated[float, pydantic.Field(strict=True, gt=0, le=1)] = 1.0
    pool_trigger: Positive | None = None
    pool_target: Nonnegative | None = None

    def contradictions(self):
        if self.rank is None and self.loss_sharing == "adl" and self.selection != "random":
            yield Fault(
                "rank",
                None,
                f"given: loss_sharing is {self.loss_sharing!r}, selection {self.selection!r}",
            )
        if (self.pool_trigger is None) != (self.pool_target is None) or (
            self.pool_target or 0.0
        ) > (self.pool_trigger or 0.0):
            yield Fault(
                "pool_target",
                self.pool_target,
                "given together with pool_trigger, and at most that",
            )

    def venue_values(self, units):
        return {
            "adl_law": {
                "adl_price": AdlPrice.code(self.price),
                "adl_rank": AdlRank.code(self.rank or AdlRank.names()[0]),
                "adl_selection": AdlSelection.code(self.selection),
                "loss_sharing": LossSharing.code(self.loss_sharing),
                "adl_below_zero": self.below_zero,
                "fund_drawdown": self.fund_drawdown,
                "pool_trigger": self.pool_trigger or 0.0,
                "pool_target": self.pool_target or 0.0,
            }
        }
