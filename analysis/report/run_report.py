"""``perplab report PATH``: one page that reads like a results section, and its figures and tables for a paper.

::

    report/index.html     self-contained: figures inside, nothing from the network
    report/figures/       PDF and SVG
    report/tables/        LaTeX (booktabs)
    report/scenario.toml  the scenario as resolved, to be run again

A folder of ``perplab run``, ``perplab sweep`` or ``perplab branch`` can be reported.
"""

import json
import math
import pathlib

import pandas as pd

from perplab.analysis.estimators.series import forced_events, market_facts
from perplab.analysis.figures import frame_figures as charts
from perplab.analysis.figures import network_figures as networks
from perplab.analysis.metrics.cascade import forest, trees
from perplab.analysis.metrics.catalogue import tabled_metrics, why_unknown
from perplab.analysis.metrics.losses import loss_network, profit_rows
from perplab.analysis.metrics.replay_fit import comparison_rows
from perplab.analysis.metrics.replay_reference import real_market
from perplab.analysis.metrics.scenario_words import acting_of
from perplab.analysis.report.branch_report import report_of_branches
from perplab.analysis.report.page import (
    Report,
    Table,
    amount,
    notes_of,
    numbers_of,
    setting_of,
    single,
    write_page,
)
from perplab.analysis.report.sweep_report import report_of_sweep
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.results import faults_of_folder, open_runs, refuse_altered
from perplab.scenarios.runs.store import read_run
from perplab.sim.errors import ParameterError, PerplabError


def write_report(path: str | pathlib.Path) -> pathlib.Path:
    """Write the report of a folder into ``PATH/report`` and return the page's path.

    Raises
    ------
    ParameterError
        If the folder is no run, sweep or set of branches.
    """
    folder = pathlib.Path(path)
    return write_page(report_of(folder), folder / "report")


def report_of(folder):
    """Return the Report of a folder of any kind."""
    arms = sorted(part.parent for part in folder.glob("*/manifest.json"))
    if not (folder / "manifest.json").exists() and arms:
        return report_of_branches(folder, arms)
    opened = open_runs(folder)
    refuse_altered(opened)
    return (
        report_of_sweep(opened) if opened.manifest.get("kind") == "sweep" else report_of_run(folder)
    )


def report_of_run(folder):
    """Return the Report of a single run."""
    manifest, records = read_run(folder)
    scenario, summary = (
        manifest["scenario"],
        json.loads((folder / "summary.json").read_text(encoding="utf-8")),
    )
    found, missing = facts_or_why_not(records)
    losses = loss_network(records)
    return Report(
        title=f"{scenario.get('title') or scenario['name']}, seed {manifest['seed']}",
        question=scenario.get("question", ""),
        setting=setting_of(scenario) + f" Seed {manifest['seed']}.",
        notes=notes_of(scenario),
        results=[*results_of(summary), *replay_fit_of(summary), *missing],
        tables={
            "summary": ("Figures of the run.", summary_table(manifest, summary)),
            **real_tables(summary),
            "profit": (
                "Profit of everybody over the run, and what of it was funding; each column sums to zero, as in the ledger.",
                profit_table(summary, manifest["meta"]),
            ),
            **loss_tables(losses),
            **found,
        },
        figures={
            **run_figures(records, real_of(scenario), acting_of(scenario)),
            **leverage_figures(records),
            **cascade_drawings(records, losses),
        },
        faults=faults_of_folder(folder),
        commands=f"perplab run report/scenario.toml --seed {manifest['seed']}",
        versions=manifest["versions"],
        scenario=scenario,
    )


def run_figures(records, real, acting):
    """Return the figures that every run has."""
    from perplab.analysis.figures import run_figures as plots

    marked = "; ".join(f"{word} from hour {first:g} to {last:g}" for first, last, word in acting)
    beside = " Beside them the real market." if real else ""
    shaded = f" Shaded: {marked}." if marked else ""
    return {
        "price_and_basis": (
            f"Spot, perpetual and the basis between them.{beside}{shaded}",
            lambda: plots.price_and_basis_figure(records, real, 0, acting),
        ),
        "funding": (
            f"Funding rate of each settlement, and who paid whom.{beside}",
            lambda: plots.funding_figure(records, real, 0),
        ),
        "open_interest_and_liquidations": (
            "Open interest and liquidations.",
            lambda: plots.open_interest_figure(records, 0),
        ),
        "equity_by_kind": (
            "Wealth gained by kind of trader.",
            lambda: plots.equity_figure(records),
        ),
        "phase_portrait": (
            "Basis and predicted funding, light at the start of the run and dark at its end.",
            lambda: single(
                lambda axes: charts.phase_portrait(pd.DataFrame(records.series[0]), axes)
            ),
        ),
    }


def real_of(scenario):
    """Return the real market of a stored scenario whose files are still there, else None."""
    if scenario.get("comparison") is None:
        return None
    try:
        checked = Scenario.model_validate(numbers_of(scenario))
        return real_market(checked, rulebook_of(next(iter(checked.all_markets.values()))))
    except (OSError, ValueError, PerplabError):
        return None


def summary_table(manifest, summary):
    """Return the table of a run's figures, with a reason where one is unknown."""
    scenario = manifest["scenario"]
    twin = scenario.get("twin", {}).get("enabled", False)
    rows = [
        [
            told.words,
            amount(summary[key]),
            told.unit
            if summary[key] is not None
            else why_unknown(key, summary, 24 * scenario["days"], twin),
        ]
        for key, told in tabled_metrics().items()
        if key in summary and key != "wall_seconds"
    ]
    return Table(["figure", "value", "unit"], rows)


