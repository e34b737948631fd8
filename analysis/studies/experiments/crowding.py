"""Studies of what pulls the basis back: response to an order, crowds of shorts, a panic."""

import numpy as np

from perplab.agents.speculator import Speculator
from perplab.analysis.estimators.impulse_response import RESPONSE_HOURS
from perplab.analysis.studies.drawing import draw_effects
from perplab.analysis.studies.experiments.robustness import anchored
from perplab.analysis.studies.experiments.small_market import LEGACY_VARIANTS
from perplab.analysis.studies.measures.panics import panic_run
from perplab.analysis.studies.measures.pulls import pull_run
from perplab.analysis.studies.measures.responses import response_run
from perplab.analysis.studies.measures.short_exits import leaving_run
from perplab.analysis.studies.results import contrast, of_means, over_mean
from perplab.analysis.studies.study import SHARE_OF_SEEDS, Arm, Branch, Figure, Setting, Study
from perplab.scenarios.files.loader import load

ORDER_HOURS = 288.0
"""When the order of `response` begins: on day 12."""
ORDER_USD = {"calm": -6_000_000, "small": -1_000_000}
"""About a tenth of the open interest; the study states the share in each run."""
TWIN_HOURS = 168.0
LEAVING_HOURS = 72.0
PANIC_HOURS = 80.0
AFTER_HOURS = 75.0
"""How long a run goes on after the order begins."""
ZERO = {"market.changes.funding.cap_law": "absolute", "market.changes.funding.cap": 0.0}
"""Every rate is 0, and traders know it."""
OFF = {"market.changes.funding.enabled": False}
UNTIL_SETTLED_HOURS = 8.0
AMPLE = 2.0
MINDING = ("funding_weight", "premium_weight")
WITH_FUNDING, AT_ZERO = "funding on", "all rates zero"


def order_branches(at_hours, lead_hours, off=False):
    """Return the branches with and without an order, with funding and with rates of 0.

    They part from the run `lead_hours` before the order: an interval, so that the last rate that is
    not 0 has been settled when it begins.
    """
    start = {"populations.parent.start_hours": at_hours}
    part = at_hours - lead_hours
    arms = {"": {}, "zero ": ZERO} | ({"off ": OFF} if off else {})
    with_order = [
        Branch(f"{name}sell", part, {**changes, **start}) for name, changes in arms.items()
    ]
    without = [Branch(name.strip(), part, changes) for name, changes in arms.items() if name]
    return tuple(with_order + without)


def order_changes(story):
    """Return the changes that add the trader of the order, and the length of the run."""
    parent = {"kind": "parent_order", "number": 1, "size_usd": ORDER_USD[story]}
    return {"populations.parent": parent, "days": (ORDER_HOURS + AFTER_HOURS) / 24}


def response_arms(story):
    """Return the arms of the response: three anchors, or the variants of the small market."""
    small = story == "small"
    variants = (
        LEGACY_VARIANTS
        if small
        else {
            "anchor carry": {},
            "anchor own average": anchored("own_average", 1.0),
            "anchor spot": anchored("spot", 1.0),
        }
    )
    branches = order_branches(ORDER_HOURS, UNTIL_SETTLED_HOURS, off=small)
    return tuple(
        Arm(name, story, {**order_changes(story), **changes}, branches)
        for name, changes in variants.items()
    )


def response_figures():
    """Return the figures of the response."""
    sizes = {}
    for key, words in (("on", WITH_FUNDING), ("zero", AT_ZERO), ("off", "funding off")):
        sizes[f"{key}_peak"] = Figure(f"peak, {words}", "bp")
        for hours in RESPONSE_HOURS:
            sizes[f"{key}_{hours}"] = Figure(f"after {hours} h, {words}", "bp")
    sizes["pull_8"] = Figure("funding less zero rates after 8 h", "bp")
    sizes["order_share"] = Figure("order over open interest", "%")
    sizes["inside"] = Figure("premium in the dead band at the start", SHARE_OF_SEEDS)
    return sizes


def response_bounds(result):
    """Return whether the response dies out: with funding, and without growing at rates of 0.

    And the response after 8 h by where the premium was at the start.
    """
    found = {}
    for arm in result.arms:
        late = result.values(arm.name, "zero_72"), result.values(arm.name, "zero_8")
        soon = result.values(arm.name, "on_24"), result.values(arm.name, "on_peak")
        found[f"72 h over 8 h, {AT_ZERO}: {arm.name}"] = over_mean(*late, 1.25)
        found[f"24 h over peak, {WITH_FUNDING}: {arm.name}"] = over_mean(*soon, 0.25)
        inside = result.values(arm.name, "inside")
        for state, chosen in (("inside", inside == 1), ("outside", inside == 0)):
            values = np.where(chosen, result.values(arm.name, "pull_8"), np.nan)
            found[f"funding less zero rates after 8 h, {state}: {arm.name}"] = contrast(
                values, "bp"
            )
    return found


def borrow_key(story):
    """Return the key of the arbitrageurs' borrow limit in a scenario."""
    populations = load(story).populations
    return f"populations.{'carry' if 'carry' in populations else 'arbitrage'}.borrow_share"


def crowding_arms(story):
    """Return the crowded market and the control with ample borrow, each beside rates of 0."""
    twin = (Branch("zero", TWIN_HOURS, ZERO),)
    return (
        Arm("scarce borrow", story, {"days": 17.0}, twin),
        Arm("ample borrow", story, {"days": 17.0, borrow_key(story): AMPLE}, twin),
    )


