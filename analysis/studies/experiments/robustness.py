"""Studies of an economy's moments: beside real markets, and under changed assumptions."""

from perplab.analysis.estimators.moments import MOMENTS
from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.studies.drawing import draw_moments
from perplab.analysis.studies.experiments.money import (
    all_money,
    more_traders,
    scaled,
    stated_traits,
)
from perplab.analysis.studies.figure_words import FIGURES, KINDS, figures_named
from perplab.analysis.studies.measures.run_figures import measured_run
from perplab.analysis.studies.moment_tables import (
    moment_lines,
    moments_json,
    outside_json,
    range_contrasts,
    variant_lines,
)
from perplab.analysis.studies.results import Contrast
from perplab.analysis.studies.study import Arm, Setting, Study
from perplab.analysis.studies.targets import RANGES
from perplab.scenarios.files.loader import load

STORIES = (
    Setting("calm", 60.0),
    Setting("calm", 10.0),
    Setting("calm", 5.0),
    Setting("bull", 60.0),
    Setting("regimes", 60.0),
    Setting("small", 60.0),
)
OF_CALM = tuple(RANGES["calm"])
PROVIDERS = "populations.providers"
SPECULATORS = "populations.speculators"
CARRY = "populations.carry"


def as_it_is(story):
    """Return the only arm of a study of one scenario."""
    return (Arm("as it is", story),)


def level(story):
    """Return the size of the providers' first quote."""
    return stated_traits(load(story).populations["providers"])["level_usd"]


def anchored(anchor, weight):
    """Return the changes that anchor providers otherwise."""
    return {f"{PROVIDERS}.anchor": anchor, f"{PROVIDERS}.anchor_weight": weight}


def anchor_arms(story):
    """Return the variants of the study of anchors, the scenario itself first."""
    changed = {
        "providers anchored to their own average, weight .5": anchored("own_average", 0.5),
        "providers anchored to their own average": anchored("own_average", 1.0),
        "providers anchored to spot, weight .5": anchored("spot", 0.5),
        "providers anchored to spot": anchored("spot", 1.0),
        "providers' funds at 12 % a year": {f"{PROVIDERS}.funds_per_year": 0.12},
        "four times the traders, a quarter of the money each": more_traders(story, 4),
        "half the depth": {f"{PROVIDERS}.level_usd": level(story) / 2},
        "twice the depth": {f"{PROVIDERS}.level_usd": level(story) * 2},
        "a quarter of the depth, steps of 10 s": {
            f"{PROVIDERS}.level_usd": level(story) / 4,
            "dt_seconds": 10.0,
        },
    }
    return (*as_it_is(story), *(Arm(name, story, changes) for name, changes in changed.items()))


def ingredient_arms(story):
    """Return the scenario, and the scenario with one ingredient taken out or changed at a time."""
    loaded = load(story)
    capital, wealth = (
        stated_traits(loaded.populations[name])["capital_usd"] for name in ("carry", "providers")
    )
    price = {
        "process": "geometric_brownian",
        "initial_price": loaded.spot.price.initial_price,
        "volatility": loaded.spot.price.volatility,
    }
    changed = {
        "carry ignores fees": {f"{CARRY}.cost_weight": 0},
        "carry without a forecast": {f"{CARRY}.forecast_weight": 0},
        "carry expects no convergence": {f"{CARRY}.convergence_share": 0},
        "carry's capital does not leave": {f"{CARRY}.loss_sensitivity": 0},
        "carry capital / 2": {f"{CARRY}.capital_usd": scaled(capital, 0.5)},
        "carry capital x 2": {f"{CARRY}.capital_usd": scaled(capital, 2)},
        "providers' capital / 3": {f"{PROVIDERS}.capital_usd": scaled(wealth, 1 / 3)},
        "providers' capital x 3": {f"{PROVIDERS}.capital_usd": scaled(wealth, 3)},
        "providers do not hedge": {f"{PROVIDERS}.hedge_ratio": 0},
        "providers' skew linear": {f"{PROVIDERS}.convexity": 0},
        "providers without alarm": {f"{PROVIDERS}.alarm_limit": 1},
        "no sentiment": {f"{SPECULATORS}.sentiment_weight": 0},
        "no trend": {f"{SPECULATORS}.trend_weight": 0},
        "no opinions": {f"{SPECULATORS}.opinion_sd": 0},
        "crowd indifferent to cost": {
            f"{SPECULATORS}.funding_weight": 0,
            f"{SPECULATORS}.premium_weight": 0,
        },
        "day traders' activity flat": {
            "populations.day_traders.volatility_power": 0,
            "populations.day_traders.move_share": 0,
        },
        "no small takers in spot": {"spot.small_takers.sd_bps": 0},
        "geometric Brownian spot": {"spot.price": price},
    }
    return (*as_it_is(story), *(Arm(name, story, changes) for name, changes in changed.items()))


