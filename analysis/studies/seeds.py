"""Runs over seeds in a pool of processes, and the cells of their tables."""

import concurrent.futures
import math
import multiprocessing

import numpy as np

from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run


def pooled(function, seeds, workers):
    """Return what a function returns for each seed, in order, from a pool of fresh processes."""
    if workers < 2:
        return [function(seed) for seed in seeds]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(function, seeds))


def scenario_figures(scenario, changes, keys, seed):
    """Return some metrics of one run of a scenario."""
    figures = summarize(run(load(scenario, changes), seed).records)
    return {key: figures[key] for key in keys}


def of_seeds(results, key):
    """Return one figure over seeds as an array, without the seeds where it is unknown."""
    return np.array([result[key] for result in results if result[key] is not None], float)


def numbers(values):
    """Return mean, interval and standard deviation over seeds as cells of a table.

    Examples
    --------
    >>> numbers(np.array([1.0, 2.0, 3.0]))
    ['2.00', '[-0.484, 4.48]', '1.00']
    """
    centre, low, high = mean_interval(values)
    interval = "" if low is None else f"[{number(low)}, {number(high)}]"
    return [number(centre), interval, number(np.std(values, ddof=1) if len(values) > 1 else None)]


def number(value):
    """Return a number with three significant digits, integers from 1,000 on, a dash if unknown.

    Examples
    --------
    >>> number(0.12345), number(-1234.5), number(None)
    ('0.123', '-1,234', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:#.3g}".removesuffix(".")


def mean_cell(values):
    """Return mean and interval of one figure over seeds as one cell.

    Examples
    --------
    >>> mean_cell(np.array([1.0, 2.0, 3.0])), mean_cell(np.array([]))
    ('2.00 [-0.484, 4.48]', '-')
    """
    centre, interval, _ = numbers(values)
    return f"{centre} {interval}".rstrip()


def markdown_lines(corner, columns, rows):
    """Yield the lines of a Markdown table, `rows` being ``(name, cells)`` each."""
    yield f"| {corner} | ".replace("|  |", "| |") + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"
