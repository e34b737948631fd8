"""Kernels: functions that run compiled, and unchanged in plain Python when ``NUMBA_DISABLE_JIT=1``.

Kernels allocate nothing and hold no reference counts (``_nrt=False``, an undocumented numba option whose effect
`tests/test_kernel.py` pins), read records by subscript (``row["lots"]``) and never raise. Compiled code is kept on disk
where `perplab.sim.compiler.cache` says.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import intrinsic

from perplab.sim.compiler.cache import cache_directory

Function = TypeVar("Function", bound=Callable[..., Any])
COMPILED = not numba.config.DISABLE_JIT
numba.config.CACHE_DIR = str(cache_directory())


def _widened(argument):
    """Return the type an argument is passed as: 64-bit integers whatever their width or whether they are literals."""
    argument = types.unliteral(argument)
    return (
        types.int64
        if isinstance(argument, types.Integer) and argument != types.uint64
        else argument
    )


def _declared(function, **options):
    """Compile a function when it is first called, once for all integer widths and literals."""
    compiled = numba.njit(
        cache=True, _nrt=False, error_model="numpy", no_cfunc_wrapper=True, **options
    )(function)
    if COMPILED:
        template = compiled.get_call_template
        compiled.get_call_template = lambda args, kws: template(
            [_widened(argument) for argument in args], kws
        )
    return compiled


def kernel(function: Function) -> Function:
    """Declare a compiled function."""
    return _declared(function)


def hot_kernel(function: Function) -> Function:
    """Declare a compiled function that is always inlined: for what each order message runs through."""
    return _declared(function, forceinline=True)


def intrinsic_of(signature, codegen):
    """Return the intrinsic of a signature: numba reads the number of arguments off the function's own."""
    names = ", ".join(f"argument_{k}" for k in range(len(signature.args)))
    return intrinsic(
        eval(
            f"lambda typing_context, {names}: (signature, codegen)",
            {"signature": signature, "codegen": codegen},
        )
    )
