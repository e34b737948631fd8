"""The search for attacks that pay.

By size and speed of the push, position, leverage of the crowd, depth, unwind, cap and interval.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from perplab.analysis.figures.heat_maps import draw_map
from perplab.analysis.studies.experiments.attacks.attack_value import (
    ATTACKER,
    NO_VICTIMS,
    PROFIT,
    USD,
    net_contrasts,
    pair_of_arms,
    profit_pairs,
)
from perplab.analysis.studies.markdown import interval_cell, markdown_lines
from perplab.analysis.studies.measures.attack_accounts import attack_value_run
from perplab.analysis.studies.results import contrast, contrasts_of
from perplab.analysis.studies.study import Figure, Setting, Study
from perplab.scenarios.files.loader import load

SIZES = (0.25, 1.0, 4.0)
"""What the attacker trades in all while it pushes, over that of the scenario."""
SPEEDS = (0.25, 1.0, 4.0)
"""How fast it trades that, over the scenario's speed."""
LEVERAGES = (6, 20)
"""Median leverage of the crowd."""
DEPTHS = (0.5, 2.0)
POSITIONS = (0.25, 4.0)
"""The position in the perpetual that the attacker builds first, over that of the scenario."""
UNWINDS = (0.25, 4.0)
MAP_INCHES = (4.2, 2.3)
TERMS = {
    "cap .05 %": {"market.changes.funding.cap": 0.0005},
    "interval 1 h": {"market.changes.funding.interval_hours": 1},
    "interval 4 h": {"market.changes.funding.interval_hours": 4},
}
STORIES = ("short-squeeze", "index-attack", "sell-into-news")
"""Not `premium-push`, which pushes at the ends of funding intervals: speed means nothing there."""
SPOT_PUSH, PERP_PUSH = f"{ATTACKER}.spot_push_usd", f"{ATTACKER}.perp_push_usd"


def search_arms(story):
    """Return each attack of the search and the same push without victims."""
    points = pushes_of(story) | markets_of(story)
    return tuple(
        arm
        for name, changes in points.items()
        for arm in pair_of_arms(story, name, "displacement", changes)
    )


def push_name(size, speed):
    """Return the name of a point of the map.

    Examples
    --------
    >>> push_name(4.0, 0.25)
    'size x 4, speed x 0.25'
    """
    return f"size x {size:g}, speed x {speed:g}"


def pushes_of(story):
    """Return changes to an attack by size and speed of its push, by name.

    Size is what is traded in all, over that of the scenario; at twice the speed it takes half
    the time.
    """
    traits = load(story).populations["attacker"].traits
    return {
        push_name(size, speed): {
            PERP_PUSH: traits["perp_push_usd"] * size * speed,
            SPOT_PUSH: traits.get("spot_push_usd", 0) * size * speed,
            f"{ATTACKER}.attack_hours": traits["attack_hours"] / speed,
        }
        for size in SIZES
        for speed in SPEEDS
    }


def markets_of(story):
    """Return changes to the market, the position and the unwind of a scenario's attack, by name."""
    scenario = load(story)
    depth, unwind = scenario.spot.displacement.depth, f"{ATTACKER}.unwind_seconds"
    attacker = scenario.populations["attacker"].traits
    seconds, position = attacker["unwind_seconds"], attacker["size_usd"]
    return (
        {
            f"leverage {leverage}": {"populations.speculators.target_leverage.median": leverage}
            for leverage in LEVERAGES
        }
        | {f"depth x {part:g}": {"spot.displacement.depth": part * depth} for part in DEPTHS}
        | {f"position x {part:g}": {f"{ATTACKER}.size_usd": part * position} for part in POSITIONS}
        | {f"unwind x {part:g}": {unwind: part * seconds} for part in UNWINDS}
        | TERMS
    )


def paying(result):
    """Return the names of the points at which an attack pays, marked where nothing is claimed."""
    words = {"the attack pays": "", "no claim: the attack pays": " (no claim)"}
    return [
        name.partition(": ")[2] + words[each.verdict]
        for name, each in contrasts_of(result).items()
        if each.verdict in words
    ]


