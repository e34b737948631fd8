"""Turn a compilation error of numba, often a hundred lines, into one: file, line, reason."""

import pathlib
import re

from perplab.sim.errors import RuleError

LONGEST = 240  # letters of a reason
EMPTY = re.compile(r"^(Failed in nopython mode pipeline.*|- Resolution failure.*|\s*)$")
SIGNATURE = re.compile(r">>> (.*)")
NEEDS_MEMORY, NOTHING = "NRT required", "No conversion from none"
MAKES_OBJECT = (
    "it creates a list, dictionary, string or other Python object; a compiled rule may use"
    " numbers, records and the writers of perplab.agents.orders"
)
RETURNS_NOTHING = "a branch returns nothing; return the number of order rows, 0 for none"
CAUSE = re.compile(r'due to "(.*?)"\.$')
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def explanation(error, function):
    """Return one sentence on why a function cannot be compiled, with file and line.

    Parameters
    ----------
    error : Exception
        Raised by the compiler.
    function : callable
        The plain function.

    Examples
    --------
    >>> print(explanation(KeyError("leverage"), explanation).partition(": ")[2])
    explanation cannot be compiled: KeyError: 'leverage'
    """
    code, name = function.__code__, function.__name__
    place = f"{code.co_filename}:{line_in(str(error), code)}"
    return f"{place}: {name} cannot be compiled: {reason_of(error)}"


def line_in(text, code):
    """Return the last line of a function's file that a text names, or the function's first."""
    name = re.escape(pathlib.Path(code.co_filename).name)
    named = re.findall(rf'{name}(?: \((\d+)\)|", line (\d+))', text)
    lines = [int(one or other) for one, other in named]
    return lines[-1] if lines else code.co_firstlineno


def reason_of(error):
    """Return the first statement of a compiler's error, without its boilerplate."""
    text = str(error)
    if NEEDS_MEMORY in text:
        return MAKES_OBJECT
    if NOTHING in text:
        return RETURNS_NOTHING
    if not type(error).__module__.startswith("numba"):
        return f"{type(error).__name__}: {text}"
    first = next(
        (line.strip() for line in text.splitlines() if not EMPTY.match(line)), type(error).__name__
    )
    cause = CAUSE.search(first)
    return ADDRESS.sub("", cause[1] if cause else first)[:LONGEST]


def failure_of(error):
    """Return what a call raised in a few words, on one line.

    A compiled function that is called with arguments of wrong types raises an error of its
    compiler.

    Examples
    --------
    >>> failure_of(KeyError("leverage"))
    "raised KeyError: 'leverage'"
    """
    if type(error).__module__.startswith("numba"):
        found = SIGNATURE.search(str(error))
        why = found[1] if found else reason_of(error)
        return f"called a function with an argument of a wrong type, which led to {why}"
    return f"raised {type(error).__name__}: {error}"


def compile_or_explain(compile_it, function):
    """Return the result of `compile_it`; any error becomes one RuleError about the function."""
    try:
        return compile_it()
    except Exception as error:
        raise RuleError(explanation(error, function)) from None
