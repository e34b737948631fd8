"""One run of a scenario and its folder: run, store, read back, check that it is intact.

Here are the outcome of a run, checkpoints, the tables and their units, checksums, and data frames
of stored runs and sweeps. How a sweep makes its runs belongs in `perplab.scenarios.sweeps`; figures
of a run are computed in `perplab.analysis`.
"""

from perplab.scenarios.runs.outcome import Checkpoint, Outcome, planned_steps, run
from perplab.scenarios.runs.results import Runs, faults_of_folder, open_runs
from perplab.scenarios.runs.run_hash import hash_run
from perplab.scenarios.runs.store import FORMAT, read_run, read_twin_events, write_run
from perplab.scenarios.runs.tables import KEPT_TABLES, tables_of

__all__ = [
    "FORMAT",
    "KEPT_TABLES",
    "Checkpoint",
    "Outcome",
    "Runs",
    "faults_of_folder",
    "hash_run",
    "open_runs",
    "planned_steps",
    "read_run",
    "read_twin_events",
    "run",
    "tables_of",
    "write_run",
]
