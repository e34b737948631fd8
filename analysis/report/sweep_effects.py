"""What the factors of a sweep change, in sentences."""

import pandas as pd

from perplab.analysis.estimators.paired_differences import ARM, contrasts, from_first, levels_of
from perplab.analysis.metrics.catalogue import label, metric_of, scaled
from perplab.analysis.metrics.scenario_words import listed, value_text
from perplab.analysis.report.sweep_tables import (
    change_and_place,
    dimensions,
    is_informative,
    opposite_signs,
)
from perplab.analysis.report.text_format import amount, interval_text

MAIN_FIGURES = (
    "basis_mean_bps",
    "funding_mean_bps_8h",
    "liquidated_notional",
    "insurance_fund_change",
)
METHOD = (
    "ifferences between runs of the same seed (common random numbers): mean and 95 % confidence "
    "interval (Student's t)."
)


def effects(runs, factors, manifest, units=None):
    """Yield a sentence per factor on what it changes, after the sweep's question.

    `units` are the units of the factors' values, by column.
    """
    across = [name for name in dimensions(runs, factors) if len(runs) and runs[name].nunique() > 1]
    texts = (manifest["question"], manifest["title"])
    question = next((text for text in texts if text.endswith("?")), "")
    found = [
        text for factor in across for text in factor_effects(runs, factor, across, units or {})
    ]
    if found:
        yield f"{question} D{METHOD}".strip()
        yield from found


def factor_effects(runs, factor, across, units):
    """Yield what a factor changes: lowest to highest number, or first name to each other name."""
    numeric = pd.api.types.is_numeric_dtype(runs[factor])
    first, *rest = levels_of(runs, factor)
    others = [name for name in across if name != factor]
    values = ", ".join(
        f"{label(name)} {listed(levels_of(runs, name))}{units.get(name, '')}" for name in others
    )
    averaged = f" (averaged over {values})" if others else ""
    for level in rest[-1:] if numeric else rest:
        rows = runs[runs[factor].isin([first, level])]
        clauses = [
            clause(rows, factor, figure, others)
            for figure in MAIN_FIGURES
            if is_informative(runs, figure)
        ]
        ends = f"{value_text(first)} to {value_text(level)}{units.get(factor, '')}"
        change = f"From {label(factor)} {ends}"
        if any(clauses):
            yield f"{change}{averaged}: {'; '.join(filter(None, clauses))}."


def clause(rows, factor, figure, others):
    """Return the change of one figure between two levels, and how it depends on other factors."""
    found = contrasts(rows, [factor], figure, averaged=True)
    if not found:
        return ""
    one, named = found[0], metric_of(figure)
    scale, word = scaled([one.at_lower, one.at_upper], figure)
    unit = f" {word}{named.unit}".rstrip()
    if opposite_signs(rows, others, figure):
        return f"{named.words} {by_regime(rows, factor, figure, others, scale, unit)}"
    ends = f"from {amount(one.at_lower / scale)} to {amount(one.at_upper / scale)}{unit}"
    if one.low is None:
        return f"{named.words} changes {ends} (one seed, no interval)"
    by = f"by {scaled_text(one, scale)}{unit}"
    seen = interaction(rows, factor, figure, others, scale)
    if not one.clear:
        return f"{named.words} shows no significant difference ({ends}, {by}){seen}"
    return f"{named.words} {'rises' if one.centre > 0 else 'falls'} {ends}, {by}{seen}"


def scaled_text(one, scale):
    """Return a `Difference` with its interval as text, in units of `scale`."""
    parts = (one.centre, one.low, one.high)
    return interval_text(*(part if part is None else part / scale for part in parts))


def extremes(rows, factor, figure, others):
    """Return the smallest and the largest difference over the values of the other factors."""
    places = sorted(from_first(rows, factor, others, figure), key=lambda one: one.centre)
    return places[:1] + places[1:][-1:]


def by_regime(rows, factor, figure, others, scale, unit):
    """Return the smallest and the largest difference of a figure that must not be averaged."""
    ends = [
        f"changes by {scaled_text(one, scale)}{unit} at {change_and_place(one)[1]}"
        for one in extremes(rows, factor, figure, others)
    ]
    return f"is not averaged, its sign depends on the other factors: it {' and '.join(ends)}"


def interaction(rows, factor, figure, others, scale):
    """Return where a difference is smallest and largest; empty if these intervals overlap."""
    ends = extremes(rows, factor, figure, others)
    if len(ends) < 2 or None in (ends[0].high, ends[1].low) or ends[0].high >= ends[1].low:
        return ""
    texts = [f"{scaled_text(one, scale)} at {change_and_place(one)[1]}" for one in ends]
    return f" (interaction: {' and '.join(texts)})"


def rank_correlations(runs, factors):
    """Yield by figure its rank correlation with each numeric factor over a sampled design."""
    numeric = numeric_factors(runs, factors)
    if not numeric:
        return
    shown = [name for name in MAIN_FIGURES if is_informative(runs, name)]
    means = runs[runs[ARM] == "base"].groupby(factors)[shown].mean().reset_index()
    for figure in (name for name in shown if means[name].nunique() > 1):
        texts = ", ".join(
            f"{label(factor)} {amount(float(means[factor].corr(means[figure], method='spearman')))}"
            for factor in numeric
        )
        words = metric_of(figure).words.capitalize()
        yield f"{words}: Spearman rank correlation over the {len(means)} points with {texts}."


def numeric_factors(runs, factors):
    """Return the factors that are numbers and take more than one value."""
    return [
        name
        for name in factors
        if pd.api.types.is_numeric_dtype(runs[name]) and runs[name].nunique() > 1
    ]