def pull_split(result):
    """Return the pull divided in proportion to the positions that funding moved, by arm.

    The shares are those of the means over seeds: single seeds divide by small numbers.
    """
    found = {}
    for arm in result.arms:
        columns = [result.values(arm.name, key) for key in ("pull_bps", "carry_usd", "shorts_usd")]
        for words, part in (("carry that stays", 1), ("shorts that leave", 2)):
            found[f"pull by {words}: {arm.name}"] = of_means(part_of_pull(part), columns, "bp")
    return found


def part_of_pull(part):
    """Return the function of pull and positions that gives the share of one of the positions."""
    return lambda *means: means[0] * means[part] / (means[1] + means[2])


def leaving_arms(story):
    """Return the only arm of the hazard of shorts, beside rates of 0."""
    changes = {"record.trades": True, "days": 24.0}
    return (Arm("shorts", story, changes, (Branch("zero", LEAVING_HOURS, ZERO),)),)


def panic_arms(story):
    """Return the panic beside rates of 0, and with one ingredient at a time as in `calm`."""
    calm = Speculator.traits.traits
    minding = {f"populations.speculators.{key}": calm[key].default for key in MINDING}
    return (
        Arm("as it is", story, {}, (Branch("zero", PANIC_HOURS, ZERO),)),
        Arm("ample borrow", story, {borrow_key(story): AMPLE}),
        Arm("no holders", story, {"populations.holders.number": 0}),
        Arm("speculators of calm", story, minding),
        Arm("providers anchored to carry", story, anchored("carry", 0.0)),
    )


RESPONSE = Study(
    name="response",
    question="How does the basis come back from a sale of a tenth of open interest in an hour?",
    arms=response_arms,
    measure=response_run,
    figures=response_figures(),
    effects=("on_peak", "on_1", "on_8", "on_24", "on_72", "zero_8", "zero_72", "pull_8"),
    settings=(Setting("calm", 60.0), Setting("small", 60.0)),
    derived=response_bounds,
    control="a branch of the same run without the order, by funding: on, and all rates zero.",
    literature="an error-correction half-life of 1.68 h for BTC (He, Manela, Ross and von "
    "Wachter, v7 table 46 [SEC]).",
)
CROWDING = Study(
    name="crowding",
    question="When shorts crowd and borrow is scarce, how hard does funding pull, through whom?",
    arms=crowding_arms,
    measure=pull_run,
    figures={
        "funding_mean": Figure("mean funding", "bp per 8 h"),
        "basis_mean": Figure("basis, funding on", "bp"),
        "zero_basis_mean": Figure("basis, all rates zero", "bp"),
        "pull_bps": Figure("pull of funding", "bp"),
        "carry_usd": Figure("carry that stays", "quote currency"),
        "shorts_usd": Figure("shorts that leave", "quote currency"),
        "shorts_paid_usd": Figure("funding paid by the crowd, net", "quote currency"),
    },
    compared=("funding_mean",),
    effects=("pull_bps", "carry_usd", "shorts_usd"),
    settings=(Setting("short-crowding", 60.0),),
    derived=pull_split,
    draw=draw_effects,
    control="a branch of the same run with all rates zero from day 7; across arms, ample borrow.",
    literature="none for the pull. Settled rates of BTCUSDT at Binance reached the cap of -30 bp "
    "per 8 h in 2020-23.",
)
LEAVING = Study(
    name="leaving",
    question="Do shorts leave sooner when they pay more funding?",
    arms=leaving_arms,
    measure=leaving_run,
    figures={
        "hazard": Figure("shorts cut until the next settlement", "%"),
        "slope": Figure("change per bp paid", "percentage points"),
        "zero_slope": Figure("the same where nothing is paid", "percentage points"),
        "slope_difference": Figure("because of payments", "percentage points"),
    },
    effects=("slope", "zero_slope", "slope_difference"),
    settings=(Setting("short-crowding", 60.0),),
    draw=draw_effects,
    control="a branch of the same run with all rates zero, against the same rates.",
    literature="no checkable number.",
)
SOL_NOVEMBER = Study(
    name="sol-november",
    question="How far does the perpetual fall if holders hedge in it and nothing can be borrowed?",
    arms=panic_arms,
    measure=panic_run,
    figures={
        "basis_before": Figure("mean basis before the news", "bp"),
        "lowest_hour": Figure("lowest hourly basis", "bp"),
        "zero_lowest_hour": Figure("the same, all rates zero", "bp"),
        "hours_deep": Figure("hours below -500 bp", "h"),
        "hours_back": Figure("from the lowest hour to the first above -150 bp", "h"),
        "at_cap": Figure("settlements at the cap of -200 bp"),
        "shorts_paid": Figure("paid by shorts in all", "% of notional"),
        "open_interest_multiple": Figure("largest open interest (coins) over that before"),
        "open_interest_day_after": Figure("a day later, over the largest"),
        "spot_fall": Figure("fall of spot", "%"),
    },
    compared=("lowest_hour", "at_cap", "shorts_paid", "open_interest_multiple"),
    settings=(Setting("sol-november", 60.0),),
    control="the scenario as it is, same seeds; and its branch with all rates zero from hour 80.",
    literature="none; SOLUSDT at Binance, 6 to 13 November 2022: before -7.6 bp, lowest hour "
    "-2,292, 29 hours below -500, back after 15, 7 settlements at the cap, 27.6 % paid, open "
    "interest x 2.8 and .62 of that a day later, spot -59 %.",
)
STUDIES = (RESPONSE, CROWDING, LEAVING, SOL_NOVEMBER)
