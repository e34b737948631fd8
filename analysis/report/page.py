"""A report as files: a self-contained page, vector figures, LaTeX tables, the scenario."""

import base64
import dataclasses
import io
import json

import jinja2

from perplab.analysis.escapes import figure_text, file_name, html_text, with_minus
from perplab.analysis.report.text_format import is_number, latex, latex_figure
from perplab.analysis.report.toml_text import table_lines
from perplab.scenarios.runs.atomic_folders import staged
from perplab.scenarios.runs.json_files import from_json

PAGE_DOTS = 115
SMALL_PRINT_SHARE = 0.035

ENVIRONMENT = jinja2.Environment(autoescape=True, finalize=html_text)
ENVIRONMENT.filters["minus"] = with_minus
ENVIRONMENT.tests["number"] = is_number
PAGE = ENVIRONMENT.from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><style>
body{font:15px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}
body{overflow-wrap:anywhere}td,th{overflow-wrap:break-word}
h1{font-size:1.6rem;margin-bottom:.2rem}
h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccc}
table{border-collapse:collapse;font:13px/1.4 system-ui,sans-serif;margin:.3rem 0}
th{border-bottom:1px solid #222;text-align:left;padding:.15rem .8rem .15rem 0}
td{padding:.15rem .8rem .15rem 0;vertical-align:top}
td.n{font-variant-numeric:tabular-nums}td.n,th.n{text-align:right}.wide{overflow-x:auto}
figure{margin:1.2rem 0}figcaption{font-size:13px;color:#444}img{max-width:100%;height:auto}
pre{background:#f6f6f4;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}
.bad{color:#a00}
</style></head><body>
<h1>{{ title }}</h1>{% if question %}<p><em>{{ question }}</em></p>{% endif %}
<h2>Setup</h2><p>{{ setting|minus }}</p>
{% for name, text in notes %}<p><strong>{{ name }}.</strong> {{ text|minus }}</p>{% endfor %}
<h2>Results</h2>{% for text in results %}<p>{{ text|minus }}</p>{% endfor %}
{% for name, (caption, table) in tables %}<figure id="tab:{{ name }}">
<figcaption><b>Table {{ loop.index }}.</b> {{ caption|minus }}</figcaption>
<div class="wide"><table>
<tr>{% for name, number in table.headings %}
<th{% if number %} class="n"{% endif %}>{{ name }}</th>{% endfor %}</tr>
{% for row in table.rows %}<tr>{% for cell in row %}
<td{% if cell is number %} class="n"{% endif %}>{{ cell|minus }}</td>{% endfor %}</tr>{% endfor %}
</table></div></figure>{% endfor %}
{% for name, caption, (image, width) in images %}<figure id="fig:{{ name }}">
<img alt="{{ caption }}" width="{{ width }}" src="data:image/png;base64,{{ image }}">
<figcaption><b>Figure {{ loop.index }}.</b> {{ caption|minus }}</figcaption></figure>{% endfor %}
<h2>Checks</h2>{% if faults %}<ul class="bad">
{% for fault in faults %}<li>{{ fault }}</li>{% endfor %}</ul>{% else %}
<p>Intact: all runs are present, files match their checksums, all money is accounted for.</p>
{% endif %}
<h2>How to reproduce</h2><pre>{{ commands }}</pre><p>{{ versions }}</p>
<details><summary>Resolved scenario{{ which }}</summary><pre>{{ scenario }}</pre></details>
</body></html>
""")


@dataclasses.dataclass
class Table:
    """A table of a report: column names and rows of texts.

    `printed` are the columns that are set in LaTeX, None for all; the first `keys` columns name a
    row.
    """

    columns: list
    rows: list
    printed: list | None = None
    keys: int = 1

    @property
    def headings(self):
        """Column names, each with whether most of the column's cells are numbers."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        counts = [sum(is_number(cell) and cell != "" for cell in cells) for cells in columns]
        return [
            (name, 2 * count > len(self.rows))
            for name, count in zip(self.columns, counts, strict=True)
        ]


@dataclasses.dataclass
class Report:
    """The content of a page.

    `tables` maps a name to ``(caption, Table)``, `figures` a name to ``(caption, function)``, where
    the function draws and returns a figure. `notes` are ``(heading, text)``, `results` sentences,
    `faults` what is wrong with the stored files; `which` says which scenario of several is shown.
    """

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
    """Write a `Report` into a folder atomically and return the page's path."""
    with staged(folder) as stage:
        images = [
            (name, caption, save_figure(stage, name, figure, made.title))
            for name, (caption, figure) in made.figures.items()
        ]
        (stage / "tables").mkdir()
        for name, (caption, table) in made.tables.items():
            write(stage / "tables" / f"{file_name(name)}.tex", latex(table, caption, name))
        for name, (caption, _) in made.figures.items():
            write(stage / "figures" / f"{file_name(name)}.tex", latex_figure(caption, name))
        write(stage / "index.html", html_of(made, images))
        scenario = "\n".join(table_lines("", own_tables(made.scenario))) + "\n"
        write(stage / "scenario.toml", scenario)
    return folder / "index.html"


def write(path, text):
    """Write a text as UTF-8; unpaired surrogates, which it cannot hold, as question marks."""
    path.write_text(text, encoding="utf-8", errors="replace")


def html_of(made, images):
    """Return the page; `images` are ``(name, caption, (PNG in base64, width in pixels))``."""
    parts = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    return PAGE.render(
        parts
        | {
            "tables": list(made.tables.items()),
            "images": images,
            "versions": ", ".join(f"{name} {version}" for name, version in made.versions.items()),
            "scenario": json.dumps(made.scenario, indent=1, default=str),
        }
    )


def own_tables(scenario):
    """Return the tables of a stored scenario as a file of its own states them.

    Infinities are numbers again; it extends nothing, and has no list beside a table that takes its
    place.

    Examples
    --------
    >>> own_tables({"extends": "calm", "assets": [], "spot": {"borrow_limit_usd": "inf"}})
    {'spot': {'borrow_limit_usd': inf}}
    """
    values = from_json(scenario)
    return {key: part for key, part in values.items() if key != "extends" and part not in ([], ())}


def save_figure(stage, name, draw, small_print):
    """Draw a figure into the folder as PDF and SVG; return its PNG (base64) and width (pixels)."""
    import matplotlib

    from perplab.analysis.figures.style import STYLE

    folder, name, png = stage / "figures", file_name(name), io.BytesIO()
    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure = draw()
        figure.get_layout_engine().set(rect=(0, SMALL_PRINT_SHARE, 1, 1 - SMALL_PRINT_SHARE))
        look = {"ha": "right", "va": "bottom", "fontsize": 5, "color": "0.5"}
        figure.text(0.995, 0.002, figure_text(small_print, 80), **look)
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
        figure.set_layout_engine("none")  # the layout of the first file, found once
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(png, format="png", dpi=200)
    image = base64.b64encode(png.getvalue()).decode()
    return image, round(figure.get_figwidth() * PAGE_DOTS)
