"""``perplab report PATH``: one page that reads like a results section, and its figures and tables for a paper.

::

    report/index.html     self-contained: figures inside, nothing from the network
    report/figures/       PDF and SVG
    report/tables/        LaTeX (booktabs)
    report/scenario.toml  the scenario as resolved, to be run again

A folder of ``perplab run``, ``perplab sweep`` or ``perplab branch`` can be reported.
"""

import json
import pathlib

import pandas as pd
import seaborn as sns

from analysis import charts, networks
from analysis.cascade import forest
from analysis.losses import loss_network
from analysis.metrics import forced_events, of_market
from analysis.page import Report, Table, amount, notes_of, setting_of, single, write_page
from analysis.sweep_report import report_of_sweep
from scenarios.frames import faults_of_folder, open_runs
from scenarios.store import read_run
from sim.errors import Fault, ParameterError
from sim.refusal import flattened


def write_report(path):
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
    return report_of_sweep(opened) if opened.manifest.get("kind") == "sweep" else report_of_run(folder)


def report_of_run(folder):
    """Return the Report of a single run."""
    from analysis import plots

    manifest, records = read_run(folder)
    scenario, summary = manifest["scenario"], json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    found, missing = facts_or_why_not(records)
    figures = {
        "price_and_basis": ("Spot, perpetual and the basis between them.", lambda: plots.price_and_basis_figure(records, None, 0)),
        "funding": ("Funding rate of each settlement, and who paid whom.", lambda: plots.funding_figure(records, None, 0)),
        "open_interest_and_liquidations": ("Open interest and liquidations.", lambda: plots.open_interest_figure(records, 0)),
        "equity_by_kind": ("Wealth gained by kind of trader.", lambda: plots.equity_figure(records)),
        "phase_portrait": (
            "Basis and predicted funding, light at the start of the run and dark at its end.",
            lambda: single(lambda axes: charts.phase_portrait(pd.DataFrame(records.series[0]), axes)),
        ),
        **leverage_figures(records),
        **cascade_drawings(records),
    }
    changes = f" --seed {manifest['seed']}"
    return Report(
        title=f"{scenario.get('title') or scenario['name']}, seed {manifest['seed']}",
        question=scenario.get("question", ""),
        setting=setting_of(scenario) + f" Seed {manifest['seed']}.",
        notes=notes_of(scenario) + missing,
        results=results_of(summary),
        tables={
            "summary": (
                "Figures of the run.",
                Table(["figure", "value", "unit"], [[key.replace("_", " "), amount(summary[key]), unit] for key, unit in FIGURES.items() if key in summary]),
            ),
            "facts": (
                "Facts from the records with 95 % intervals.",
                Table(list(found.columns), [[row.fact, amount(row.value), amount(row.low), amount(row.high), row.unit, row.how] for row in found.itertuples()]),
            ),
        },
        figures=figures,
        faults=faults_of_folder(folder),
        commands=f"perplab run report/scenario.toml{changes}",
        versions=manifest["versions"],
        scenario=scenario,
    )


def leverage_figures(records):
    """Return the figure of leverage, if positions are open at the end."""
    if not (records.positions["equity"] > 0).any():
        return {}
    frame = pd.DataFrame(records.positions).assign(kind=[records.kind_names[kind] for kind in records.positions["kind"]])
    return {"leverage": ("Leverage of the positions open at the end of the run.", lambda: single(lambda axes: charts.leverage(frame, axes)))}


def cascade_drawings(records, market=0):
    """Return the figures of the trees of liquidations and of who lost to whom, if anybody was liquidated."""
    events = forced_events(records, market)
    graph, losses = forest(events, of_market(records.meta["lot"], market)), loss_network(records, market)
    if not losses:
        return {}
    return {
        "cascade_trees": (
            "The largest trees of liquidations: a dot is an account, its area the notional, its colour what pushed it below maintenance.",
            lambda: single(lambda axes: networks.cascade_trees(graph, axes), 7.0, 3.8),
        ),
        "losses": (
            "Who took over from the liquidated (width: notional) and who gained by it.",
            lambda: single(lambda axes: networks.loss_flows(losses, axes), 5.0, 2.8),
        ),
    }


def facts_or_why_not(records):
    """Return the facts of a run and no notes, or no facts and a note where what they need is not installed."""
    from analysis.facts import facts

    try:
        return facts(records), []
    except ParameterError as error:
        return pd.DataFrame(columns=["fact", "value", "low", "high", "unit", "how"]), [("Facts", f"left out: {error}")]


