r"""Names and texts of users, made safe for each output: one function per output.

Titles, populations, kinds, factors, labels, arms and files may hold anything. Each output reads
some characters as commands; here they become plain characters. Control characters, invisible ones
and unpaired surrogates are written as escapes, such as ``\x1b``.

=============  =====================================================================
console        `console_text`, through `perplab.analysis.cli.terminal`
figure         `figure_text` and `figure_names`; the style has mathematical text off
LaTeX          `latex_text`
HTML           `html_text`, through the autoescaping environment of the page
file name      `file_name`
=============  =====================================================================
"""

import hashlib
import re
import unicodedata

INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST_IN_FIGURE, LONGEST_FILE_NAME = 60, 80
MINUS = re.compile(r"(?<![\w.])-(?=[\d.])")
DASHES = re.compile(r"-(?=-)")
MINUS_SIGN = "\N{MINUS SIGN}"
LOW_LINE = "\N{MODIFIER LETTER LOW MACRON}"
LATEX = {
    **{mark: f"\\{mark}" for mark in "&%#_{}$"},
    **{mark: f"{{{mark}}}" for mark in "[]*`"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    MINUS_SIGN: "$-$",
    "\N{RIGHTWARDS ARROW}": r"$\to$",
    "\N{INFINITY}": r"$\infty$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{SQUARE ROOT}": r"$\surd$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
}
LATIN = re.compile(r"[ -~\u00c0-\u017e]")


def visible(text, kept=""):
    r"""Return a text in which characters that cannot be seen, but those `kept`, are escapes.

    Examples
    --------
    >>> print(visible("a\x1b[31m\n"), visible("a\nb", "\n").splitlines())
    a\x1b[31m\n ['a', 'b']
    """
    return "".join(
        mark.encode("unicode_escape").decode()
        if mark not in kept and unicodedata.category(mark) in INVISIBLE
        else mark
        for mark in str(text)
    )


def console_text(text):
    """Return a text for a terminal: lines remain, all other control characters are visible."""
    return visible(text, "\n")


def html_text(text):
    """Return a value for the page's autoescape; a text keeps its lines and tabs, a number stays."""
    return visible(text, "\n\t") if isinstance(text, str) else text


def figure_text(text, longest=LONGEST_IN_FIGURE):
    """Return a text for a figure: one line, cut in its middle if it is long.

    A low line at its beginning is replaced by one that looks alike, since matplotlib leaves labels
    that begin with it out of legends.

    Examples
    --------
    >>> figure_text("x" * 99, 9), figure_text("_a")[1:]
    ('xxxx…xxxx', 'a')
    """
    text = visible(text).strip() or "(blank)"
    if len(text) > longest:
        text = f"{text[: longest // 2]}\N{HORIZONTAL ELLIPSIS}{text[-(longest // 2) :]}"
    return LOW_LINE + text[1:] if text.startswith("_") else text


def figure_names(names, longest=LONGEST_IN_FIGURE // 2):
    """Return the `figure_text` of each of several names, by name, all different.

    Examples
    --------
    >>> figure_names(["noise", "a", "a "])
    {'noise': 'noise', 'a': 'a', 'a ': 'a (2)'}
    """
    found = {}
    for name in names:
        text, number = figure_text(name, longest), 1
        while text in found.values():
            number += 1
            text = f"{figure_text(name, longest)} ({number})"
        found[name] = text
    return found


def latex_text(text):
    r"""Return a text as LaTeX that prints it: nothing in it is a command.

    A minus sign before a number is in math mode. A character without a glyph in LaTeX's Latin fonts
    is printed by its code point.

    Examples
    --------
    >>> print(latex_text("-1.5 [-2, 0.3] at 95 % of pnl_by_kind"))
    $-$1.5 {[}$-$2, 0.3{]} at 95 \% of pnl\_by\_kind
    >>> print(latex_text(r"\input{a}"), latex_text("\N{SNOWMAN}"))
    \textbackslash{}input\{a\} {[}U+2603{]}
    """
    lines = " ".join(visible(text, "\n\t").split())
    return DASHES.sub("-{}", "".join(map(latex_character, with_minus(lines))))


def latex_character(mark):
    """Return one character as LaTeX."""
    if mark in LATEX or LATIN.fullmatch(mark):
        return LATEX.get(mark, mark)
    return f"{{[}}U+{ord(mark):04X}{{]}}"


def with_minus(text):
    """Return a text with true minus signs before numbers.

    Examples
    --------
    >>> with_minus("-1 to 2 at a-1")
    '−1 to 2 at a-1'
    """
    return MINUS.sub(MINUS_SIGN, text)


def file_name(text):
    """Return a text as the name of a file, without an ending: letters, digits, dot, dash, low line.

    A text that had to be changed gets a hash of it, so that different texts have different names.

    Examples
    --------
    >>> file_name("basis_mean_bps-cap"), file_name("../a b")
    ('basis_mean_bps-cap', 'a-b-2c2c791a')
    """
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-")[:LONGEST_FILE_NAME]
    if safe and safe == text:
        return safe
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe}-{digest[:8]}".strip("-")
