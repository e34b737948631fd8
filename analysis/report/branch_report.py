"""The report of branches of one run: figures and curves from the branch point."""

import json
import shlex
from functools import partial

import pandas as pd
import seaborn as sns

from perplab.analysis.escapes import figure_names
from perplab.analysis.estimators.series import HOUR_SECONDS, basis_bps
from perplab.analysis.figures.style import PALETTE, enlarged_panel, key
from perplab.analysis.metrics.branches import (
    BASE,
    moment_of,
    open_interest_usd,
    summary_since,
    why_unknown,
)
from perplab.analysis.metrics.catalogue import magnitude, metric_of, scaled, tabled_metrics
from perplab.analysis.metrics.scenario_words import words_of_key
from perplab.analysis.report.page import Report, Table
from perplab.analysis.report.scenario_text import notes_of, setting_of
from perplab.analysis.report.summary_tables import read_summary
from perplab.analysis.report.text_format import amount
from perplab.scenarios.runs.results import faults_of_folder
from perplab.scenarios.runs.store import read_run
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened

COMPARED = (
    "basis_mean_bps",
    "basis_sd_bps",
    "funding_mean_bps_8h",
    "open_interest_mean",
    "liquidated_notional",
    "insurance_fund_change",
)
SHOWN_BEFORE = 0.15
ONE_SEED = (
    "These differences are from one seed and have no confidence interval. "
    "A sweep over seeds with the same [[arms]] gives one."
)


def report_of_branches(folder, arms):
    """Return the `Report` of branches of one run, side by side.

    Raises
    ------
    ParameterError
        If the folder has no base.
    """
    stored = read_branches(folder, arms)
    manifest, (hour, stated) = stored[BASE][0], moment_of(folder, stored)
    scenario, seed = manifest["scenario"], manifest["seed"]
    summaries = {
        name: summary_since(records, hour) | figures_of_twin(folder / name)
        for name, (_, records) in stored.items()
    }
    return Report(
        title=f"{scenario.get('title') or scenario['name']}, seed {seed}: branches",
        question=scenario.get("question", ""),
        setting=f"{setting_of(scenario)} The branches share state and random numbers up to hour "
        f"{hour:g}, the branch point; all figures are from there on.",
        notes=[*notes_of(scenario)[1:], *change_notes(scenario, stored)],
        results=results_of(summaries),
        tables={
            "branches": (f"Branches from hour {hour:g} to the end.", table_of(summaries)),
        },
        figures=figures_of(stored, hour),
        faults=[f"{name}: {fault}" for name in stored for fault in faults_of_folder(folder / name)],
        commands=command_of(seed, hour, stated),
        versions=manifest["versions"],
        scenario=scenario,
    )


def read_branches(folder, arms):
    """Return manifest and records of each branch by name, the base first.

    Raises
    ------
    ParameterError
        If there is no base.
    """
    ordered = sorted(arms, key=lambda arm: (arm.name != BASE, arm.name))
    stored = {arm.name: read_run(arm) for arm in ordered}
    if BASE not in stored:
        raise ParameterError(
            Fault("folder", str(folder), "written by perplab branch: it has no base")
        )
    return stored


def figures_of_twin(folder):
    """Return the amplifications in a branch's own summary, which count from its twin's start."""
    summary = read_summary(folder)
    return {key: summary.get(key) for key in ("amplification", "price_amplification")}


def change_notes(scenario, stored):
    """Return a note per branch on the values that it changes."""
    return [
        (f"Changed in {name}", f"{changes_text(scenario, part['scenario'])}.")
        for name, (part, _) in stored.items()
        if name != BASE
    ]


def table_of(summaries):
    """Return the table of branches, a column each; rows that are zero everywhere are left out."""
    keys = [
        key
        for key, metric in tabled_metrics().items()
        if metric.group != "run"
        and key in summaries[BASE]
        and any(each[key] not in (0, None) for each in summaries.values())
    ]
    rows = [
        [
            metric_of(key).words,
            *(
                amount(each[key]) if each[key] is not None else why_unknown(name, key, each)
                for name, each in summaries.items()
            ),
            metric_of(key).unit,
        ]
        for key in keys
    ]
    return Table(["quantity", *summaries, "unit"], rows)


def results_of(summaries):
    """Yield a sentence per branch on its differences from the base, and one on their limits."""
    base, others = summaries[BASE], [name for name in summaries if name != BASE]
    for name in others:
        clauses = filter(None, (clause(key, base, summaries[name]) for key in COMPARED))
        yield f"{name} against {BASE}: {'; '.join(clauses) or 'no difference'}."
    if others:
        yield ONE_SEED