def results_of(summary):
    """Return the main results of a run as sentences."""
    basis, funding = summary.get("basis_mean_bps"), summary.get("funding_mean_bps_8h")
    yield (
        f"The perpetual traded {amount(abs(basis)) if basis is not None else '-'} bp {'below' if (basis or 0) < 0 else 'above'} spot on average "
        f"(standard deviation {amount(summary.get('basis_sd_bps'))} bp); funding averaged {amount(funding)} bp per 8 h"
        + (f", so {'shorts paid longs' if funding < 0 else 'longs paid shorts'}." if funding else ".")
    )
    yield (
        f"{amount(summary.get('liquidations'))} accounts were liquidated, {amount(summary.get('liquidated_notional'))} of quote currency; the insurance "
        f"fund changed by {amount(summary.get('insurance_fund_change'))}, and {amount(summary.get('adl_events'))} positions were deleveraged."
    )


def report_of_branches(folder, arms):
    """Return the Report of branches of one run, side by side."""
    stored = {arm.name: read_run(arm) for arm in sorted(arms, key=lambda arm: (arm.name != "base", arm.name))}
    summaries = {name: json.loads((folder / name / "summary.json").read_text(encoding="utf-8")) for name in stored}
    manifest = next(iter(stored.values()))[0]
    series = pd.concat([pd.DataFrame(records.series[0]).assign(arm=name) for name, (_, records) in stored.items()], ignore_index=True)
    if "base" not in stored:
        raise ParameterError(Fault("folder", str(folder), "one that perplab branch wrote: it has no base"))
    table = Table(
        ["figure", *stored, "unit"],
        [
            [key.replace("_", " "), *(amount(summary.get(key)) for summary in summaries.values()), unit]
            for key, unit in FIGURES.items()
            if key in summaries["base"]
        ],
    )
    changed = [(name, what_differs(manifest["scenario"], part["scenario"])) for name, (part, _) in stored.items() if name != "base"]
    return Report(
        title=f"{manifest['scenario'].get('title') or manifest['scenario']['name']}, seed {manifest['seed']}: branches",
        question=manifest["scenario"].get("question", ""),
        setting=setting_of(manifest["scenario"]) + " The branches share state and random numbers up to the moment at which they part.",
        notes=[(f"What differs in {name}", text) for name, text in changed],
        results=[],
        tables={"branches": ("The branches side by side.", table)},
        figures={
            "basis": ("Basis of the branches.", lambda: single(lambda axes: branch_lines(series, axes), 7.0)),
            "open_interest": (
                "Open interest of the branches (lots).",
                lambda: single(lambda axes: branch_lines(series, axes, "open_interest", "open interest (lots)"), 7.0),
            ),
        },
        faults=[f"{name}: {fault}" for name in stored for fault in faults_of_folder(folder / name)],
        commands="perplab branch STORY --at-hours H --arm NAME:KEY=VALUE  # with the scenario below",
        versions=manifest["versions"],
        scenario=manifest["scenario"],
    )


def what_differs(base, other):
    """Return the values of a scenario that are not those of another, by dotted key.

    Examples
    --------
    >>> what_differs({"market": {"changes": {}}, "days": 1}, {"market": {"changes": {"funding": {"cap": 0.02}}}, "days": 1})
    'market.changes.funding.cap = 0.02'
    """
    here, there = flattened(base), flattened(other)
    return "; ".join(f"{key} = {json.dumps(there.get(key))}" for key in sorted({*here, *there}) if here.get(key) != there.get(key)
                     and there.get(key) not in ({}, None) or key in here and key not in there and here[key] != {}) or "nothing"


def branch_lines(series, axes, column=None, name="basis (bp of spot)"):
    """Draw a column of the branches' series over hours; by default the basis."""
    frame = series[series["mid"] > 0].assign(hours=lambda part: part["seconds"] / 3600, basis=lambda part: (part["mid"] / part["spot"] - 1) * 1e4)
    sns.lineplot(frame, x="hours", y=column or "basis", hue="arm", style="arm", ax=axes, errorbar=None, linewidth=0.8)
    axes.set_xlabel("time since start (hours)")
    axes.set_ylabel(name)
    axes.legend(title=None, frameon=False)
    return axes
