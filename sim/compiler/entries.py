"""Entries: parts of the step that are compiled on their own and called by address; and the world they share."""

import numpy as np
from llvmlite import ir
from numba import types

from perplab.sim.compiler.directory import ENTRIES, load_constant, tables_declared
from perplab.sim.compiler.jit import COMPILED, intrinsic_of, kernel

_entries = {}


def addresses():
    """Return the functions that compile an entry and return its address, in the order of declaration."""
    return [address for _, address in _entries.values()]


def entry(result, integers, *floats):
    """Declare a part of the step that is compiled on its own and called by address.

    The compiler optimises a function together with all that it calls, again for each caller; entries cut that chain, so
    each part is compiled once. An entry's body is as fast as ever; a call costs a few nanoseconds. It goes by numba's own
    convention, the result through a pointer, but without a place for an exception: kernels never raise.

    Parameters
    ----------
    result : {"none", "int64", "float64"}
    integers : int
        Number of integer arguments, the world being the first.
    *floats : str
        Types of the arguments after them.
    """
    signature = getattr(types, result)(
        *[types.int64] * integers, *[getattr(types, name) for name in floats]
    )
    return lambda function: _compiled_entry(function, signature) if COMPILED else function


def _place_of(function):
    """Return the place of an entry in `ENTRIES`; refuse a name that is not there, or there twice."""
    name = function.__name__
    if ENTRIES.count(name) != 1:
        raise ImportError(
            f"the entry {name} must stand in ENTRIES of perplab.sim.compiler.directory, once"
        )
    place = ENTRIES.index(name)
    if _entries.get(place, (function.__module__,))[0] != function.__module__:
        raise ImportError(f"the entry {name} is declared in {_entries[place][0]} already")
    return place


def _compiled_entry(function, signature):
    place, argument_types = _place_of(function), signature.args
    compiled = kernel(function)

    def address():
        compiled.compile(signature)
        result = compiled.overloads[signature.args]
        return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)

    def codegen(context, builder, _, args):
        entry_type = context.call_conv.get_function_type(signature.return_type, argument_types)
        word = ir.IntType(64)
        first = builder.inttoptr(args[0], word.as_pointer())
        target = builder.inttoptr(load_constant(builder, first, place), entry_type.as_pointer())
        with builder.goto_entry_block():
            result = builder.alloca(entry_type.args[0].pointee)
        builder.call(target, [result, ir.Constant(entry_type.args[1], None), *args])
        return context.get_returned_value(builder, signature.return_type, builder.load(result))

    _entries[place] = (function.__module__, address)
    return intrinsic_of(signature, codegen)


def world_of(tables):
    """Return what kernels take as ``world``, and what must be kept alive while they run.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        C-contiguous, with the declared row types.

    Returns
    -------
    world : int or dict
    keep : object
        The directory itself; the world is only valid while it and the tables live.

    Raises
    ------
    TypeError
        If an array has not its declared type or shape.
    """
    words = np.zeros(len(ENTRIES) + 3 * len(tables_declared), np.int64)
    for place, (_, address) in _entries.items():
        words[place] = address()
    for name, (place, dtype, dimensions) in tables_declared.items():
        array = tables[name]
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
            raise TypeError(
                f"table {name} was {array.dtype}[{array.ndim}], must be contiguous {dtype}[{dimensions}]"
            )
        words[len(ENTRIES) + 3 * place : len(ENTRIES) + 3 * place + 3] = (
            array.ctypes.data,
            array.shape[0],
            array.shape[-1],
        )
    return (int(words.ctypes.data), words) if COMPILED else (tables, tables)


def direct(compiled, arguments):
    """Return the compiled function of a kernel for so many integer arguments, to be called from Python; plain, the kernel itself.

    It passes over numba's look at the types of the arguments, which is half of what a call of a small kernel costs.
    """
    if not COMPILED:
        return compiled
    signature = (types.int64,) * arguments
    compiled.compile(signature)
    return compiled.overloads[signature].entry_point
