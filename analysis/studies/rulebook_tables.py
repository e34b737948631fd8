"""Rulebooks side by side: what was measured under each, and each law in words."""

from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.studies.markdown import (
    contrast_lines,
    interval_cell,
    is_known,
    markdown_lines,
    title_of,
)
from perplab.analysis.studies.rulebook_text import sentences
from perplab.sim.rulebook.rulebook import load_rulebook

RULEBOOK = "market.rulebook"


def side_by_side(result):
    """Yield a table of figures for each scenario, one of rules for each law, and the contrasts.

    A row is a rulebook.
    """
    for story in dict.fromkeys(arm.story for arm in result.arms):
        yield from (f"Measured in `{story}`: mean over seeds and 95 % interval.", "")
        yield from measured_lines(result, [arm for arm in result.arms if arm.story == story])
        yield ""
    yield from law_lines(dict.fromkeys(arm.changes[RULEBOOK] for arm in result.arms))
    yield from contrast_lines(result)


def measured_lines(result, arms):
    """Return the lines of the table of figures of some arms by rulebook."""
    figures = {key: each for key, each in result.study.figures.items() if is_known(result, key)}
    rows = (
        (
            arm.changes[RULEBOOK],
            [interval_cell(*mean_interval(result.values(arm.name, key))) for key in figures],
        )
        for arm in arms
    )
    return markdown_lines("rulebook", [*map(title_of, figures.values())], rows)


def law_lines(names):
    """Yield a table for each law: what it is under each rulebook, in words.

    Examples
    --------
    >>> print(*list(law_lines(["binance", "bitmex"]))[-5:], sep="\\n")
    | rulebook | loss beyond the fund |
    |---|---|
    | binance | Auto-deleveraging (ADL) of counterparties: ranked, at the bankruptcy price. |
    | bitmex | Auto-deleveraging (ADL) of counterparties: ranked, at the bankruptcy price. |
    <BLANKLINE>
    """
    books = {name: dict(sentences(load_rulebook(name))) for name in names}
    for law in next(iter(books.values())):
        rows = ((name, [texts[law]]) for name, texts in books.items())
        yield from markdown_lines("rulebook", [law], rows)
        yield ""