def profit_table(summary, meta):
    """Return the table of everybody's profit, and its sum."""
    rows = [
        [who, *(f"{round(part):,}" for part in (profit, funding))]
        for who, profit, funding in profit_rows(summary, meta)
    ]
    return Table(["who", "profit (USD)", "of it funding (USD)"], [*rows, ["sum", "0", "0"]])


def loss_tables(losses):
    """Return the table of who took over from whom, if anybody was liquidated."""
    rows = [
        [
            str(source).replace("_", " "),
            str(target).replace("_", " "),
            *(f"{round(flow[key]):,}" for key in ("notional", "loss")),
        ]
        for source, target, flow in losses.edges(data=True)
    ]
    caption = "Who took over from the liquidated: notional at the mark, and what passed over against the mark (to the fund: fees and what was left too)."
    return (
        {
            "losses": (
                caption,
                Table(["from", "to", "notional (USD)", "lost against the mark (USD)"], rows),
            )
        }
        if rows
        else {}
    )


def real_tables(summary):
    """Return the table of a replayed run against the real market, if there is one."""
    if not summary.get("real"):
        return {}
    rows = [
        [words, "" if ours is None else amount(ours), amount(there), unit]
        for words, ours, there, unit in comparison_rows(summary["real"])
    ]
    return {
        "real": (
            f"Simulated against real: {summary['real']['rows']}.",
            Table(["figure", "simulated", "real", "unit"], rows),
        )
    }


def replay_fit_of(summary):
    """Yield what a replayed run has to do with the real market, in a sentence."""
    told = summary.get("real")
    if told:
        ours, there = told["simulated"], told["real"]
        yield (
            f"On the same {told['hours']} hours the simulated basis averaged {amount(ours['basis_mean_bps'])} bp (standard deviation "
            f"{amount(ours['basis_sd_bps'])}), the real one {amount(there['basis_mean_bps'])} bp ({amount(there['basis_sd_bps'])}); hour by hour their "
            f"correlation is {amount(told['basis_correlation'])} and the root mean square of their gap {amount(told['basis_rmse_bps'])} bp. "
            f"Funding averaged {amount(ours['funding_mean_bps_8h'])} against {amount(there['funding_mean_bps_8h'])} bp per 8 h."
        )


def leverage_figures(records):
    """Return the figure of leverage, if positions are open at the end."""
    if not (records.positions["equity"] > 0).any():
        return {}
    frame = pd.DataFrame(records.positions).assign(
        kind=[records.kind_names[kind] for kind in records.positions["kind"]]
    )
    return {
        "leverage": (
            "Leverage of the positions open at the end of the run.",
            lambda: single(lambda axes: charts.leverage(frame, axes)),
        )
    }


def cascade_drawings(records, losses, market=0):
    """Return the figures of the trees of liquidations, if any has more than one node, and of who lost to whom, if anybody was liquidated."""
    graph, drawn = (
        forest(forced_events(records, market), market_facts(records, market)["lot"]),
        {},
    )
    if any(row["size"] > 1 for row in trees(graph)):
        drawn["cascade_trees"] = (
            "The largest trees of liquidations: a dot is an account, its area the notional, its colour what pushed it below maintenance.",
            lambda: single(lambda axes: networks.cascade_trees(graph, axes), 7.0, 3.8),
        )
    if any(flow["loss"] for *_, flow in losses.edges(data=True)):
        drawn["losses"] = (
            "Who took over from the liquidated and who gained by it: width and number are what passed over against the mark.",
            lambda: single(lambda axes: networks.loss_flows(losses, axes), 5.0, 2.8),
        )
    return drawn


def facts_or_why_not(records):
    """Return the table of a run's facts and no sentence, or no table and a sentence where what the facts need is not installed."""
    from perplab.analysis.metrics.stylised_facts import facts

    try:
        found = facts(records)
    except ParameterError:
        return {}, [
            "Facts with 95 % intervals are left out, since what they need is not installed: pip install -e '.[stats]'"
        ]
    rows = [
        [
            row.fact,
            amount(row.value),
            "" if math.isnan(row.low) else f"[{amount(row.low)}, {amount(row.high)}]",
            row.unit.replace("quote currency", "USD"),
            row.how,
        ]
        for row in found.itertuples()
    ]
    columns = ["fact", "value", "95 % interval", "unit", "how"]
    return {
        "facts": ("Facts from the records with 95 % intervals.", Table(columns, rows, columns[:-1]))
    }, []


def results_of(summary):
    """Return the main results of a run as sentences."""
    basis, funding = summary.get("basis_mean_bps"), summary.get("funding_mean_bps_8h")
    yield (
        f"The perpetual traded {amount(abs(basis)) if basis is not None else '-'} bp {'below' if (basis or 0) < 0 else 'above'} spot on average "
        f"(standard deviation {amount(summary.get('basis_sd_bps'))} bp); funding averaged {amount(funding)} bp per 8 h"
        + (
            f", so {'shorts paid longs' if funding < 0 else 'longs paid shorts'}."
            if funding
            else "."
        )
    )
    yield (
        f"{amount(summary.get('liquidations'))} accounts were liquidated, {amount(summary.get('liquidated_notional'))} USD; the insurance "
        f"fund changed by {amount(summary.get('insurance_fund_change'))}, and {amount(summary.get('adl_events'))} positions were deleveraged."
    )
