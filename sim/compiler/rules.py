"""Traders' rules: compiled alone, and compiled into the step."""

from types import FunctionType

import numba
from llvmlite import ir
from numba import types

from perplab.sim.compiler.jit import COMPILED, intrinsic_of
from perplab.sim.compiler.messages import compile_or_explain


def compile_rule(function, signature_rows):
    """Return a trader's rule compiled, to be called from Python; plain, the function itself.

    Parameters
    ----------
    function : callable
        ``rule(me, accounts, positions, views, mine, rng, orders) -> count``.
    signature_rows : sequence of numpy.dtype
        Row types of the seven arguments; `me` and `rng` are one record, the others arrays.

    Raises
    ------
    RuleError
        If it cannot be compiled, with file, line and reason.
    """
    if not COMPILED:
        return function
    rows = [numba.from_dtype(dtype) for dtype in signature_rows]
    arguments = [row if k in (0, 5) else types.Array(row, 1, "C") for k, row in enumerate(rows)]
    return compile_or_explain(
        lambda: numba.njit(types.int64(*arguments), _nrt=False, no_cfunc_wrapper=True)(function),
        function,
    )


def with_rule(template, function, own_row, cached):
    """Return the address of a kernel ``(world, i, key)`` into which a trader's rule is compiled; plain, a function.

    Parameters
    ----------
    template : callable
        The kernel, in which the global names ``decide`` and ``own_record`` stand for the rule and for
        ``own_record(traits_at, number) -> record``, the accessor of its traits and memory.
    function : callable
        The rule.
    own_row : numpy.dtype
        Type of its record.
    cached : bool
        Whether compiled code may be kept on disk: only for our own files, whose hash names the cache.

    Notes
    -----
    The rule is inlined, so what it does not use is never prepared, and what it wrote need not be read again. The address is that of
    numba's native entry point, which returns a status: `call_act` sees a rule that raises (a C callback would have
    printed and returned 0).
    """
    meanings = {"decide": function, "own_record": lambda rows, number: rows[number]}
    if COMPILED:
        meanings = {
            "decide": numba.njit(
                _nrt=False,
                error_model="python",
                forceinline=True,
                no_cfunc_wrapper=True,
                no_cpython_wrapper=True,
            )(function),
            "own_record": _record_of(own_row),
        }
    copy = FunctionType(template.__code__, template.__globals__ | meanings, template.__name__)
    copy.__module__, copy.__qualname__ = (
        template.__module__,
        f"{template.__name__}.{function.__module__}.{function.__qualname__}",
    )
    if not COMPILED:
        return copy
    signature = types.int64(types.int64, types.int64, types.uint64)
    compiled = compile_or_explain(
        lambda: numba.njit(
            signature, cache=cached, _nrt=False, error_model="numpy", no_cfunc_wrapper=True
        )(copy),
        function,
    )
    result = compiled.overloads[signature.args]
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


def _record_of(dtype):
    """Return the accessor of row `number` of a table of traits at an address."""
    record = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        offset = builder.mul(args[1], ir.Constant(ir.IntType(64), dtype.itemsize))
        return builder.inttoptr(
            builder.add(args[0], offset), context.get_data_type(record).as_pointer()
        )

    return intrinsic_of(record(types.int64, types.int64), codegen)


def _act_by_address(context, builder, signature, args):
    """Call the kernel of `with_rule` at an address; return 0, or -1 if it raises."""
    arguments = signature.args[1:]
    entry_type = context.call_conv.get_function_type(types.int64, arguments)
    target = builder.inttoptr(args[0], entry_type.as_pointer())
    status, _ = context.call_conv.call_function(builder, target, types.int64, arguments, args[1:])
    return builder.sext(status.is_error, ir.IntType(64))


raised = []


if COMPILED:
    call_act = intrinsic_of(types.int64(*[types.int64] * 3, types.uint64), _act_by_address)
else:

    def call_act(act, world, i, key):
        """Let a trader act; if its rule raises, keep the error and return -1."""
        try:
            return act(world, i, key)
        except Exception as error:
            raised[:] = [error]
            return -1
