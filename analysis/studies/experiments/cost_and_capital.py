"""Studies of what bounds arbitrage: fees, capital, the crowd's size; and predictions."""

import math

from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.studies.experiments.money import scaled, stated_traits
from perplab.analysis.studies.figure_words import figures_named
from perplab.analysis.studies.markdown import (
    figure_lines,
    markdown_lines,
    number,
    title_of,
)
from perplab.analysis.studies.measures.run_figures import measured_run
from perplab.analysis.studies.results import slope_over
from perplab.analysis.studies.study import Arm, Setting, Study
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of

TAKER_BPS = (0, 2, 4, 10)
CAPITALS = (0.25, 0.5, 1, 2, 4)
CROWDS = (0.5, 1, 2)
TAKER = "market.changes.fees.taker"
INTERVAL = "market.changes.funding.interval_hours"
CARRY = "populations.carry"
RESERVE_MULTIPLE = 3
SHARES_OF_CAPITAL = ("position_share", "borrow_share", "clip_share")
ARRIVAL_DAYS = (10, 3)
PREDICTED_BPS, PREDICTED_CAPITALS = (0, 2), (0.5, 2)
PREDICTED = (
    *("funding_mean", "funding_sd", "funding_pinned", "funding_negative", "funding_acf_1"),
    *("basis_mean", "basis_sd", "half_life_hours"),
)
CONTROL = "the scenario as it is, same seeds."
BAND = ("basis_gap_95", "basis_sd", "half_life_hours", "funding_pinned", "return_carry")


def taker_fee(story):
    """Return the taker fee of a scenario, bp."""
    return round(1e4 * rulebook_of(load(story).market).fees.taker, 9)


def fee_name(bps):
    """Return the name of an arm by its taker fee."""
    return f"taker {bps:g} bp"


def fee_arms(story):
    """Return the scenario by taker fee, its own first."""
    own = taker_fee(story)
    others = (bps for bps in TAKER_BPS if bps != own)
    return (
        Arm(fee_name(own), story),
        *(Arm(fee_name(bps), story, {TAKER: bps * 1e-4}) for bps in others),
    )


def fee_slopes(result):
    """Return the widening of the no-trade band per bp of taker fee."""
    doses = {fee_name(bps): float(bps) for bps in TAKER_BPS}
    if not doses.keys() <= {arm.name for arm in result.arms}:
        return {}
    return {
        "widening of the band per bp of taker fee": slope_over(
            result, "basis_gap_95", doses, "bp per bp"
        )
    }


def times(value):
    """Return the name of an arm by a factor."""
    return f"x {value:g}"


def capital_arms(story):
    """Return the scenario by the capital of carry traders, its own first."""
    own = stated_traits(load(story).populations["carry"])["capital_usd"]
    return tuple(
        Arm(times(factor), story, {"populations.carry.capital_usd": scaled(own, factor)})
        for factor in sorted(CAPITALS, key=lambda factor: factor != 1)
    )


def capital_slopes(result):
    """Return what a doubling of the capital does to figures of the basis."""
    doses = {times(factor): math.log2(factor) for factor in CAPITALS}
    figures = result.study.figures
    return {
        f"{figures[key].words}, per doubling": slope_over(result, key, doses, figures[key].unit)
        for key in ("half_life_hours", "basis_sd", "funding_pinned")
    }


def crowd_arms(story):
    """Return the scenario by the number of speculators, with capital fixed and in proportion."""
    populations = load(story).populations
    number = populations["speculators"].number
    arms = []
    for factor in sorted(CROWDS, key=lambda factor: factor != 1):
        crowd = {"populations.speculators.number": round(number * factor)}
        arms.append(Arm(f"crowd {times(factor)}", story, crowd))
        if factor != 1:
            capital = {
                f"populations.{name}.number": max(round(populations[name].number * factor), 1)
                for name in ("carry", "providers")
            }
            name = f"crowd {times(factor)}, capital in proportion"
            arms.append(Arm(name, story, crowd | capital))
    return tuple(arms)


def crowd_slopes(result):
    """Return what a doubling of the crowd does to the volatility of the rate."""
    found = {}
    for words, ending in (
        ("capital fixed", ""),
        ("capital in proportion", ", capital in proportion"),
    ):
        doses = {
            f"crowd {times(factor)}" + (ending if factor != 1 else ""): math.log2(factor)
            for factor in CROWDS
        }
        name = f"volatility of the rate per doubling of the crowd, {words}"
        found[name] = slope_over(result, "funding_sd", doses, "bp per 8 h")
    return found


