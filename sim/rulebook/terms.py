"""The rulebook sections of contract, fees and account."""

from typing import Annotated

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.rulebook.sections import Nonnegative, Number, Positive, Section, Switch


class Contract(Section):
    """Price step and money unit (quote currency), size step (asset) and price band (fraction each
    side).
    """

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


class Fees(Section):
    """Fractions of traded value, positive when the trader pays.

    A negative maker fee is a rebate.
    """

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
