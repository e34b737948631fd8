"""The report of a sweep: setting, effects of each factor, design points, figures, sensitivity."""

import pandas as pd

from perplab.analysis.estimators.paired_differences import ARM
from perplab.analysis.metrics.catalogue import all_metrics
from perplab.analysis.metrics.scenario_words import (
    factor_words,
    listed,
    numbers_text,
    value_text,
    words_of_key,
)
from perplab.analysis.report.page import Report
from perplab.analysis.report.scenario_text import notes_of, setting_of
from perplab.analysis.report.sweep_drawings import clouds, curves, maps, sensitivity_parts
from perplab.analysis.report.sweep_effects import effects, rank_correlations
from perplab.analysis.report.sweep_tables import difference_tables, point_tables
from perplab.scenarios.runs.results import faults_of_folder
from perplab.sim.errors import Fault, ParameterError

ARM_NOTE = (
    "Arms",
    "figures of an arm cover the entire run, including the part shared with the base: "
    "means are diluted by it, totals are not.",
)


def report_of_sweep(opened):
    """Return the `Report` of a sweep."""
    refuse_texts(opened)
    manifest, runs = opened.manifest, opened.runs
    completed, scenario = runs[runs["error"].isna()], manifest["scenario"]
    factors = [f"factor.{name}" for name in manifest["factors"]]
    grid = manifest["design"]["kind"] == "grid"
    tables, figures = sweep_parts(opened, completed, factors, grid)
    several_arms = len(manifest["arms"]) > 1 or completed[ARM].nunique() > 1
    changes = effects(completed, factors, manifest, units_of(manifest))
    return Report(
        title=manifest["title"] or f"Sweep {manifest['name']}",
        question=manifest["question"],
        setting=sweep_setting(manifest),
        notes=notes_of(scenario) + [ARM_NOTE] * several_arms,
        results=[
            completed_text(manifest, runs, completed),
            *(changes if grid else rank_correlations(completed, factors)),
        ],
        tables=tables,
        figures=figures,
        faults=faults_of_folder(opened.folder),
        commands="perplab sweep FILE    # FILE contains:\n\n" + manifest["file"],
        versions=manifest["versions"] | {"code": manifest["code_hash"]},
        scenario=scenario,
        which=" at the first design point",
    )


def refuse_texts(opened):
    """Refuse a sweep whose table of runs has texts where figures should be.

    Raises
    ------
    ParameterError
    """
    file = str(opened.folder / "runs.parquet")
    faults = [
        Fault(name, str(opened.runs[name].dtype), "a column of numbers", file)
        for name in all_metrics()
        if name in opened.runs and not is_numeric(opened.runs[name])
    ]
    if faults:
        raise ParameterError(*faults)


def is_numeric(column):
    """Return whether a column has numbers, switches, or nothing."""
    return pd.api.types.is_numeric_dtype(column) or bool(column.isna().all())


def sweep_parts(opened, completed, factors, grid):
    """Return the tables and the figures of a sweep by name."""
    manifest = opened.manifest
    words = {
        f"factor.{name}": factor_words(name, keys_of(factor), manifest["scenario"])
        for name, factor in manifest["factors"].items()
    }
    tables = point_tables(completed, factors, words)
    if grid:
        tables |= difference_tables(completed, factors, units_of(manifest))
    over = curves if grid else clouds
    figures = over(completed, factors, words) | maps(completed, factors, words)
    if manifest["design"]["kind"] in ("saltelli", "morris"):
        tables["sensitivity"], figures["sensitivity"] = sensitivity_parts(opened)
    return tables, figures


def keys_of(factor):
    """Return the dotted keys that a factor of a manifest sets."""
    return list(factor.get("keys") or [factor["key"]])


def values_of(factor, last="and"):
    """Return the values of a factor of a manifest as text, by their labels if they have any.

    Examples
    --------
    >>> values_of({"values": [1, 2]}, "or")
    '1 or 2'
    >>> values_of({"values": [[1, 2], [3, 4]], "labels": ["few", "many"]})
    'few and many'
    >>> values_of({"low": 0.5, "high": 2.0})
    '0.5 to 2'
    """
    if not factor.get("values"):
        return f"{value_text(factor['low'])} to {value_text(factor['high'])}"
    return listed(factor.get("labels") or factor["values"], last)


def values_by_key(factor):
    """Return by dotted key the values that a factor gives it, as text.

    Examples
    --------
    >>> values_by_key({"keys": ["a", "b"], "values": [[1, 2], 3]})
    {'a': '1 or 3', 'b': '2 or 3'}
    """
    if not factor.get("values"):
        return {key: values_of(factor) for key in keys_of(factor)}
    return {
        key: listed([value_of_key(factor, value, place) for value in factor["values"]], "or")
        for place, key in enumerate(keys_of(factor))
    }


def value_of_key(factor, value, place):
    """Return the entry of one of several keys in a factor's value, which may be a list of them."""
    return value[place] if factor.get("keys") and isinstance(value, list) else value


def sweep_setting(manifest):
    """Return the setting of a sweep: what all runs share, the values of each factor, the seeds."""
    factors = manifest["factors"]
    varied = {
        key: text for factor in factors.values() for key, text in values_by_key(factor).items()
    }
    names = "; ".join(
        f"{name.replace('_', ' ')} ({', '.join(keys_of(factor))}): {values_of(factor)}"
        f"{unit_of_factor(factor, manifest['scenario'])}"
        for name, factor in factors.items()
    )
    arms = [name for name in manifest["arms"] if name != "base"]
    return (
        f"{setting_of(manifest['scenario'], varied)} "
        + (f"Varied: {names}. " if names else "")
        + (f"Arms (branches of every run): {listed(arms)}. " if arms else "")
        + f"Seeds {numbers_text(manifest['seeds'])} at every point."
    )


def units_of(manifest):
    """Return the unit of each factor's values (`unit_of_factor`), by column of the runs."""
    return {
        f"factor.{name}": unit_of_factor(factor, manifest["scenario"])
        for name, factor in manifest["factors"].items()
    }


def unit_of_factor(factor, scenario):
    """Return the unit of a factor's values after a space, empty if they have none or labels."""
    unit = "" if factor.get("labels") else words_of_key(keys_of(factor)[0], scenario)[1]
    return f" {unit}" if unit else ""


def completed_text(manifest, runs, completed):
    """Return how many runs completed, at how many design points and seeds."""
    seeds = len(manifest["seeds"])
    points = len(manifest["runs"]) // seeds
    share = (
        f"All {len(runs)}" if len(completed) == len(runs) else f"{len(completed)} of {len(runs)}"
    )
    where = f"each of {points} points" if points > 1 else "one point"
    return f"{share} runs completed; {seeds} seed{'s' * (seeds > 1)} at {where}."
