"""What a section of a rulebook is, and the types of its numbers.

Units of all sections: money, notionals and prices in quote currency (US dollars), sizes in the
asset, rates and shares as plain fractions, times in the unit that the key names. Every key is
required, but for those of laws that a venue does not use.
"""

from typing import Annotated, ClassVar

import pydantic

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import Refusing

Number = Annotated[float, pydantic.Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, pydantic.Field(strict=True, gt=0, allow_inf_nan=False)]
Nonnegative = Annotated[float, pydantic.Field(strict=True, ge=0, allow_inf_nan=False)]
Unbounded = Annotated[float, pydantic.Field(strict=True, ge=0)]
Share = Annotated[float, pydantic.Field(strict=True, ge=0, le=1)]
Switch = Annotated[bool, pydantic.Field(strict=True)]


class Section(Refusing):
    """A table of a rulebook: frozen, no other keys.

    `contradictions` names what its numbers cannot be together.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
    renamed: ClassVar[dict] = {}
    """Old keys with their new names, ``{old: new}``."""
    needs: ClassVar[dict] = {}
    """Optional keys that a law needs, ``{switch: {law: keys}}``.

    They are refused beside any other law.
    """

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
        """Return the VENUE fields that the section sets.

        `units` turns quote currency into money units.
        """
        return {}

    def market_values(self, units):
        """Return the MARKET fields that the section sets.

        `units` turns quote currency into money units.
        """
        return {}

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if faults := [*self.needed_keys(), *self.contradictions()]:
            raise ParameterError(*faults)
        return self
