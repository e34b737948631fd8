"""Studies of settlements: a rush before them, and what a change of sign costs carry."""

from perplab.analysis.studies.experiments.crowding import ZERO
from perplab.analysis.studies.figure_words import FIGURES
from perplab.analysis.studies.measures.settlements import HORIZONS, flip_run, rush_run
from perplab.analysis.studies.study import Arm, Figure, Setting, Study

NO_EXPECTED_FUNDING = {"populations.providers.hold_hours": 0}
SLOW_CARRY = {"populations.carry.forecast_hours": 168, "populations.carry.forecast_weight": 0.95}
"""Carry that judges by a week's mean premium, not by the running one."""


def rush_arms(story):
    """Return the scenario, and the scenario in which fewer chase the next payment."""
    changed = {
        "providers expect no funding": NO_EXPECTED_FUNDING,
        "carry ignores the running premium": SLOW_CARRY,
        "neither chases": NO_EXPECTED_FUNDING | SLOW_CARRY,
        "all rates zero": ZERO,
    }
    return (
        Arm("as it is", story),
        *(Arm(name, story, changes) for name, changes in changed.items()),
    )


def flip_arms(story):
    """Return the scenario, and the scenario in which the rate cannot be negative."""
    return (
        Arm("as it is", story),
        Arm("no negative rates", story, {"market.changes.funding.floor": 0.0}),
    )


RUSH = Study(
    name="rush",
    question="Do providers and carry that chase funding make moves before settlements larger?",
    arms=rush_arms,
    measure=rush_run,
    figures={
        f"ratio_{minutes}": Figure(f"variance ratio, last {minutes} min") for minutes in HORIZONS
    },
    compared=tuple(f"ratio_{minutes}" for minutes in HORIZONS),
    settings=(Setting("calm", 60.0),),
    control="the scenario as it is, same seeds; within a run, times far from settlements.",
    literature="U-shapes of activity around funding times (De Blasis and Webb 2022 [ABS]); no "
    "number.",
)
FLIP = Study(
    name="flip",
    question="What does a change of the sign of funding cost carry traders?",
    arms=flip_arms,
    measure=flip_run,
    figures={
        "flips": Figure("changes of sign", "a month"),
        "flip_cost_bps": Figure("cost of a change of sign to carry", "bp of position"),
        "return_carry": FIGURES["return_carry"],
        "funding_negative": FIGURES["funding_negative"],
    },
    compared=("return_carry", "funding_negative"),
    effects=("flip_cost_bps",),
    settings=(Setting("calm", 60.0),),
    control="the same seeds with a floor of 0; within a run, days without a change of sign.",
    literature="95 % of the best cross-venue opportunities reversed (Zhivkov 2026 [SEC]).",
)
STUDIES = (RUSH, FLIP)
