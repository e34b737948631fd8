"""Entries: parts of the step compiled separately and called by address; the world they share."""

import functools

import numpy as np
from llvmlite import ir
from numba import types

from perplab.sim.compiler.directory import ENTRIES, load_constant, tables_declared
from perplab.sim.compiler.jit import COMPILED, intrinsic_of, kernel

_entries = {}


def addresses():
    """Return the functions that compile an entry and return its address, as declared."""
    return [address for _, address in _entries.values()]


def entry(result, integers, *floats):
    """Declare a part of the step that is compiled separately and called by address.

    The compiler optimises a function together with all its callees, again for each caller; an entry
    cuts that chain, so each part is compiled once. An entry's body is as fast as inlined code; a
    call costs a few nanoseconds. Calls follow numba's convention (the result through a pointer)
    without a place for an exception, since kernels never raise.

    Parameters
    ----------
    result : {"none", "int64", "float64"}
    integers : int
        Number of integer arguments, the world being the first.
    *floats : str
        Types of the arguments after them.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    ImportError
        If the function's name is not in `ENTRIES` once, or another module declares it.
    """
    signature = getattr(types, result)(
        *[types.int64] * integers, *[getattr(types, name) for name in floats]
    )
    return lambda function: _compiled_entry(function, signature) if COMPILED else function


def _index_of(function):
    """Return the index of an entry in `ENTRIES`, in which its name must occur once."""
    name = function.__name__
    if ENTRIES.count(name) != 1:
        raise ImportError(
            f"the entry {name} must occur once in ENTRIES of perplab.sim.compiler.directory"
        )
    index = ENTRIES.index(name)
    if _entries.get(index, (function.__module__,))[0] != function.__module__:
        raise ImportError(f"the entry {name} is already declared in {_entries[index][0]}")
    return index


def _compiled_entry(function, signature):
    index, argument_types = _index_of(function), signature.args
    compiled = kernel(function)

    @functools.cache
    def address():
        compiled.compile(signature)
        result = compiled.overloads[signature.args]
        return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)

    def codegen(context, builder, _, args):
        entry_type = context.call_conv.get_function_type(signature.return_type, argument_types)
        word = ir.IntType(64)
        first = builder.inttoptr(args[0], word.as_pointer())
        target = builder.inttoptr(load_constant(builder, first, index), entry_type.as_pointer())
        with builder.goto_entry_block():
            result = builder.alloca(entry_type.args[0].pointee)
        builder.call(target, [result, ir.Constant(entry_type.args[1], None), *args])
        return context.get_returned_value(builder, signature.return_type, builder.load(result))

    _entries[index] = (function.__module__, address)
    return intrinsic_of(signature, codegen)


def world_of(tables, show=None):
    """Return the argument ``world`` of kernels, and the object that must outlive their calls.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        C-contiguous, with the declared row types.
    show : callable, optional
        Called with the number of entries compiled so far, before each.

    Returns
    -------
    world : int or dict
        Address of the directory; plain, `tables` itself.
    keep : object
        The directory; `world` is valid while it and the tables live.

    Raises
    ------
    TypeError
        If an array is not of its declared type or shape.
    """
    words = np.zeros(len(ENTRIES) + 3 * len(tables_declared), np.int64)
    for compiled, (index, (_, address)) in enumerate(_entries.items()):
        if show:
            show(compiled)
        words[index] = address()
    for name, (index, dtype, dimensions) in tables_declared.items():
        array, first = tables[name], len(ENTRIES) + 3 * index
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
            expected = f"contiguous {dtype}[{dimensions}]"
            raise TypeError(f"table {name} was {array.dtype}[{array.ndim}], must be {expected}")
        words[first : first + 3] = array.ctypes.data, array.shape[0], array.shape[-1]
    return (int(words.ctypes.data), words) if COMPILED else (tables, tables)


def direct(compiled, arguments):
    """Return a kernel compiled for `arguments` integers, to be called from Python; plain, itself.

    It skips numba's dispatch on argument types, half of the cost of calling a small kernel.
    """
    if not COMPILED:
        return compiled
    signature = (types.int64,) * arguments
    compiled.compile(signature)
    return compiled.overloads[signature].entry_point
