"""A report as files: one page with everything inside, vector figures, LaTeX tables, the scenario."""

import base64
import dataclasses
import json
import math
import re

import jinja2
import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from perplab.analysis.figures.style import STYLE
from perplab.analysis.metrics.summary import left_out
from perplab.analysis.report.toml_text import table_lines
from perplab.scenarios.runs.atomic_folders import staged

PAGE_DOTS = 115
SMALL_PRINT_SHARE = 0.035
LONGEST_ON_A_PAGE, LONGEST_CELL = 45, 40
MINUS = re.compile(r"(?<![\w.])-(?=[\d.])")

ENVIRONMENT = jinja2.Environment(autoescape=True)
ENVIRONMENT.filters["minus"] = lambda text: MINUS.sub("\N{MINUS SIGN}", text)
PAGE = ENVIRONMENT.from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><style>
body{font:15px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccc}
table{border-collapse:collapse;font:13px/1.4 system-ui,sans-serif;margin:.8rem 0}
th{border-bottom:1px solid #222;text-align:left;padding:.15rem .8rem .15rem 0}td{padding:.15rem .8rem .15rem 0;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}
figure{margin:1.2rem 0}figcaption{font-size:13px;color:#444}img{max-width:100%}
pre{background:#f6f6f4;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}.bad{color:#a00}
</style></head><body>
<h1>{{ title }}</h1>{% if question %}<p><em>{{ question }}</em></p>{% endif %}
<h2>Setting</h2><p>{{ setting }}</p>
{% for name, text in notes %}<p><strong>{{ name }}.</strong> {{ text }}</p>{% endfor %}
<h2>Results</h2>{% for text in results %}<p>{{ text|minus }}</p>{% endfor %}
{% for caption, table in tables %}<div class="wide"><table><caption style="text-align:left;font-size:13px;color:#444">{{ caption }}</caption>
<tr>{% for name in table.columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in table.rows %}<tr>{% for cell in row %}<td class="{{ 'n' if cell is number else '' }}">{{ cell|minus }}</td>{% endfor %}</tr>{% endfor %}
</table></div>{% endfor %}
{% for caption, (image, width) in images %}<figure>
<img alt="{{ caption }}" width="{{ width }}" src="data:image/png;base64,{{ image }}"><figcaption>{{ caption }}</figcaption></figure>{% endfor %}
<h2>Checks</h2>{% if faults %}<ul class="bad">{% for fault in faults %}<li>{{ fault }}</li>{% endfor %}</ul>
{% else %}<p>All runs of the design are there, every file can be read to its end, and every unit of money is accounted for in every run.</p>{% endif %}
<h2>How to reproduce</h2><pre>{{ commands }}</pre><p>{{ versions }}</p>
<details><summary>The scenario as resolved{{ which }}</summary><pre>{{ scenario }}</pre></details>
</body></html>
""")


@dataclasses.dataclass
class Table:
    """A table of a report: column names, rows of texts; `printed` are the columns that a paper has room for, None if all."""

    columns: list
    rows: list
    printed: list | None = None


@dataclasses.dataclass
class Report:
    """What a page is made from."""

    title: str
    question: str
    setting: str
    notes: list
    results: list
    tables: dict
    figures: dict
    faults: list
    commands: str
    versions: dict
    scenario: dict
    which: str = ""


def write_page(made, folder):
    """Write a Report into a folder, whole or not at all, and return the page's path."""
    with staged(folder) as stage:
        images = [
            (caption, draw(stage, name, figure, made.title))
            for name, (caption, figure) in made.figures.items()
        ]
        (stage / "tables").mkdir()
        for name, (caption, table) in made.tables.items():
            (stage / "tables" / f"{name}.tex").write_text(latex(table, caption), encoding="utf-8")
        page = PAGE.render(
            title=made.title,
            question=made.question,
            setting=made.setting,
            notes=made.notes,
            results=made.results,
            tables=list(made.tables.values()),
            images=images,
            faults=made.faults,
            commands=made.commands,
            versions=", ".join(f"{name} {version}" for name, version in made.versions.items()),
            which=made.which,
            scenario=json.dumps(made.scenario, indent=1, default=str),
        )
        (stage / "index.html").write_text(page, encoding="utf-8")
        (stage / "scenario.toml").write_text(
            "\n".join(table_lines("", numbers_of(made.scenario))) + "\n", encoding="utf-8"
        )
    return folder / "index.html"


def numbers_of(value):
    """Return a stored scenario as its file says it: what JSON had to write as a text is a number again, empty lists are left out.

    Examples
    --------
    >>> numbers_of({"cap": "inf", "tiers": [1, "-inf"]})
    {'cap': inf, 'tiers': [1, -inf]}
    """
    if isinstance(value, dict):
        return {
            key: numbers_of(part) for key, part in value.items() if key != "extends" and part != []
        }
    if isinstance(value, list):
        return [numbers_of(part) for part in value]
    return float(value) if value in ("inf", "-inf") else value


def draw(stage, name, drawing, small_print):
    """Draw a figure into the report's folder as PDF and SVG; return its PNG in base64 and its width on the page, pixels."""
    (stage / "figures").mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure = drawing()
        figure.get_layout_engine().set(rect=(0, SMALL_PRINT_SHARE, 1, 1 - SMALL_PRINT_SHARE))
        figure.text(0.995, 0.002, small_print, ha="right", va="bottom", fontsize=5, color="0.5")
        for ending in ("pdf", "svg"):
            figure.savefig(
                stage / "figures" / f"{name}.{ending}",
                metadata={"CreationDate": None} if ending == "pdf" else {"Date": None},
            )
        figure.savefig(stage / f"{name}.png", dpi=200)
    image = base64.b64encode((stage / f"{name}.png").read_bytes()).decode()
    (stage / f"{name}.png").unlink()
    return image, round(figure.get_figwidth() * PAGE_DOTS)


def latex(table, caption):
    """Return a table as LaTeX with booktabs rules, small enough for a column of text; a long one breaks over pages (longtable)."""
    frame = pd.DataFrame(table.rows, columns=table.columns)[table.printed or table.columns]
    frame = frame.map(escaped).rename(columns=stacked)
    style, kept = (
        frame.style.hide(axis="index"),
        [column for column in frame if frame[column].map(is_number).all()],
    )
    form = "".join(
        "r"
        if column in kept
        else "l"
        if frame[column].str.len().max() <= LONGEST_CELL
        else "p{0.4\\linewidth}"
        for column in frame
    )
    made = style.to_latex(
        hrules=True,
        caption=escaped(caption),
        column_format=form,
        position="htbp",
        environment="longtable" if len(frame) > LONGEST_ON_A_PAGE else None,
    )
    return "{\\footnotesize\\setlength{\\tabcolsep}{4pt}\n" + made + "}\n"


def stacked(heading):
    r"""Return a heading as LaTeX, its unit below it.

    Examples
    --------
    >>> print(stacked("volume (million USD)"))
    \shortstack{volume\\(million USD)}
    """
    words, parenthesis, unit = escaped(heading).partition(" (")
    return f"\\shortstack{{{words}\\\\({unit}}}" if parenthesis else words


def escaped(text):
    r"""Return a text as LaTeX prints it: special characters escaped, minus signs as such.

    Examples
    --------
    >>> print(escaped("-1.5 [-2, 0.3] at 95 % of pnl_by_kind"))
    $-$1.5 [$-$2, 0.3] at 95 \% of pnl\_by\_kind
    """
    for mark in "&%#_{}":
        text = text.replace(mark, f"\\{mark}")
    return (
        MINUS.sub("$-$", text)
        .replace("\N{MINUS SIGN}", "$-$")
        .replace("\N{RIGHTWARDS ARROW}", "$\\to$")
        .replace("\N{INFINITY}", "$\\infty$")
    )


def is_number(text):
    """Return whether a cell begins with a number.

    Examples
    --------
    >>> is_number("$-$1.5 [$-$2, 0.3]"), is_number("12"), is_number("-"), is_number("base")
    (True, True, True, False)
    """
    return text in ("", "-") or text.removeprefix("$-$")[:1].isdigit()


def amount(value):
    """Return a number for people, a dash for what is unknown, the sign of infinity for what is infinite.

    Examples
    --------
    >>> amount(1234.5678), amount(-0.012345), amount(None), amount(12), amount(math.inf)
    ('1,235', '-0.0123', '-', '12', '∞')
    """
    if value is None or isinstance(value, float) and math.isnan(value):
        return "-"
    if abs(value) == math.inf:
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    return (
        f"{value:,.0f}"
        if isinstance(value, (int, np.integer)) or abs(value) >= 1_000
        else f"{value:.3g}"
    )


def single(fill, width=3.4, height=2.6):
    """Return a figure of one panel that `fill` draws."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    fill(axes)
    sns.despine(ax=axes)
    return figure


def setting_of(scenario, varied=None):
    """Return a scenario as a sentence; `varied` has by dotted key the values of what a sweep varies, as a text."""

    def told(key, value):
        return (varied or {}).get(key, value)

    traders = ", ".join(
        f"{told(f'populations.{name}.number', population['number'])} {name.replace('_', ' ')}"
        for name, population in scenario["populations"].items()
    )
    market = scenario.get("market") or (scenario.get("markets") or [{}])[0]
    spot = scenario.get("spot") or (scenario.get("assets") or [{}])[0]
    process = told("spot.price.process", spot.get("price", {}).get("process", "")).replace("_", " ")
    days = told("days", format(scenario["days"], "g"))
    return (
        f"{days} day{'s' * (days != '1')} in steps of {told('dt_seconds', format(scenario['dt_seconds'], 'g'))} s on the rulebook "
        f"{told('market.rulebook', market.get('rulebook'))}; spot follows a {process} process. Traders: {traders}."
    )


def notes_of(scenario):
    """Return what a reader must know to read the figures."""
    notes = [("Warm-up", left_out(scenario["days"]) + ".")]
    if scenario.get("shocks"):
        notes.append(
            (
                "Shocks",
                "; ".join(
                    f"{shock['kind']} at hour {shock['at_hours']:g} over {shock['minutes']:g} min"
                    for shock in scenario["shocks"]
                ),
            )
        )
    return notes
