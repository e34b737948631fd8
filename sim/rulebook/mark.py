"""The rulebook section of the mark price."""

import math
from typing import Annotated, ClassVar, Literal

import pydantic

from perplab.sim.errors import Fault
from perplab.sim.laws.mark import AVERAGED, INPUTS, MarkInput
from perplab.sim.rulebook.sections import Nonnegative, Positive, Section


class MarkInputSection(Section):
    """One input of the mark; inputs that are averages have a window (seconds), the others none.

    ``depth`` is the size (asset) whose average prices make the deep mid, ``basis_limit`` the basis
    (fraction) at which the shrunk basis counts most.
    """

    needs: ClassVar[dict] = {
        "input": {"index_plus_deep_basis": ("depth",), "index_plus_shrunk_basis": ("basis_limit",)}
    }
    input: Literal[MarkInput.names()]
    window_seconds: Nonnegative = 0.0
    depth: Positive | None = None
    basis_limit: Positive | None = None

    def contradictions(self):
        if self.window_seconds > 0 and self.input not in AVERAGED:
            yield Fault(
                "window_seconds", self.window_seconds, f"absent: {self.input} is no average"
            )


class Mark(Section):
    """The mark: one input, or the median of three.

    ``refresh_seconds`` is the venue's clock (0: as often as it can), ``clamp`` keeps the mark
    within a fraction of the index.
    """

    inputs: tuple[MarkInputSection, ...]
    refresh_seconds: Nonnegative = 0.0
    clamp: Annotated[float, pydantic.Field(strict=True, gt=0)] = math.inf

    def contradictions(self):
        if len(self.inputs) not in (1, 3):
            yield Fault(
                "inputs", f"{len(self.inputs)} inputs", "one input, or three for their median"
            )

    def market_values(self, units):
        spare = [0] * (INPUTS - len(self.inputs))
        return {
            "mark_law": {
                "mark_input": [MarkInput.code(part.input) for part in self.inputs] + spare,
                "mark_window": [part.window_seconds for part in self.inputs] + spare,
                "mark_depth": [part.depth or 0.0 for part in self.inputs] + spare,
                "basis_limit": [part.basis_limit or 0.0 for part in self.inputs] + spare,
                "refresh_seconds": self.refresh_seconds,
                "mark_clamp": self.clamp,
            }
        }
