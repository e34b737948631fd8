"""The figure of attacks: what each earns, with and without victims, and the difference."""

from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.figures.style import GREY, REAL
from perplab.analysis.studies.drawing import draw_interval, rows_figure, wrapped

APART = 0.15
"""Half of what lies between the two intervals of a row, in rows."""
LETTERS = 34
WORDS = (
    "profit net of luck (blue: the attack, orange: the same push without victims)",
    "what victims add: the difference",
)


def draw_pairs(pairs, unit):
    """Return the figure of attacks, a row each: what it earns, and what victims add to it.

    Parameters
    ----------
    pairs : dict of str to (ndarray, ndarray)
        By attack: what it earns by seed, and what the same push earns without victims.
    unit : str
    """
    figure, (left, right) = rows_figure(2, list(pairs))
    for row, (attack, push) in enumerate(pairs.values()):
        draw_interval(left, row - APART, mean_interval(attack))
        draw_interval(left, row + APART, mean_interval(push), color=REAL)
        draw_interval(right, row, mean_interval(attack - push))
    for axes, words in zip((left, right), WORDS, strict=True):
        axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        axes.set_xlabel(wrapped(f"{words}, {unit}", LETTERS))
    return figure
