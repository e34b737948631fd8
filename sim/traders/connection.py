"""Connect tables, traits and rules to compiled code."""

from perplab.sim.compiler.cache import second_compiler
from perplab.sim.compiler.entries import world_of
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
        with second_compiler("perplab.sim.engine"):
            for row, rows, kind in zip(tables["kind"], traits, kinds, strict=True):
                row["act_at"], row["traits_at"] = (
                    kind.decide.within(act, kind.trusted),
                    rows.ctypes.data,
                )
            return world_of(tables)
    plain = [
        {"act_at": kind.decide.within(act, kind.trusted), "traits_at": rows}
        for rows, kind in zip(traits, kinds, strict=True)
    ]
    return dict(tables, kind=plain), tables
