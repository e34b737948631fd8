"""Many runs of a scenario: sweep files, their designs and checks, jobs, worker pools and folders.

A scenario as a function for calibrators is here too. Running one scenario and reading stored
results belong in `perplab.scenarios.runs`; tables and figures of a sweep in `perplab.analysis`.
"""

from perplab.scenarios.sweeps.jobs import Job, code_hash, outcomes_of
from perplab.scenarios.sweeps.pools import dask_pool, local_pool
from perplab.scenarios.sweeps.simulation import simulator
from perplab.scenarios.sweeps.sweep_design import Arm, Design, Factor, Sweep, points_of
from perplab.scenarios.sweeps.sweep_file import read_sweep, stated_arm
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute

__all__ = [
    "Arm",
    "Design",
    "Factor",
    "Job",
    "Sweep",
    "code_hash",
    "dask_pool",
    "execute",
    "gather",
    "local_pool",
    "outcomes_of",
    "points_of",
    "prepare",
    "read_sweep",
    "simulator",
    "stated_arm",
]
