"""A function with the compiled functions that it calls replaced: by checked ones, or plain ones."""

import types

from numba.core.dispatcher import Dispatcher

from perplab.sim.compiler.cache import is_own_code
from perplab.sim.errors import RuleError


class CalledFunctions:
    """Copies of functions in which the user's own compiled functions are converted.

    perplab's own functions stay as they are.

    Parameters
    ----------
    convert : callable
        ``convert(copy, dispatcher)`` returns what takes the place of a compiled function; `copy` is
        its plain function, with what it calls converted.
    recursion : bool
        Whether a function may call itself.

    Attributes
    ----------
    copies : dict
        The copies by code.
    """

    def __init__(self, convert, recursion=True):
        self.convert, self.recursion, self.copies, self._callers = convert, recursion, {}, []

    def copy_of(self, function):
        """Return the copy of a plain function; RuleError if it calls itself and may not."""
        code = function.__code__
        if code in self._callers and not self.recursion:
            place = f"{code.co_filename}:{code.co_firstlineno}"
            raise RuleError(f"{place}: {code.co_name} calls itself; only a trusted rule may")
        return self.copies[code] if code in self.copies else self._new_copy(function, code)

    def _new_copy(self, function, code):
        scope, old_cells = dict(function.__globals__), function.__closure__ or ()
        cells = tuple(types.CellType(None) for _ in old_cells)
        copy = types.FunctionType(
            code, scope, function.__name__, function.__defaults__, cells or None
        )
        self.copies[code] = copy
        self._callers.append(code)
        for name in names_in(code) & scope.keys():
            scope[name] = self._converted(scope[name], code)
        for cell, old in zip(cells, old_cells, strict=True):
            cell.cell_contents = self._converted(old.cell_contents, code)
        self._callers.pop()
        return copy

    def _converted(self, value, code):
        """Return a value of a function's scope, converted if it is a function or a module."""
        if isinstance(value, types.ModuleType):
            return self._converted_module(value, code)
        if not isinstance(value, Dispatcher) or is_own_code(value.py_func.__code__):
            return value
        return self.convert(self.copy_of(value.py_func), value)

    def _converted_module(self, module, code):
        """Return a module; a copy if `code` may call compiled functions of the user's in it."""
        inside = vars(module)
        found = {name: inside[name] for name in names_in(code) & inside.keys()}
        new = {
            name: self._converted(value, code)
            for name, value in found.items()
            if isinstance(value, Dispatcher)
        }
        if all(new[name] is found[name] for name in new):
            return module
        copy = types.ModuleType(module.__name__)
        vars(copy).update(inside | new)
        return copy


def names_in(code):
    """Return the names that a code, or one inside it, looks up."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return {*code.co_names}.union(*map(names_in, inner))


def plain_calls(function):
    """Return a copy of a function that calls the user's own functions uncompiled.

    numpy then checks their indices, and their errors have tracebacks.
    """
    return CalledFunctions(lambda copy, dispatcher: copy).copy_of(function)
