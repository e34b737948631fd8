"""The state of a run: row types, tables and codes; how they are built, saved, widened and branched.

The whole state is in a few structured arrays without pointers, so that save, load, branch and
resume are copies. Here is no rule of a market: formulas belong in `perplab.sim.laws`, and only
`perplab.sim.clearing` writes accounts.
"""

from perplab.sim.state.branch import adopt
from perplab.sim.state.build import Layout, build_tables
from perplab.sim.state.recorder import Recorder, Records
from perplab.sim.state.run_facts import describe_run

__all__ = [
    "Layout",
    "Recorder",
    "Records",
    "adopt",
    "build_tables",
    "describe_run",
]
