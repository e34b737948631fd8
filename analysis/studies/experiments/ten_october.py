"""The study of a crash: news on a crowded market, its controls, and a calm month beside it.

Falls are within 35 minutes and end within three hours of the news. A run cascades if the perpetual
falls by more than 8 %. Medians are over the seeds that cascade where that is said, since the market
has two outcomes and their mean describes neither.
"""

import math

import numpy as np

from perplab.analysis.figures.style import GREY, PERPETUAL, SPOT
from perplab.analysis.studies.drawing import rows_figure
from perplab.analysis.studies.markdown import contrast_lines, markdown_lines, number, title_of
from perplab.analysis.studies.measures.crashes import CASCADE_PCT, MONTH, PROFITING, crash_run
from perplab.analysis.studies.results import Contrast
from perplab.analysis.studies.study import SHARE_OF_SEEDS, Arm, Figure, Setting, Study
from perplab.analysis.studies.targets import CRASH_RANGES, OCTOBER

STORY = "ten-october"
SPECULATORS = "populations.speculators"
NEWS = "shocks.0.move"
NO_STOPS = {f"{SPECULATORS}.stop_loss": 0}
MONTH_RECORD_SECONDS = 60.0
ARMS = {
    "news 0": {NEWS: 0.0},
    "news -2 %": {NEWS: -0.02},
    "news -4 %": {NEWS: -0.04},
    "news -6 %": {NEWS: -0.06},
    "leverage 1, no stops": {f"{SPECULATORS}.target_leverage": 1, **NO_STOPS},
    "leverage 2, no stops": {f"{SPECULATORS}.target_leverage": 2, **NO_STOPS},
    "leverage 2": {f"{SPECULATORS}.target_leverage": 2},
    "no stops": NO_STOPS,
    "constant depth": {"spot.displacement.thin_power": 0},
    "Hyperliquid's rules": {
        "market.rulebook": "hyperliquid",
        "market.changes.fund.initial": 60_000,
    },
}
"""Changes by name. The last six are at the news of the scenario, -4 %."""
OF_ALL = ("fall", "twin_fall", "price_amplification", "spot_fall")
"""What is shown over all seeds; everything over those that cascade."""
THOUSANDS = "thousand"
FIGURES = {
    "cascades": Figure("seeds that fall beyond 8 %", SHARE_OF_SEEDS),
    "fall": Figure("fall in 35 minutes", "%"),
    "twin_fall": Figure("fall of the twin", "%"),
    "price_amplification": Figure("price amplification", "share"),
    "spot_fall": Figure("fall of spot from the news", "%"),
    "low_minutes": Figure("news to the low", "min"),
    "rebound": Figure("rebound in ten minutes", "share of the fall"),
    "basis_low": Figure("lowest basis, 5 s", "bp"),
    "open_interest_change": Figure("change of open interest, 35 minutes after the low", "%"),
    "depth_left": Figure("depth within 10 bp, worst minute over before"),
    "volume_multiple": Figure("five-minute volume over its median"),
    "depth_spot_left": Figure("depth of spot, lowest over before"),
    "liquidated": Figure("liquidated, over open interest", "%"),
    "share_book": Figure("taken by the book", "share"),
    "share_fund": Figure("taken by the fund", "share"),
    "share_adl": Figure("taken by ADL", "share"),
    "first_adl_seconds": Figure("first liquidation to first ADL", "s"),
    "adl_of_liquidation": Figure("ADL within 3 minutes of the first liquidation", "share"),
    "adl_burst": Figure("ADL within 3 minutes of the first ADL", "share"),
    "adl_of_fund": Figure("ADL that closed positions of the fund", "share"),
    "makers_profit": Figure("profit of spot's makers", THOUSANDS),
    "late_profit": Figure("profit of late buyers", THOUSANDS),
    "latent_profit": Figure("profit of latent traders, of trades since the news", THOUSANDS),
    **{
        f"profit_{kind}": Figure(f"profit of kind {kind} since the news", THOUSANDS)
        for kind in PROFITING
    },
    "perpetual_leads": Figure("correlation of the perpetual with spot 5 s later"),
    "spot_leads": Figure("correlation of spot with the perpetual 5 s later"),
    "large_move": Figure("months with a move beyond 8 % in 35 minutes", SHARE_OF_SEEDS),
    "largest_move": Figure("largest move in 35 minutes", "%"),
    "liquidated_a_day": Figure("liquidated a day, over open interest", "%"),
}


