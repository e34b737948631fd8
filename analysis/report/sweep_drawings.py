"""The figures of a sweep's report: curves over factors, maps over two factors, sensitivity."""

from functools import partial

import pandas as pd

from perplab.analysis import figures
from perplab.analysis.estimators.paired_differences import ARM
from perplab.analysis.metrics.catalogue import label, metric_of, scaled
from perplab.analysis.metrics.scenario_words import listed, value_text
from perplab.analysis.report.page import Table
from perplab.analysis.report.sweep_effects import MAIN_FIGURES, numeric_factors
from perplab.analysis.report.sweep_tables import (
    dimensions,
    is_informative,
    opposite_signs,
    seeds_text,
)
from perplab.analysis.report.text_format import amount

ATTACKER_PROFIT = "pnl_by_kind.manipulation"
PRICE_AMPLIFICATION = "price_amplification"
BY_NAME = ("basis_mean_bps", "liquidated_notional")
MOST_CELLS, MOST_CURVES = 400, 8
VIOLINS = (
    "Violins are kernel densities of the runs of {}, equally wide, within the range of the data; "
    "lines inside are the quartiles."
)


def curves(runs, factors, words):
    """Return the figures over each factor: curves over numbers, distributions over names.

    Values of a second factor are curves or colours. A signed figure whose sign depends on further
    factors is not averaged over them: each combination of their values has its own curve.
    """
    drawn, across = {}, dimensions(runs, factors)
    for factor in (name for name in across if runs[name].nunique() > 1):
        numeric = pd.api.types.is_numeric_dtype(runs[factor])
        for figure in varying(runs, MAIN_FIGURES if numeric else BY_NAME):
            shown, second, averaged = by_regime(runs, figure, factor, across)
            if second and shown[second].nunique() > MOST_CURVES:
                continue
            drawn[drawing_name(figure, factor)] = (
                curve_caption(shown, figure, factor, second, averaged),
                partial(curve_panel, shown, factor, figure, second, words),
            )
    return drawn


def varying(runs, names):
    """Return the columns that are informative and take more than one value."""
    return [name for name in names if is_informative(runs, name) and runs[name].nunique() > 1]


def drawing_name(figure, factor):
    """Return the file name of a figure over a factor."""
    return f"{figure}-{factor.removeprefix('factor.')}"


def second_factor(runs, factor, across):
    """Return the first other factor with two to eight values, None if there is none."""
    return next(
        (name for name in across if name != factor and 1 < runs[name].nunique() <= MOST_CURVES),
        None,
    )


def by_regime(runs, figure, factor, across):
    """Return the runs to draw, the column of their curves and the factors to average over."""
    second = second_factor(runs, factor, across)
    averaged = [
        name for name in across if name not in (factor, second) and runs[name].nunique() > 1
    ]
    if not opposite_signs(runs, averaged, figure):
        return runs, second, averaged
    parts = [second, *averaged] if second else averaged
    column = f"factor.{listed([label(name) for name in parts])}"
    regimes = [", ".join(map(value_text, row)) for row in runs[parts].itertuples(index=False)]
    return runs.assign(**{column: regimes}), column, []


def curve_panel(runs, factor, figure, second, words):
    """Return the figure of one curve or distribution over a factor, one text column wide."""
    numeric = pd.api.types.is_numeric_dtype(runs[factor])
    if numeric:
        draw, height = partial(figures.response_curve, hue=second or ARM), 2.6
    else:
        draw = partial(figures.distribution, hue=second)
        height = 1.1 + 0.35 * runs[factor].nunique()
    return figures.enlarged_panel(
        lambda axes: draw(runs, axes, factor, figure, words=words),
        curves_of(runs, second, figure) if numeric else [],
        height=height,
    )


def curves_of(runs, second, figure):
    """Return the values of each curve of a figure, in the unit of its axis."""
    scale, _ = scaled(runs[figure], figure)
    parts = runs.groupby(second, sort=False)[figure] if second else [("", runs[figure])]
    return [values.to_numpy(float) / scale for _, values in parts]


def curve_caption(runs, figure, factor, second, averaged):
    """Return the caption of a figure over a factor: its curves, averages and bars."""
    numeric = pd.api.types.is_numeric_dtype(runs[factor])
    parts = [
        f"{metric_of(figure).words.capitalize()} {'against' if numeric else 'by'} {label(factor)}"
    ]
    if second:
        parts.append(f"one {'curve' if numeric else 'colour'} per value of {label(second)}")
    if averaged:
        names = listed([label(name) for name in averaged])
        parts.append(f"averaged over {names} within each seed")
    factors = [factor, *([second] if second else [])]
    violins = not numeric and figures.are_violins(runs, factors, figure)
    shown = VIOLINS.format(seeds_of(runs)) if violins else means_text(runs, numeric)
    return f"{', '.join(parts)}. {shown}"


