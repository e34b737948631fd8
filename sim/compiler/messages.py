"""What the compiler says about a function, in one sentence with file and line instead of its hundred."""

import pathlib
import re

from perplab.sim.errors import RuleError

LONGEST = 240
EMPTY = re.compile(r"^(Failed in nopython mode pipeline.*|- Resolution failure.*|\s*)$")
NEEDS_MEMORY, NOTHING = "NRT required", "No conversion from none"
CAUSE = re.compile(r'due to "(.*?)"\.$')
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def explanation(error, function):
    """Return in one sentence why a function cannot be compiled.

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
    code = function.__code__
    return f"{code.co_filename}:{line_in(str(error), code)}: {function.__name__} cannot be compiled: {reason_of(error)}"


def line_in(text, code):
    """Return the last line of a function's own file that a text names; its first line if there is none."""
    name = re.escape(pathlib.Path(code.co_filename).name)
    named = re.findall(rf'{name}(?: \((\d+)\)|", line (\d+))', text)
    lines = [int(one or other) for one, other in named]
    return lines[-1] if lines else code.co_firstlineno


def reason_of(error):
    """Return what an error of the compiler says first, without its own bookkeeping."""
    text = str(error)
    if NEEDS_MEMORY in text:
        return "it makes a list, dictionary, text or other object; a compiled rule has numbers, rows and the writers of perplab.agents.orders"
    if NOTHING in text:
        return "a way through it returns nothing; return the count of order rows, 0 for none"
    if not type(error).__module__.startswith("numba"):
        return f"{type(error).__name__}: {text}"
    first = next(
        (line.strip() for line in text.splitlines() if not EMPTY.match(line)), type(error).__name__
    )
    cause = CAUSE.search(first)
    return ADDRESS.sub("", cause[1] if cause else first)[:LONGEST]


def compile_or_explain(compile_it, function):
    """Return what `compile_it` returns; whatever it raises becomes one RuleError about the function."""
    try:
        return compile_it()
    except Exception as error:
        raise RuleError(explanation(error, function)) from None
