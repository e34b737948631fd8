"""Connect tables, traits and rules to compiled code."""

from perplab.sim.compiler.cache import second_compiler
from perplab.sim.compiler.entries import addresses, world_of
from perplab.sim.compiler.jit import COMPILED
from perplab.sim.traders.decision import act


def connect(tables, traits, kinds):
    """Return ``(world, keep)`` for kernels, as `perplab.sim.compiler.entries.world_of`.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        Compiled, the table ``kind`` is filled with the addresses of this process.
    traits : sequence of numpy.ndarray
        Traits and memory by kind.
    kinds : sequence of type of Trader
    """
    if COMPILED:
        with second_compiler("perplab.sim.engine") as show:
            return connect_compiled(tables, traits, kinds, show)
    plain = [
        {"act_at": kind.decide.within(act, kind.trusted), "traits_at": rows}
        for rows, kind in zip(traits, kinds, strict=True)
    ]
    return dict(tables, kind=plain), tables


def connect_compiled(tables, traits, kinds, show):
    """Return `connect` compiled; `show` gets the number of parts compiled so far, and of all."""
    parts = len(kinds) + len(addresses())
    for k, (row, rows, kind) in enumerate(zip(tables["kind"], traits, kinds, strict=True)):
        show(k, parts)
        row["act_at"], row["traits_at"] = kind.decide.within(act, kind.trusted), rows.ctypes.data
    found = world_of(tables, lambda compiled: show(len(kinds) + compiled, parts))
    show(parts, parts)
    return found
