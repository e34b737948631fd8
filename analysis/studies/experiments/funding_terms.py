"""Studies of the terms of funding: damper, interest rate, interval; venues side by side."""

import math

from perplab.analysis.studies.figure_words import FIGURES, figures_named
from perplab.analysis.studies.measures.run_figures import measured_run
from perplab.analysis.studies.results import ratio_of_means
from perplab.analysis.studies.rulebook_tables import side_by_side
from perplab.analysis.studies.study import Arm, Setting, Study
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names

FUNDING = "market.changes.funding"
DAMPERS_BPS = (0, 1, 2.5, 5, 10)
INTERVAL_HOURS = (4, 1)
CONVENTIONS = ("bybit", "okx", "bitmex", "hyperliquid", "dydx-v4", "deribit")
CONTROL = "the scenario as it is, same seeds."
PREMIUM_AND_INTEREST = "off: premium plus interest"


def damper_arms(story):
    """Return the scenario by the width of the damper, its own first, and the senses of off."""
    own = round(1e4 * rulebook_of(load(story).market).funding.damper, 9)
    widths = sorted(DAMPERS_BPS, key=lambda bps: bps != own)
    names = {0: "off: premium alone (0 bp)"}
    return (
        *(
            Arm(names.get(bps, f"damper {bps:g} bp"), story, {f"{FUNDING}.damper": bps * 1e-4})
            for bps in widths
        ),
        Arm(PREMIUM_AND_INTEREST, story, {f"{FUNDING}.damper_mode": "sum"}),
        Arm("off: interest alone", story, {f"{FUNDING}.damper": math.inf}),
    )


def damped_share(result):
    """Return the standard deviation of payments with the damper over that without it."""
    control = result.arms[0].name
    if PREMIUM_AND_INTEREST not in (arm.name for arm in result.arms):
        return {}
    return {
        "payment sd, damper over premium plus interest": ratio_of_means(
            result.values(control, "funding_sd"),
            result.values(PREMIUM_AND_INTEREST, "funding_sd"),
            "share",
        )
    }


def interest_arms(story):
    """Return the scenario, and the scenario with an interest rate of 0."""
    own = rulebook_of(load(story).market).funding.interest_rate
    return (
        Arm(f"interest {1e4 * own:g} bp", story),
        Arm("interest 0 bp", story, {f"{FUNDING}.interest_rate": 0.0}),
    )


def convention_arm(story, venue):
    """Return the scenario with a venue's section of funding: interval, formula, damper, cap."""
    stated = load_rulebook(venue).funding.model_dump(exclude_none=True)
    return Arm(f"as {venue}", story, {f"{FUNDING}.{key}": value for key, value in stated.items()})


def interval_arms(story):
    """Return the scenario by the interval of funding, and with each venue's convention."""
    arms = [Arm("as it is", story)]
    for hours in INTERVAL_HOURS:
        interval = {f"{FUNDING}.interval_hours": hours}
        arms += [
            Arm(f"{hours} h, bracket divided", story, interval),
            Arm(
                f"{hours} h, interest divided",
                story,
                interval | {f"{FUNDING}.period_scales": "interest"},
            ),
        ]
    continuous = {f"{FUNDING}.accrual": "continuous"}
    arms.append(Arm("continuous", story, continuous))
    return (*arms, *(convention_arm(story, venue) for venue in CONVENTIONS))


def rulebook_arms(story):
    """Return the scenario under every rulebook of the library, its own first."""
    own = load(story).market.rulebook
    others = (name for name in rulebook_names() if name != own)
    return tuple(Arm(name, story, {"market.rulebook": name}) for name in (own, *others))


DAMPER = Study(
    name="damper",
    question="What does the damper do to payments, to tracking and to reversion?",
    arms=damper_arms,
    measure=measured_run,
    figures=figures_named(
        "funding_sd",
        "funding_pinned",
        "tracking_error",
        "basis_sd",
        "reversion_inside",
        "reversion_outside",
    ),
    compared=("funding_sd", "tracking_error", "reversion_inside", "reversion_outside"),
    derived=damped_share,
    control="the venue's own damper, same seeds.",
    literature="the clamp removes 47 to 82 % of the standard deviation of payments against a "
    "linear formula (He, Manela, Ross and von Wachter, v7 table B.1 [SEC]).",
)
INTEREST = Study(
    name="interest",
    question="Does the interest rate in the formula shift mean funding and the basis?",
    arms=interest_arms,
    measure=measured_run,
    figures=figures_named("funding_mean", "basis_mean", "funding_sd", "funding_pinned"),
    compared=("funding_mean", "basis_mean", "funding_sd"),
    control=CONTROL,
    literature="BNB, with an interest rate of 0, has a mean funding of -0.1 % a year where "
    "contracts with 1 bp have 15 to 18 % (He, Manela, Ross and von Wachter, v7 table B.1 [SEC]): "
    "about 1 bp per 8 h.",
)
INTERVAL = Study(
    name="interval",
    question="Does it matter how often funding is paid, and by which convention?",
    arms=interval_arms,
    measure=measured_run,
    figures=figures_named("rate_mean", "rate_sd", "basis_mean", "basis_sd", "tracking_error"),
    compared=("rate_mean", "rate_sd", "basis_mean", "basis_sd", "tracking_error"),
    control=CONTROL,
    literature="no number for the effect of the interval alone; Binance and Bybit funding of BTC "
    "correlate at .74 (He, Manela, Ross and von Wachter, v7 [SEC]).",
)
RULEBOOKS = Study(
    name="rulebooks",
    question="How do the same traders fare under the rules of each venue?",
    arms=rulebook_arms,
    measure=measured_run,
    figures=figures_named(
        "basis_mean", "basis_sd", "tracking_error", "rate_mean", "rate_sd", "liquidations"
    )
    | {
        "fund_change_usd": FIGURES["fund_change_usd"],
        "conservation_error_units": FIGURES["conservation_error_units"],
    },
    compared=("tracking_error", "rate_mean", "rate_sd"),
    settings=(Setting("calm"), Setting("small"), Setting("short-crowding")),
    control="the rulebook of the scenario, same seeds.",
    tables=side_by_side,
    literature="none.",
)
STUDIES = (DAMPER, INTEREST, INTERVAL, RULEBOOKS)
