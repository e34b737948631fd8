"""What the command line prints: the table of a run, of the stories, of one story."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from analysis.metrics import left_out

ROWS = (
    ("basis", "basis, mean", "basis_mean_bps", "bp"), ("basis", "basis, standard deviation", "basis_sd_bps", "bp"),
    ("basis", "basis, half-life", "basis_half_life_hours", "h"),
    ("basis", "return sd, perpetual over spot", "perp_to_spot_return_sd", ""),
    ("funding", "funding, mean", "funding_mean_bps_8h", "bp per 8 h"),
    ("funding", "funding, standard deviation", "funding_sd_bps_8h", "bp per 8 h"),
    ("funding", "settlements at the interest rate", "funding_pinned_share", "share"),
    ("funding", "settlements below 0", "funding_negative_share", "share"),
    ("market", "open interest, mean", "open_interest_mean", "USD"), ("market", "volume", "volume", "USD"),
    ("market", "trades", "trades", ""), ("market", "orders", "orders", ""),
    ("market", "rows with an empty side of the book", "book_empty_share", "share"),
    ("forced", "accounts liquidated", "liquidations", ""), ("forced", "liquidated notional", "liquidated_notional", "USD"),
    ("forced", "longest run of rounds", "cascade_rounds_max", ""),
    ("forced", "amplification against the twin, to 6 h after the shock", "amplification", ""),
    ("forced", "insurance fund, change", "insurance_fund_change", "USD"), ("forced", "deleveragings", "adl_events", ""),
    ("run", "decisions", "decisions", ""), ("run", "time simulating", "wall_seconds", "s"),
    ("run", "money unaccounted for", "conservation_error_units", "units"),
)


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


def run_table(scenario, summary):
    """Return the table of a run: its figures, then profit and funding by kind of trader."""
    table = Table(title=f"{scenario.name}: {scenario.days:g} days, seed {summary['seed']}, {summary['steps']:,} steps",
                  box=None, title_justify="left", title_style="bold", padding=(0, 2, 0, 0), show_header=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit", style="dim")
    for place, (group, words, key, unit) in enumerate(ROWS):
        table.add_row(words, amount(summary[key]), unit, end_section=False)
        if place + 1 < len(ROWS) and ROWS[place + 1][0] != group:
            table.add_row()
    return Group(table, Text(), kind_table(summary), Text(left_out(scenario.days), style="dim"))


def kind_table(summary):
    """Return the table of profit and funding by kind."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, justify in (("kind of trader", "left"), ("profit, USD", "right"), ("of it funding, USD", "right")):
        table.add_column(name, justify=justify)
    for kind, profit in summary["pnl_by_kind"].items():
        table.add_row(kind.replace("_", " "), amount(float(round(profit))), amount(float(round(summary["funding_by_kind"][kind]))))
    return table


def story_table(rows):
    """Return the table of stories, from ``(name, question)`` rows."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("story", no_wrap=True)
    table.add_column("question")
    for row in rows:
        table.add_row(*row)
    return table
