"""Tables that the command line prints: a run, branches side by side."""

import itertools

from rich.console import Group
from rich.table import Table
from rich.text import Text

from perplab.analysis.metrics.catalogue import tabled_metrics, why_unknown
from perplab.analysis.metrics.losses import PROFIT_COLUMNS, profit_rows
from perplab.analysis.metrics.summary import left_out
from perplab.analysis.report.text_format import amount

DIGITS = 4


def run_table(scenario, summary, meta):
    """Return the tables of a run: its figures, profit by group, a real market if there is one."""
    table = titled(
        f"{scenario.name}: {scenario.days:g} days, seed {summary['seed']}, "
        f"{summary['steps']:,} steps"
    )
    hours, twin = 24 * scenario.days, scenario.twin_step is not None
    for _, rows in grouped(tabled_metrics()):
        for key, metric in rows:
            unknown = summary[key] is None
            unit = why_unknown(key, summary, hours, twin) if unknown else metric.unit
            table.add_row(metric.words, amount(summary[key], DIGITS), unit)
        table.add_row()
    beside = [Text(), real_table(summary["real"])] if "real" in summary else []
    note = Text(left_out(scenario.days), style="dim")
    return Group(table, kind_table(summary, meta), *beside, note)


def titled(title):
    """Return an empty table of figure, value and unit."""
    table = plain_table(("figure", "left"), ("value", "right"))
    table.add_column("unit", style="dim")
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    table.show_header = False
    return table


def grouped(quantities):
    """Yield ``(group, [(key, Quantity)])`` of the figures of a run, in their order."""
    for group, rows in itertools.groupby(quantities.items(), key=lambda row: row[1].group):
        yield group, list(rows)


def kind_table(summary, meta):
    """Return the table of profit, funding and fees by group; each column sums to zero."""
    table = plain_table(("group", "left"), *((name, "right") for name in PROFIT_COLUMNS))
    for who, *amounts in profit_rows(summary, meta):
        table.add_row(who, *(amount(round(usd)) for usd in amounts))
    table.add_row("sum", *("0" for _ in PROFIT_COLUMNS), style="dim")
    return table


def plain_table(*columns):
    """Return an empty table without lines, from ``(name, justify)`` columns that do not wrap."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify=justify, no_wrap=True)
    return table


def real_table(real):
    """Return the table of a simulated against a real market (from `replay_fit`)."""
    from perplab.analysis.metrics.replay_fit import comparison_rows

    table = plain_table(
        ("simulated against real", "left"),
        ("simulated", "right"),
        ("real", "right"),
        ("unit", "left"),
    )
    for words, simulated, there, unit in comparison_rows(real):
        ours = "" if simulated is None else amount(simulated, DIGITS)
        table.add_row(words, ours, amount(there, DIGITS), unit)
    return Group(table, Text(real["rows"], style="dim"))


def branch_table(title, summaries, unknown):
    """Return branches side by side, a column each.

    Parameters
    ----------
    title : str
    summaries : dict of str to dict
        Summary of each branch, by name.
    unknown : function of (str, str, dict) to str
        Why a figure is unknown, from branch, key and summary.
    """
    table = plain_table(("", "left"), *((name, "right") for name in summaries), ("unit", "left"))
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    first = next(iter(summaries.values()))
    shown = {
        key: each for key, each in tabled_metrics().items() if each.group != "run" and key in first
    }
    for _, rows in grouped(shown):
        for key, metric in rows:
            cells = (
                amount(each[key], DIGITS) if each[key] is not None else unknown(name, key, each)
                for name, each in summaries.items()
            )
            table.add_row(metric.words, *cells, metric.unit)
        table.add_row()
    return table
