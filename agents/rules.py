"""A decision rule: the plain function, and its compiled forms."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perplab.agents.trader_check import call_fault, plain_fault, with_place
from perplab.agents.traits import Traits
from perplab.sim.compiler.cache import is_own_code
from perplab.sim.compiler.called_functions import plain_calls
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
    plain : callable
        The same with all that it calls of the user's own uncompiled.
    traits : Traits
    kind : type of Trader
        The last kind that was declared with the rule; None before.
    """

    def __init__(self, function: Callable[..., int], traits: Traits) -> None:
        functools.update_wrapper(self, function)
        self.function, self.traits, self.kind, self._acts = function, traits, None, {}

    @functools.cached_property
    def plain(self) -> Callable[..., int]:
        """The plain function with all that it calls of the user's own uncompiled."""
        return plain_calls(self.function)

    @property
    def signature_rows(self) -> tuple[np.dtype, ...]:
        """Row types of the seven arguments."""
        return self.traits.dtype, ACCOUNT, POSITION, VIEW, ORDER, DRAW, ORDER_ROW

    @property
    def cached(self) -> bool:
        """Whether compiled code is cached on disk: only for rules of `sim` and `agents` themselves.

        The hash of their sources names the cache; a user's file is compiled in each process.
        """
        return is_own_code(self.function.__code__)

    @functools.cached_property
    def _compiled(self):
        return compile_rule(self.function, self.signature_rows)

    def within(self, act: Callable[..., int], trusted: bool = False) -> Any:
        """Return the kernel `act` with this rule inlined, compiled at the first call in a process.

        A user's rule runs with a guard unless it is `trusted`. See
        `perplab.sim.compiler.rules.compile_act`.

        Raises
        ------
        RuleError
            In one sentence, with file and line: the first fault of the plain rule, else why it
            cannot be compiled.
        """
        guarded_bytes = None if trusted or self.cached else self.traits.trait_bytes
        if (act, guarded_bytes) not in self._acts:
            try:
                self._acts[act, guarded_bytes] = compile_act(
                    act, self.function, self.traits.dtype, self.cached, guarded_bytes
                )
            except RuleError as error:
                raise RuleError(
                    (self.kind and plain_fault(self.kind)) or self._explanation() or str(error)
                ) from None
        return self._acts[act, guarded_bytes]

    def fault_on(self, kind: type, rows: Sequence[np.ndarray]) -> str:
        """Return what the plain rule does wrong on these rows, with file and line; '' if nothing.

        Parameters
        ----------
        kind : type of Trader
        rows : sequence of numpy.ndarray
            The seven arguments, `me` and `rng` as arrays of one row; they are overwritten.
        """
        fault = call_fault(kind, rows)
        return fault and with_place(fault, kind)

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
