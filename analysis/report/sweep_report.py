"""The report of a sweep: what each factor changes, points of the design with intervals, curves and maps, sensitivity."""

from functools import partial

import pandas as pd

from perplab.analysis.estimators.paired_differences import ARM, contrasts, from_first, levels_of
from perplab.analysis.figures import frame_figures as charts
from perplab.analysis.metrics.catalogue import label, metric_of, scaled
from perplab.analysis.metrics.scenario_words import factor_words, listed, numbers_text, value_text
from perplab.analysis.report.page import Report, Table, amount, notes_of, setting_of, single
from perplab.analysis.report.sweep_tables import (
    change_and_place,
    difference_tables,
    dimensions,
    has_something,
    interval_text,
    point_tables,
)
from perplab.scenarios.runs.results import faults_of_folder

CURVES = ("basis_mean_bps", "funding_mean_bps_8h", "liquidated_notional", "insurance_fund_change")
ATTACKER_PROFIT = "pnl_by_kind.manipulation"
BY_NAME = ("basis_mean_bps", "liquidated_notional")
MOST_CELLS, MOST_CURVES = 400, 8
OF_ARMS = [
    (
        "Arms",
        "their figures are of the whole run, the past shared with the base included: means are diluted by it, totals are not.",
    )
]


def report_of_sweep(opened):
    """Return the Report of a sweep."""
    manifest, runs = opened.manifest, opened.runs
    well, scenario = runs[runs["error"].isna()], manifest["scenario"]
    factors, grid = (
        [f"factor.{name}" for name in manifest["factors"]],
        manifest["design"]["kind"] == "grid",
    )
    words = {
        f"factor.{name}": factor_words(name, keys_of(factor), scenario)
        for name, factor in manifest["factors"].items()
    }
    tables = point_tables(well, factors) | (difference_tables(well, factors) if grid else {})
    figures = {
        **(curves(well, factors, words) if grid else clouds(well, factors, words)),
        **maps(well, factors, words),
    }
    if manifest["design"]["kind"] in ("saltelli", "morris"):
        add_sensitivity(opened, tables, figures)
    return Report(
        title=manifest["title"] or f"Sweep {manifest['name']}",
        question=manifest["question"],
        setting=sweep_setting(manifest),
        notes=notes_of(scenario)
        + (OF_ARMS if len(manifest["arms"]) > 1 or well[ARM].nunique() > 1 else []),
        results=[
            counted(manifest, runs, well),
            *(effects(well, factors, manifest) if grid else ranks(well, factors)),
        ],
        tables=tables,
        figures=figures,
        faults=faults_of_folder(opened.folder),
        commands="perplab sweep FILE    # FILE holds:\n\n" + manifest["file"],
        versions=manifest["versions"] | {"code": manifest["code_hash"]},
        scenario=scenario,
        which=" at the first point of the design",
    )


def keys_of(factor):
    """Return the dotted keys that a factor of a manifest sets."""
    return list(factor.get("keys") or [factor["key"]])


def values_of(factor, last="and"):
    """Return the values of a factor of a manifest as a text, by their labels if they have any.

    Examples
    --------
    >>> values_of({"values": [1, 2]}, "or")
    '1 or 2'
    >>> values_of({"values": [[1, 2], [3, 4]], "labels": ["few", "many"]}), values_of({"low": 0.5, "high": 2.0})
    ('few and many', '0.5 to 2')
    """
    if not factor.get("values"):
        return f"{value_text(factor['low'])} to {value_text(factor['high'])}"
    return listed(factor.get("labels") or factor["values"], last)


def values_by_key(factor):
    """Return by dotted key the values that a factor gives it, as a text: of several keys a list has an entry for each.

    Examples
    --------
    >>> values_by_key({"keys": ["a", "b"], "values": [[1, 2], 3]})
    {'a': '1 or 3', 'b': '2 or 3'}
    """
    if not factor.get("values"):
        return {key: values_of(factor) for key in keys_of(factor)}
    return {
        key: listed(
            [
                value[place] if factor.get("keys") and isinstance(value, list) else value
                for value in factor["values"]
            ],
            "or",
        )
        for place, key in enumerate(keys_of(factor))
    }


def sweep_setting(manifest):
    """Return the setting of a sweep: what is common to all runs, the values of every factor, the seeds."""
    factors = manifest["factors"]
    varied = {
        key: text for factor in factors.values() for key, text in values_by_key(factor).items()
    }
    told = "; ".join(
        f"{name.replace('_', ' ')} ({', '.join(keys_of(factor))}): {values_of(factor)}"
        for name, factor in factors.items()
    )
    arms = [name for name in manifest["arms"] if name != "base"]
    return (
        f"{setting_of(manifest['scenario'], varied)} "
        + (f"Varied: {told}. " if told else "")
        + (f"Arms, which branch off every run: {listed(arms)}. " if arms else "")
        + f"Seeds {numbers_text(manifest['seeds'])} at every point."
    )


