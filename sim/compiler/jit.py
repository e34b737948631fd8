"""The one importer of numba: compiled functions, tables by address, rules by address.

A *kernel* is a function that runs compiled, and unchanged in plain Python when ``NUMBA_DISABLE_JIT=1``.
Kernels share the run's state through ``world``: compiled, it is the address of a directory of tables (three
64-bit words each: address, rows, columns), after the addresses of the entries; plain, it is a dictionary of the same numpy arrays. `table` makes the
accessor that turns either into an array, so a kernel is written once.

Limits: kernels allocate nothing and hold no reference counts (``_nrt=False``, an undocumented numba option whose
effect `tests/test_kernel.py` pins), read records by subscript (``row["lots"]``) and never raise.

Compiled code is kept on disk where `perplab.sim.compiler.cache` says.
"""

import zlib
from types import FunctionType

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

from perplab.sim.compiler.cache import cache_directory
from perplab.sim.compiler.messages import compiled_or_told

COMPILED = not numba.config.DISABLE_JIT
numba.config.CACHE_DIR = str(cache_directory())


def _widened(argument):
    """Return the type an argument is passed as: 64-bit integers whatever their width or whether they are literals."""
    argument = types.unliteral(argument)
    return types.int64 if isinstance(argument, types.Integer) and argument != types.uint64 else argument