def crash_arms(story):
    """Return the arms of the crash, or the calm month."""
    if story == STORY:
        return tuple(Arm(name, story, changes) for name, changes in ARMS.items())
    return (Arm("as it is", story, {"record_seconds": MONTH_RECORD_SECONDS}),)


def short_name(arm):
    """Return the name of an arm without its setting; that of the setting for a calm month."""
    label = f"{arm.story} {arm.dt:g} s"
    return arm.name.removeprefix(f"{label}, ") if arm.story == STORY else label


def chosen_values(result, arm, key, cascading):
    """Return the known values of a figure, of the seeds that cascade or of all."""
    values = result.values(arm.name, key)
    if cascading:
        values = values[result.values(arm.name, "cascades") == 1.0]
    return values[np.isfinite(values)]


def spread_of(values):
    """Return median, least and greatest, None of nothing.

    Examples
    --------
    >>> spread_of(np.array([3.0, 1.0, 2.0])), spread_of(np.array([]))
    ((2.0, 1.0, 3.0), (None, None, None))
    """
    if not len(values):
        return None, None, None
    return float(np.median(values)), float(values.min()), float(values.max())


def spread_cell(values):
    """Return median and range as one cell, and the number of seeds that know no value."""
    centre, low, high = spread_of(values)
    return "-" if centre is None else f"{number(centre)} [{number(low)}, {number(high)}]"


def arms_by_story(result, is_crash):
    """Return the arms of the crash, or those of the calm month."""
    return [arm for arm in result.arms if (arm.story == STORY) == is_crash]


def cascade_count(result, arm):
    """Return how many seeds of an arm cascade."""
    return int(np.nansum(result.values(arm.name, "cascades")))


def crash_lines(result):
    """Yield the tables: all seeds, the seeds that cascade beside 10 October, the calm month."""
    crashes, months = arms_by_story(result, True), arms_by_story(result, False)
    if crashes:
        yield "All seeds: median [least, greatest]"
        yield ""
        yield from spread_lines(result, crashes, OF_ALL, False)
        yield ""
        yield "Seeds that cascade: median [least, greatest]; seeds in brackets"
        yield ""
        falling = [arm for arm in crashes if cascade_count(result, arm)]
        keys = [key for key in FIGURES if key not in ("cascades", *MONTH)]
        yield from spread_lines(result, falling, keys, True)
        yield ""
    if months:
        yield from month_lines(result, months)
        yield ""
    yield from contrast_lines(result, "median [least, greatest], or share")


def spread_lines(result, arms, keys, cascading):
    """Return the lines of a table of medians and ranges by figure and arm."""
    if cascading:
        columns = [f"{short_name(arm)} ({cascade_count(result, arm)})" for arm in arms]
    else:
        columns = [short_name(arm) for arm in arms]
    rows = [
        (
            title_of(FIGURES[key]),
            [spread_cell(chosen_values(result, arm, key, cascading)) for arm in arms]
            + ([OCTOBER.get(key, "")] if cascading else []),
        )
        for key in keys
    ]
    if not cascading:
        count = len(result.seeds)
        shares = [f"{cascade_count(result, arm)} of {count}" for arm in arms]
        rows.insert(0, (FIGURES["cascades"].words, shares))
    return markdown_lines("", columns + (["10 October 2025"] if cascading else []), rows)


def month_lines(result, arms):
    """Return the lines of the table of calm months."""
    rows = [
        (title_of(FIGURES[key]), [month_cell(result, arm, key) for arm in arms]) for key in MONTH
    ]
    return markdown_lines("calm month", [short_name(arm) for arm in arms], rows)