def summary_of(result):
    """Return in one sentence where attacks pay."""
    points, found = sum(NO_VICTIMS not in arm.name for arm in result.arms), paying(result)
    if found:
        return f"The attack pays at {len(found)} of {points} points: {'; '.join(found)}."
    best = max(
        (arm for arm in result.arms if NO_VICTIMS not in arm.name),
        key=lambda arm: np.mean(result.values(arm.name, PROFIT)),
    )
    profit = interval_cell(*contrast(result.values(best.name, PROFIT))[:3])
    return (
        f"No point of {points} was found at which the attack pays. The best mean is that of "
        f"{best.name}: {profit} {USD}."
    )


def search_lines(result):
    """Yield the map in words: profit, profit without victims, and their difference by point."""
    yield summary_of(result)
    yield ""
    nets = contrasts_of(result)
    rows = []
    for name, pair in profit_pairs(result).items():
        net = nets[f"profit net of the push without victims: {name}"]
        cells = [interval_cell(*contrast(profit)[:3]) for profit in pair]
        rows.append((name, [*cells, interval_cell(*net[:3]), net.verdict]))
    columns = (f"profit net of luck ({USD})", "without victims", "difference", "verdict")
    yield from markdown_lines("", columns, rows)


def search_json(result):
    """Return the sentence of the search for its JSON object."""
    return {"summary": summary_of(result)}


def draw_search(result):
    """Return the maps of the profit net of luck over size and speed of the push, by scenario."""
    stories = list(dict.fromkeys(arm.story for arm in result.arms))
    size = (MAP_INCHES[0], MAP_INCHES[1] * len(stories))
    figure = Canvas(figsize=size, layout="constrained")
    for axes, story in zip(
        figure.subplots(len(stories), squeeze=False)[:, 0], stories, strict=True
    ):
        draw_profits(result, story, axes)
    return figure


def draw_profits(result, story, axes):
    """Draw the map of one scenario, in thousands."""
    means = {
        arm.name: result.values(arm.name, PROFIT).mean() / 1e3
        for arm in result.arms
        if arm.story == story
    }
    rows = [[mean_at(means, size, speed) for speed in SPEEDS] for size in SIZES]
    factors = [[f"x {factor:g}" for factor in each] for each in (SIZES, SPEEDS)]
    table = pd.DataFrame(rows, *factors)
    widest = float(np.nanmax(np.abs(table.to_numpy()))) or 1.0
    words = np.vectorize(lambda profit: f"{profit:,.0f}", otypes=[object])(table)
    label = {"label": "profit net of luck\n(thousand USD)"}
    draw_map(table, axes, words, 7, cmap="PuOr", vmin=-widest, vmax=widest, cbar_kws=label)
    axes.set(xlabel="speed of the push", ylabel="size of the push", title=story)
    axes.tick_params(axis="y", rotation=0)


def mean_at(means, size, speed):
    """Return the mean at a point of the map, whatever setting its name begins with; NaN if none."""
    ends = push_name(size, speed)
    return next((mean for name, mean in means.items() if name.endswith(ends)), np.nan)


STUDIES = (
    Study(
        name="attack-search",
        question="At which size and speed, leverage of the victims, depth, cap and interval does "
        "an attack earn more than the same push without victims?",
        arms=search_arms,
        measure=attack_value_run,
        figures={
            PROFIT: Figure("profit net of luck", USD),
            "push_cost_usd": Figure("cost of the push against the price before it", USD),
            "excess_usd": Figure("liquidated shorts in excess of the control", USD),
            "excess_longs_usd": Figure("liquidated longs in excess of the control", USD),
            "index_moved_bps": Figure("index at the end of the push", "bp"),
            "funding_bps_8h": Figure("mean funding", "bp per 8 h"),
        },
        effects=(PROFIT,),
        settings=tuple(map(Setting, STORIES)),
        control="as in attack-value: branches without the attacker and without its push, and the "
        "same push without victims.",
        derived=net_contrasts,
        tables=search_lines,
        draw=draw_search,
        json=search_json,
        literature="none: no published search of this kind.",
    ),
)