def _declared(function, **options):
    """Compile a function when it is first called, once for all integer widths and literals."""
    compiled = numba.njit(cache=True, _nrt=False, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
    if COMPILED:
        template = compiled.get_call_template
        compiled.get_call_template = lambda args, kws: template([_widened(argument) for argument in args], kws)
    return compiled


def kernel(function):
    """Declare a compiled function."""
    return _declared(function)


def hot_kernel(function):
    """Declare a compiled function that is always inlined: for what each order message runs through."""
    return _declared(function, forceinline=True)


_directory = {}
_entries, _entry_names = {}, {}
ENTRY_WORDS = 4096


def table(name, dtype, dimensions=1):
    """Declare a table of the world and return its two accessors.

    Parameters
    ----------
    name : str
        Key of the table in the state and in a plain world.
    dtype : numpy.dtype
        Type of one row.
    dimensions : {1, 2}

    Returns
    -------
    whole : callable
        ``whole(world) -> array`` without copying.
    at : callable
        ``at(world, i)`` or ``at(world, i, j)``: one row, the same as ``whole(world)[i, j]`` with less to compile.
        Indices are not checked and must not be negative.
    """
    place = len(_directory)
    _directory[name] = (place, np.dtype(dtype), dimensions)
    if COMPILED:
        return _compiled_table(place, np.dtype(dtype), dimensions), _compiled_row(place, np.dtype(dtype), dimensions)
    if dimensions == 1:
        return (lambda world: world[name]), (lambda world, i: world[name][i])
    return (lambda world: world[name]), (lambda world, i, j: world[name][i, j])


def _load_constant(builder, first, place):
    """Return word `place` of the directory, promised not to change while the code runs: read once, whatever is stored."""
    value = builder.load(builder.gep(first, [ir.Constant(ir.IntType(64), place)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


def _words(builder, world, place):
    """Return address, rows and columns of a table, as values of the code being built."""
    word = ir.IntType(64)
    first = builder.inttoptr(world, word.as_pointer())
    return [_load_constant(builder, first, ENTRY_WORDS + 3 * place + k) for k in range(3)]


def _compiled_table(place, dtype, dimensions):
    array_type = types.Array(numba.from_dtype(dtype), dimensions, "C")

    def codegen(context, builder, signature, args):
        words = _words(builder, args[0], place)
        itemsize = context.get_constant(types.intp, dtype.itemsize)
        array = arrayobj.make_array(array_type)(context, builder)
        shape, strides = [words[1]], [itemsize]
        if dimensions == 2:
            shape, strides = words[1:3], [builder.mul(words[2], itemsize), itemsize]
        arrayobj.populate_array(array, data=builder.inttoptr(words[0], array.data.type), itemsize=itemsize, meminfo=None,
                                shape=cgutils.pack_array(builder, shape), strides=cgutils.pack_array(builder, strides))
        return array._getvalue()

    return _caller(array_type(types.int64), codegen)


def writer(name):
    """Return ``put(world, i, value)`` (or ``i, j``) of a declared table of plain numbers; indices as for ``at``."""
    place, dtype, dimensions = _directory[name]
    if COMPILED:
        return _compiled_writer(place, dtype, dimensions)
    if dimensions == 1:
        return lambda world, i, value: world[name].__setitem__(i, value)
    return lambda world, i, j, value: world[name].__setitem__((i, j), value)


def span(name):
    """Return ``part(world, first, count)`` of a declared table: that many rows as an array, counted through all columns."""
    place, dtype, _ = _directory[name]
    return _compiled_span(place, dtype) if COMPILED else lambda world, first, count: world[name].reshape(-1)[first:first + count]


def _compiled_span(place, dtype):
    array_type = types.Array(numba.from_dtype(dtype), 1, "C")

    def codegen(context, builder, signature, args):
        itemsize = context.get_constant(types.intp, dtype.itemsize)
        array = arrayobj.make_array(array_type)(context, builder)
        address = builder.add(_words(builder, args[0], place)[0], builder.mul(args[1], itemsize))
        arrayobj.populate_array(array, data=builder.inttoptr(address, array.data.type), itemsize=itemsize, meminfo=None,
                                shape=cgutils.pack_array(builder, [args[2]]), strides=cgutils.pack_array(builder, [itemsize]))
        return array._getvalue()

    return _caller(array_type(types.int64, types.int64, types.int64), codegen)


def _element(context, builder, place, dtype, dimensions, args):
    """Return the pointer to one row of a table, from the arguments ``world, i`` or ``world, i, j``."""
    words = _words(builder, args[0], place)
    number = args[1] if dimensions == 1 else builder.add(builder.mul(args[1], words[2]), args[2])
    offset = builder.mul(number, ir.Constant(ir.IntType(64), dtype.itemsize))
    return builder.inttoptr(builder.add(words[0], offset), context.get_data_type(numba.from_dtype(dtype)).as_pointer())


def _compiled_writer(place, dtype, dimensions):
    value_type = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        builder.store(args[-1], _element(context, builder, place, dtype, dimensions, args))
        return context.get_dummy_value()

    return _caller(types.none(types.int64, *[types.int64] * dimensions, value_type), codegen)


def _compiled_row(place, dtype, dimensions):
    row = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        pointer = _element(context, builder, place, dtype, dimensions, args)
        return pointer if isinstance(row, types.Record) else builder.load(pointer)

    return _caller(row(types.int64, *[types.int64] * dimensions), codegen)


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
    signature = getattr(types, result)(*[types.int64] * integers, *[getattr(types, name) for name in floats])
    return lambda function: _compiled_entry(function, signature) if COMPILED else function


def _place_of(function):
    """Return the word of the directory that holds an entry's address: by its name, since code on disk remembers it.

    Were it the order of declaration, code compiled in one process would call the wrong entries in another that imports our
    modules in another order.
    """
    name = f"{function.__module__}.{function.__name__}"
    place = zlib.crc32(name.encode()) % ENTRY_WORDS
    if _entry_names.setdefault(place, name) != name:
        raise ImportError(f"the entry {name} falls on the place of {_entry_names[place]}: it needs another name")
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
        target = builder.inttoptr(_load_constant(builder, first, place), entry_type.as_pointer())
        with builder.goto_entry_block():
            result = builder.alloca(entry_type.args[0].pointee)
        builder.call(target, [result, ir.Constant(entry_type.args[1], None), *args])
        return context.get_returned_value(builder, signature.return_type, builder.load(result))

    _entries[place] = address
    return _caller(signature, codegen)


def _caller(signature, codegen):
    """Return the intrinsic of a signature: numba reads the number of arguments off the function's own."""
    names = ", ".join(f"argument_{k}" for k in range(len(signature.args)))
    return intrinsic(eval(f"lambda typing_context, {names}: (signature, codegen)", {"signature": signature, "codegen": codegen}))


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
    words = np.zeros(ENTRY_WORDS + 3 * len(_directory), np.int64)
    for place, address in _entries.items():
        words[place] = address()
    for name, (place, dtype, dimensions) in _directory.items():
        array = tables[name]
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
            raise TypeError(f"table {name} was {array.dtype}[{array.ndim}], must be contiguous {dtype}[{dimensions}]")
        words[ENTRY_WORDS + 3 * place:ENTRY_WORDS + 3 * place + 3] = array.ctypes.data, array.shape[0], array.shape[-1]
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
    return compiled_or_told(lambda: numba.njit(types.int64(*arguments), _nrt=False, no_cfunc_wrapper=True)(function), function)


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
        meanings = {"decide": numba.njit(_nrt=False, error_model="python", forceinline=True, no_cfunc_wrapper=True,
                                         no_cpython_wrapper=True)(function), "own_record": _record_of(own_row)}
    copy = FunctionType(template.__code__, template.__globals__ | meanings, template.__name__)
    copy.__module__, copy.__qualname__ = template.__module__, f"{template.__name__}.{function.__module__}.{function.__qualname__}"
    if not COMPILED:
        return copy
    signature = types.int64(types.int64, types.int64, types.uint64)
    compiled = compiled_or_told(lambda: numba.njit(signature, cache=cached, _nrt=False, error_model="numpy", no_cfunc_wrapper=True)(copy), function)
    result = compiled.overloads[signature.args]
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


def _record_of(dtype):
    """Return the accessor of row `number` of a table of traits at an address."""
    record = numba.from_dtype(dtype)

    def codegen(context, builder, signature, args):
        offset = builder.mul(args[1], ir.Constant(ir.IntType(64), dtype.itemsize))
        return builder.inttoptr(builder.add(args[0], offset), context.get_data_type(record).as_pointer())

    return _caller(record(types.int64, types.int64), codegen)


def _act_by_address(context, builder, signature, args):
    """Call the kernel of `with_rule` at an address; return 0, or -1 if it raises."""
    arguments = signature.args[1:]
    entry_type = context.call_conv.get_function_type(types.int64, arguments)
    target = builder.inttoptr(args[0], entry_type.as_pointer())
    status, _ = context.call_conv.call_function(builder, target, types.int64, arguments, args[1:])
    return builder.sext(status.is_error, ir.IntType(64))


def _trailing_zeros(context, builder, signature, args):
    return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))


def _leading_zeros(context, builder, signature, args):
    return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))


