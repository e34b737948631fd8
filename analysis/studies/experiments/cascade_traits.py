"""What each trait does to a crash: low against high, paired by seed, on a figure stated beforehand.

Each trait has one figure and the sign with which the model's description says that it moves. News
is -6 %, at which nearly every seed cascades, so that figures of the cascade are known in all pairs.
Traits that can change in flight do so in branches, an hour before the news; the others, which shape
the crowd or open accounts, in runs of their own.
"""

import math
from typing import NamedTuple

import numpy as np

from perplab.analysis.studies.drawing import draw_interval, rows_figure
from perplab.analysis.studies.experiments.ten_october import FIGURES as CRASH_FIGURES
from perplab.analysis.studies.experiments.ten_october import NEWS, STORY, THOUSANDS
from perplab.analysis.studies.markdown import interval_cell, markdown_lines, title_of
from perplab.analysis.studies.measures.crashes import branched_run
from perplab.analysis.studies.results import contrast
from perplab.analysis.studies.study import Arm, Branch, Figure, Setting, Study

NEWS_MOVE, BRANCH_HOURS = -0.06, 95.0
ALL_VARIATIONS, IN_FLIGHT = {NEWS: NEWS_MOVE, "twin.enabled": False}, "in flight"
PROVIDERS, CROWD = "populations.providers", "populations.speculators"
BIDDERS, CARRY = "populations.bidders", "populations.carry"
SPOT = "spot.displacement"
MORE, LESS = 1, -1
FIGURES = CRASH_FIGURES | {
    "depth_before": Figure("depth within 10 bp in the hour before", "quote currency"),
    "open_interest_per_depth": Figure("open interest over depth before"),
    "basis_mean": Figure("mean basis over three hours from the news", "bp"),
    "providers_inventory": Figure("mean inventory of providers", THOUSANDS),
    "spot_displaced": Figure("lowest displacement of spot", "bp"),
    "displaced_minutes": Figure("time until half of it is gone", "min"),
    "liquidated_before": Figure("liquidated before the news, over open interest", "%"),
}


class Variation(NamedTuple):
    """A trait at two values, and the figure by which it is judged.

    Attributes
    ----------
    owner, trait : str
        Dotted key of the table that holds it, and its name there.
    low, high : object
    figure : str
    sign : int
        Of the figure at `high` less that at `low`, as documented.
    why : str
    """

    owner: str
    trait: str
    low: object
    high: object
    figure: str
    sign: int
    why: str

    @property
    def name(self):
        """The trait with the last part of its owner."""
        return f"{self.owner.rsplit('.', 1)[-1]}.{self.trait}"


def leverage(median):
    """Return the distribution of leverage in the crowd of the scenario with another median."""
    return {"distribution": "lognormal", "median": median, "log_sd": 0.6, "min": 2, "max": 25}


def stops(share):
    """Return the distribution of stops in which a share of the crowd has one."""
    weights = [1.0 - share] + [share / 4] * 4
    return {"distribution": "choice", "values": [0, 0.03, 0.05, 0.07, 0.1], "weights": weights}


def uniform_distance(low, high):
    """Return the distribution of the distance of resting bids."""
    return {"distribution": "uniform", "low": low, "high": high}


VARIATIONS = (
    Variation(PROVIDERS, "alarm_limit", 1, 40, "providers_inventory", LESS, "quotes shrink"),
    Variation(PROVIDERS, "alarm_size_power", 0, 1.3, "providers_inventory", LESS, "quotes shrink"),
    Variation(PROVIDERS, "drawdown", 0.002, 0.5, "depth_left", MORE, "providers leave later"),
    Variation(PROVIDERS, "hedge_ratio", 0, 1, "spot_displaced", LESS, "hedges sell spot"),
    Variation(PROVIDERS, "market_share", 0.06, 1, "depth_before", MORE, "hedges seem cheaper"),
    Variation(
        PROVIDERS, "inventory_limit_usd", 2e5, 2e6, "providers_inventory", MORE, "room for more"
    ),
    Variation(PROVIDERS, "capital_usd", 2e5, 8e6, "depth_left", MORE, "a loss is a smaller part"),
    Variation(
        CROWD, "target_leverage", leverage(5), leverage(14), "liquidated", MORE, "less margin"
    ),
    Variation(CROWD, "stop_loss", 0, stops(0.5), "open_interest_change", LESS, "stops close"),
    Variation(
        CROWD, "short_leverage_limit", 2, 12, "liquidated_before", MORE, "shorts with less margin"
    ),
    Variation(CROWD, "bias", 0.2, 0.8, "liquidated", MORE, "more longs"),
    Variation(BIDDERS, "number", 20, 160, "basis_low", MORE, "more bids below spot"),
    Variation(
        BIDDERS,
        "distance",
        uniform_distance(0.004, 0.012),
        uniform_distance(0.02, 0.06),
        "basis_low",
        LESS,
        "bids further below",
    ),
    Variation(CARRY, "wake_seconds", 60, 3600, "basis_mean", LESS, "slower arbitrage"),
    Variation(CARRY, "capital_usd", 430_000, 6_900_000, "basis_mean", MORE, "more arbitrage"),
    Variation(SPOT, "thin_power", 0, 3, "fall", LESS, "depth falls in stress"),
    Variation(SPOT, "least_depth", 0.005, 0.1, "spot_displaced", MORE, "latent buyers stay"),
    Variation(SPOT, "late_capital", 0, 60_000_000, "rebound", MORE, "more money buys the fall"),
    Variation(
        SPOT, "makers_capital", 200_000, 2e7, "depth_spot_left", MORE, "a loss is a smaller part"
    ),
    Variation(SPOT, "curvature", 0.01, 0.1, "spot_displaced", LESS, "the book deepens later"),
    Variation(SPOT, "depth", 1e9, 4e9, "fall", MORE, "the same flow moves spot less"),
    Variation(SPOT, "seconds", 200, 1200, "displaced_minutes", MORE, "slower decay"),
)


