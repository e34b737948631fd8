"""Traders' rules: compiled by themselves, and compiled into the step.

In the step a rule is inlined into a template, the kernel ``act(world, i, key)`` of
`perplab.sim.traders.decision`. The template has *slots*, global names to which its module gives no
values: ``RULE`` is the rule, ``TRAITS_ROW(address, number)`` returns the trader's record, and
``SCALES_WAKES`` is whether that has the fields `WAKE_FIELDS`. For each rule `with_slots` makes a
copy of the template in which they have values. (A closure would say the same, but numba does not
cache a closure over functions.)
"""

from types import FunctionType

import numba
from llvmlite import ir
from numba import types

from perplab.sim.compiler.code_files import store_code
from perplab.sim.compiler.guarded_rules import INLINED, guarded_rule
from perplab.sim.compiler.jit import COMPILED, intrinsic_of
from perplab.sim.compiler.messages import compile_or_explain

RECORDS = (0, 5)  # arguments of a rule that are one record, not an array: `me` and `rng`
WAKE_FIELDS = {"wake_seconds", "wake_scale"}
"""Trait and memory of a kind whose rule scales its own waiting times."""


def compile_rule(function, row_types):
    """Return a trader's rule compiled, to be called from Python; plain, the function itself.

    Parameters
    ----------
    function : callable
        ``rule(me, accounts, positions, views, mine, rng, orders) -> count``.
    row_types : sequence of numpy.dtype
        Row types of the seven arguments; `me` and `rng` are one record, the others arrays.

    Raises
    ------
    RuleError
        If it cannot be compiled, with file, line and reason.
    """
    if not COMPILED:
        return function
    rows = [numba.from_dtype(dtype) for dtype in row_types]
    arguments = [row if k in RECORDS else types.Array(row, 1, "C") for k, row in enumerate(rows)]
    return compile_or_explain(
        lambda: numba.njit(types.int64(*arguments), _nrt=False, no_cfunc_wrapper=True)(function),
        function,
    )


def compile_act(template, rule, traits_type, cached, guarded_bytes=None):
    """Return the address of a template's copy with a rule inlined; plain, the copy itself.

    Parameters
    ----------
    template : callable
        The kernel ``act(world, i, key)`` with its slots.
    rule : callable
        The plain rule.
    traits_type : numpy.dtype
        Type of the record of traits and memory.
    cached : bool
        Whether compiled code is cached on disk: only for the package's own rules, since the hash
        of its sources names the cache.
    guarded_bytes : int, optional
        Bytes of the record before the rule's memory, for a rule that runs with a guard
        (`perplab.sim.compiler.guarded_rules`).

    Returns
    -------
    int or callable

    Raises
    ------
    RuleError
        If it cannot be compiled, with file, line and reason.

    Notes
    -----
    Inlining removes the preparation of arguments that the rule ignores, and reads of what it has
    just written. The address is that of numba's native entry point, which returns a status, so
    `call_act` sees a rule that raises (a C callback would print the error and return 0).
    """
    guarded = guarded_bytes is not None
    slots = {"SCALES_WAKES": WAKE_FIELDS <= set(traits_type.names)}
    if not COMPILED:
        decide = guarded_rule(rule, guarded_bytes) if guarded else rule
        slots |= {"RULE": decide, "TRAITS_ROW": lambda rows, number: rows[number]}
        return with_slots(template, rule, **slots)
    inlined = guarded_rule(rule, guarded_bytes) if guarded else numba.njit(**INLINED)(rule)
    act = with_slots(template, rule, RULE=inlined, TRAITS_ROW=_traits_row(traits_type), **slots)
    signature = types.int64(types.int64, types.int64, types.uint64)
    compiled = numba.njit(_nrt=False, error_model="numpy", no_cfunc_wrapper=True)(act)
    if cached:
        store_code(compiled)
    compile_or_explain(lambda: compiled.compile(signature.args), rule)
    result = compiled.overloads[signature.args]
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


def with_slots(template, rule, **slots):
    """Return a copy of a function with values in its slots.

    Its qualified name contains the rule's, which gives each rule a cache file of its own.
    """
    copy = FunctionType(template.__code__, template.__globals__ | slots, template.__name__)
    copy.__module__ = template.__module__
    copy.__qualname__ = f"{template.__name__}.{rule.__module__}.{rule.__qualname__}"
    return copy


def _traits_row(dtype):
    """Return ``TRAITS_ROW(address, number)``: a record of a table of `dtype` at an address."""
    record = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        offset = builder.mul(args[1], ir.Constant(ir.IntType(64), dtype.itemsize))
        pointer_type = context.get_data_type(record).as_pointer()
        return builder.inttoptr(builder.add(args[0], offset), pointer_type)

    return intrinsic_of(record(types.int64, types.int64), codegen)


def _act_by_address(context, builder, signature, args):
    """Call what `compile_act` returned; return 0, or -1 if the rule raised."""
    arguments = signature.args[1:]
    entry_type = context.call_conv.get_function_type(types.int64, arguments)
    target = builder.inttoptr(args[0], entry_type.as_pointer())
    status, _ = context.call_conv.call_function(builder, target, types.int64, arguments, args[1:])
    return builder.sext(status.is_error, ir.IntType(64))


raised = []
"""The last error that a plain rule raised; compiled, always empty."""


if COMPILED:
    call_act = intrinsic_of(types.int64(*[types.int64] * 3, types.uint64), _act_by_address)
else:

    def call_act(act, world, i, key):
        """Let a trader act; if its rule raises, store the error in `raised` and return -1."""
        try:
            return act(world, i, key)
        except Exception as error:
            raised[:] = [error]
            return -1
