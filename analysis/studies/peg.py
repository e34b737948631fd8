"""What holds the perpetual to spot, over many seeds: ``python -m perplab.analysis.studies.peg calm|crowding|response|costless``.

Each study runs stories of the library in a pool of processes and prints one table: mean, 95 % interval of the mean
(Student's t), standard deviation between seeds, and the range or value to hit where there is one.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import math
import multiprocessing

import numpy as np
from rich.console import Console
from rich.table import Table

from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    market_facts,
    mean,
    mean_interval,
    ratio,
)
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run

CONTROL = {"populations.shorts.tolerance_bps": math.inf}
FIRST, LATE = (1.0, 5.0), (20.0, 30.0)
PEAK_WINDOW_HOURS = 12
CARRIES = {0.0: -5.0, 0.05: -4.543, 0.20: 6.826}
WITHIN_BPS = 0.1


@dataclasses.dataclass(frozen=True)
class Target:
    """A range for the mean over seeds, and the real figure: mean and standard deviation of 30-day blocks.

    The real ones are BTCUSDT perpetual and spot on Binance in the first 360 days of 2022, by the same estimators.
    """

    low: float
    high: float
    real_mean: float | None = None
    real_spread: float | None = None


CALM = {
    "basis_mean_bps": Target(-6, -2, -4.34, 0.52),
    "basis_sd_bps": Target(1, 4, 1.74, 0.48),
    "funding_mean_bps_8h": Target(0, 1, 0.38, 0.23),
    "funding_sd_bps_8h": Target(0.3, 1, 0.70, 0.40),
    "funding_acf1": Target(0.4, 0.85, 0.51, 0.10),
    "funding_at_interest_share": Target(0.2, 0.6, 0.31, 0.16),
    "funding_negative_share": Target(0.05, 0.3, 0.22, 0.10),
    "funding_below_interest_share": Target(0.2, 0.65, 0.47, 0.16),
    "perp_to_spot_return_sd": Target(0.98, 1.02, 0.999, 0.003),
    "open_interest_mean": None,
    "volume": None,
    "liquidations": None,
    "one_sided_book_share": None,
    "conservation_error_units": Target(0, 0),
}


def pooled(function, seeds, workers):
    """Return what a function gives for each seed, in order; run in a pool of processes that start afresh."""
    if workers < 2:
        return [function(seed) for seed in seeds]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(function, seeds))


def story_figures(story, changes, keys, seed):
    """Return some figures of one run of a story."""
    figures = summarize(run(load(story, changes), seed).records)
    return {key: figures[key] for key in keys}


def of_seeds(results, key):
    """Return one figure over seeds, without the seeds that could not give it."""
    return np.array([result[key] for result in results if result[key] is not None], float)


def numbers(values):
    """Return mean, interval and spread of one figure over seeds as cells of a table.

    Examples
    --------
    >>> numbers(np.array([1.0, 2.0, 3.0]))
    ['2.00', '[-0.484, 4.48]', '1.00']
    """
    centre, low, high = mean_interval(values)
    interval = "" if low is None else f"[{number(low)}, {number(high)}]"
    return [number(centre), interval, number(np.std(values, ddof=1) if len(values) > 1 else None)]


def number(value):
    """Return a number with three significant digits, thousands whole, a dash for what is unknown.

    Examples
    --------
    >>> number(0.12345), number(-1234.5), number(None)
    ('0.123', '-1,234', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:#.3g}".removesuffix(".")


def verdict(values, low, high):
    """Return whether the mean over seeds lies within a range, in words."""
    return "yes" if low <= mean(values) <= high else "NO"


def table(title, *columns):
    """Return an empty table, its first column for names."""
    made = Table(title=title, title_justify="left")
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place else "left", no_wrap=place == 0)
    return made


def calm_table(results, dt):
    """Return the table of calm: every figure against its range and against real 30-day blocks."""
    made = table(
        f"calm, dt {dt:g} s, {len(results)} seeds",
        "figure",
        "mean",
        "95 %",
        "between seeds",
        "range",
        "within",
        "real blocks",
    )
    for key, target in CALM.items():
        values = of_seeds(results, key)
        made.add_row(
            key, *numbers(values), *(target_cells(values, target) if target else ["", "", ""])
        )
    return made


def target_cells(values, target):
    """Return range, verdict and real blocks as cells."""
    real = "" if target.real_mean is None else f"{target.real_mean:g} (sd {target.real_spread:g})"
    return [f"{target.low:g} .. {target.high:g}", verdict(values, target.low, target.high), real]


def calm(seeds, dt, workers):
    """Return the table of calm over seeds."""
    job = functools.partial(story_figures, "calm", {"dt_seconds": dt}, tuple(CALM))
    return [calm_table(pooled(job, seeds, workers), dt)]


def held_usd(records, kind, field="lots"):
    """Return what a kind holds at each hour, in quote currency at the first spot price (so only lots move it)."""
    lots = records.kinds[field][:, records.kind_names.index(kind)]
    return lots * market_facts(records)["lot"] * records.series[0]["spot"][0]


def in_days(values, seconds, days):
    """Return the mean of values between two days.

    Examples
    --------
    >>> in_days(np.array([1.0, 2.0, 3.0]), 86400.0 * np.arange(3), (1, 3))
    2.5
    """
    return mean(values[(seconds >= days[0] * DAY_SECONDS) & (seconds < days[1] * DAY_SECONDS)])