def values_of(variation):
    """Return the low and the high value of a trait by the name of its run or branch."""
    return {f"{variation.name} low": variation.low, f"{variation.name} high": variation.high}


def is_in_flight(variation):
    """Return whether a trait changes during the run."""
    return (
        variation.owner in (PROVIDERS, SPOT)
        and variation.trait != "capital_usd"
        or variation.trait == "distance"
    )


def variation_arms(story):
    """Return the run with its branches, and two runs for each trait that cannot branch."""
    branches = tuple(
        Branch(name, BRANCH_HOURS, {f"{variation.owner}.{variation.trait}": value})
        for variation in filter(is_in_flight, VARIATIONS)
        for name, value in values_of(variation).items()
    )
    apart = (
        Arm(name, story, ALL_VARIATIONS | {f"{variation.owner}.{variation.trait}": value})
        for variation in VARIATIONS
        if not is_in_flight(variation)
        for name, value in values_of(variation).items()
    )
    return (Arm(IN_FLIGHT, story, ALL_VARIATIONS, branches), *apart)


def pair_difference(result, variation):
    """Return a trait's figure at its high value less that at its low one, by seed."""
    there = [arm.name for arm in result.arms]
    if is_in_flight(variation):
        keys = [(IN_FLIGHT, f"{name} {variation.figure}") for name in values_of(variation)]
    else:
        keys = [(name, variation.figure) for name in values_of(variation)]
    if not {arm for arm, _ in keys} <= set(there):
        return np.full(len(result.seeds), math.nan)
    low, high = (result.values(*key) for key in keys)
    return high - low


def variation_contrasts(result):
    """Return the contrast of each trait, with a verdict on its documented sign."""
    found = {}
    for variation in VARIATIONS:
        each = contrast(pair_difference(result, variation), FIGURES[variation.figure].unit)
        words = (
            each.verdict if each.low is None else sign_verdict(each.low, each.high, variation.sign)
        )
        found[variation.name] = each._replace(verdict=words)
    return found


def sign_verdict(low, high, sign):
    """Return whether an interval shows the documented sign, in words.

    Examples
    --------
    >>> sign_verdict(1.0, 2.0, MORE), sign_verdict(1.0, 2.0, LESS), sign_verdict(-1.0, 2.0, MORE)
    ('moves as documented', 'moves AGAINST its documentation', 'no effect shown')
    """
    if low <= 0 <= high:
        return "no effect shown"
    return "moves as documented" if low * sign > 0 else "moves AGAINST its documentation"


def value_words(value):
    """Return a value of a trait in a few words: of a distribution what is varied.

    Examples
    --------
    >>> value_words(leverage(5)), value_words(stops(0.5)), value_words(4e9)
    ('median 5', '50 %', '4e+09')
    """
    if not isinstance(value, dict):
        return f"{value:g}"
    if value["distribution"] == "lognormal":
        return f"median {value['median']:g}"
    if value["distribution"] == "choice":
        return f"{100 * sum(value['weights'][1:]):g} %"
    return f"{value['low']:g} to {value['high']:g}"


def variation_lines(result):
    """Yield the table of traits, and how many move as documented."""
    found = variation_contrasts(result)
    columns = ("low", "high", "figure", "documented", "high less low [95 %]", "seeds", "verdict")
    rows = [
        (
            f"`{variation.name}`",
            [
                value_words(variation.low),
                value_words(variation.high),
                title_of(FIGURES[variation.figure]),
                f"{'up' if variation.sign > 0 else 'down'}: {variation.why}",
                interval_cell(*found[variation.name][:3]),
                str(found[variation.name].seeds),
                found[variation.name].verdict,
            ],
        )
        for variation in VARIATIONS
    ]
    yield from markdown_lines("trait", columns, rows)
    yield ""
    moving = sum(each.verdict == "moves as documented" for each in found.values())
    yield f"{moving} of {len(VARIATIONS)} traits move as documented."


def draw_variations(result):
    """Return the figure of traits: each difference over the size of its half interval."""
    found = variation_contrasts(result)
    figure, axes = rows_figure(1, [variation.name for variation in VARIATIONS])
    for row, variation in enumerate(VARIATIONS):
        each = found[variation.name]
        if each.low is not None and each.high > each.low:
            scale = variation.sign * (each.high - each.low) / 2
            ends = sorted((each.low / scale, each.high / scale))
            draw_interval(axes[0], row, (each.effect / scale, *ends))
    axes[0].axvline(0, color="0.5", linewidth=0.6)
    axes[0].set_xlabel("difference in half 95 % intervals; positive: as documented")
    return figure


CASCADE_TRAITS = Study(
    name="cascade-traits",
    question="Does each trait of traders and of spot move its figure of a crash as documented?",
    arms=variation_arms,
    measure=branched_run,
    figures=FIGURES,
    settings=(Setting(STORY, 5.0),),
    derived=variation_contrasts,
    tables=variation_lines,
    draw=draw_variations,
    control="the low value of each trait, same seeds.",
    literature="none; signs are those of the model's description.",
)
STUDIES = (CASCADE_TRAITS,)
