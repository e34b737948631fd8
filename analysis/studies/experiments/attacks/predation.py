"""Predatory trading under the linear law of spot, held to the closed forms of the literature.

The seller and the predators are alone in spot, which is free of spreads, fees and interest and,
but for one arm, of noise. Temporary impact is transient impact that lasts one step: the trades of a
step move the price of the next one too, so the market lags by two thirds of a step, an error of
order dt over l / g. The order of turns within a step is random, which is noise of order sqrt(dt).
"""

import numpy as np

from perplab.analysis.studies.markdown import standard_lines
from perplab.analysis.studies.measures.predation import predation_run
from perplab.analysis.studies.results import contrast
from perplab.analysis.studies.study import Arm, Branch, Figure, Setting, Study
from perplab.scenarios.files.loader import load

MIDDLE, FINE, COARSE = 0.05, 0.5, (30.0, 5.0)
STEPS = {1.0: FINE, 0.2: FINE, MIDDLE: FINE, 0.01: FINE, 0.002: 0.1}
"""Seconds per step by temporary impact l / (g T)."""
CROWDS = (2, 4, 8)
PERMANENT_BPS, NOISY_PERMANENT_BPS = 0.02, 0.2
"""For 100,000: g D is 10 bp, so that the log price is nearly linear, and 100 bp against noise."""
PLAYERS = ("seller", "predators")
FADE = 1e-3
"""Decay time of transient impact over the length of a step."""
WITHIN = 0.005
"""Of g D^2, or of g D: rounding to ticks and lots, the lag of a step, the curvature of log prices,
which is about g D.
"""
NOISY, NOISY_SECONDS = f"l/gT {MIDDLE:g}, volatility 55 %", 720
LIMITED = "limited rates, predators"
UNIT = "g D^2"
ALONE = Branch(
    "alone",
    0.0,
    {"populations.seller.predators": 0, "populations.predators.start_hours": 1e6},
)
COMPARED = {"extra_cost": "extra cost", "gain": "gain", "overshoot": "overshoot"}


def game(name, story, ratio, dt, predators=1, permanent_bps=PERMANENT_BPS, **traits):
    """Return the arm of a game: its temporary impact l / (g T), step and number of predators.

    `traits` are further ones of all players.
    """
    populations = load(story).populations
    horizon = traits.get("horizon_seconds", populations["seller"].traits["horizon_seconds"])
    traits |= {"temporary_seconds": ratio * horizon, "predators": predators}
    changes = {
        "dt_seconds": dt,
        "record_seconds": 60.0 if ratio else dt,
        "market.changes.contract.tick": 0.01,
        "spot.price.volatility": 0,
        "spot.half_spread_bps": 0,
        "spot.borrow_rate_per_year": 0,
        "spot.permanent_impact_bps": permanent_bps,
        "spot.transient_impact_bps": permanent_bps * ratio * horizon / (1.5 * dt),
        "spot.impact_seconds": FADE * dt,
        "populations.predators.number": predators,
    }
    for name_of_others in sorted(set(populations) - set(PLAYERS)):
        changes[f"populations.{name_of_others}.number"] = 0
    for player in PLAYERS:
        changes |= {f"populations.{player}.{trait}": value for trait, value in traits.items()}
    return Arm(name, story, changes, (ALONE,))


def predation_arms(story):
    """Return the games by temporary impact, number of predators, step and noise."""
    arms = [game(f"l/gT {ratio:g}", story, ratio, dt) for ratio, dt in STEPS.items()]
    arms += [
        game(f"l/gT {MIDDLE:g}, predators {number}", story, MIDDLE, FINE, number)
        for number in CROWDS
    ]
    arms += [game(coarse_name(dt), story, MIDDLE, dt) for dt in COARSE]
    arms.append(noisy_game(story))
    arms += [game(f"{LIMITED} {number}", story, 0, COARSE[1], number) for number in (1, *CROWDS)]
    return tuple(arms)


def noisy_game(story):
    """Return the game within minutes and with ten times the impact, in a spot with noise."""
    arm = game(NOISY, story, MIDDLE, FINE, 1, NOISY_PERMANENT_BPS, horizon_seconds=NOISY_SECONDS)
    return arm._replace(changes=arm.changes | {"spot.price.volatility": 0.55})


def coarse_name(dt):
    """Return the name of an arm that only shows the error of a long step."""
    return f"l/gT {MIDDLE:g}, steps of {dt:g} s"


def theory_gaps(result):
    """Return figures less theory by arm, and the changes of the overshoot with predators."""
    found = {}
    for arm in result.arms:
        for key, words in COMPARED.items():
            theory = result.values(arm.name, f"{key}_theory")
            if np.isfinite(theory).any():
                gap = contrast(result.values(arm.name, key) - theory, unit_of(key))
                verdict = judged(arm.name, gap, float(np.nanmean(theory)))
                found[f"{words} less theory: {arm.name}"] = gap._replace(verdict=verdict)
    return found | overshoot_changes(result)


