"""The report of branches of one run: figures and curves from the moment at which they part."""

import json
import shlex
from functools import partial

import pandas as pd
import seaborn as sns

from perplab.analysis.estimators.series import HOUR_SECONDS, basis_bps
from perplab.analysis.metrics.branches import (
    BASE,
    moment_of,
    open_interest_usd,
    summary_since,
    why_unknown,
)
from perplab.analysis.metrics.catalogue import magnitude, metric_of, scaled, tabled_metrics
from perplab.analysis.report.page import Report, Table, amount, notes_of, setting_of, single
from perplab.scenarios.runs.results import faults_of_folder
from perplab.scenarios.runs.store import read_run
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened

TOLD = (
    "basis_mean_bps",
    "basis_sd_bps",
    "funding_mean_bps_8h",
    "open_interest_mean",
    "liquidated_notional",
    "insurance_fund_change",
)
SHOWN_BEFORE = 0.15


def report_of_branches(folder, arms):
    """Return the Report of branches of one run, side by side.

    Raises
    ------
    ParameterError
        If the folder has no base.
    """
    stored = {
        arm.name: read_run(arm)
        for arm in sorted(arms, key=lambda arm: (arm.name != BASE, arm.name))
    }
    if BASE not in stored:
        raise ParameterError(
            Fault("folder", str(folder), "one that perplab branch wrote: it has no base")
        )
    manifest, (hour, stated) = stored[BASE][0], moment_of(folder, stored)
    scenario = manifest["scenario"]
    summaries = {
        name: summary_since(records, hour) | {"amplification": whole_amplification(folder / name)}
        for name, (_, records) in stored.items()
    }
    changed = {
        name: what_differs(scenario, part["scenario"])
        for name, (part, _) in stored.items()
        if name != BASE
    }
    return Report(
        title=f"{scenario.get('title') or scenario['name']}, seed {manifest['seed']}: branches",
        question=scenario.get("question", ""),
        setting=f"{setting_of(scenario)} The branches share state and random numbers up to hour {hour:g}, at which they part; figures are from there on.",
        notes=[
            *notes_of(scenario)[1:],
            *((f"What differs in {name}", text) for name, text in changed.items()),
        ],
        results=results_of(summaries),
        tables={
            "branches": (
                f"The branches side by side, from hour {hour:g} to the end.",
                table_of(summaries),
            )
        },
        figures=figures_of(stored, hour),
        faults=[f"{name}: {fault}" for name in stored for fault in faults_of_folder(folder / name)],
        commands=command_of(manifest["seed"], hour, stated),
        versions=manifest["versions"],
        scenario=scenario,
    )


def whole_amplification(folder):
    """Return the amplification that a branch's own summary holds, counted from where its twin branched off."""
    return json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("amplification")


def table_of(summaries):
    """Return the table of branches, a column each; what is zero in all of them is left out."""
    keys = [
        key
        for key, told in tabled_metrics().items()
        if told.group != "run"
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
    return Table(["figure", *summaries, "unit"], rows)


def results_of(summaries):
    """Yield a sentence a branch on how it differs from the base, and what one seed cannot say."""
    base, others = summaries[BASE], [name for name in summaries if name != BASE]
    for name in others:
        clauses = [clause(key, base, summaries[name]) for key in TOLD]
        yield (
            f"{name} against {BASE}: "
            + ("; ".join(filter(None, clauses)) or "every figure is the same")
            + "."
        )
    if others:
        yield (
            "These are differences within one run, of one seed: they have no interval. A sweep over seeds with the same [[arms]] gives them one."
        )


def clause(key, base, other):
    """Return how one figure of a branch differs from the base, empty where it does not or is not known."""
    if base[key] is None or other[key] is None or base[key] == other[key]:
        return ""
    told, (scale, word) = metric_of(key), scaled([base[key], other[key]], key)
    return (
        f"{told.words} {amount(other[key] / scale)} instead of {amount(base[key] / scale)} {word}{told.unit} "
        f"(a difference of {amount((other[key] - base[key]) / scale)})"
    )


def command_of(seed, hour, stated):
    """Return the command that makes the same branches from the scenario beside the page.

    Examples
    --------
    >>> print(command_of(3, 24.0, ["off:market.changes.funding.enabled=false"]))
    perplab branch report/scenario.toml --seed 3 --at-hours 24 --arm off:market.changes.funding.enabled=false
    """
    arms = (
        "".join(f" --arm {shlex.quote(text)}" for text in stated)
        or " --arm NAME:KEY=VALUE    # for each of the branches above"
    )
    return f"perplab branch report/scenario.toml --seed {seed} --at-hours {hour:g}{arms}"


def what_differs(base, other):
    """Return the values of a scenario that are not those of another, by dotted key.

    Examples
    --------
    >>> what_differs({"market": {"changes": {}}, "days": 1}, {"market": {"changes": {"funding": {"cap": 0.02}}}, "days": 1})
    'market.changes.funding.cap = 0.02'
    """
    here, there = flattened(base), flattened(other)
    return (
        "; ".join(
            f"{key} = {json.dumps(there.get(key))}"
            for key in sorted({*here, *there})
            if here.get(key) != there.get(key)
            and there.get(key) not in ({}, None)
            or key in here
            and key not in there
            and here[key] != {}
        )
        or "nothing"
    )


def figures_of(stored, hour):
    """Return the figures of branches: basis and open interest, from shortly before they part."""
    frame = pd.concat(
        [frame_of(records, name, hour) for name, (_, records) in stored.items()], ignore_index=True
    )
    scale, word = magnitude(frame["open_interest"].to_numpy())
    frame["open_interest"] /= scale
    parts = {
        "basis": ("Basis", "basis (bp of spot)"),
        "open_interest": ("Open interest", f"open interest ({word}USD)"),
    }
    return {
        name: (
            f"{title} of the branches; the vertical line is where they part.",
            partial(one_panel, frame, name, words, hour),
        )
        for name, (title, words) in parts.items()
    }


def one_panel(frame, column, words, hour):
    """Return the figure of one column over time."""
    return single(lambda axes: branch_lines(frame, axes, column, words, hour), 7.0)


def frame_of(records, name, hour):
    """Return basis (bp) and open interest (USD) of a branch over hours, from shortly before it parts."""
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


def branch_lines(frame, axes, column, words, hour):
    """Draw a column of branches over hours, with a vertical line where they part."""
    sns.lineplot(
        frame,
        x="hours",
        y=column,
        hue="arm",
        style="arm",
        ax=axes,
        errorbar=None,
        estimator=None,
        linewidth=0.8,
    )
    axes.axvline(hour, color="0.5", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.set_xlabel("time since start (hours)")
    axes.set_ylabel(words)
    axes.legend(title=None, frameon=False)
    return axes
