"""A decision rule: the plain function, and its compiled forms."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from perplab.agents.trader_check import plain_fault
from perplab.agents.traits import Traits
from perplab.sim.compiler.cache import FLOORS, HOUSE
from perplab.sim.compiler.rules import compile_act, compile_rule
from perplab.sim.errors import RuleError
from perplab.sim.state.market_rows import VIEW
from perplab.sim.state.trader_rows import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION


class Rule:
    """A decision rule: the plain function, and its compiled form, made when it is first needed.

    Attributes
    ----------
    function : callable
        The plain Python function.
    traits : Traits
    kind : type of Trader
        The last kind that was declared with the rule; None before.
    """

    def __init__(self, function: Callable[..., int], traits: Traits) -> None:
        functools.update_wrapper(self, function)
        self.function, self.traits, self.kind, self._acts = function, traits, None, {}

    @property
    def signature_rows(self) -> tuple[np.dtype, ...]:
        """Row types of the seven arguments."""
        return self.traits.dtype, ACCOUNT, POSITION, VIEW, ORDER, DRAW, ORDER_ROW

    @property
    def cached(self) -> bool:
        """Whether compiled code is cached on disk: only for rules of `sim` and `agents` themselves.

        The hash of their sources names the cache; a user's file is compiled in each process.
        """
        path = pathlib.Path(self.function.__code__.co_filename).resolve()
        return any(path.is_relative_to(HOUSE / floor) for floor in FLOORS)

    @functools.cached_property
    def _compiled(self):
        return compile_rule(self.function, self.signature_rows)

    def within(self, act: Callable[..., int]) -> Any:
        """Return the kernel `act` with this rule inlined, compiled at the first call in a process.

        See `perplab.sim.compiler.rules.compile_act`.

        Raises
        ------
        RuleError
            In one sentence, with file and line: the first fault of the plain rule, else why it
            cannot be compiled.
        """
        if act not in self._acts:
            try:
                self._acts[act] = compile_act(act, self.function, self.traits.dtype, self.cached)
            except RuleError as error:
                raise RuleError(
                    (self.kind and plain_fault(self.kind)) or self._explanation() or str(error)
                ) from None
        return self._acts[act]

    def _explanation(self):
        """Return why the rule by itself cannot be compiled; None if it can.

        This is clearer than the error from within the step.
        """
        try:
            return self._compiled and None
        except RuleError as error:
            return str(error)

    def __call__(self, *arguments: Any) -> int:
        return self._compiled(*arguments)


def rule(traits: Traits) -> Callable[[Callable[..., int]], Rule]:
    """Declare a function as the decision rule of a kind with these traits.

    Parameters
    ----------
    traits : Traits

    Returns
    -------
    callable
        The decorator of ``(me, accounts, positions, views, mine, rng, orders) -> count``; it
        returns a `Rule`.
    """
    return lambda function: Rule(function, traits)
