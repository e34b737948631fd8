"""The report of a sweep: points of the design with intervals, curves and maps of the factors, sensitivity."""

import pandas as pd

from analysis import charts
from analysis.metrics import mean_interval
from analysis.page import FIGURES, Report, Table, amount, notes_of, setting_of, single
from scenarios.frames import faults_of_folder

CURVES = ("basis_mean_bps", "funding_mean_bps_8h", "liquidated_notional", "insurance_fund_change")
ATTACKER_PROFIT = "pnl_by_kind.manipulation"
VIOLINS = ("basis_mean_bps", "liquidated_notional")
MOST_POINTS, MOST_CELLS, MOST_CURVES = 200, 400, 8


def report_of_sweep(opened):
    """Return the Report of a sweep."""
    manifest, runs = opened.manifest, opened.runs
    well = runs[runs["error"].isna()]
    factors = [f"factor.{name}" for name in manifest["factors"]]
    tables, figures = {"points": points_table(well, factors)}, {**curves(well, factors), **maps(well, factors)}
    if manifest["design"]["kind"] in ("saltelli", "morris"):
        add_sensitivity(opened, tables, figures)
    varied = "; ".join(f"{name} ({factor.get('key') or ', '.join(factor['keys'])})" for name, factor in manifest["factors"].items())
    seeds, points = len(manifest["seeds"]), len(manifest["runs"]) // len(manifest["seeds"])
    return Report(
        title=manifest["title"] or f"Sweep {manifest['name']}", question=manifest["question"] or manifest["scenario"].get("question", ""),
        setting=f"{setting_of(manifest['scenario'])} Factors: {varied}.", notes=notes_of(manifest["scenario"]),
        results=[f"{len(well)} of {len(runs)} rows of runs went well; {seeds} seeds at each of {points} points.", *ranges(well, factors)],
        tables=tables, figures=figures, faults=faults_of_folder(opened.folder), commands="perplab sweep FILE    # FILE holds:\n\n" + manifest["file"],
        versions=manifest["versions"] | {"code": manifest["code_hash"]}, scenario=manifest["scenario"])


def points_table(well, factors):
    """Return the caption and the table of mean and interval at each point and arm."""
    shown = [name for name in FIGURES if name in well and well[name].notna().any()][:7]
    rows = [[*(amount(part) if isinstance(part, (int, float)) else str(part) for part in place), str(len(group)), *(interval(group[name]) for name in shown)]
            for place, group in well.groupby([*factors, "arm"], sort=False, dropna=False)]
    columns = [*(charts.label(name) for name in factors), "arm", "runs", *(charts.label(name) for name in shown)]
    return "Mean over seeds and 95 % interval (Student's t) at each point of the design.", Table(columns, rows[:MOST_POINTS])


def ranges(well, factors):
    """Yield by figure a sentence on the points of the design where its mean is lowest and highest."""
    groups = {place: group for place, group in well.groupby([*factors, "arm"], sort=False, dropna=False)} if len(well) else {}
    for figure in CURVES:
        means = {place: group[figure].mean() for place, group in groups.items() if figure in well and group[figure].notna().any()}
        if len(means) > 1 and min(means.values()) < max(means.values()):
            ends = [chosen(means, key=means.get) for chosen in (min, max)]
            told = [f"{interval(groups[place][figure])} at {point_text(place, factors)}" for place in ends]
            yield f"{charts.label(figure).capitalize()}: from {told[0]} to {told[1]} (mean over seeds and 95 % interval)."


def point_text(place, factors):
    """Return a point of the design in words, its arm if it is not the base."""
    *values, arm = place
    parts = [f"{charts.label(factor)} {amount(value) if isinstance(value, (int, float)) else value}" for factor, value in zip(factors, values, strict=True)]
    return ", ".join(parts + [f"arm {arm}"] * (arm != "base")) or "the base"


def numbers_among(well, factors):
    """Return the factors that are numbers and take more than one value."""
    return [name for name in factors if pd.api.types.is_numeric_dtype(well[name]) and well[name].nunique() > 1]


def curves(well, factors):
    """Return the figures of one factor each: curves over numbers, violins over names."""
    drawn, numeric = {}, numbers_among(well, factors)
    named = [factor for factor in factors if factor not in numeric and 1 < well[factor].nunique() <= MOST_CURVES]
    hue = named[0] if named and well["arm"].nunique() == 1 else "arm"
    for factor in factors:
        name = factor.removeprefix("factor.")
        if factor in numeric:
            for figure in (one for one in CURVES if one in well and well[one].nunique() > 1):
                caption = f"{charts.label(figure).capitalize()} against {charts.label(factor)}; band: 95 % interval of the mean (bootstrap)."
                drawn[f"{figure}-{name}"] = caption, lambda factor=factor, figure=figure: single(
                    lambda axes: charts.response_curve(well, axes, factor, figure, hue))
        elif well[factor].nunique() > 1:
            for figure in (one for one in VIOLINS if one in well and well[one].nunique() > 1):
                caption = f"{charts.label(figure).capitalize()} by {charts.label(factor)}, over seeds."
                drawn[f"violin-{figure}-{name}"] = caption, lambda factor=factor, figure=figure: single(
                    lambda axes: charts.violin(well, axes, factor, figure), height=0.8 + 0.3 * well[factor].nunique())
    return drawn


def maps(well, factors):
    """Return the figures of the first two factors that are numbers: mean basis, and the attacker's profit where there is one."""
    numeric = numbers_among(well, factors)
    if len(numeric) < 2 or well[numeric[0]].nunique() * well[numeric[1]].nunique() > MOST_CELLS:
        return {}
    across, down = numeric[:2]
    drawn = {"heat_map": ("Mean basis over two factors.", lambda: single(
        lambda axes: charts.heat_map(well, axes, across, down, "basis_mean_bps"), 4.2, 3.2))}
    if ATTACKER_PROFIT in well and well[ATTACKER_PROFIT].notna().any():
        drawn["attack_map"] = "Attacker's mean profit over two factors, in brackets the liquidated notional, both in thousands.", lambda: single(
            lambda axes: charts.attack_map(well, axes, across, down, ATTACKER_PROFIT), 4.6, 3.2)
    return drawn


def add_sensitivity(opened, tables, figures, figure="basis_mean_bps"):
    """Add the sensitivity of one figure to a report's tables and figures."""
    from analysis.sensitivity import indices

    found = indices(opened, figure)
    last = found[found["samples"] == found["samples"].max()]
    tables["sensitivity"] = (
        f"Sensitivity of {charts.label(figure)}; interval by bootstrap.",
        Table(
            ["factor", "index", "value", "95 % +-"],
            [[row.factor, row.index_, amount(row.value), amount(row.half)] for row in last.rename(columns={"index": "index_"}).itertuples(index=False)],
        ),
    )
    figures["sensitivity"] = (
        f"How the indices of {charts.label(figure)} settle as samples are added.",
        lambda: single(lambda axes: charts.settling(found, axes)),
    )


def interval(values):
    """Return mean and 95 % interval of a column as a text."""
    centre, low, high = mean_interval(values)
    return amount(centre) if low is None else f"{amount(centre)} [{amount(low)}, {amount(high)}]"
