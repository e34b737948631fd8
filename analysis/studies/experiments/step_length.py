"""The study of the step: does a crash depend on how finely time is cut?

Forced orders, the providers' hedges and the marks that follow from both take at least one step, so
the loop that makes a crash is as fast as the step is short. Resilience of spot, looks of traders
and news are stated in seconds.
"""

from perplab.analysis.studies.experiments.ten_october import FIGURES, STORY
from perplab.analysis.studies.measures.crashes import crash_run
from perplab.analysis.studies.study import Arm, Setting, Study

STEPS = (1.0, 2.0, 10.0, 15.0, 60.0)
"""Lengths beside that of the scenario, 5 s."""
COMPARED = ("cascades", "fall", "twin_fall", "price_amplification", "basis_low", "share_adl")


def step_arms(story):
    """Return the crash at its own step, and at others; all are recorded as often as they step."""
    changed = {
        f"steps of {seconds:g} s": {"dt_seconds": seconds, "record_seconds": seconds}
        for seconds in STEPS
    }
    return (
        Arm("as it is", story),
        *(Arm(name, story, changes) for name, changes in changed.items()),
    )


STEP_STUDY = Study(
    name="steps",
    question="Does a crash depend on the length of a step?",
    arms=step_arms,
    measure=crash_run,
    figures={key: FIGURES[key] for key in COMPARED},
    compared=COMPARED,
    settings=(Setting(STORY, 5.0),),
    control="steps of 5 s. Paths of spot and draws of traders differ between steps, so pairs share "
    "a scenario, not a path.",
)
STUDIES = (STEP_STUDY,)
