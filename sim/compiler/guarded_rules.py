"""A user's rule, guarded: it can change its memory and its order rows, and nothing else.

The rule gets copies of its arguments, which are compared with the originals after the call. Indices
are checked and loops counted (`perplab.sim.compiler.loop_budget`), in the functions that it calls
too. What is wrong makes the guard raise, before anything is written.
"""

import types

import numba

from perplab.sim.compiler.called_functions import CalledFunctions
from perplab.sim.compiler.jit import COMPILED
from perplab.sim.compiler.loop_budget import CountingCompiler, call_with_limit, refill_budget
from perplab.sim.compiler.own_rows import copied, differ, overwrite
from perplab.sim.errors import RuleError

ALL, KEY_BYTES = 1 << 62, 8
KEPT_OPTIONS = ("error_model", "fastmath", "forceinline", "inline")
INLINED = dict(
    _nrt=False,
    error_model="python",
    forceinline=True,
    no_cfunc_wrapper=True,
    no_cpython_wrapper=True,
)


def guarded_rule(rule, trait_bytes):
    """Return a rule with its guard, for the slot ``RULE`` of `perplab.sim.compiler.rules`.

    Parameters
    ----------
    rule : callable
        The plain rule.
    trait_bytes : int
        Bytes of its record before its memory, which it may not change.

    Raises
    ------
    RuleError
        If it, or a function that it calls, defines a function or calls itself.
    """
    return _compiled_guard(rule, trait_bytes) if COMPILED else _plain_guard(rule, trait_bytes)


def _compiled_guard(rule, trait_bytes):
    decide = checked_function(rule, INLINED)

    def guard(me, accounts, positions, views, mine, rng, orders):
        refill_budget()
        my, own_accounts, own_positions = copied(me), copied(accounts), copied(positions)
        own_views, own_orders, draws = copied(views), copied(mine), copied(rng)
        count = decide(my, own_accounts, own_positions, own_views, own_orders, draws, orders)
        if (
            differ(me, my, trait_bytes)
            or differ(accounts, own_accounts, ALL)
            or differ(positions, own_positions, ALL)
            or differ(views, own_views, ALL)
            or differ(mine, own_orders, ALL)
            or differ(rng, draws, KEY_BYTES)
        ):
            raise RuntimeError("changed what a rule only reads")
        overwrite(me, my)
        return count

    return numba.njit(**INLINED)(guard)


def _plain_guard(rule, trait_bytes):
    def guard(*rows):
        *inputs, orders = rows
        own = [part.copy() for part in inputs]
        count = call_with_limit(rule, *own, orders)
        limits = (trait_bytes, None, None, None, None, KEY_BYTES)
        for before, after, most in zip(inputs, own, limits, strict=True):
            if before.tobytes()[:most] != after.tobytes()[:most]:
                raise RuleError("changed what a rule only reads")
        for name in rows[0].dtype.names:
            rows[0][name] = own[0][name]
        return count

    return guard


def checked_function(function, options):
    """Return a function compiled with bounds checks and counted loops, and so what it calls."""
    called = CalledFunctions(checked_dispatcher, recursion=False)
    copy = called.copy_of(function)
    for code in called.copies:
        refuse_functions_inside(code)
    return counting(copy, options)


def checked_dispatcher(copy, dispatcher):
    """Return a compiled function as one with bounds checks and counted loops."""
    given = dispatcher.targetoptions
    kept = {key: given[key] for key in KEPT_OPTIONS if key in given}
    return counting(copy, kept | {"_nrt": False})


def counting(function, options):
    """Return a function that numba compiles with bounds checks and counted loops."""
    return numba.njit(**options, boundscheck=True, pipeline_class=CountingCompiler)(function)


def refuse_functions_inside(code):
    """Raise RuleError if a function defines another one: numba would compile it unchecked."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            raise RuleError(
                f"{code.co_filename}:{constant.co_firstlineno}: {code.co_name} defines a function;"
                " define it outside the rule, or declare the kind trusted"
            )
