"""Tables of a study in Markdown: figures by arm, contrasts with verdicts."""

import math

import numpy as np

from perplab.analysis.studies.results import contrasts_of


def number(value):
    """Return a number with three significant digits, integers from 1,000 on, a dash if unknown.

    Examples
    --------
    >>> number(0.12345), number(-1234.5), number(None)
    ('0.123', '-1,234', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:#.3g}".removesuffix(".")


def interval_cell(mean, low, high):
    """Return a mean and its interval as one cell.

    Examples
    --------
    >>> interval_cell(2.0, -0.484, 4.48), interval_cell(2.0, None, None)
    ('2.00 [-0.484, 4.48]', '2.00')
    """
    return number(mean) + ("" if low is None else f" [{number(low)}, {number(high)}]")


def markdown_lines(corner, columns, rows):
    """Yield the lines of a Markdown table, `rows` being ``(name, cells)`` each."""
    yield f"| {corner} | ".replace("|  |", "| |") + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"


def figure_lines(result):
    """Return the lines of the table of figures and arms: mean over seeds and 95 % interval.

    Figures that are known in no arm are left out; the longer side goes down.
    """
    keys = [key for key in result.study.figures if is_known(result, key)]
    names = {key: title_of(result.study.figures[key]) for key in keys}
    cells = {
        (arm.name, key): interval_cell(*result.interval(arm.name, key))
        for arm in result.arms
        for key in keys
    }
    arms = [arm.name for arm in result.arms]
    if len(keys) > len(arms):
        rows = ((names[key], [cells[arm, key] for arm in arms]) for key in keys)
        return markdown_lines("", arms, rows)
    rows = ((arm, [cells[arm, key] for key in keys]) for arm in arms)
    return markdown_lines("", names.values(), rows)


def is_known(result, key):
    """Return whether a figure was measured in any arm and seed."""
    return any(np.isfinite(result.values(arm.name, key)).any() for arm in result.arms)


def title_of(figure):
    """Return words and unit of a figure."""
    return f"{figure.words} ({figure.unit})" if figure.unit else figure.words


def contrast_lines(result, values="mean [95 %]"):
    """Yield the lines of the table of contrasts; `values` says what their numbers are."""
    rows = (
        (name, [interval_cell(*each[:3]), each.unit, str(each.seeds), each.verdict])
        for name, each in contrasts_of(result).items()
    )
    return markdown_lines("effect", (values, "unit", "seeds", "verdict"), rows)


def standard_lines(result):
    """Yield the lines of both tables."""
    yield from figure_lines(result)
    yield ""
    yield from contrast_lines(result)


def study_lines(result):
    """Yield all that the command prints of a study, in Markdown."""
    study, count = result.study, len(result.seeds)
    yield f"**{study.name}** {study.question}"
    if study.control:
        yield f"Control: {study.control}"
    seeds = f"{result.seeds[0]} to {result.seeds[-1]}" if count > 1 else f"{result.seeds[0]}"
    yield f"Seeds {seeds}."
    yield ""
    yield from (study.tables or standard_lines)(result)
    if study.literature:
        yield ""
        yield f"Literature: {study.literature}"
