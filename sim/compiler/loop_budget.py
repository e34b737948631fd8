"""A budget of loop iterations for a decision, so that no rule of a user's can hang.

In code compiled by `CountingCompiler` each iteration of a loop takes one from the budget, and the
code raises when none is left. The calls are inserted into numba's intermediate representation at
the heads of loops, so a rule needs no source file. `call_with_limit` counts lines of plain Python.

Every `ITERATIONS_PER_LOOK` iterations the code also lets Python handle signals. Python does so only
after compiled code has returned, and a decision within the budget may take minutes.
"""

import ctypes
import pathlib
import sys
import sysconfig

import numba
import numpy as np
from llvmlite import ir as llvm
from numba import types
from numba.core import ir
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import IRProcessing

from perplab.sim.compiler.cache import is_own_code
from perplab.sim.compiler.jit import intrinsic_of

MOST_ITERATIONS = 10_000_000
"""Loop iterations of one decision, over all loops."""
ITERATIONS_PER_LOOK = 4_096
MOST_LINES = 1_000_000
"""Lines of plain Python in one decision, without those of perplab and of libraries."""
LIBRARIES = (str(pathlib.Path(numba.__file__).parents[1]), sysconfig.get_paths()["stdlib"])
"""Folders whose code is not a rule's: a plain rule may call a helper that is compiled then."""
_left = np.zeros(1, np.int64)


def budget_is_spent():
    """Return whether the last decision that was counted used up its iterations."""
    return bool(_left[0] < 0)


class EndlessLoopError(Exception):
    """A plain rule went through more lines than `MOST_LINES`."""


def call_with_limit(function, *arguments):
    """Call a plain function; raise EndlessLoopError at the limit, unless a debugger traces it."""
    if sys.gettrace():
        return function(*arguments)
    left = MOST_LINES

    def count_line(frame, event, argument):
        nonlocal left
        left -= 1
        if left < 0:
            raise EndlessLoopError(f"ran more than {MOST_LINES:,} lines in a decision")
        return count_line

    def enter(frame, event, argument):
        counted = not is_own_code(frame.f_code) and not frame.f_code.co_filename.startswith(
            LIBRARIES
        )
        return count_line if counted else None

    sys.settrace(enter)
    try:
        return function(*arguments)
    finally:
        sys.settrace(None)


def _pointer(builder, array):
    """Return the pointer to the first word of an array; its address is that of this process."""
    word = llvm.IntType(64)
    return builder.inttoptr(word(array.ctypes.data), word.as_pointer())


def _refill(context, builder, signature, args):
    word = llvm.IntType(64)
    builder.store(word(MOST_ITERATIONS), _pointer(builder, _left))
    return context.get_dummy_value()


def _take_one(context, builder, signature, args):
    left = builder.sub(builder.load(_pointer(builder, _left)), llvm.IntType(64)(1))
    builder.store(left, _pointer(builder, _left))
    return left


def _call(builder, name, returned):
    """Call a function of Python's C interface that takes nothing; return its result."""
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    function = llvm.FunctionType(returned, ()).as_pointer()
    return builder.call(builder.inttoptr(llvm.IntType(64)(address), function), ())


def _handle_signals(context, builder, signature, args):
    """Let Python handle signals; if a handler raises, put Ctrl-C back until Python runs again."""
    raised = _call(builder, "PyErr_CheckSignals", llvm.IntType(32))
    with builder.if_then(builder.icmp_signed("!=", raised, raised.type(0))):
        _call(builder, "PyErr_Clear", llvm.VoidType())
        _call(builder, "PyErr_SetInterrupt", llvm.VoidType())
    return builder.sext(raised, llvm.IntType(64))


refill_budget, _taken = intrinsic_of(types.none(), _refill), intrinsic_of(types.int64(), _take_one)
_interrupted = intrinsic_of(types.int64(), _handle_signals)


@numba.njit(_nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def count_iteration():
    """Take one iteration from the budget; raise if none is left, or Ctrl-C has come."""
    left = _taken()
    if left < 0:
        raise RuntimeError("too many iterations")
    if left % ITERATIONS_PER_LOOK == 0 and _interrupted() != 0:
        raise RuntimeError("interrupted")


@register_pass(mutates_CFG=False, analysis_only=False)
class CountIterations(FunctionPass):
    """Call `count_iteration` at the head of each loop."""

    _name = "perplab_count_iterations"

    def __init__(self):
        FunctionPass.__init__(self)

    def run_pass(self, state):
        """Insert the calls; return whether there are any."""
        blocks = state.func_ir.blocks
        heads = {loop.header for loop in compute_cfg_from_blocks(blocks).loops().values()}
        for head in heads:
            self._insert(state.func_ir, blocks[head])
        return bool(heads)

    @staticmethod
    def _insert(func_ir, block):
        counter = block.scope.redefine("$perplab_counter", block.loc)
        values = {
            counter: ir.Global("count_iteration", count_iteration, block.loc),
            block.scope.redefine("$perplab_counted", block.loc): ir.Expr.call(
                counter, (), (), block.loc
            ),
        }
        for place, (target, value) in enumerate(values.items()):
            block.body.insert(place, ir.Assign(value, target, block.loc))
            func_ir._definitions[target.name].append(value)


class CountingCompiler(CompilerBase):
    """numba's compiler with `CountIterations`."""

    def define_pipelines(self):
        """Return numba's pipeline with the pass."""
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.add_pass_after(CountIterations, IRProcessing)
        pipeline.finalize()
        return [pipeline]