def counted(manifest, runs, well):
    """Return how many runs there are and went well."""
    seeds = len(manifest["seeds"])
    points = len(manifest["runs"]) // seeds
    return f"{len(well)} of {len(runs)} rows of runs went well; {seeds} seed{'s' * (seeds > 1)} at {f'each of {points} points' if points > 1 else 'one point'}."


def effects(well, factors, manifest):
    """Yield a sentence a factor: what goes from its lowest to its highest value, by pairs of one seed, after the question that was asked."""
    across = (
        [name for name in dimensions(well, factors) if well[name].nunique() > 1]
        if len(well)
        else []
    )
    asked = next(
        (text for text in (manifest["question"], manifest["title"]) if text.endswith("?")), ""
    )
    told = [text for factor in across for text in sentences_of(well, factor, across)]
    if told:
        yield (f"{asked} The differences" if asked else "Differences") + (
            " between runs of the same seed, which share their random numbers, say (mean and 95 % interval by Student's t):"
        )
        yield from told


def sentences_of(well, factor, across):
    """Yield what a factor changes: from the lowest number to the highest, or from the first name to each other."""
    numeric = pd.api.types.is_numeric_dtype(well[factor])
    first, *rest = levels_of(well, factor)
    others = ", ".join(
        f"{label(name)} {listed(levels_of(well, name))}" for name in across if name != factor
    )
    held = f" (averaged over {others})" if others else ""
    for level in rest[-1:] if numeric else rest:
        rows = well[well[factor].isin([first, level])]
        clauses = [
            clause(rows, factor, figure, across) for figure in CURVES if has_something(well, figure)
        ]
        if any(clauses):
            yield f"From {label(factor)} {value_text(first)} to {value_text(level)}{held}: {'; '.join(filter(None, clauses))}."


def clause(rows, factor, figure, across):
    """Return how one figure goes from one level of a factor to another, and whether it does so alike wherever the others stand."""
    found = contrasts(rows, [factor], figure, averaged=True)
    if not found:
        return ""
    one, told = found[0], metric_of(figure)
    scale, word = scaled([one.at_lower, one.at_upper], figure)
    unit = f" {(word + told.unit).strip()}" if told.unit else ""
    ends = f"from {amount(one.at_lower / scale)} to {amount(one.at_upper / scale)}{unit}"
    if one.low is None:
        return f"{told.words} goes {ends} (one seed, no interval)"
    by = f"{interval_text(*(part / scale for part in (one.centre, one.low, one.high)))}{unit}"
    if not one.clear:
        return f"{told.words} shows no change beyond chance ({ends}, by {by}){unlike(rows, factor, figure, across, scale)}"
    return f"{told.words} {'rises' if one.centre > 0 else 'falls'} {ends}, by {by}{unlike(rows, factor, figure, across, scale)}"


def unlike(rows, factor, figure, across, scale):
    """Return where a difference is smallest and largest among the values of the other factors, empty where their intervals overlap."""
    places = sorted(
        from_first(rows, factor, [name for name in across if name != factor], figure),
        key=lambda one: one.centre,
    )
    if (
        len(places) < 2
        or places[0].high is None
        or places[-1].low is None
        or places[0].high >= places[-1].low
    ):
        return ""
    ends = (
        f"{interval_text(*(part / scale for part in (one.centre, one.low, one.high)))} at {change_and_place(one)[1]}"
        for one in (places[0], places[-1])
    )
    return f" (not alike everywhere: {' and '.join(ends)})"


def ranks(well, factors):
    """Yield by figure its rank correlation over the points of a sampled design with each factor that is a number."""
    numeric = numbers_among(well, factors)
    if not numeric:
        return
    means = (
        well[well[ARM] == "base"]
        .groupby(factors)[[name for name in CURVES if has_something(well, name)]]
        .mean()
        .reset_index()
    )
    for figure in (name for name in CURVES if name in means and means[name].nunique() > 1):
        told = ", ".join(
            f"{label(factor)} {amount(float(means[factor].corr(means[figure], method='spearman')))}"
            for factor in numeric
        )
        yield f"{metric_of(figure).words.capitalize()}: rank correlation over the {len(means)} points with {told}."


def numbers_among(well, factors):
    """Return the factors that are numbers and take more than one value."""
    return [
        name
        for name in factors
        if pd.api.types.is_numeric_dtype(well[name]) and well[name].nunique() > 1
    ]


