"""The tables of moments: beside their ranges and real markets, and by variant."""

import numpy as np

from perplab.analysis.estimators.moments import MOMENTS
from perplab.analysis.estimators.series import known, mean_interval
from perplab.analysis.studies.figure_words import FIGURES
from perplab.analysis.studies.markdown import interval_cell, markdown_lines, number
from perplab.analysis.studies.measures.run_figures import MID
from perplab.analysis.studies.results import contrast
from perplab.analysis.studies.targets import RANGES, is_inside

COLUMNS = ("unit", "range", "mean [95 %]", "inside", "sd of seeds", "real", "sd of real", "of mids")


def moment_of(result, arm, key):
    """Return what a moment is in one arm.

    Returns
    -------
    dict
        `mean`, `low`, `high`: over seeds with 95 % interval; `sd_between`: standard deviation
        between seeds; `real`, `real_sd`: of the real market and its blocks; `inside`: whether it is
        in its range; `range`; `mid_mean`: its mean from mids. None where unknown.
    """
    values = result.values(arm.name, key)
    mean, low, high = mean_interval(values)
    real, real_sd = result.real.get(arm.story, {}).get(key, (None, None))
    bounds = RANGES.get(arm.story, {}).get(key)
    seen = values[np.isfinite(values)]
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "sd_between": known(float(np.std(seen, ddof=1))) if len(seen) > 1 else None,
        "real": known(real),
        "real_sd": known(real_sd),
        "inside": None if bounds is None else is_inside(key, bounds, mean, low),
        "range": bounds,
        "mid_mean": mean_interval(result.values(arm.name, MID + key))[0],
    }


def moments_json(result):
    """Return the moments by story, step and name, as the command's JSON object holds them."""
    found = {}
    for arm in result.arms:
        place = found.setdefault(arm.story, {})
        place[step_name(arm)] = {
            key: moment_of(result, arm, key) for key in known_keys(result, arm)
        }
    return {"moments": found}


def step_name(arm):
    """Return the length of an arm's step as text, such as "60"."""
    return f"{arm.changes.get('dt_seconds', arm.dt or 60):g}"


def known_keys(result, arm):
    """Return the figures with a range or a value in an arm."""
    ranged = RANGES.get(arm.story, {})
    return [
        key for key in FIGURES if key in ranged or np.isfinite(result.values(arm.name, key)).any()
    ]


def range_contrasts(result):
    """Return each moment that has a range as a contrast, with whether it is inside."""
    return {
        f"{FIGURES[key].words}: {arm.name}": inside_contrast(result, arm, key)
        for arm in result.arms
        for key in RANGES.get(arm.story, {})
    }


def inside_contrast(result, arm, key):
    """Return the mean of a moment with interval, and whether it is in its range."""
    found = contrast(result.values(arm.name, key), FIGURES[key].unit, is_difference=False)
    inside = is_inside(key, RANGES[arm.story][key], found.effect, found.low)
    if inside is None:
        return found
    words = f"{'inside' if inside else 'outside'} {range_text(RANGES[arm.story][key])}"
    return found._replace(verdict=words)


def range_text(bounds):
    """Return a range as text.

    Examples
    --------
    >>> range_text((3, None)), range_text((-5, -3.5)), range_text(None)
    ('above 3', '-5 to -3.5', '')
    """
    if bounds is None:
        return ""
    return f"above {bounds[0]:g}" if bounds[1] is None else f"{bounds[0]:g} to {bounds[1]:g}"


def moment_lines(result):
    """Yield the lines of one table per story and step."""
    for arm in result.arms:
        yield f"**{arm.story}, steps of {step_name(arm)} s, {len(result.seeds)} seeds**"
        yield ""
        rows = (
            (FIGURES[key].words, moment_cells(FIGURES[key].unit, moment_of(result, arm, key)))
            for key in known_keys(result, arm)
        )
        yield from markdown_lines("", COLUMNS, rows)
        yield ""


def moment_cells(unit, found):
    """Return the cells of one moment."""
    inside = {None: "", True: "yes", False: "**no**"}[found["inside"]]
    return [
        unit,
        range_text(found["range"]),
        interval_cell(found["mean"], found["low"], found["high"]),
        inside,
        number(found["sd_between"]),
        number(found["real"]),
        number(found["real_sd"]),
        number(found["mid_mean"]),
    ]


def variant_lines(result):
    """Yield the lines of a table with a row per variant: all moments, and which leave their range.

    A moment outside its range is in bold; by how much of its interval it is outside is listed.
    """
    keys = [key for key in RANGES[result.arms[0].story] if key in MOMENTS]
    keys += [key for key in RANGES[result.arms[0].story] if key not in MOMENTS]
    columns = [*(FIGURES[key].words for key in keys), "outside"]
    rows = ((arm.name, variant_cells(result, arm, keys)) for arm in result.arms)
    yield from markdown_lines("variant", columns, rows)


def variant_cells(result, arm, keys):
    """Return the cells of one variant."""
    found = {key: moment_of(result, arm, key) for key in keys}
    cells = [
        f"**{number(each['mean'])}**" if each["inside"] is False else number(each["mean"])
        for each in found.values()
    ]
    return [*cells, ", ".join(outside(found)) or "none"]


def outside(found):
    """Return the names of moments outside their ranges; those within their interval are marked.

    Examples
    --------
    >>> bounds = {"range": (0, 1), "inside": False}
    >>> outside({"a": bounds | {"mean": 1.1, "low": 0.9, "high": 1.3}})
    ['a (within its interval)']
    """
    return [
        f"{key} (within its interval)" if near_range(each) else key
        for key, each in found.items()
        if each["inside"] is False
    ]


def near_range(each):
    """Return whether the interval of a moment outside its range reaches the range."""
    low, high = each["range"]
    if each["low"] is None:
        return False
    return (low is None or each["high"] >= low) and (high is None or each["low"] <= high)


def outside_json(result):
    """Return the moments outside their range by variant, and all moments."""
    keys = list(RANGES[result.arms[0].story])
    return {
        "outside": {
            arm.name: outside({key: moment_of(result, arm, key) for key in keys})
            for arm in result.arms
        },
        "moments": {
            arm.name: {key: moment_of(result, arm, key) for key in keys} for arm in result.arms
        },
    }
