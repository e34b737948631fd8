"""What the command line prints: the table of a run, of branches side by side, of the stories."""

import itertools

from rich.console import Group
from rich.table import Table
from rich.text import Text

from perplab.analysis.metrics.catalogue import tabled_metrics, why_unknown
from perplab.analysis.metrics.losses import profit_rows
from perplab.analysis.metrics.summary import left_out


def amount(value):
    """Return a figure as text: four digits, thousands separated, a dash for what is unknown.

    Examples
    --------
    >>> amount(12345678.9), amount(-0.01234), amount(7), amount(None)
    ('12,345,679', '-0.01234', '7', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def run_table(scenario, summary, meta):
    """Return the table of a run: its figures, then profit and funding by kind of trader, then a real market beside it if there is one."""
    table = titled(
        f"{scenario.name}: {scenario.days:g} days, seed {summary['seed']}, {summary['steps']:,} steps"
    )
    twin = scenario.twin_step is not None
    for _, rows in grouped():
        for key, told in rows:
            why = (
                told.unit
                if summary[key] is not None
                else why_unknown(key, summary, 24 * scenario.days, twin)
            )
            table.add_row(told.words, amount(summary[key]), why)
        table.add_row()
    beside = [Text(), real_table(summary["real"])] if "real" in summary else []
    return Group(
        table, kind_table(summary, meta), *beside, Text(left_out(scenario.days), style="dim")
    )


def titled(title):
    """Return an empty table of figure, value and unit."""
    table = Table(
        title=title,
        box=None,
        title_justify="left",
        title_style="bold",
        padding=(0, 2, 0, 0),
        show_header=False,
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit", style="dim")
    return table


def grouped(metrics=None):
    """Yield ``(group, [(key, Metric)])`` of the figures of a run, in their order."""
    for group, rows in itertools.groupby(
        (metrics or tabled_metrics()).items(), key=lambda row: row[1].group
    ):
        yield group, list(rows)


def kind_table(summary, meta):
    """Return the table of profit and funding by kind, the venue and the outside below, so that it sums to zero."""
    table = plain_table(("who", "left"), ("profit, USD", "right"), ("of it funding, USD", "right"))
    for who, profit, funding in profit_rows(summary, meta):
        table.add_row(who, amount(float(round(profit))), amount(float(round(funding))))
    table.add_row("sum", "0", "0", style="dim")
    return table


def plain_table(*columns):
    """Return an empty table without lines from ``(name, justify)`` columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify=justify)
    return table


def real_table(real):
    """Return the table of a simulated against a real market (`perplab.analysis.metrics.replay_fit.compare_replay`)."""
    from perplab.analysis.metrics.replay_fit import comparison_rows

    table = plain_table(
        ("simulated against real", "left"),
        ("simulated", "right"),
        ("real", "right"),
        ("unit", "left"),
    )
    for words, simulated, there, unit in comparison_rows(real):
        table.add_row(words, "" if simulated is None else amount(simulated), amount(there), unit)
    return Group(table, Text(real["rows"], style="dim"))


def branch_table(title, summaries, unknown):
    """Return branches as a table, a column each, with names and units; `unknown` says by branch and key why a figure is not known."""
    table = plain_table(("", "left"), *((name, "right") for name in summaries), ("unit", "left"))
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    first, shown = (
        next(iter(summaries.values())),
        {key: told for key, told in tabled_metrics().items() if told.group != "run"},
    )
    for _, rows in grouped(shown):
        for key, told in (row for row in rows if row[0] in first):
            cells = (
                amount(each[key]) if each[key] is not None else unknown(name, key, each)
                for name, each in summaries.items()
            )
            table.add_row(told.words, *cells, told.unit)
        table.add_row()
    return table


def story_table(rows):
    """Return the table of stories, from ``(name, question)`` rows."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("story", no_wrap=True)
    table.add_column("question")
    for row in rows:
        table.add_row(*row)
    return table