def arrival_arms(story):
    """Return the scenario with idle reserves of carry, and with reserves that arrive in some days.

    All arms have the same money: capital is multiplied, the position limit in quote currency kept.
    """
    own = stated_traits(load(story).populations["carry"])
    shares = {key: own[key] / RESERVE_MULTIPLE for key in SHARES_OF_CAPITAL}
    money = {"capital_usd": scaled(own["capital_usd"], RESERVE_MULTIPLE)}
    reserves = {f"{CARRY}.{key}": value for key, value in (money | shares).items()}
    arrives = {f"{CARRY}.arrival_multiple": RESERVE_MULTIPLE}
    return (
        Arm("reserves stay idle", story, reserves),
        *(
            Arm(f"arrive in {days} d", story, reserves | arrives | {f"{CARRY}.arrival_days": days})
            for days in ARRIVAL_DAYS
        ),
    )


def prediction_arms(story):
    """Return the scenario, and its markets that no parameter was chosen for."""
    capital = {arm.name: arm for arm in capital_arms(story)}
    return (
        Arm("as it is", story),
        *(
            capital[times(factor)]._replace(name=f"carry capital {times(factor)}")
            for factor in PREDICTED_CAPITALS
        ),
        *(Arm(fee_name(bps), story, {TAKER: bps * 1e-4}) for bps in PREDICTED_BPS),
        Arm("hourly funding", story, {INTERVAL: 1.0}),
    )


def month_range(values):
    """Return the 95 % prediction interval of another month from those of some, by Student's t.

    Examples
    --------
    >>> low, high = month_range([1.0, 2.0, 3.0])
    >>> round(low, 2), round(high, 2)
    (-2.97, 6.97)
    """
    centre, low, high = mean_interval(values)
    if low is None:
        return math.nan, math.nan
    half = (high - centre) * math.sqrt(len(values) + 1.0)
    return centre - half, centre + half


def prediction_lines(result):
    """Yield the means, and the ranges in which a single month of such a market should be."""
    yield from figure_lines(result)
    yield ""
    arms, figures = [arm.name for arm in result.arms], result.study.figures
    yield from markdown_lines(
        "one month (95 %)",
        arms,
        (
            (
                title_of(figure),
                [
                    " to ".join(number(end) for end in month_range(result.values(arm, key)))
                    for arm in arms
                ],
            )
            for key, figure in figures.items()
        ),
    )


FEES = Study(
    name="fees",
    question="How far may the basis move before arbitrage pays, by the taker fee?",
    arms=fee_arms,
    measure=measured_run,
    figures=figures_named(*BAND, "funding_mean", "funding_sd"),
    compared=BAND,
    derived=fee_slopes,
    control=CONTROL,
    literature="round trips of 0 / 4.86 / 10.44 / 16.38 bp bound the gap by fee tier; the 95th "
    "percentile of its size does not fall with the cost (He, Manela, Ross and von Wachter, v7 "
    "table 3 [SEC]).",
)
CAPITAL = Study(
    name="capital",
    question="How does the capital of carry traders set speed and spread of the basis?",
    arms=capital_arms,
    measure=measured_run,
    figures=figures_named("half_life_hours", "basis_sd", "funding_pinned", "return_carry"),
    compared=("half_life_hours", "basis_sd", "funding_pinned", "return_carry"),
    derived=capital_slopes,
    control=CONTROL,
    literature="half-lives of 1.68 h (BTC) to 9.53 h (DOGE); they fall with capital (He, Manela, "
    "Ross and von Wachter, v7 table 46 [SEC]). Mean absolute deviation fell 12 to 33 % with "
    "portfolio margin (same, table 10 [SEC]).",
)
OPEN_INTEREST = Study(
    name="open-interest",
    question="Does open interest amplify the volatility of the funding rate?",
    arms=crowd_arms,
    measure=measured_run,
    figures=figures_named("funding_sd", "funding_mean", "basis_sd", "open_interest_usd"),
    compared=("funding_sd", "basis_sd", "open_interest_usd"),
    derived=crowd_slopes,
    control=CONTROL,
    literature="no checkable number.",
)
ARRIVAL = Study(
    name="arrival",
    question="What does carry capital do that arrives slowly where carry is rich?",
    arms=arrival_arms,
    measure=measured_run,
    figures=figures_named(
        "funding_mean", "funding_sd", "basis_mean", "basis_sd", "funding_above", "return_carry"
    ),
    compared=("funding_mean", "basis_mean", "basis_sd", "return_carry"),
    settings=(Setting("bull"),),
    control="the same money, of which two thirds lie idle, same seeds.",
    literature="no checkable number; slow-moving capital: Mitchell, Pedersen and Pulvino (2007), "
    "Duffie (2010) [ABS]. Documented: funding, basis and the return of carry fall, the more the "
    "faster capital arrives.",
)
PREDICTIONS = Study(
    name="predictions",
    question="Which moments does the model predict for markets that it was not fitted to?",
    arms=prediction_arms,
    measure=measured_run,
    figures=figures_named(*PREDICTED),
    compared=PREDICTED,
    tables=prediction_lines,
    control=CONTROL,
    literature="none: the ranges are stated to be compared with markets that nobody here has seen.",
)
STUDIES = (FEES, CAPITAL, OPEN_INTEREST, ARRIVAL, PREDICTIONS)
