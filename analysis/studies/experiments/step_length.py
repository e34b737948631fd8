"""The study of the step: does a crash depend on how finely time is cut?

A forced order, the move of spot by its hedge and the next mark take at least one step, and
liquidation rounds are as far apart as the venue states (5 s at Binance). Resilience of spot, looks
of traders and news are stated in seconds. All arms are recorded once a minute.
"""

from perplab.analysis.studies.experiments.ten_october import FIGURES, STORY
from perplab.analysis.studies.measures.crashes import crash_run
from perplab.analysis.studies.study import Arm, Figure, Setting, Study

STEPS = (1.0, 2.0, 10.0, 15.0, 60.0)
"""Lengths beside that of the scenario, 5 s."""
RECORD = {"record_seconds": 60.0}
COMPARED = ("cascades", "fall", "twin_fall", "price_amplification", "basis_low", "share_adl")


def step_arms(story):
    """Return the crash at its own step, and at others."""
    return (
        Arm("as it is", story, RECORD),
        *(Arm(f"steps of {each:g} s", story, RECORD | {"dt_seconds": each}) for each in STEPS),
    )


STEP_STUDY = Study(
    name="steps",
    question="Does a crash depend on the length of a step?",
    arms=step_arms,
    measure=crash_run,
    figures={key: FIGURES[key] for key in COMPARED}
    | {"basis_low": Figure("lowest basis, 1 min", "bp")},
    compared=COMPARED,
    settings=(Setting(STORY, 5.0),),
    control="steps of 5 s. Paths of spot and draws of traders differ between steps, so pairs share "
    "a scenario, not a path.",
)
STUDIES = (STEP_STUDY,)