def means_text(runs, numeric):
    """Return what curves, or dots by name, show: means over seeds and their intervals."""
    if runs["seed"].nunique() == 1:
        return "One seed, no interval."
    dots = "" if numeric else "Dots are runs, diamonds means. "
    return f"{dots}Mean over {seeds_of(runs)}; bars are 95 % confidence intervals (Student's t)."


def seeds_of(runs):
    """Return the number of seeds of runs as text."""
    return seeds_text([runs["seed"].nunique()])


def clouds(runs, factors, words):
    """Return the figures of a sampled design over each numeric factor: a dot per point."""
    base, drawn = runs[runs[ARM] == "base"], {}
    for factor in numeric_factors(runs, factors):
        for figure in varying(runs, MAIN_FIGURES):
            drawn[drawing_name(figure, factor)] = (
                f"{metric_of(figure).words.capitalize()} against {label(factor)}. A dot is a "
                "design point (mean over seeds); all other factors vary too.",
                partial(cloud_panel, base, factor, figure, words),
            )
    return drawn


def cloud_panel(runs, factor, figure, words):
    """Return the figure of one cloud of design points."""
    return figures.single_panel(
        lambda axes: figures.response_points(runs, axes, factor, figure, words)
    )


def maps(runs, factors, words):
    """Return the maps over the first two numeric factors.

    They are of the mean basis, price amplification and the attacker's profit. A map of a quantity
    whose sign depends on the remaining factors is left out.
    """
    numeric = numeric_factors(runs, factors)
    if len(numeric) < 2 or runs[numeric[0]].nunique() * runs[numeric[1]].nunique() > MOST_CELLS:
        return {}
    across, down = numeric[:2]
    rest = [name for name in dimensions(runs, factors) if name not in (across, down)]
    averaged = [name for name in rest if runs[name].nunique() > 1]
    names = listed([label(name) for name in averaged])
    over = f"by {label(across)} and {label(down)}, over {seeds_of(runs)}" + (
        f" and over {names}" if averaged else ""
    )
    drawn = {}
    if not opposite_signs(runs, averaged, "basis_mean_bps"):
        drawn["heat_map"] = (
            f"Mean basis (bp) {over}.",
            partial(map_panel, figures.heat_map, runs, across, down, "basis_mean_bps", words),
        )
    if is_known(runs, PRICE_AMPLIFICATION):
        drawn["phase_map"] = (
            f"Price amplification {over}. White: where it is {figures.BOUNDARY:g}.",
            partial(map_panel, figures.phase_map, runs, across, down, PRICE_AMPLIFICATION, words),
        )
    if is_known(runs, ATTACKER_PROFIT) and not opposite_signs(runs, averaged, ATTACKER_PROFIT):
        drawn["attack_map"] = (
            f"Attacker's mean profit {over}; in brackets the mean liquidated notional; both in "
            "thousand USD.",
            partial(map_panel, figures.attack_map, runs, across, down, ATTACKER_PROFIT, words),
        )
    return drawn


def is_known(runs, figure):
    """Return whether any run knows a figure."""
    return figure in runs and runs[figure].notna().any()


def map_panel(draw, runs, across, down, figure, words):
    """Return the figure of one map over two factors."""
    return figures.single_panel(
        lambda axes: draw(runs, axes, across, down, figure, words), width=4.6, height=3.2
    )


def sensitivity_parts(opened, figure="basis_mean_bps"):
    """Return table and drawing, each with its caption, of the sensitivity indices of a figure."""
    from perplab.analysis.estimators.sensitivity import sensitivity_indices

    found = sensitivity_indices(opened, figure)
    last = found[found["samples"] == found["samples"].max()].rename(columns={"index": "index_"})
    rows = [
        [row.factor, row.index_.replace("_", " "), amount(row.value), amount(row.half)]
        for row in last.itertuples(index=False)
    ]
    sobol = opened.manifest["design"]["kind"] == "saltelli"
    unit = "share of variance" if sobol else metric_of(figure).unit
    table = Table(["factor", "index", f"value ({unit})", f"95 % half-width ({unit})"], rows)
    return (
        (
            f"Sensitivity indices ({'Sobol' if sobol else 'Morris, per range of the factor'}) of "
            f"{label(figure)}; 95 % intervals by bootstrap.",
            table,
        ),
        (
            f"Convergence of the sensitivity indices of {label(figure)} with the sample size.",
            lambda: figures.single_panel(lambda axes: figures.index_convergence(found, axes)),
        ),
    )
