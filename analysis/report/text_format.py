"""Numbers, intervals and tables as text for pages, terminals and LaTeX."""

import math
import re

import numpy as np

LONGEST_ON_A_PAGE, LONGEST_CELL = 45, 40
MINUS = re.compile(r"(?<![\w.])-(?=[\d.])")
SPECIAL = "&%#_{}"


def amount(value, digits=3):
    """Return a number as text: significant digits, thousands separated; "-" if unknown.

    Examples
    --------
    >>> amount(1234.5678), amount(-0.012345), amount(None), amount(12), amount(math.inf)
    ('1,235', '-0.0123', '-', '12', '∞')
    >>> amount(12345678.9, 4), amount(-0.0123456, 4), amount(-0.0)
    ('12,345,679', '-0.01235', '0')
    """
    if value is None or isinstance(value, float) and math.isnan(value):
        return "-"
    if abs(value) == math.inf:
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    if isinstance(value, (int, np.integer)) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value + 0.0:.{digits}g}"


def interval_text(centre, low, high):
    """Return a value and its interval as text.

    Examples
    --------
    >>> interval_text(1.0, -0.25, 2.125), interval_text(3.0, None, None)
    ('1 [-0.25, 2.12]', '3')
    """
    return amount(centre) if low is None else f"{amount(centre)} [{amount(low)}, {amount(high)}]"


def with_minus(text):
    """Return a text with true minus signs before numbers.

    Examples
    --------
    >>> with_minus("-1 to 2 at a-1")
    '−1 to 2 at a-1'
    """
    return MINUS.sub("\N{MINUS SIGN}", text)


def is_number(text):
    """Return whether a table cell begins with a number, is empty or is a dash.

    Examples
    --------
    >>> is_number("$-$1.5 [$-$2, 0.3]"), is_number("-12"), is_number("-"), is_number("base")
    (True, True, True, False)
    """
    return text in ("", "-") or text.removeprefix("$-$").removeprefix("-")[:1].isdigit()


def latex(table, caption):
    """Return a `Table` as LaTeX with booktabs rules; a long one breaks over pages (longtable)."""
    import pandas as pd

    frame = pd.DataFrame(table.rows, columns=table.columns)[table.printed or table.columns]
    frame = frame.map(escaped).rename(columns=stacked)
    made = frame.style.hide(axis="index").to_latex(
        hrules=True,
        caption=escaped(caption),
        column_format="".join(alignment(frame[column]) for column in frame),
        position="htbp",
        environment="longtable" if len(frame) > LONGEST_ON_A_PAGE else None,
    )
    return "{\\footnotesize\\setlength{\\tabcolsep}{4pt}\n" + made + "}\n"


def alignment(cells):
    """Return the LaTeX column type: numbers right, short text left, long text wrapped."""
    if cells.map(is_number).all():
        return "r"
    return "l" if cells.str.len().max() <= LONGEST_CELL else "p{0.4\\linewidth}"


def stacked(heading):
    r"""Return a heading as LaTeX with its unit on a second line.

    Examples
    --------
    >>> print(stacked("volume (million USD)"))
    \shortstack{volume\\(million USD)}
    """
    words, parenthesis, unit = escaped(heading).partition(" (")
    return f"\\shortstack{{{words}\\\\({unit}}}" if parenthesis else words


def escaped(text):
    r"""Return a text as LaTeX source: special characters escaped, minus signs in math mode.

    Examples
    --------
    >>> print(escaped("-1.5 [-2, 0.3] at 95 % of pnl_by_kind"))
    $-$1.5 [$-$2, 0.3] at 95 \% of pnl\_by\_kind
    """
    for mark in SPECIAL:
        text = text.replace(mark, f"\\{mark}")
    return (
        MINUS.sub("$-$", text)
        .replace("\N{MINUS SIGN}", "$-$")
        .replace("\N{RIGHTWARDS ARROW}", "$\\to$")
        .replace("\N{INFINITY}", "$\\infty$")
    )
