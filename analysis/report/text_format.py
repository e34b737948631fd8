"""Numbers, intervals and tables as text for pages, terminals and LaTeX."""

import math
import textwrap

import jinja2
import numpy as np

from perplab.analysis.escapes import MINUS_SIGN, file_name, latex_text

LONGEST_ON_A_PAGE, LONGEST_CELL, LONGEST_HEADING = 45, 40, 18
LETTERS_IN_LINE, LETTERS_OF_GAP = 78, 2
"""Of a line in the type of tables on a page of LaTeX's article; the gap between two columns."""
LEAST_ROOM, SHARE_OF_TEXT = 8, 0.4
NOT_ESTIMATED = "not estimated"
LATEX = jinja2.Environment(
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<<",
    variable_end_string=">>",
    comment_start_string="<#",
    comment_end_string="#>",
    trim_blocks=True,
)
LATEX_TABLE = LATEX.from_string(
    r"""
{\footnotesize\setlength{\tabcolsep}{4pt}
<% if long %>
\begin{longtable}{<< form >>}
\caption{<< caption >>}\label{<< label >>}\\
<% else %>
\begin{table}[htbp]
\centering
\caption{<< caption >>}\label{<< label >>}
\begin{tabular}{<< form >>}
<% endif %>
\toprule
<< heading >> \\
\midrule
<% if long %>
\endhead
<% endif %>
<% for row in rows %>
<< row >> \\
<% endfor %>
\bottomrule
<% if long %>
\end{longtable}
<% else %>
\end{tabular}
\end{table}
<% endif %>
}""".strip()
)
LATEX_FIGURE = LATEX.from_string(
    r"""
\begin{figure}[htbp]
\centering
\includegraphics[width=\linewidth]{figures/<< name >>.pdf}
\caption{<< caption >>}\label{fig:<< name >>}
\end{figure}""".strip()
)


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


def is_number(text):
    """Return whether a table cell begins with a number, is empty or is a dash.

    Examples
    --------
    >>> is_number("-1.5 [-2, 0.3]"), is_number("−12"), is_number("-"), is_number("base")
    (True, True, True, False)
    """
    return text in ("", "-", NOT_ESTIMATED) or text.lstrip(f"-{MINUS_SIGN}")[:1].isdigit()


def estimate_text(value, low=None, high=None):
    """Return an estimate and its interval as two texts; NaN is "not estimated".

    Examples
    --------
    >>> estimate_text(1.0, 0.5, 2.0), estimate_text(math.nan), estimate_text(2, math.nan, math.nan)
    (('1', '[0.5, 2]'), ('not estimated', ''), ('2', ''))
    """
    if math.isnan(value):
        return NOT_ESTIMATED, ""
    known = low is not None and not math.isnan(low)
    return amount(value), f"[{amount(low)}, {amount(high)}]" if known else ""


def latex(table, caption, name):
    """Return a `Table` as LaTeX with booktabs rules and the label ``tab:NAME``.

    A long one breaks over pages (longtable). One wider than the page is split into several, each
    with the columns that name a row; the labels of the others are ``tab:NAME-2`` and so on.
    """
    columns = [
        [title, *(row[k] for row in table.rows)]
        for k, title in enumerate(table.columns)
        if table.printed is None or title in table.printed
    ]
    parts = split(columns, table.keys)
    return "\n".join(
        latex_part(
            part,
            caption + (f" (Part {k} of {len(parts)}.)" if len(parts) > 1 else ""),
            name if k == 1 else f"{name}-{k}",
        )
        for k, part in enumerate(parts, 1)
    )


def latex_part(columns, caption, name):
    """Return one table as LaTeX; each column is its title and its cells."""
    titles, *rows = zip(*columns, strict=True)
    room = text_room(columns)
    made = LATEX_TABLE.render(
        long=len(rows) > LONGEST_ON_A_PAGE,
        caption=latex_text(caption),
        label=f"tab:{file_name(name)}",
        form="".join(alignment(cells, room) for _, *cells in columns),
        heading=" & ".join(map(stacked, titles)),
        rows=[" & ".join(map(latex_text, row)) for row in rows],
    )
    return made + "\n"


def split(columns, keys):
    """Return the columns as parts that each fit the page, all with the first `keys` columns.

    Examples
    --------
    >>> wide = [["name", "x"], *([f"figure {k}", "1" * 30] for k in range(4))]
    >>> [[column[0] for column in part] for part in split(wide, 1)]
    [['name', 'figure 0', 'figure 1'], ['name', 'figure 2', 'figure 3']]
    """
    parts = [columns[:keys]]
    for column in columns[keys:]:
        if len(parts[-1]) > keys and total_width([*parts[-1], column]) > LETTERS_IN_LINE:
            parts.append(columns[:keys])
        parts[-1] = [*parts[-1], column]
    return parts


def total_width(columns):
    """Return the width of columns in letters, gaps included, their longest texts wrapped."""
    return sum(min(width_of(column), LONGEST_CELL) + LETTERS_OF_GAP for column in columns)


def width_of(column):
    """Return the width of a column in letters: that of its longest cell or line of its title."""
    title, *cells = column
    return max(map(len, [*heading_lines(title), *cells]))


def text_room(columns):
    """Return the letters that a column of text may take, so that all columns fit the page."""
    texts = [column for column in columns if not all(map(is_number, column[1:]))]
    if total_width(columns) <= LETTERS_IN_LINE or not texts:
        return LONGEST_CELL
    numbers = total_width([column for column in columns if column not in texts])
    return max((LETTERS_IN_LINE - numbers) // len(texts) - LETTERS_OF_GAP, LEAST_ROOM)


def latex_figure(caption, name):
    """Return the LaTeX of a figure of a report, with the label ``fig:NAME``."""
    return LATEX_FIGURE.render(caption=latex_text(caption), name=file_name(name)) + "\n"


def alignment(cells, room=LONGEST_CELL):
    """Return the LaTeX column type: numbers right, text of at most `room` letters left, or wrapped.

    Examples
    --------
    >>> alignment(["1", "-2 [0, 1]"]), alignment(["a", "b"]), alignment(["a long text"], 6)
    ('r', 'l', 'p{0.077\\\\linewidth}')
    """
    if cells and all(map(is_number, cells)):
        return "r"
    if max(map(len, cells), default=0) <= room:
        return "l"
    return f"p{{{min(room / LETTERS_IN_LINE, SHARE_OF_TEXT):.2g}\\linewidth}}"


def heading_lines(heading):
    """Return the lines of a heading, its unit on one of its own.

    Examples
    --------
    >>> heading_lines("volume over open interest (million USD)")
    ['volume over open', 'interest', '(million USD)']
    """
    words, parenthesis, unit = heading.partition(" (")
    return [
        *(textwrap.wrap(words, LONGEST_HEADING) or [""]),
        *([f"({unit}"] if parenthesis else []),
    ]


def stacked(heading):
    r"""Return a heading as LaTeX in short lines, with its unit on the last.

    Examples
    --------
    >>> print(stacked("volume (million USD)"))
    \shortstack{volume\\(million USD)}
    """
    lines = [latex_text(line) for line in heading_lines(heading)]
    return lines[0] if len(lines) == 1 else "\\shortstack{" + "\\\\".join(lines) + "}"
