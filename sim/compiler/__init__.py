"""How kernels are compiled, cached and called: the only folder that imports numba.

Here are the decorators of compiled functions, the tables of the run's state that they share, the
compilation of traders' rules, and the place of compiled code on disk. Nothing here knows what a
market is; rows and rules come from the folders above.
"""

from perplab.sim.compiler.cache import cache_directory, second_compiler, sources_hash
from perplab.sim.compiler.entries import direct, entry, world_of
from perplab.sim.compiler.hints import fetch, highest_bit, lowest_bit, rarely
from perplab.sim.compiler.jit import COMPILED, hot_kernel, kernel
from perplab.sim.compiler.rules import call_act, compile_act, compile_rule
from perplab.sim.compiler.tables import span, table, writer

__all__ = [
    "COMPILED",
    "cache_directory",
    "call_act",
    "compile_act",
    "compile_rule",
    "direct",
    "entry",
    "fetch",
    "highest_bit",
    "hot_kernel",
    "kernel",
    "lowest_bit",
    "rarely",
    "second_compiler",
    "sources_hash",
    "span",
    "table",
    "world_of",
    "writer",
]
