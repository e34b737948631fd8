"""Names that mean something to an output: each output is tried with them, for real."""

import ast
import html.parser
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from rich.table import Table as RichTable

from perplab.analysis import escapes, figures
from perplab.analysis.cli import commands as cli
from perplab.analysis.cli import sweep_command
from perplab.analysis.cli.terminal import Terminal, note, print_any_encoding, say
from perplab.analysis.metrics.scenario_words import factor_words
from perplab.analysis.report import page, sweep_drawings, sweep_effects, sweep_tables, text_format
from perplab.analysis.report.page import Report, Table
from perplab.sim.compiler.cache import HOUSE
from tests.command import ended
from tests.recorded import noisy_run

NAMES = [
    "[/red]",
    "[bold]loud",
    ":smile:",
    "$x^$",
    r"$\frac{1$ and $",
    "../../up",
    "a/b",
    r"\input{/etc/passwd}",
    r"\end{tabular}\write18{x}",
    "100 % & # _ { } ~ ^ \\",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "two\nlines",
    "back\rspace\x08",
    "\u202eright to left",
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "{{ 7 * 7 }} {% raw %} <% if %> << caption >>",
    "_hidden",
    "[5pt]",
    "*",
    "--",
    "nul\x00",
    "\N{SNOWMAN} and \N{GREEK SMALL LETTER ALPHA}",
    "\ud800",
    "%s {0} {name!r}",
    "x" * 3_000,
]
ANYTHING = st.one_of(st.sampled_from(NAMES), st.text(max_size=40))
NO_TEXT = {"Cc", "Cf", "Cs"}
COMMANDS = re.compile(
    r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|ldots)\{\}"
    r"|\\char34\{\}|-\{\}(?=-)|\$(-|\\(to|infty|pm|times|leq|geq|surd))\$|\\[&%#_{}$]|\{[\[\]*`]\}"
)


def unseen(text, kept="\n"):
    return [mark for mark in text if unicodedata.category(mark) in NO_TEXT and mark not in kept]


def printed(renderable):
    out = io.StringIO()
    Terminal(without=10_000, file=out).print(renderable)
    return out.getvalue()


@given(ANYTHING)
def test_a_terminal_prints_names_as_they_are(name):
    table = RichTable(name, "b", title=name, box=None)
    table.add_row(name, name)
    for text in (printed(table), printed(name)):
        assert not unseen(text)
        for line in escapes.console_text(name).split("\n"):
            assert line.strip() in text


def test_lines_and_notes_are_printed_as_they_are(capsys):
    for name in NAMES:
        say(name)
        note(name)
        for text in capsys.readouterr():
            assert text == escapes.console_text(name) + "\n" and not unseen(text)


