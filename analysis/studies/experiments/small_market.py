"""Studies of the small market, in which providers make the price: its assumptions, a crowd of
shorts that tolerates funding, and the closed form of costless carry.
"""

import math

from perplab.analysis.studies.figure_words import FIGURES, figures_named
from perplab.analysis.studies.measures.crowds import crowd_run
from perplab.analysis.studies.measures.run_figures import measured_run
from perplab.analysis.studies.results import contrast
from perplab.analysis.studies.study import Arm, Figure, Setting, Study

SMALL = Setting("small", 60.0)
LEGACY_VARIANTS = {
    "as it is": {},
    "no convergence belief": {"populations.arbitrage.convergence_share": 0.0},
    "arbitrage capital / 4": {"populations.arbitrage.capital_usd": 95_000.0},
    "arbitrage capital x 4": {"populations.arbitrage.capital_usd": 1_400_000.0},
    "spot_anchor .5": {"populations.providers.spot_anchor": 0.5},
    "spot_anchor 1": {"populations.providers.spot_anchor": 1.0},
}
CLUSTERED = {
    "spot.price": {"process": "stochastic_volatility", "initial_price": 30_000, "volatility": 0.55}
}
ASSUMPTIONS = {
    "as it is": {},
    "steps of 10 s": {"dt_seconds": 10.0},
    "spot of stochastic volatility": CLUSTERED,
    "providers anchored over 28 min": {"populations.providers.anchor_seconds": 1_650},
    "providers anchored over 440 min": {"populations.providers.anchor_seconds": 26_400},
    "providers' skew 7.5 bp": {"populations.providers.skew_bps": 7.5},
    "providers' skew 30 bp": {"populations.providers.skew_bps": 30},
    "quotes renewed every 2 min": {"populations.providers.latency_seconds": 120},
    "half the depth": {"populations.providers.level_usd": 3_500},
    "twice the depth": {"populations.providers.level_usd": 14_000},
    "half the arbitrageurs": {"populations.arbitrage.number": 20},
    "twice the arbitrageurs": {"populations.arbitrage.number": 80},
    "no belief in convergence": {"populations.arbitrage.convergence_share": 0},
}
RULED = (
    "basis_mean",
    "basis_sd",
    "funding_mean",
    "funding_sd",
    "funding_pinned",
    "funding_negative",
    "liquidations",
    "ruined_share",
)
CROWDED = {
    "populations.longs.number": 60,
    "populations.shorts.number": 240,
    "populations.shorts.wake_seconds": 86_400,
    "populations.shorts.entry_probability": 0.48,
    "populations.arbitrage.borrow_share": 0.05,
}
"""Four shorts to one long that look at their funding once a day, and hardly any spot to borrow."""
CARRIES = {0.0: -5.0, 0.05: -4.543, 0.20: 6.826}
"""Mean premium, bp, by cost of carry a year: `perplab.analysis.estimators.closed_forms`."""
WITHIN_BPS = 0.1


def arms_by_name(variants):
    """Return a function of a scenario that returns an arm per variant."""

    def arms(story):
        """Return the arms in a scenario."""
        return tuple(Arm(name, story, changes) for name, changes in variants.items())

    return arms


def costless_arms(story):
    """Return the scenario of costless carry by cost of carry."""
    return tuple(
        Arm(f"{carry:.0%} a year", story, {"populations.arbitrage.hurdle_per_year": carry})
        for carry in CARRIES
    )


def closed_form_gaps(result):
    """Return the mean premium less its closed form by cost of carry."""
    found = {}
    for arm, expected in zip(result.arms, CARRIES.values(), strict=False):
        gap = contrast(result.values(arm.name, "premium_mean") - expected, "bp")
        near = gap.effect is not None and abs(gap.effect) <= WITHIN_BPS
        words = f"{'within' if near else 'NOT within'} {WITHIN_BPS:g} bp of {expected:g}"
        found[f"premium less closed form: {arm.name}"] = gap._replace(verdict=words)
    return found


ASSUMPTION_STUDY = Study(
    name="assumptions",
    question="On which assumptions do the figures of the small market depend?",
    arms=arms_by_name(ASSUMPTIONS),
    measure=measured_run,
    figures=figures_named(*RULED),
    compared=RULED,
    settings=(SMALL,),
    control="the scenario as it is, same seeds.",
)
TOLERANCE = Study(
    name="tolerance",
    question="What does it change that crowded shorts leave when funding costs too much?",
    arms=arms_by_name(
        {
            "shorts bear any funding": CROWDED | {"populations.shorts.tolerance_bps": math.inf},
            "shorts leave at 6 bp a day": CROWDED,
        }
    ),
    measure=crowd_run,
    figures={
        "funding_mean_bps_8h": Figure("mean funding", "bp per 8 h"),
        "funding_sd_bps_8h": Figure("standard deviation of funding", "bp per 8 h"),
        "basis_mean_bps": Figure("mean basis", "bp"),
        "basis_sd_bps": Figure("standard deviation of the basis", "bp"),
        "open_interest_mean": Figure("open interest", "quote currency"),
        "crowd_peak_usd": Figure("peak of the crowd", "quote currency"),
        "crowd_peak_day": Figure("day of the peak", "d"),
        "crowd_left_2_days_later": Figure("crowd two days later", "share of the peak"),
        "crowd_late_usd": Figure("crowd on days 20 to 30", "quote currency"),
        "funding_first_bps_8h": Figure("funding on days 1 to 5", "bp per 8 h"),
        "funding_lowest_bps_8h": Figure("lowest funding", "bp per 8 h"),
        "funding_late_bps_8h": Figure("funding on days 20 to 30", "bp per 8 h"),
        "capped_share": Figure("settlements at the cap", "share"),
        "carry_first_usd": Figure("carry on days 1 to 5", "quote currency"),
        "carry_late_usd": Figure("carry on days 20 to 30", "quote currency"),
        "carry_spot_late_usd": Figure("its spot on days 20 to 30", "quote currency"),
        "received_directional_short": Figure("funding received by shorts", "quote currency"),
        "received_arbitrage": Figure("funding received by arbitrageurs", "quote currency"),
        "liquidations": Figure("accounts liquidated"),
    },
    compared=("funding_mean_bps_8h", "crowd_late_usd", "crowd_left_2_days_later", "carry_late_usd"),
    settings=(SMALL,),
    control="shorts that tolerate any funding, same seeds.",
)
COSTLESS = Study(
    name="costless",
    question="Does the premium settle where funding pays exactly the cost of carry?",
    arms=costless_arms,
    measure=measured_run,
    figures={"premium_mean": Figure("mean premium", "bp"), "basis_sd": FIGURES["basis_sd"]},
    settings=(Setting("costless-carry", 60.0),),
    derived=closed_form_gaps,
    control="none; the closed form of the damped premium.",
    literature="-5.00, -4.54 and +6.83 bp at a carry of 0, 5 and 20 % a year (Ackerer, Hugonnier "
    "and Jermann's static benchmark under the deployed clamp [RUN]).",
)
STUDIES = (ASSUMPTION_STUDY, TOLERANCE, COSTLESS)
