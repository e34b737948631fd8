"""The rulebook section of trading: where orders meet."""

from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.amm import VenueType
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section, Share


class Trading(Section):
    """Where orders meet.

    In a book, or in a pool whose account is the venue's fund (`perplab.sim.laws.amm`).

    ``depth_usd`` is the virtual quote reserve of a vAMM at the start; ``scale`` the net position of
    all traders (asset) that moves an oracle's price by as much again, ``half_spread`` a fraction,
    ``limit_usd`` the net position that the pool backs. Of the displacement the share
    ``rebate_share`` is paid for restoring balance. The pool gets ``fee_share`` of the taker fee.
    ``borrowing`` is what the side with more open interest pays the pool: [rate at full usage, usage
    at the kink, rate at full usage beyond the kink], rates per year, usage being its value over
    ``limit_usd``.
    """

    renamed: ClassVar[dict] = {
        "place": "venue_type",
        "largest_usd": "limit_usd",
        "relief": "rebate_share",
    }
    needs: ClassVar[dict] = {
        "venue_type": {"vamm": ("depth_usd",), "oracle": ("scale", "half_spread", "limit_usd")}
    }
    venue_type: Literal[VenueType.names()]
    depth_usd: Positive | None = None
    scale: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    half_spread: Share | None = None
    limit_usd: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    rebate_share: Share = 1.0
    fee_share: Share = 0.0
    borrowing: tuple[Nonnegative, Share, Nonnegative] = (0.0, 1.0, 0.0)

    def contradictions(self):
        standard = {
            "rebate_share": (1.0, "oracle"),
            "borrowing": ((0.0, 1.0, 0.0), "oracle"),
            "fee_share": (0.0, "oracle", "vamm"),
        }
        for key, (nothing, *places) in standard.items():
            if getattr(self, key) != nothing and self.venue_type not in places:
                yield Fault(key, getattr(self, key), f"absent: venue_type is {self.venue_type!r}")

    def market_values(self, units):
        return {
            "fee_share": self.fee_share,
            "amm_law": {
                "venue_type": VenueType.code(self.venue_type),
                "pool_half_spread": self.half_spread or 0.0,
                "rebate_share": self.rebate_share,
            },
            "transfer_law": dict(
                zip(("borrow_base", "borrow_kink", "borrow_above"), self.borrowing)
            ),
        }

    def pool_values(self, spot, lot):
        """Return the AMM_LAW fields that depend on the price and lot (asset) at the start."""
        values = {}
        if self.depth_usd is not None:
            values["reserve"] = self.depth_usd / spot
            values["reserve_product"] = self.depth_usd * (self.depth_usd / spot)
        if self.scale is not None:
            values["pool_scale"] = self.scale / lot
            values["pool_limit"] = self.limit_usd / (spot * lot)
        return values