def unit_of(key):
    """Return the unit of a figure: the price moves by g D, and costs are g D^2."""
    return "g D" if key == "overshoot" else UNIT


def judged(arm, gap, theory):
    """Return whether the interval of a gap is within `WITHIN` of theory, in words.

    Examples
    --------
    >>> from perplab.analysis.studies.results import Contrast
    >>> judged("l/gT 1", Contrast(0.001, -0.001, 0.003, "", "", 9), 0.0456)
    'within 0.005 of 0.0456'
    """
    if gap.low is None:
        return gap.verdict
    if arm == NOISY:
        inside = gap.low <= 0 <= gap.high
        return f"interval {'contains' if inside else 'does NOT contain'} {theory:.4f}"
    if arm in map(coarse_name, COARSE):
        return f"long step; theory {theory:.4f}"
    near = max(-gap.low, gap.high) <= WITHIN
    return f"{'within' if near else 'NOT within'} {WITHIN:g} of {theory:.4f}"


def overshoot_changes(result):
    """Return the differences of the overshoot between numbers of predators, paired by seed."""
    names = [arm.name for arm in result.arms if arm.name.startswith(LIMITED)]
    return {
        f"overshoot: {more} less {fewer.removeprefix(LIMITED).strip()}": contrast(
            result.values(more, "overshoot") - result.values(fewer, "overshoot"), "g D"
        )
        for fewer, more in zip(names, names[1:], strict=False)
    }


def step_errors(result):
    """Return the root mean square error of the extra cost by length of step, longest first."""
    names = {coarse_name(dt): dt for dt in COARSE} | {f"l/gT {MIDDLE:g}": FINE}
    there = [arm.name for arm in result.arms if arm.name in names]
    errors = {
        names[name]: result.values(name, "extra_cost") - result.values(name, "extra_cost_theory")
        for name in there
    }
    return {dt: float(np.sqrt(np.mean(errors[dt] ** 2))) for dt in sorted(errors, reverse=True)}


def verdict_of(result):
    """Return in sentences whether costs, gains and overshoot are those of theory."""
    found = {name: each for name, each in theory_gaps(result).items() if " less theory: " in name}
    wrong = [name for name, each in found.items() if "NOT" in each.verdict]
    rising = [name for name, each in overshoot_changes(result).items() if not falls(each)]
    close = f"within {WITHIN:g} of theory"
    if wrong:
        close = f"NOT shown to be {close} in {len(wrong)} of {len(found)} effects"
    down = "falls with the number of predators"
    if rising:
        down = f"is NOT shown to fall in {', '.join(rising)}"
    return (
        f"Verdict: costs, gains and overshoots are {close}; the overshoot {down}"
        f"{limit_words(result)}{error_words(result)}."
    )


def limit_words(result):
    """Return extra cost and gain at the least temporary impact beside their limits, in words."""
    ratio = min(STEPS)
    name = f"l/gT {ratio:g}"
    if name not in [arm.name for arm in result.arms]:
        return ""
    cost, gain = (float(result.values(name, key).mean()) for key in ("extra_cost", "gain"))
    return f"; at {name} extra cost {cost:.4f} (limit 1/3), gain {gain:.4f} (limit 1/6)"


def error_words(result):
    """Return the errors of the extra cost by length of step, in words."""
    errors = step_errors(result)
    shown = ", ".join(f"{error:.4f} at steps of {dt:g} s" for dt, error in errors.items())
    return f"; root mean square error of the extra cost {shown}" if shown else ""


def falls(change):
    """Return whether the interval of a difference is below 0."""
    return change.high is not None and change.high < 0


def predation_lines(result):
    """Yield the tables, and the verdict."""
    yield from standard_lines(result)
    yield ""
    yield verdict_of(result)


PREDATION = Study(
    name="predation",
    question="What do predators cost a distressed seller, what do they gain, and how far does the "
    "price overshoot?",
    arms=predation_arms,
    measure=predation_run,
    figures={
        "extra_cost": Figure("extra cost of the seller", UNIT),
        "extra_cost_theory": Figure("theory of the extra cost", UNIT),
        "gain": Figure("gain of all predators", UNIT),
        "gain_theory": Figure("theory of the gain", UNIT),
        "overshoot": Figure("overshoot of the price", "g D"),
        "overshoot_theory": Figure("theory of the overshoot", "g D"),
    },
    settings=(Setting("predation"),),
    derived=theory_gaps,
    tables=predation_lines,
    json=lambda result: {"verdict": verdict_of(result), "tolerance": WITHIN},
    control="a branch of the same run in which the predators never begin and the seller, knowing "
    "that it is alone, sells evenly.",
    literature="as temporary impact vanishes, 1/3 and 1/6 of g D^2 with one predator (Carlin, Lobo "
    "and Viswanathan 2007 [SEC, RUN]); an overshoot that falls with the number of predators "
    "(Brunnermeier and Pedersen 2005 [ABS, SEC]).",
)
STUDIES = (PREDATION,)