def clause(key, base, other):
    """Return how one figure of a branch differs from the base; empty if equal or unknown."""
    if base[key] is None or other[key] is None or base[key] == other[key]:
        return ""
    metric, (scale, word) = tabled_metrics()[key], scaled([base[key], other[key]], key)
    change = amount((other[key] - base[key]) / scale)
    return (
        f"{metric.words} {amount(other[key] / scale)} against {amount(base[key] / scale)} "
        f"{word}{metric.unit} (difference {change} {word}{metric.unit})"
    )


def command_of(seed, hour, stated):
    """Return the command that makes the same branches from the scenario beside the page.

    Examples
    --------
    >>> print(command_of(3, 24.0, ["off:market.changes.funding.enabled=false"])[:60])
    perplab branch report/scenario.toml --seed 3 --at-hours 24 -
    """
    arms = (
        "".join(f" --arm {shlex.quote(text)}" for text in stated)
        or " --arm NAME:KEY=VALUE    # for each of the branches above"
    )
    exact = repr(float(hour)).removesuffix(".0")
    return f"perplab branch report/scenario.toml --seed {seed} --at-hours {exact}{arms}"


def changes_text(base, other):
    """Return the values of a scenario that differ from another's, by dotted key.

    Examples
    --------
    >>> changes_text({"market": {"changes": {}}}, {"market": {"changes": {"cap": 0.02}}})
    'market.changes.cap = 0.02 (fraction per interval)'
    """
    here, there = flattened(base), flattened(other)
    changed = [
        key
        for key in sorted({*here, *there})
        if here.get(key) != there.get(key)
        and there.get(key) not in ({}, None)
        or key in here
        and key not in there
        and here[key] != {}
    ]
    texts = (value_with_unit(key, there.get(key), other) for key in changed)
    return "; ".join(texts) or "nothing"


def value_with_unit(key, value, scenario):
    """Return a dotted key and its value as text, with the unit of a number if it has one.

    Examples
    --------
    >>> value_with_unit("market.changes.funding.cap", 0.02, {})
    'market.changes.funding.cap = 0.02 (fraction per interval)'
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    unit = words_of_key(key, scenario)[1] if number else ""
    return f"{key} = {json.dumps(value)}" + (f" ({unit})" if unit else "")


def figures_of(stored, hour):
    """Return the figures of branches, from shortly before the branch point."""
    frame = pd.concat(
        [frame_of(records, name, hour) for name, (_, records) in stored.items()], ignore_index=True
    )
    scale, word = magnitude(frame["open_interest"].to_numpy())
    frame["open_interest"] /= scale
    parts = {
        "basis": ("Basis (bp of spot)", "basis (bp of spot)"),
        "open_interest": (
            f"Open interest at the mark price ({word}USD)",
            f"open interest ({word}USD)",
        ),
    }
    return {
        name: (
            f"{title} of each branch; the vertical line is the branch point. If one branch "
            "flattens others, further panels enlarge those.",
            partial(branch_figure, frame, name, words, hour),
        )
        for name, (title, words) in parts.items()
    }


def branch_figure(frame, column, words, hour):
    """Return the figure of one column over time."""
    lines = [part.to_numpy() for _, part in frame.groupby("arm", sort=False)[column]]
    return enlarged_panel(
        lambda axes: draw_branches(frame, axes, column, words, hour), lines, width=7.0
    )


def frame_of(records, name, hour):
    """Return basis (bp) and open interest (USD) of a branch, from just before the branch point."""
    rows, hours = records.series[0], records.series[0]["seconds"] / HOUR_SECONDS
    shown = (rows["mid"] > 0) & (hours >= hour - SHOWN_BEFORE * (hours[-1] - hour))
    return pd.DataFrame(
        {
            "hours": hours[shown],
            "basis": basis_bps(rows["mid"], rows["spot"])[shown],
            "open_interest": open_interest_usd(records)[shown],
            "arm": name,
        }
    )


def draw_branches(frame, axes, column, words, hour):
    """Draw a column of branches over hours, with a vertical line at the branch point."""
    names = figure_names(frame["arm"].unique())
    frame = frame.assign(arm=frame["arm"].map(names))
    look = {"errorbar": None, "estimator": None, "linewidth": 0.8}
    look["palette"] = (PALETTE * len(names))[: len(names)]
    sns.lineplot(frame, x="hours", y=column, hue="arm", style="arm", ax=axes, **look)
    axes.axvline(hour, color="0.5", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.set_xlabel("time since start (hours)")
    axes.set_ylabel(words)
    return key(axes)