def _expect_false(context, builder, signature, args):
    """Return a condition, marked for the compiler as one that seldom holds."""
    bit = ir.IntType(1)
    expected = builder.module.declare_intrinsic("llvm.expect", [bit], ir.FunctionType(bit, [bit, bit]))
    return builder.call(expected, [args[0], ir.Constant(bit, 0)])


@intrinsic
def _fetch(typing_context, row):
    def codegen(context, builder, signature, args):
        word = ir.IntType(32)
        pointer = builder.bitcast(args[0], cgutils.voidptr_t)
        hint = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], ir.FunctionType(
            ir.VoidType(), [cgutils.voidptr_t, word, word, word]))
        builder.call(hint, [pointer, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.none(row), codegen


raised = []

if COMPILED:
    call_act, fetch = _caller(types.int64(*[types.int64] * 3, types.uint64), _act_by_address), _fetch
    rarely = _caller(types.boolean(types.boolean), _expect_false)
    lowest_bit, leading_zeros = (_caller(types.int64(types.uint64), one) for one in (_trailing_zeros, _leading_zeros))

    @hot_kernel
    def highest_bit(word):
        """Return the place of the highest set bit of a non-zero unsigned word."""
        return 63 - leading_zeros(word)
else:
    def rarely(condition):
        """Return the condition: plain Python has no use for a hint to the compiler."""
        return condition

    def fetch(row):
        """Do nothing: plain Python has no use for a hint to the cache."""

    def call_act(act, world, i, key):
        """Let a trader act; if its rule raises, keep the error and return -1."""
        try:
            return act(world, i, key)
        except Exception as error:
            raised[:] = [error]
            return -1

    def lowest_bit(word):
        """Return the place of the lowest set bit of a non-zero unsigned word."""
        return (int(word) & -int(word)).bit_length() - 1

    def highest_bit(word):
        """Return the place of the highest set bit of a non-zero unsigned word."""
        return int(word).bit_length() - 1
