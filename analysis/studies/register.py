"""All studies by name."""

from perplab.analysis.studies.experiments import SOURCES
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import nearest


def all_studies():
    """Return all studies by name, in the order in which they are listed."""
    return {study.name: study for source in SOURCES for study in source.STUDIES}


def study_named(name):
    """Return a study.

    Raises
    ------
    ParameterError
        If there is none of this name.
    """
    studies = all_studies()
    if name not in studies:
        guess = nearest(name, studies)
        raise ParameterError(Fault("study", name, f"a study that perplab study lists{guess}"))
    return studies[name]
