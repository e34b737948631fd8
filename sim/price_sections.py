"""The sections of a rulebook that make prices and funding: premium, funding, mark, index. Units as in `sim.sections`."""

from typing import Annotated, Literal

import pydantic

from sim import records
from sim.errors import Fault
from sim.sections import Nonnegative, Number, Positive, Section, Switch, Unbounded


class Premium(Section):
    """Notional of the impact prices, and how the samples of an interval are averaged."""

    impact_notional: Positive
    average: Literal["linear_ramp", "simple"]

    def market_values(self, units):
        return {"impact_notional": units(self.impact_notional), "ramp": self.average == "linear_ramp"}


class Funding(Section):
    """The law of `sim.funding.funding_rate`; under the mode "sum" the damper plays no part."""

    enabled: Switch
    interval_hours: Annotated[Positive, pydantic.Field(le=8760)]
    interest: Number
    damper: Unbounded
    damper_mode: Literal["band", "sum"]
    cap: Unbounded
    divisor: Positive
    notional: Literal[records.NOTIONALS]

    def market_values(self, units):
        return {"funding_on": self.enabled, "interval_seconds": 3600 * self.interval_hours, "interest": self.interest,
                "damper": self.damper, "add_interest": self.damper_mode == "sum", "cap": self.cap, "divisor": self.divisor,
                "notional_price": records.NOTIONALS.index(self.notional)}


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

    def market_values(self, units):
        spare = [0] * (3 - len(self.inputs))
        return {"mark_input": [records.MARK_INPUTS.index(part.input) for part in self.inputs] + spare,
                "mark_window": [part.window_seconds for part in self.inputs] + spare}


class Index(Section):
    """Time constant of the index behind spot, seconds."""

    window_seconds: Nonnegative

    def market_values(self, units):
        return {"index_window": self.window_seconds}