def month_cell(result, arm, key):
    """Return a figure of calm months as a cell: how many, or the median and range."""
    values = chosen_values(result, arm, key, False)
    if key == "large_move":
        return f"{int(values.sum())} of {len(values)}"
    return spread_cell(values)


def crash_verdicts(result):
    """Return whether each figure with a stated range is in it, by arm.

    Shares are over all seeds. Other figures are medians over the seeds that cascade, where the arm
    is one of news, and over all seeds in a control. Of the sizes of the largest moves the greatest
    counts.
    """
    found = {}
    for arm in result.arms:
        name = short_name(arm)
        for key, (low, high) in CRASH_RANGES.get(
            arm.story if arm.story != STORY else name, {}
        ).items():
            values = chosen_values(result, arm, key, is_of_cascades(name, key))
            centre, least, most = judged_value(key, values)
            words = inside_words(centre, low, high)
            figure = FIGURES[key]
            found[f"{figure.words}: {name}"] = Contrast(
                centre, least, most, figure.unit, words, len(values)
            )
    return found


def is_of_cascades(name, key):
    """Return whether a figure of an arm is judged over the seeds that cascade."""
    return name.startswith("news") and key != "cascades"


def judged_value(key, values):
    """Return what is judged of a figure, with the range of its values."""
    if key in ("cascades", "large_move") and len(values):
        return float(values.mean()), None, None
    if key != "largest_move":
        return spread_of(values)
    _, low, high = spread_of(np.abs(values))
    return high, low, high


def inside_words(value, low, high):
    """Return whether a value is in a stated range, in words.

    Examples
    --------
    >>> inside_words(0.5, 0, 1), inside_words(9, 15, math.inf), inside_words(0.1, -math.inf, 0.2)
    ('inside 0 to 1', 'outside: at least 15', 'inside: at most 0.2')
    """
    if value is None:
        return "unknown: not measured in any seed"
    inside = "inside" if low <= value <= high else "outside"
    if math.isinf(high):
        return f"{inside}: at least {low:g}"
    return f"{inside}: at most {high:g}" if math.isinf(low) else f"{inside} {low:g} to {high:g}"


def medians_json(result):
    """Return the medians and ranges of every figure by arm, over all and over cascading seeds."""
    return {
        "medians": {
            name: {
                arm.name: {
                    key: spread_of(chosen_values(result, arm, key, cascading)) for key in FIGURES
                }
                for arm in result.arms
            }
            for name, cascading in (("all", False), ("cascading", True))
        }
    }


def draw_crashes(result):
    """Return the figure of falls: a dot per seed, with impact of liquidations and in the twin."""
    arms = arms_by_story(result, True) or result.arms
    figure, axes = rows_figure(1, [short_name(arm) for arm in arms])
    for row, arm in enumerate(arms):
        for key, colour, apart in (("twin_fall", SPOT, 0.15), ("fall", PERPETUAL, -0.15)):
            values = result.values(arm.name, key)
            axes[0].plot(values, np.full(len(values), row + apart), "o", color=colour, markersize=3)
    axes[0].axvline(-CASCADE_PCT, color=GREY, linewidth=0.6, zorder=0)
    axes[0].set_xlabel("fall of the perpetual in 35 minutes (%), a dot per seed; below it the twin")
    return figure


TEN_OCTOBER = Study(
    name="ten-october",
    question="How far does a crowded market fall after news, and how much of it do liquidations "
    "bring about?",
    arms=crash_arms,
    measure=crash_run,
    figures=FIGURES,
    settings=(Setting(STORY, 5.0), Setting("calm", 60.0), Setting("calm", 5.0)),
    derived=crash_verdicts,
    tables=crash_lines,
    draw=draw_crashes,
    json=medians_json,
    control="the no-impact twin of each run; no news; a crowd without leverage and stops; depth of "
    "spot that does not answer; the calm market.",
    literature="BTC at Binance on 10 October 2025, in the last column; ADL at Hyperliquid.",
)
STUDIES = (TEN_OCTOBER,)
