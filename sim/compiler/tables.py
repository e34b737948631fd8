"""Tables of the world by address: accessors of arrays and rows, and writers.

Kernels share the run's state through ``world``: compiled, it is the address of a directory
(`perplab.sim.compiler.directory`); plain, it is a dictionary of the same numpy arrays. The
accessors made by `table` turn either into an array, so a kernel is written once.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np import arrayobj

from perplab.sim.compiler.directory import ENTRIES, load_constant, tables_declared
from perplab.sim.compiler.jit import COMPILED, intrinsic_of


def row(*fields):
    """Return an aligned record type of ``(name, type[, shape])`` fields."""
    return np.dtype(list(fields), align=True)


def table(name, dtype, dimensions=1):
    """Declare a table of the world and return its two accessors.

    Parameters
    ----------
    name : str
        Key of the table in the state.
    dtype : numpy.dtype
        Type of one row.
    dimensions : {1, 2}

    Returns
    -------
    whole : callable
        ``whole(world) -> array`` without copying.
    at : callable
        ``at(world, i)`` or ``at(world, i, j)``: one row, ``whole(world)[i, j]`` with less to
        compile. Indices are not checked and must not be negative.
    """
    declared = (len(tables_declared), np.dtype(dtype), dimensions)
    tables_declared[name] = declared
    if COMPILED:
        return _compiled_table(*declared), _compiled_row(*declared)
    if dimensions == 1:
        return (lambda world: world[name]), (lambda world, i: world[name][i])
    return (lambda world: world[name]), (lambda world, i, j: world[name][i, j])


def _words(builder, world, index):
    """Return address, rows and columns of a table, as values of the code being built."""
    word = ir.IntType(64)
    first = builder.inttoptr(world, word.as_pointer())
    return [load_constant(builder, first, len(ENTRIES) + 3 * index + k) for k in range(3)]


def _compiled_table(index, dtype, dimensions):
    array_type = types.Array(numba.from_dtype(dtype), dimensions, "C")

    def codegen(context, builder, signature, args):
        words = _words(builder, args[0], index)
        itemsize = context.get_constant(types.intp, dtype.itemsize)
        array = arrayobj.make_array(array_type)(context, builder)
        shape, strides = [words[1]], [itemsize]
        if dimensions == 2:
            shape, strides = words[1:3], [builder.mul(words[2], itemsize), itemsize]
        arrayobj.populate_array(
            array,
            data=builder.inttoptr(words[0], array.data.type),
            itemsize=itemsize,
            meminfo=None,
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, strides),
        )
        return array._getvalue()

    return intrinsic_of(array_type(types.int64), codegen)


def writer(name):
    """Return ``put(world, i, value)`` (or ``i, j``) of a table of plain numbers.

    Indices are as for ``at`` of `table`.
    """
    index, dtype, dimensions = tables_declared[name]
    if COMPILED:
        return _compiled_writer(index, dtype, dimensions)
    if dimensions == 1:
        return lambda world, i, value: world[name].__setitem__(i, value)
    return lambda world, i, j, value: world[name].__setitem__((i, j), value)


def span(name):
    """Return ``part(world, first, count)`` of a table: an array of `count` rows.

    Rows of a two-dimensional table are counted in C order.
    """
    index, dtype, _ = tables_declared[name]
    return (
        _compiled_span(index, dtype)
        if COMPILED
        else lambda world, first, count: world[name].reshape(-1)[first : first + count]
    )


def _compiled_span(index, dtype):
    array_type = types.Array(numba.from_dtype(dtype), 1, "C")

    def codegen(context, builder, signature, args):
        itemsize = context.get_constant(types.intp, dtype.itemsize)
        array = arrayobj.make_array(array_type)(context, builder)
        address = builder.add(_words(builder, args[0], index)[0], builder.mul(args[1], itemsize))
        arrayobj.populate_array(
            array,
            data=builder.inttoptr(address, array.data.type),
            itemsize=itemsize,
            meminfo=None,
            shape=cgutils.pack_array(builder, [args[2]]),
            strides=cgutils.pack_array(builder, [itemsize]),
        )
        return array._getvalue()

    return intrinsic_of(array_type(types.int64, types.int64, types.int64), codegen)


def _element(context, builder, index, dtype, dimensions, args):
    """Return the pointer to a row of a table, from arguments ``world, i`` or ``world, i, j``."""
    words = _words(builder, args[0], index)
    number = args[1] if dimensions == 1 else builder.add(builder.mul(args[1], words[2]), args[2])
    offset = builder.mul(number, ir.Constant(ir.IntType(64), dtype.itemsize))
    return builder.inttoptr(
        builder.add(words[0], offset), context.get_data_type(numba.from_dtype(dtype)).as_pointer()
    )


def _compiled_writer(index, dtype, dimensions):
    value_type = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        builder.store(args[-1], _element(context, builder, index, dtype, dimensions, args))
        return context.get_dummy_value()

    return intrinsic_of(types.none(types.int64, *[types.int64] * dimensions, value_type), codegen)


def _compiled_row(index, dtype, dimensions):
    row = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        pointer = _element(context, builder, index, dtype, dimensions, args)
        return pointer if isinstance(row, types.Record) else builder.load(pointer)

    return intrinsic_of(row(types.int64, *[types.int64] * dimensions), codegen)
