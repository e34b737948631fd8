"""Kernels: functions that run compiled, or unchanged in plain Python if ``NUMBA_DISABLE_JIT=1``.

Kernels allocate nothing and count no references (``_nrt=False``, an undocumented option of numba
whose effect `tests/test_kernel.py` pins), read records by subscript (``row["lots"]``) and never
raise. Compiled code is cached on disk (`perplab.sim.compiler.cache`, `code_files`).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import intrinsic

from perplab.sim.compiler.cache import cache_directory
from perplab.sim.compiler.code_files import store_code

Function = TypeVar("Function", bound=Callable[..., Any])
COMPILED = not numba.config.DISABLE_JIT
numba.config.CACHE_DIR = str(cache_directory())


def _widened(argument):
    """Return the type an argument is passed as: int64 for integers of any width and literals."""
    argument = types.unliteral(argument)
    return (
        types.int64
        if isinstance(argument, types.Integer) and argument != types.uint64
        else argument
    )


def _declared(function, **options):
    """Return a function that is compiled at its first call, once for all integer widths."""
    compiled = numba.njit(_nrt=False, error_model="numpy", no_cfunc_wrapper=True, **options)(
        function
    )
    if COMPILED:
        store_code(compiled)
        template = compiled.get_call_template
        compiled.get_call_template = lambda args, kws: template(
            [_widened(argument) for argument in args], kws
        )
    return compiled


def kernel(function: Function) -> Function:
    """Declare a compiled function."""
    return _declared(function)


def hot_kernel(function: Function) -> Function:
    """Declare a compiled function that is always inlined: code that every order runs through."""
    return _declared(function, forceinline=True)


def intrinsic_of(signature, codegen):
    """Return the intrinsic of a signature and its code generator.

    numba takes the number of arguments from the Python function, so one is made for each signature.
    """
    names = ", ".join(f"argument_{k}" for k in range(len(signature.args)))
    return intrinsic(
        eval(
            f"lambda typing_context, {names}: (signature, codegen)",
            {"signature": signature, "codegen": codegen},
        )
    )