def scale_arms(story):
    """Return the scenario, and the scenario with a tenth of all money."""
    return (*as_it_is(story), Arm("all money / 10", story, all_money(story, 0.1)))


def changed_moments(result):
    """Return the number of moments that the last arm changes by more than their own interval."""
    changed = []
    control, arm = result.arms[0], result.arms[-1]
    for key in result.study.compared:
        mean, low, _ = mean_interval(result.values(control.name, key))
        gap = mean_interval(result.differences(arm, key))[0]
        if low is not None and gap is not None and abs(gap) > mean - low:
            changed.append(key)
    words = f"changed: {', '.join(changed)}" if changed else "no moment changes beyond its interval"
    count = len(result.seeds)
    found = Contrast(len(changed), None, None, "moments", words, count)
    return {"moments changed beyond their interval": found}


MOMENT_STUDY = Study(
    name="moments",
    question="Do basis, funding and activity have the moments of the real market?",
    arms=as_it_is,
    measure=measured_run,
    figures=FIGURES,
    settings=STORIES,
    derived=range_contrasts,
    tables=moment_lines,
    draw=draw_moments,
    json=moments_json,
    control="none; each moment is compared with a range stated beforehand and with BTCUSDT at "
    "Binance in blocks of 30 days.",
    literature="41.7 % of BTC settlements exactly at the interest rate, 2020-24, and a half-life "
    "of the basis of 1.68 h (He, Manela, Ross and von Wachter, v7 [SEC]).",
)
ANCHORS = Study(
    name="anchors",
    question="Do the moments depend on the providers' anchor, on depth, on the number of traders?",
    arms=anchor_arms,
    measure=measured_run,
    figures=figures_named(*OF_CALM),
    compared=OF_CALM,
    settings=(Setting("calm", 60.0),),
    tables=variant_lines,
    json=outside_json,
    control="the scenario as it is, same seeds.",
)
INGREDIENTS = Study(
    name="ingredients",
    question="Which moments does each ingredient of the economy make?",
    arms=ingredient_arms,
    measure=measured_run,
    figures=figures_named(*OF_CALM),
    compared=OF_CALM,
    settings=(Setting("calm", 60.0),),
    tables=variant_lines,
    json=outside_json,
    control="the scenario as it is, same seeds.",
)
SCALE = Study(
    name="scale",
    question="Does a market with a tenth of all money have the same moments?",
    arms=scale_arms,
    measure=measured_run,
    figures=figures_named(*MOMENTS, *(f"return_{kind}" for kind in KINDS)),
    compared=(*MOMENTS, *(f"return_{kind}" for kind in KINDS)),
    settings=(Setting("calm", 60.0),),
    derived=changed_moments,
    control="the scenario as it is, same seeds.",
    literature="none; it follows from the model, in which nothing but rounding knows a currency.",
)
STUDIES = (MOMENT_STUDY, ANCHORS, INGREDIENTS, SCALE)
