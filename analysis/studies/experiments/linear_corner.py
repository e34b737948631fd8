"""The study of small cascades in a spot of constant depth, against the closed form.

Spot is linear, keeps what flow displaces it by for two hours, and has no late buyers; the crowd has
leverage around 30 and no stops; news comes within two minutes and prices are compared ten minutes
after it began. Inputs are measured beforehand, in runs of the same seeds without the news: states
of accounts where it would begin, and the fall of spot that a known order brings about.
"""

import math

import numpy as np

from perplab.analysis.studies.markdown import standard_lines
from perplab.analysis.studies.measures.linear_corner import STATES, closed_form, corner_run
from perplab.analysis.studies.results import contrast
from perplab.analysis.studies.study import Arm, Figure, Setting, Study

STORY, SPOT, CROWD = "ten-october", "spot.displacement", "populations.speculators"
NEWS_DAYS, AFTER_DAYS = 4.0, 4.0 + 0.25 / 24
ORDER_USD = 1_000_000.0
POINTS = ((8e9, -0.025), (4e9, -0.02), (4e9, -0.015), (2e9, -0.015))
"""Depth of spot and news."""
LINEAR = {
    f"{SPOT}.thin_power": 0,
    f"{SPOT}.curvature": 0.5,
    f"{SPOT}.seconds": 7_200,
    f"{SPOT}.late_seconds": 0,
    f"{SPOT}.makers_capital": 1e12,
    f"{CROWD}.stop_loss": 0,
    f"{CROWD}.target_leverage": {
        "distribution": "lognormal",
        "median": 30,
        "log_sd": 0.6,
        "min": 5,
        "max": 90,
    },
}
WITHIN, MOST_ERROR = 3.0, 0.03
"""Standard errors within which measured and predicted agree, and the largest standard error."""


def with_depth(depth, **more):
    """Return the changes of the corner at a depth of spot."""
    return LINEAR | {f"{SPOT}.depth": depth} | more


def order_changes(start_hours):
    """Return the changes that add a known order, which starts at an hour."""
    order = {"kind": "parent_order", "number": 1, "wake_seconds": 5, "work_seconds": 120}
    return {
        "shocks.0.move": 0,
        "twin.enabled": False,
        "populations.parent": order | {"size_usd": -ORDER_USD, "start_hours": start_hours},
    }


def corner_arms(story):
    """Return news at each point, and at each depth the runs that measure the inputs."""
    after, arms = {"days": AFTER_DAYS, "shocks.0.minutes": 2}, []
    for depth, news in POINTS:
        changes = with_depth(depth) | after | {"shocks.0.move": news}
        arms.append(Arm(point_name(depth, news), story, changes))
    for depth in dict.fromkeys(depth for depth, _ in POINTS):
        quiet = {"shocks.0.move": 0, "shocks.0.at_hours": 24 * NEWS_DAYS - 1}
        before = {"days": NEWS_DAYS, "twin.enabled": False} | quiet
        arms.append(Arm(f"{depth:.0e}, accounts", story, with_depth(depth) | before))
        for name, hours in (("order", 24 * NEWS_DAYS), ("no order", 1e6)):
            changes = with_depth(depth) | after | order_changes(hours)
            arms.append(Arm(f"{depth:.0e}, {name}", story, changes))
    return tuple(arms)


def point_name(depth, news):
    """Return the name of a point."""
    return f"depth {depth:.0e}, news {100 * news:g} %"


def passed_on(result, depth):
    """Return by seed the part of a known order that reaches spot: phi."""
    with_order, without = (
        result.values(f"{depth:.0e}, {name}", "spot_fall") for name in ("order", "no order")
    )
    return (with_order - without) * depth / ORDER_USD


def predicted(result, depth, news):
    """Return the amplification that the closed form gives beforehand, by seed, with phi's mean."""
    accounts = f"{depth:.0e}, accounts"
    states = np.array([result.values(accounts, key) for key in STATES])
    interest, passed = result.values(accounts, "interest_usd"), passed_on(result, depth).mean()
    return np.array(
        [
            closed_form(states[:, k], interest[k], depth, passed, -math.log1p(news))
            for k in range(len(result.seeds))
        ]
    )


def corner_contrasts(result):
    """Return measured and predicted amplification, their difference, and phi, by point."""
    there, found = {arm.name for arm in result.arms}, {}
    for depth, news in POINTS:
        name, inputs = point_name(depth, news), ("accounts", "order", "no order")
        if not {name, *(f"{depth:.0e}, {part}" for part in inputs)} <= there:
            found[f"measured less predicted: {name}"] = contrast([math.nan] * len(result.seeds))
            continue
        measured, before = result.values(name, "amplification"), predicted(result, depth, news)
        gap = contrast(measured - before, "share")
        found[f"measured: {name}"] = contrast(measured, "share", None, False)
        found[f"predicted: {name}"] = contrast(before, "share", None, False)
        found[f"measured less predicted: {name}"] = gap._replace(
            verdict=gap_verdict(measured - before)
        )
        found[f"phi: {name}"] = contrast(passed_on(result, depth), "share", None, False)
    return found


def gap_verdict(gaps):
    """Return whether the mean gap is within three standard errors of 0, in words.

    Examples
    --------
    >>> gap_verdict([0.01, -0.01, 0.02])
    'within 3 standard errors of .009'
    >>> gap_verdict([0.11, 0.09, 0.12])
    'NOT within 3 standard errors of .009'
    >>> gap_verdict([0.2, -0.2])
    'no verdict: the standard error is .200, above .03'
    """
    gaps = np.asarray(gaps, float)
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < 2:
        return "no verdict: it takes two seeds or more"
    error = gaps.std(ddof=1) / math.sqrt(len(gaps))
    if error > MOST_ERROR:
        words = f"no verdict: the standard error is {error:.3f}, above {MOST_ERROR:g}"
    else:
        agree = "within" if abs(gaps.mean()) <= WITHIN * error else "NOT within"
        words = f"{agree} {WITHIN:g} standard errors of {error:.3f}"
    return words.replace(" 0.", " .")


LINEAR_CORNER = Study(
    name="linear-corner",
    question="Do small cascades amplify a fall as n = phi beta g OI / q says beforehand?",
    arms=corner_arms,
    measure=corner_run,
    figures={
        "fall": Figure("fall of the perpetual in ten minutes", "log price"),
        "twin_fall": Figure("fall of the twin", "log price"),
        "amplification": Figure("price amplification", "share"),
        "liquidated_usd": Figure("liquidated in ten minutes", "quote currency"),
        "share_book": Figure("beta: taken by the book", "share"),
        "interest_usd": Figure("open interest", "quote currency"),
    },
    settings=(Setting(STORY, 5.0),),
    derived=corner_contrasts,
    tables=standard_lines,
    control="the no-impact twin of each run; inputs from runs of the same seeds without news.",
    literature="none; it follows from the model (docs/model.md), beta taken as 1.",
)
STUDIES = (LINEAR_CORNER,)
