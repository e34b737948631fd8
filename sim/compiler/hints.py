"""Bit searches, branch hints to the compiler, prefetch hints to the processor."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from perplab.sim.compiler.jit import COMPILED, hot_kernel, intrinsic_of


def _trailing_zeros(context, builder, signature, args):
    return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))


def _leading_zeros(context, builder, signature, args):
    return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))


def _expect_false(context, builder, signature, args):
    """Return a condition marked as rarely true (``llvm.expect``)."""
    bit = ir.IntType(1)
    expected = builder.module.declare_intrinsic(
        "llvm.expect", [bit], ir.FunctionType(bit, [bit, bit])
    )
    return builder.call(expected, [args[0], ir.Constant(bit, 0)])


@intrinsic
def _fetch(typing_context, row):
    def codegen(context, builder, signature, args):
        word = ir.IntType(32)
        pointer = builder.bitcast(args[0], cgutils.voidptr_t)
        hint = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [cgutils.voidptr_t],
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word]),
        )
        builder.call(hint, [pointer, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.none(row), codegen


if COMPILED:
    fetch = _fetch
    rarely = intrinsic_of(types.boolean(types.boolean), _expect_false)
    lowest_bit, leading_zeros = (
        intrinsic_of(types.int64(types.uint64), one) for one in (_trailing_zeros, _leading_zeros)
    )

    @hot_kernel
    def highest_bit(word):
        """Return the index of the highest set bit of a non-zero unsigned word."""
        return 63 - leading_zeros(word)
else:

    def rarely(condition):
        """Return the condition: plain Python takes no branch hints."""
        return condition

    def fetch(row):
        """Do nothing: plain Python takes no prefetch hints."""

    def lowest_bit(word):
        """Return the index of the lowest set bit of a non-zero unsigned word."""
        return (int(word) & -int(word)).bit_length() - 1

    def highest_bit(word):
        """Return the index of the highest set bit of a non-zero unsigned word."""
        return int(word).bit_length() - 1