def deepest(values, window=PEAK_WINDOW_HOURS):
    """Return the smallest mean over `window` values in a row, and the place of its middle.

    Examples
    --------
    >>> deepest(np.array([0.0, -2.0, -4.0, 0.0]), 2)
    (-3.0, 2)
    """
    means = np.convolve(values, np.full(window, 1 / window), "valid")
    place = int(means.argmin())
    return float(means[place]), place + window // 2


def crowd_figures(records):
    """Return what became of a crowd of shorts: positions, funding and carry early, at the crowd's peak and late."""
    seconds, settled = records.kinds["seconds"][:, 0], records.settlements
    shorts, carry = held_usd(records, "directional_short"), held_usd(records, "arbitrage")
    rate = settled["rate"] * BPS
    peak, place = deepest(shorts[seconds < FIRST[1] * DAY_SECONDS])
    peak_day = seconds[place] / DAY_SECONDS
    return {
        "crowd_peak_usd": -peak,
        "crowd_peak_day": peak_day,
        "crowd_late_usd": -in_days(shorts, seconds, LATE),
        "crowd_left_2_days_later": ratio(
            in_days(shorts, seconds, (peak_day + 1.5, peak_day + 2.5)), peak
        ),
        "funding_first_bps_8h": in_days(rate, settled["seconds"], FIRST),
        "funding_lowest_bps_8h": float(rate.min()),
        "funding_late_bps_8h": in_days(rate, settled["seconds"], LATE),
        "capped_share": mean(settled["capped"]),
        "carry_first_usd": in_days(carry, seconds, FIRST),
        "carry_late_usd": in_days(carry, seconds, LATE),
        "carry_spot_late_usd": in_days(held_usd(records, "arbitrage", "spot_lots"), seconds, LATE),
    }


def crowding_figures(changes, seed):
    """Return the figures of one run of crowded shorts."""
    records = run(load("short-crowding", changes), seed).records
    figures = summarize(records)
    kept = (
        "funding_mean_bps_8h",
        "funding_sd_bps_8h",
        "basis_mean_bps",
        "basis_sd_bps",
        "open_interest_mean",
        "liquidations",
        "conservation_error_units",
    )
    received = {f"received_{kind}": units for kind, units in figures["funding_by_kind"].items()}
    return {key: figures[key] for key in kept} | crowd_figures(records) | received


def crowding(seeds, dt, workers):
    """Return the table of crowded shorts beside the control in which shorts bear any funding."""
    story, control = (
        pooled(functools.partial(crowding_figures, {"dt_seconds": dt, **changes}), seeds, workers)
        for changes in ({}, CONTROL)
    )
    made = table(
        f"short-crowding, dt {dt:g} s, {len(story)} seeds; control: shorts bear any funding",
        "figure",
        "mean",
        "95 %",
        "between seeds",
        "control",
        "95 %",
        "story - control, 95 %",
    )
    for key in story[0]:
        pairs = [
            (one[key], other[key])
            for one, other in zip(story, control, strict=True)
            if one[key] is not None and other[key] is not None
        ]
        difference = numbers(np.array([one - other for one, other in pairs]))
        made.add_row(
            key, *numbers(of_seeds(story, key)), *numbers(of_seeds(control, key))[:2], difference[1]
        )
    return [made]


def costless(seeds, dt, workers):
    """Return the table of the mean premium index under costless patient arbitrage, at three costs of carry."""
    made = table(
        f"costless-carry, dt {dt:g} s, {len(seeds)} seeds",
        "carry per year",
        "premium mean, bp",
        "95 %",
        "between seeds",
        "closed form",
        f"within {WITHIN_BPS:g}",
        "basis sd over hours, bp",
    )
    for carry, expected in CARRIES.items():
        changes = {"dt_seconds": dt, "populations.arbitrage.hurdle_per_year": carry}
        results = pooled(
            functools.partial(
                story_figures, "costless-carry", changes, ("premium_mean_bps", "basis_sd_bps")
            ),
            seeds,
            workers,
        )
        values = of_seeds(results, "premium_mean_bps")
        made.add_row(
            f"{carry:.0%}",
            *numbers(values),
            f"{expected:.2f}",
            verdict(values, expected - WITHIN_BPS, expected + WITHIN_BPS),
            number(mean(of_seeds(results, "basis_sd_bps"))),
        )
    return [made]


def response(seeds, dt, workers):
    """Return the tables of the response to a parent order in twin runs."""
    from perplab.analysis.studies.parent_order import VARIANTS, response_table, twin_responses

    results = {
        name: pooled(
            functools.partial(twin_responses, {"dt_seconds": dt, **changes}), seeds, workers
        )
        for name, changes in VARIANTS.items()
    }
    return [response_table(results, len(seeds), dt)]


STUDIES = {"calm": calm, "crowding": crowding, "response": response, "costless": costless}


def main(arguments=None):
    """Run one study from the command line and print its tables."""
    parser = argparse.ArgumentParser(
        prog="python -m perplab.analysis.studies.peg", description=__doc__
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--seeds", type=int, default=30, help="seeds 0 to N - 1")
    parser.add_argument("--dt", type=float, default=60.0, help="seconds a step")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    for made in STUDIES[chosen.study](range(chosen.seeds), chosen.dt, chosen.workers):
        Console(width=160).print(made)


if __name__ == "__main__":
    main()
