"""The sections of a rulebook that every venue has alike: contract, fees, account; and what a section is.

Units of all sections: money, notionals and prices in quote currency (US dollars), sizes in the asset, rates and shares as
plain fractions, times in the unit that the key names. Every key is required, but for the window of a mark input
and the deduction of a tier.
"""

from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state import records

Number = Annotated[float, pydantic.Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, pydantic.Field(strict=True, gt=0, allow_inf_nan=False)]
Nonnegative = Annotated[float, pydantic.Field(strict=True, ge=0, allow_inf_nan=False)]
Unbounded = Annotated[float, pydantic.Field(strict=True, ge=0)]
Share = Annotated[float, pydantic.Field(strict=True, ge=0, le=1)]
Switch = Annotated[bool, pydantic.Field(strict=True)]


class Section(pydantic.BaseModel):
    """A table of a rulebook: frozen, no other keys; `contradictions` names what its numbers cannot be together."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
    needs: ClassVar[dict] = {}
    """Optional keys that a law needs, ``{switch: {law: keys}}``; they are refused beside any other law."""

    def needed_keys(self):
        """Return the faults of keys that the chosen laws need and lack, or have no use for."""
        for switch, laws in self.needs.items():
            law = getattr(self, switch)
            for key in sorted({key for keys in laws.values() for key in keys}):
                wanted = key in laws.get(law, ())
                if wanted and getattr(self, key) is None:
                    yield Fault(key, None, f"given: {switch} is {law!r}")
                if not wanted and getattr(self, key) is not None:
                    yield Fault(key, getattr(self, key), f"absent: {switch} is {law!r}")

    def contradictions(self):
        """Return the faults of numbers that are each allowed, but not together."""
        return ()

    def venue_values(self, units):
        """Return the VENUE fields that the section sets; `units` turns quote currency into money units."""
        return {}

    def market_values(self, units):
        """Return the MARKET fields that the section sets; `units` turns quote currency into money units."""
        return {}

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if faults := [*self.needed_keys(), *self.contradictions()]:
            raise ParameterError(*faults)
        return self


class Contract(Section):
    """Price step and money unit (quote currency), size step (asset) and price band (fraction each side)."""

    tick: Annotated[Positive, pydantic.Field(le=1e12)]
    lot: Annotated[Positive, pydantic.Field(le=1e12)]
    unit: Annotated[Positive, pydantic.Field(ge=1e-12, le=1e12)]
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
            yield Fault(
                "unit",
                self.unit,
                f"such that tick x lot is a whole number of units (it is {exact:g})",
            )

    def market_values(self, units):
        return {
            "tick": self.tick,
            "lot": self.lot,
            "units_per_tick": self.units_per_tick,
            "units_per_price": self.units_per_price,
            "band": self.band,
        }


class Trading(Section):
    """Where orders meet: in a book, or in a pool whose account is the venue's fund (`perplab.sim.exchange.amm_fills`).

    ``depth_usd`` is the virtual quote reserve of a vAMM at the start; ``scale`` the net position of all traders (asset) that moves an
    oracle's price by as much again, ``half_spread`` a fraction, ``largest_usd`` the net position that the pool backs. Of the
    displacement the share ``relief`` is paid for restoring balance. The pool gets ``fee_share`` of the taker fee. ``borrowing``
    is what the side with more open interest pays the pool: [rate at full usage, usage at the kink, rate at full usage beyond
    the kink], rates per year, usage being its value over ``largest_usd``.
    """

    needs = {"place": {"vamm": ("depth_usd",), "oracle": ("scale", "half_spread", "largest_usd")}}
    place: Literal[records.VENUE_TYPES]
    depth_usd: Positive | None = None
    scale: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    half_spread: Share | None = None
    largest_usd: Annotated[float, pydantic.Field(strict=True, gt=0)] | None = None
    relief: Share = 1.0
    fee_share: Share = 0.0
    borrowing: tuple[Nonnegative, Share, Nonnegative] = (0.0, 1.0, 0.0)

    def contradictions(self):
        standard = {
            "relief": (1.0, "oracle"),
            "borrowing": ((0.0, 1.0, 0.0), "oracle"),
            "fee_share": (0.0, "oracle", "vamm"),
        }
        for key, (nothing, *places) in standard.items():
            if getattr(self, key) != nothing and self.place not in places:
                yield Fault(key, getattr(self, key), f"absent: place is {self.place!r}")

    def market_values(self, units):
        return {
            "venue_type": records.VENUE_TYPES.index(self.place),
            "pool_half_spread": self.half_spread or 0.0,
            "pool_relief": self.relief,
            "fee_share": self.fee_share,
            "borrowing": self.borrowing,
        }


class Fees(Section):
    """Fractions of traded value, positive when the trader pays; a negative maker fee is a rebate."""

    taker: Annotated[Number, pydantic.Field(ge=-0.1, le=0.1)]
    maker: Annotated[Number, pydantic.Field(ge=-0.1, le=0.1)]

    def contradictions(self):
        if self.taker + self.maker < 0:
            yield Fault("maker", self.maker, f"at least {-self.taker}, minus the taker fee")

    def venue_values(self, units):
        return {"taker_fee": self.taker, "maker_fee": self.maker}


class Account(Section):
    """Delay of money from wallet to collateral; whether the predicted funding rate is withheld."""

    transfer_seconds: Nonnegative
    hide_prediction: Switch

    def venue_values(self, units):
        return {"transfer_seconds": self.transfer_seconds, "hide_prediction": self.hide_prediction}
