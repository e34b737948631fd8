"""Scenario files: found and read, overridden, checked, and built into markets.

Here are the schema of a scenario file, the kinds of trader by name, distributions of traits, and
all checks before a run. Runs and their stored results belong in `perplab.scenarios.runs`, sweeps in
`perplab.scenarios.sweeps`.
"""

from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.kinds import KINDS, kind_named, kinds_in
from perplab.scenarios.files.loader import as_scenario, build, load
from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.files.overrides import Resolved, resolve
from perplab.scenarios.files.renamed_keys import RENAMED
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.sources import library_names
from perplab.scenarios.files.validation import rulebook_of

__all__ = [
    "KINDS",
    "RENAMED",
    "Resolved",
    "Scenario",
    "as_scenario",
    "branch_faults",
    "build",
    "kind_named",
    "kinds_in",
    "library_names",
    "load",
    "resolve",
    "rulebook_of",
    "setup_of",
]
