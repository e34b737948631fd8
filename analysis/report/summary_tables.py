"""The tables of a single run: summary, real market, profit, losses, statistics with intervals."""

from perplab.analysis.metrics.catalogue import NO_DIMENSION, tabled_metrics, why_unknown
from perplab.analysis.metrics.losses import PROFIT_COLUMNS, loss_network, profit_rows
from perplab.analysis.metrics.replay_fit import COMPARED, comparison_rows
from perplab.analysis.report.page import Table
from perplab.analysis.report.text_format import amount, estimate_text
from perplab.scenarios.runs.stored_objects import Summary, read_stored
from perplab.sim.errors import Fault, ParameterError

PROFIT_CAPTION = (
    "Profit and loss by group over the run, and the part that is funding. Each column sums to zero."
)
LOSS_CAPTION = (
    "Positions taken over from liquidated accounts: notional at the mark price, and loss against "
    "the mark price (to the fund: including fees and remaining collateral)."
)
FACT_CAPTION = "Statistics from the records with 95 % confidence intervals (CI)."
UNITS = {"1": NO_DIMENSION, "quote currency": "USD"}
NOT_INSTALLED = (
    "Statistics with 95 % confidence intervals are left out because their packages are not "
    "installed: pip install -e '.[stats]'"
)


def read_summary(folder):
    """Return the summary of a stored run.

    Raises
    ------
    ParameterError
        If it does not follow its model, or a figure of it is no number.
    """
    summary = read_stored(folder, "summary.json", Summary)
    faults = [
        Fault(key, summary[key], "a number or null", str(folder / "summary.json"))
        for key in tabled_metrics()
        if isinstance(summary.get(key), dict)
    ]
    real = summary.get("real") or {}
    faults += [
        Fault(f"real.{part}.{key}", None, "given", str(folder / "summary.json"))
        for part in ("simulated", "real")
        for key in COMPARED
        if real and key not in real[part]
    ]
    if faults:
        raise ParameterError(*faults)
    return summary


def run_tables(manifest, summary, records):
    """Return the tables of a run by name, and sentences on what is missing."""
    found, missing = fact_tables(records)
    profit = profit_table(summary, manifest["meta"])
    return {
        "summary": ("Summary of the run.", summary_table(manifest, summary)),
        **real_tables(summary),
        "profit": (PROFIT_CAPTION, profit),
        **loss_tables(loss_network(records)),
        **found,
    }, missing


def summary_table(manifest, summary):
    """Return the table of a run's figures, with the reason where one is unknown."""
    scenario = manifest["scenario"]
    hours, twin = 24 * scenario["days"], scenario.get("twin", {}).get("enabled", False)
    rows = [
        [
            metric.words,
            amount(summary[key]),
            metric.unit if summary[key] is not None else why_unknown(key, summary, hours, twin),
        ]
        for key, metric in tabled_metrics().items()
        if key in summary and key != "wall_seconds"
    ]
    return Table(["quantity", "value", "unit"], rows)


def profit_table(summary, meta):
    """Return the table of profit, funding and fees by group, with the sum."""
    rows = [
        [who, *(f"{round(usd):,}" for usd in amounts)]
        for who, *amounts in profit_rows(summary, meta)
    ]
    return Table(["group", *PROFIT_COLUMNS], [*rows, ["sum", *("0" for _ in PROFIT_COLUMNS)]])


def loss_tables(losses):
    """Return the table of who took over from whom, if anybody was liquidated."""
    rows = [
        [
            str(source).replace("_", " "),
            str(target).replace("_", " "),
            f"{round(flow['notional']):,}",
            f"{round(flow['loss']):,}",
        ]
        for source, target, flow in losses.edges(data=True)
    ]
    columns = ["from", "to", "notional (USD)", "loss against the mark (USD)"]
    return {"losses": (LOSS_CAPTION, Table(columns, rows))} if rows else {}


def real_tables(summary):
    """Return the table of a replayed run against the real market, if there is one."""
    if not summary.get("real"):
        return {}
    rows = [
        [words, "" if simulated is None else amount(simulated), amount(real), unit]
        for words, simulated, real, unit in comparison_rows(summary["real"])
    ]
    table = Table(["quantity", "simulated", "real", "unit"], rows)
    return {"real": (f"Simulated against real: {summary['real']['rows']}.", table)}


def fact_tables(records):
    """Return the table of statistics and no sentence, or none and a sentence on what to install."""
    from perplab.analysis.metrics.stylised_facts import facts

    try:
        found = facts(records)
    except ParameterError:
        return {}, [NOT_INSTALLED]
    rows = [
        [
            row.fact.replace("_", " "),
            *estimate_text(row.value, row.low, row.high),
            UNITS.get(row.unit, row.unit),
            row.how,
        ]
        for row in found.itertuples()
    ]
    columns = ["statistic", "value", "95 % CI", "unit", "method"]
    return {"facts": (FACT_CAPTION, Table(columns, rows, columns[:-1]))}, []
