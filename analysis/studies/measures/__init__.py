"""What studies measure in the runs of an arm: functions of the outcomes by branch.

Each returns figures by name, numbers or None. How arms are compared, and words for the figures, are
one folder up: an edit there does not make finished runs stale, an edit here does.
"""

from perplab.analysis.studies.measures.run_figures import measured_run

__all__ = ["measured_run"]
