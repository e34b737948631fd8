"""Copies of a rule's arguments on the stack, and their comparison with the originals, by bytes."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD, BYTE_POINTER = ir.IntType(64), cgutils.voidptr_t


def _memory(context, builder, kind, value):
    """Return address and bytes of a record or a contiguous array."""
    if isinstance(kind, types.Record):
        return builder.bitcast(value, BYTE_POINTER), WORD(kind.size)
    array = context.make_array(kind)(context, builder, value)
    rows = builder.extract_value(array.shape, 0)
    return builder.bitcast(array.data, BYTE_POINTER), builder.mul(rows, array.itemsize)


@intrinsic
def copied(typing_context, rows):
    """Return a copy of a record or an array of records; it lives until the caller returns."""

    def codegen(context, builder, signature, args):
        source, size = _memory(context, builder, rows, args[0])
        memory = builder.alloca(ir.IntType(8), size)
        memory.align = 16
        cgutils.raw_memcpy(builder, memory, source, size, 1)
        if isinstance(rows, types.Record):
            return builder.bitcast(memory, args[0].type)
        array = context.make_array(rows)(context, builder, args[0])
        array.data = builder.bitcast(memory, array.data.type)
        return array._getvalue()

    return rows(rows), codegen


@intrinsic
def differ(typing_context, one, other, most):
    """Return whether the first `most` bytes of two records or arrays of the same size differ."""

    def codegen(context, builder, signature, args):
        first, size = _memory(context, builder, one, args[0])
        second, _ = _memory(context, builder, other, args[1])
        size = builder.select(builder.icmp_signed("<", args[2], size), args[2], size)
        compare = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.IntType(32), [BYTE_POINTER, BYTE_POINTER, WORD]),
            "memcmp",
        )
        order = builder.call(compare, [first, second, size])
        return builder.icmp_signed("!=", order, ir.IntType(32)(0))

    return types.boolean(one, other, types.int64), codegen


@intrinsic
def overwrite(typing_context, record, new):
    """Copy the bytes of a record over another one."""

    def codegen(context, builder, signature, args):
        target, size = _memory(context, builder, record, args[0])
        source, _ = _memory(context, builder, new, args[1])
        cgutils.raw_memcpy(builder, target, source, size, 1)
        return context.get_dummy_value()

    return types.none(record, new), codegen