def second_of(well, factor, across):
    """Return the factor (or the arm) by whose values curves over another are told apart, None where there is none."""
    return next(
        (name for name in across if name != factor and 1 < well[name].nunique() <= MOST_CURVES),
        None,
    )


def curves(well, factors, words):
    """Return the figures of one factor each, a curve or colour each value of the second: curves over numbers, runs by name."""
    drawn, across = {}, dimensions(well, factors)
    for factor in (one for one in across if well[one].nunique() > 1):
        numeric, second = (
            pd.api.types.is_numeric_dtype(well[factor]),
            second_of(well, factor, across),
        )
        for figure in (
            one
            for one in (CURVES if numeric else BY_NAME)
            if has_something(well, one) and well[one].nunique() > 1
        ):
            draw = (
                partial(charts.response_curve, hue=second or ARM)
                if numeric
                else partial(charts.distribution, hue=second)
            )
            height = 2.6 if numeric else 1.1 + 0.35 * well[factor].nunique()
            drawn[f"{figure}-{factor.removeprefix('factor.')}"] = (
                caption(well, figure, factor, second, across),
                partial(one_panel, draw, well, factor, figure, words, height),
            )
    return drawn


def one_panel(draw, well, factor, figure, words, height=2.6):
    """Return the figure of one chart over a factor, as wide as a column."""
    return single(lambda axes: draw(well, axes, factor, figure, words=words), height=height)


def caption(well, figure, factor, second, across):
    """Return the caption of a figure over a factor: what is shown apart, what is averaged over, what the bars are."""
    averaged = [
        label(name) for name in across if name not in (factor, second) and well[name].nunique() > 1
    ]
    numeric = pd.api.types.is_numeric_dtype(well[factor])
    parts = [
        f"{metric_of(figure).words.capitalize()} {'against' if numeric else 'by'} {label(factor)}"
    ]
    parts += (
        [f"a {'curve' if numeric else 'colour'} each value of {label(second)}"] if second else []
    )
    parts += [f"averaged over {listed(averaged)} within each seed"] * bool(averaged)
    return (
        ", ".join(parts)
        + f"; mean over {well['seed'].nunique()} seeds, bars: its 95 % interval (Student's t)."
    )


def clouds(well, factors, words):
    """Return the figures of a sampled design: a dot a point, over each factor that is a number."""
    drawn = {}
    for factor in numbers_among(well, factors):
        for figure in (
            one for one in CURVES if has_something(well, one) and well[one].nunique() > 1
        ):
            told = f"{metric_of(figure).words.capitalize()} against {label(factor)}: a dot is a point of the design (mean over seeds); others vary too."
            drawn[f"{figure}-{factor.removeprefix('factor.')}"] = (
                told,
                partial(
                    one_panel,
                    charts.response_points,
                    well[well[ARM] == "base"],
                    factor,
                    figure,
                    words,
                ),
            )
    return drawn


def maps(well, factors, words):
    """Return the figures of the first two factors that are numbers: mean basis, and the attacker's profit where there is one."""
    numeric = numbers_among(well, factors)
    if len(numeric) < 2 or well[numeric[0]].nunique() * well[numeric[1]].nunique() > MOST_CELLS:
        return {}
    across, down = numeric[:2]
    drawn = {
        "heat_map": (
            "Mean basis over two factors.",
            lambda: single(
                lambda axes: charts.heat_map(well, axes, across, down, "basis_mean_bps", words),
                3.4,
                2.6,
            ),
        )
    }
    if ATTACKER_PROFIT in well and well[ATTACKER_PROFIT].notna().any():
        drawn["attack_map"] = (
            "Attacker's mean profit over two factors, in brackets the liquidated notional, both in thousand USD.",
            lambda: single(
                lambda axes: charts.attack_map(well, axes, across, down, ATTACKER_PROFIT, words),
                4.6,
                3.2,
            ),
        )
    return drawn


def add_sensitivity(opened, tables, figures, figure="basis_mean_bps"):
    """Add the sensitivity of one figure to a report's tables and figures."""
    from perplab.analysis.estimators.sensitivity import sensitivity_indices

    found = sensitivity_indices(opened, figure)
    last = found[found["samples"] == found["samples"].max()].rename(columns={"index": "index_"})
    tables["sensitivity"] = (
        f"Sensitivity of {label(figure)}; interval by bootstrap.",
        Table(
            ["factor", "index", "value", "95 % +-"],
            [
                [row.factor, row.index_, amount(row.value), amount(row.half)]
                for row in last.itertuples(index=False)
            ],
        ),
    )
    figures["sensitivity"] = (
        f"How the indices of {label(figure)} settle as samples are added.",
        lambda: single(lambda axes: charts.settling(found, axes)),
    )
