"""Numbers, intervals and tables as text for pages, terminals and LaTeX."""

import math

import jinja2
import numpy as np

from perplab.analysis.escapes import MINUS_SIGN, file_name, latex_text

LONGEST_ON_A_PAGE, LONGEST_CELL = 45, 40
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

    A long one breaks over pages (longtable).
    """
    columns = [
        k
        for k, title in enumerate(table.columns)
        if table.printed is None or title in table.printed
    ]
    rows = [[row[k] for k in columns] for row in table.rows]
    made = LATEX_TABLE.render(
        long=len(rows) > LONGEST_ON_A_PAGE,
        caption=latex_text(caption),
        label=f"tab:{file_name(name)}",
        form="".join(alignment(cells) for cells in zip(*rows, strict=True)) or "l" * len(columns),
        heading=" & ".join(stacked(table.columns[k]) for k in columns),
        rows=[" & ".join(map(latex_text, row)) for row in rows],
    )
    return made + "\n"


def latex_figure(caption, name):
    """Return the LaTeX of a figure of a report, with the label ``fig:NAME``."""
    return LATEX_FIGURE.render(caption=latex_text(caption), name=file_name(name)) + "\n"


def alignment(cells):
    """Return the LaTeX column type: numbers right, short text left, long text wrapped."""
    if all(map(is_number, cells)):
        return "r"
    return "l" if max(map(len, cells)) <= LONGEST_CELL else "p{0.4\\linewidth}"


def stacked(heading):
    r"""Return a heading as LaTeX with its unit on a second line.

    Examples
    --------
    >>> print(stacked("volume (million USD)"))
    \shortstack{volume\\(million USD)}
    """
    words, parenthesis, unit = heading.partition(" (")
    if not parenthesis:
        return latex_text(words)
    return f"\\shortstack{{{latex_text(words)}\\\\{latex_text(f'({unit}')}}}"