def test_nothing_of_the_command_line_prints_past_the_terminal():
    for path in (HOUSE / "analysis" / "cli").glob("*.py"):
        called = {
            getattr(node.func, "id", "")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert path.name == "terminal.py" or not called & {"print", "Console"}, path


@given(ANYTHING)
def test_latex_prints_names_and_obeys_none(name):
    text = escapes.latex_text(name)
    assert "\n" not in text and text.isascii() or escapes.LATIN.search(text)
    assert "--" not in text and not set(COMMANDS.sub("", text)) & set('\\&%#_{}$~^<>|"[]*`')


def compiled(folder, *tables):
    """Return what LaTeX says of some tables; skip the test where none is installed."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no LaTeX is installed")
    head = r"\documentclass{article}\usepackage{booktabs,longtable}\begin{document}"
    source = "\n\n".join([head, *tables, r"\end{document}"])
    (folder / "a.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "a"]
    made = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    said = made.stdout.decode(errors="replace")
    assert made.returncode == 0, said[-2_000:]
    return said


def test_wide_tables_stay_on_the_page_of_latex(tmp_path):
    """Many figures are split, long texts wrapped; every cell is printed, with its row's names."""
    interval, text = "-1,234.5 [-2,345.6, 3,456.7]", "words of a long cell that goes on " * 3
    titles = [f"figure number {k} of all (million USD)" for k in range(9)]
    rows = [[f"venue {k}", f"{k}", *[interval] * 9] for k in range(4)]
    wide = Table(["rulebook", "leverage (notional / equity)", *titles], rows, keys=2)
    texts = Table(["a", "b", "c", "d"], [[text, "x", text, interval]] * 3)
    long = Table(wide.columns, rows * 15, keys=2)
    tables = [text_format.latex(table, "caption", f"t{k}") for k, table in enumerate((wide, texts))]
    tables.append(text_format.latex(long, "caption", "long"))
    assert tables[0].count("venue 3 & 3 & ") == tables[0].count(r"\begin{table}") > 1
    assert tables[0].count("$-$1,234.5") == 4 * 9 and r"\label{tab:t0-2}" in tables[0]
    assert "Overfull" not in compiled(tmp_path, *tables)


def test_latex_compiles_with_hostile_names(tmp_path):
    """The real compiler, where one is installed."""
    table = Table(["name (unit)", *NAMES[:3]], [[name, "-1", name[:9], "2"] for name in NAMES])
    parts = [
        text_format.latex(table, " ".join(NAMES[:-1]), name).replace(NAMES[-1], "x")
        for name in ("a", "b_c")
    ]
    long = text_format.latex(Table(["n"], [[name[:40]] for name in NAMES * 2]), "long", "long")
    compiled(tmp_path, *parts, long)


@given(st.lists(ANYTHING, unique=True, max_size=5))
@settings(max_examples=30)
def test_names_of_a_figure_are_different_single_lines(names):
    found = escapes.figure_names(names)
    texts = list(found.values())
    assert list(found) == names and len(set(texts)) == len(names)
    for text in texts:
        assert text and len(text) < 80 and not text.startswith("_") and not unseen(text, "")


@given(ANYTHING, ANYTHING)
def test_file_names_stay_in_their_folder(name, other):
    one = escapes.file_name(name)
    assert one and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", one) and len(one) < 100
    assert (one == escapes.file_name(other)) == (name == other)


class Tags(html.parser.HTMLParser):
    """The tags of a page with the names of their attributes, in order."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, *(name for name, _ in attributes)))


def report_named(name):
    """Return a report in which every text is one name."""

    def drawn():
        axes = Figure(layout="constrained").subplots()
        axes.plot([1, 2], label=escapes.figure_text(name))
        axes.legend()
        return axes.figure

    return Report(
        title=name,
        question=f"q{name}",
        setting=name,
        notes=[(name, name)],
        results=[name],
        tables={name: (name, Table([f"a {name}"], [[f"b {name}"]]))},
        figures={name: (name, drawn)},
        faults=[name],
        commands=name,
        versions={name: name},
        scenario={"days": 1.0},
        which=name,
    )


@given(ANYTHING)
@settings(max_examples=60)
def test_names_add_no_tags_to_a_page(name):
    def tags(text):
        return Tags(page.html_of(report_named(text), [(text, text, ("", 1))])).found

    assert tags(name) == tags("plain")
    assert not unseen(page.html_of(report_named(name), []), "\n\t")


def drawn_with_all_names():
    """Return a figure with every name as title, label of an axis, tick and line."""
    figure = Figure(figsize=(7, 9), layout="constrained")
    texts = list(escapes.figure_names(NAMES).values())
    axes = figure.subplots()
    for place, text in enumerate(texts):
        axes.plot([0, 1], [place, place], label=text)
        axes.text(0, place, text)
    axes.set_yticks(range(len(texts)), texts)
    axes.set_title("\n".join(texts), fontsize=3)
    axes.legend()
    assert len(axes.get_legend().get_texts()) == len(NAMES)
    return figure


def test_a_report_is_written_whatever_its_names(tmp_path):
    made = report_named("".join(NAMES[:-1]))
    made.tables = {name: (name, Table([name], [[name]])) for name in NAMES}
    made.figures = {"../up": ("../up", drawn_with_all_names)}
    page.write_page(made, tmp_path / "report")
    here = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in tmp_path.iterdir()} == {"report"}
    assert len([path for path in here if path.parent.name == "tables"]) == len(NAMES)
    (drawing,) = (path for path in here if path.suffix == ".svg")
    xml.etree.ElementTree.parse(drawing)


def test_kinds_with_hostile_names_have_their_lines_and_legend():
    records = noisy_run(days=1)
    records.kind_names = ["_x", "$a$", "[/red]\x1b", "a/b"]
    with matplotlib.rc_context(figures.STYLE):
        axes = figures.equity_figure(records).axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["x", "$a$", "[/red]\\x1b", "a/b"]


def hostile_runs(seeds=3):
    """Return runs of a sweep over two factors, whose names and values are hostile."""
    rng = np.random.default_rng(1)
    rows = [
        {"seed": seed, "factor.$a/b^$": a, "factor._x[/b]": b, "arm": "base", "error": None}
        for seed in range(seeds)
        for a in (0.1, 0.2)
        for b in (r"_$\input{x}$", "[/red]\x1b[2J", "y" * 500)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(basis_mean_bps=rng.normal(size=len(frame)), insurance_fund_change=5e6)


FACTORS = ["factor.$a/b^$", "factor._x[/b]"]


def test_a_sweep_with_hostile_factors_is_drawn_tabled_and_told(tmp_path):
    runs = hostile_runs()
    words = {name: factor_words(name[7:], [f"a.{name[7:]}"], {}) for name in FACTORS}
    drawn = sweep_drawings.curves(runs, FACTORS, words)
    tables = sweep_tables.point_tables(runs, FACTORS, words)
    tables |= sweep_tables.difference_tables(runs, FACTORS)
    told = list(sweep_effects.effects(runs, FACTORS, {"question": "", "title": ""}))
    made = report_named("plain")
    made.tables, made.figures, made.results = tables, drawn, told
    page.write_page(made, tmp_path / "report")
    drawings = list((tmp_path / "report" / "figures").glob("*.svg"))
    assert len(drawings) == len(drawn) >= 2 and len(list(tmp_path.rglob("*.tex"))) > 4
    with matplotlib.rc_context(figures.STYLE):
        _, draw = drawn[f"basis_mean_bps-{FACTORS[0][7:]}"]
        texts = [text.get_text() for text in draw().axes[0].get_legend().get_texts()]
    assert len(texts) == 3 and r"$\input{x}$" in texts[0]


def test_the_table_of_a_sweep_shows_hostile_names():
    class Opened:
        runs = hostile_runs()

    text = printed(sweep_command.sweep_table(Opened))
    assert "$a/b^$" in text and "_x[/b]" in text and r"[/red]\x1b[2J" in text


SCENARIO = """extends = "small"
title = "[/bold] $x^$ \\\\input{a} <script> \\u001b[2J"
question = "[/red]?"
days = 0.02
[populations."[/x] $a/b^$ \\u001b[2J"]
kind = "noise"
number = 3
"""


def test_a_run_with_hostile_names_is_printed_stored_shown_and_reported(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("named.toml").write_text(SCENARIO, encoding="utf-8")
    for command in (
        ("run", "named.toml", "--out", "a"),
        ("check", "a"),
        ("report", "a"),
        ("show", "named.toml"),
    ):
        monkeypatch.setattr(sys, "argv", ["perplab", *command])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        shown = capsys.readouterr()
        assert not stopped.value.code, shown.err
        assert not unseen(shown.out + shown.err)
    text = pathlib.Path("a/report/index.html").read_text(encoding="utf-8")
    assert ("script",) not in Tags(text).found and "[/bold] $x^$" in text


def test_refusals_show_hostile_names_as_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bad = SCENARIO + "[[/red]]\nx"
    pathlib.Path("bad.toml").write_text(bad, encoding="utf-8")
    unknown = SCENARIO + '"\\u001b[31mcolour [/red]" = 1\n'
    pathlib.Path("unknown.toml").write_text(unknown, encoding="utf-8")
    for name in ("bad.toml", "unknown.toml", "\x1b[31mabsent [/red]"):
        code, said = ended(monkeypatch, capsys, "run", name)
        assert code == 2 and said and not unseen(said)


def test_a_run_is_stored_before_it_is_printed(tmp_path, monkeypatch, capsys):
    def broken(*arguments):
        raise BrokenPipeError("the reader has gone")

    monkeypatch.setattr("perplab.analysis.cli.run_command.print_summary", broken)
    out = str(tmp_path / "a")
    code, _ = ended(monkeypatch, capsys, "run", "small", "--days", "0.02", "--out", out)
    assert code == 1 and json.loads((tmp_path / "a" / "summary.json").read_text())["steps"] > 0


def test_an_output_without_the_characters_gets_escapes(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    print_any_encoding()
    say("\N{INFINITY} \N{MINUS SIGN}1")
    assert written.getvalue() == rb"\u221e \u22121" + b"\n"
