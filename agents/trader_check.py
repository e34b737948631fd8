"""The contract of a rule as a randomised check: plausible rows in, valid order rows out.

It is the counterpart of Gymnasium's ``check_env``. Run it once on a kind that you wrote: a market
runs the rule compiled, where an error has no traceback.
"""

import functools
import math
import traceback

import numpy as np

from perplab.agents.random_rows import ROWS, plausible_rows
from perplab.sim.compiler.jit import COMPILED
from perplab.sim.compiler.loop_budget import EndlessLoopError, call_with_limit
from perplab.sim.compiler.messages import failure_of
from perplab.sim.errors import RuleError
from perplab.sim.setup import never_acts
from perplab.sim.streams import generator
from perplab.sim.traders.order_check import fault_text

GARBAGE = -(1 << 60)  # what the order buffer holds before a checked call
DECLARED = ("kind", "traits", "decide", "slots", "trusted")
READ_ONLY = ("accounts", "positions", "views", "mine")


def call(function, rows):
    """Call a rule as the engine does: its traits and its draws are records, the rest arrays."""
    me, accounts, positions, views, mine, rng, orders = rows
    return function(me[0], accounts, positions, views, mine, rng[0], orders)


def call_plainly(kind, rows):
    """Call the plain rule of a kind, with a limit to its lines."""
    return call(functools.partial(call_with_limit, kind.decide.plain), rows)


def row_faults(kind, rows, before, count):
    """Return the first part of the contract that a call broke, in words, or an empty string.

    `before` are copies of the seven rows from before the call, `rows` those after it.
    """
    if not isinstance(count, (int, np.integer)) or isinstance(count, (bool, np.bool_)):
        return f"returned {count!r}, must be the integer count of order rows"
    if not 0 <= count <= ROWS:
        return f"returned a count of {count}, must be from 0 to {ROWS}"
    faults = [
        *read_only_faults(before, rows),
        *record_faults(kind, before[0], rows[0]),
        *["changed the key of its random draws"] * bool(before[5]["key"] != rows[5]["key"]),
    ]
    return faults[0] if faults else orders_fault(rows[6][:count], kind.slots, len(rows[3]))


def read_only_faults(before, rows):
    """Yield a fault for each array that a rule only reads and a call changed."""
    for name, old, new in zip(READ_ONLY, before[1:5], rows[1:5], strict=True):
        if old.tobytes() != new.tobytes():
            yield f"changed {changed_field(old, new)} of {name}, which a rule only reads"


def changed_field(old, new):
    """Return the name of the first field in which two arrays of records differ."""
    names = (name for name in old.dtype.names if old[name].tobytes() != new[name].tobytes())
    return next(names, "a part")


def record_faults(kind, before, after):
    """Yield a fault for each trait that a call changed and each memory field that is NaN."""
    for name in kind.traits.traits:
        if before[name].tobytes() != after[name].tobytes():
            yield f"changed its trait {name}; only memory may change"
    for name in kind.traits.memory:
        if math.isnan(after[name][0]):
            yield f"left memory {name} not a number"


def orders_fault(orders, slots, markets):
    """Return the first fault of the written order rows in words, or an empty string."""
    faults = ((k, fault_text(order, slots, markets)) for k, order in enumerate(orders))
    return next((f"order row {k}: {fault}" for k, fault in faults if fault), "")


def check_trader(kind: type, draws: int = 2000, seed: int = 0, markets: int = 1) -> str:
    """Run a kind's plain rule on random rows and check what it does; then compile it.

    Parameters
    ----------
    kind : type of Trader
    draws : int
        Calls of the rule; its record is drawn anew every twenty calls.
    seed, markets : int

    Returns
    -------
    str
        One sentence, beginning with "ok".

    Raises
    ------
    RuleError
        With the first fault: an invalid declaration, an error raised, an invalid count or order
        row, NaN in memory, a change of what a rule only reads, different answers to the same rows,
        or a rule that cannot be compiled.
    """
    fault = plain_fault(kind, draws, seed, markets)
    if fault:
        raise RuleError(fault)
    rows = plausible_rows(kind, generator(seed, f"check_trader {kind.kind}"), markets=markets)
    try:
        call(kind.decide, rows)
    except RuleError:
        raise
    except Exception as error:
        fault = with_place(f"compiled, raised {type(error).__name__}: {error}", kind)
        raise RuleError(f"{kind.__name__}.decide {fault}") from None
    compiles = " and compiles" * COMPILED
    return f"ok: {kind.__name__} passes {draws:,} randomised checks{compiles}"


def plain_fault(kind, draws=2_000, seed=0, markets=1):
    """Return the first fault of a kind's declaration or its plain rule, or an empty string."""
    fault = declaration_fault(kind)
    if fault:
        return f"{getattr(kind, '__name__', repr(kind))} {fault}"
    draw, me = generator(seed, f"check_trader {kind.kind}"), None
    for number in range(draws):
        rows = plausible_rows(kind, draw, None if number % 20 == 0 else me, markets)
        me = rows[0]
        fault = call_fault(kind, rows)
        if fault:
            return f"{kind.__name__}.decide, draw {number}: {with_place(fault, kind)}"
    return ""


def with_place(fault, kind):
    """Return a fault with file and line of the rule, unless it names the file already."""
    code = kind.decide.function.__code__
    if code.co_filename in fault:
        return fault
    return f"{fault} ({code.co_filename}:{code.co_firstlineno})"


def declaration_fault(kind):
    """Return the first fault of a kind's class attributes, or an empty string."""
    if not isinstance(kind, type) or not all(hasattr(kind, name) for name in DECLARED):
        return "must be a subclass of Trader"
    if not isinstance(kind.kind, str) or not kind.kind:
        return "must have a name in `kind`"
    if kind.traits is None or kind.decide is None:
        return "must have `traits` and a `decide` rule"
    if never_acts(kind):
        return never_acts(kind)
    if isinstance(kind.slots, bool) or not isinstance(kind.slots, int) or kind.slots < 0:
        return f"slots was {kind.slots!r}, must be an integer of at least 0"
    if not isinstance(kind.trusted, bool):
        return f"trusted was {kind.trusted!r}, must be True or False"
    for name, trait in kind.traits.traits.items():
        if not trait.accepts(trait.default):
            return f"trait {name}: its default was {trait.default!r}, must be {trait.bound}"
    return ""


def place_of(error, function):
    """Return file and line of the function's own file where an error was raised."""
    file = function.__code__.co_filename
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    return f"{file}:{lines[-1] if lines else function.__code__.co_firstlineno}"


def call_fault(kind, rows):
    """Call the plain rule twice on copies of the rows; return the first fault or ''."""
    before, twin = [part.copy() for part in rows], [part.copy() for part in rows]
    for part in (rows[6], twin[6]):
        for name in part.dtype.names:
            part[name] = np.nan if name == "expiry_seconds" else GARBAGE
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        count, raised = outcome(kind, rows)
        if raised:
            return raised
        if fault := row_faults(kind, rows, before, count):
            return fault + written_at(kind, before)
        again, raised = outcome(kind, twin)
    same = count == again and rows[6][:count].tobytes() == twin[6][:count].tobytes()
    return raised or ("" if same else "gave two different answers to the same rows")


def outcome(kind, rows):
    """Call the plain rule; return its count, and what it raised in words or an empty string."""
    try:
        return call_plainly(kind, rows), ""
    except EndlessLoopError as error:
        return None, f"{error} ({place_of(error, kind.decide.function)})"
    except (Exception, SystemExit) as error:
        place = place_of(error, kind.decide.function)
        return None, f"{failure_of(error)} ({place})"


def written_at(kind, rows):
    """Return in brackets the place where a rule writes into what it only reads; '' if nowhere.

    On read-only arrays numpy raises there.
    """
    for part in rows[1:5]:
        part.flags.writeable = False
    try:
        call_plainly(kind, rows)
    except ValueError as error:
        if "read-only" in str(error):
            return f" ({place_of(error, kind.decide.function)})"
    except Exception:
        pass
    return ""
