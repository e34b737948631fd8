"""What holds the perpetual to spot, over many seeds.

``python -m perplab.analysis.studies.peg calm|crowding|response|costless`` runs scenarios of the
library in a pool of processes and prints one table: mean, 95 % interval of the mean (Student's t),
standard deviation between seeds, and the range or closed form to compare with where there is one.
"""

import argparse
import dataclasses
import functools
import math

import numpy as np
from rich.console import Console
from rich.table import Table

from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    FUNDING_SECONDS,
    market_facts,
    mean,
    ratio,
)
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.studies.seeds import number, numbers, of_seeds, pooled, scenario_figures
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run

CONTROL = {"populations.shorts.tolerance_bps": math.inf}
FIRST, LATE = (1.0, 5.0), (20.0, 30.0)
PEAK_WINDOW_HOURS = 12
CARRIES = {0.0: -5.0, 0.05: -4.543, 0.20: 6.826}
WITHIN_BPS = 0.1
CROWDED = (
    "funding_mean_bps_8h",
    "funding_sd_bps_8h",
    "basis_mean_bps",
    "basis_sd_bps",
    "open_interest_mean",
    "liquidations",
    "conservation_error_units",
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A range for the mean over seeds, and the real figure: mean and standard deviation of blocks.

    Real figures are of BTCUSDT perpetual and spot on Binance in the first 360 days of 2022, in
    blocks of 30 days, by the same estimators.
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


def verdict(values, low, high):
    """Return whether the mean over seeds lies within a range, in words."""
    return "yes" if low <= mean(values) <= high else "NO"


def table(title, *columns):
    """Return an empty table whose first column holds names."""
    made = Table(title=title, title_justify="left")
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place else "left", no_wrap=place == 0)
    return made


def calm_table(results, dt):
    """Return the table of calm: every figure against its range and against real 30-day blocks."""
    columns = ("figure", "mean", "95 %", "between seeds", "range", "within", "real blocks")
    made = table(f"calm, dt {dt:g} s, {len(results)} seeds", *columns)
    for key, target in CALM.items():
        values = of_seeds(results, key)
        compared = target_cells(values, target) if target else ["", "", ""]
        made.add_row(key, *numbers(values), *compared)
    return made


def target_cells(values, target):
    """Return range, verdict and real blocks as cells."""
    real = "" if target.real_mean is None else f"{target.real_mean:g} (sd {target.real_spread:g})"
    return [f"{target.low:g} .. {target.high:g}", verdict(values, target.low, target.high), real]


def calm(seeds, dt, workers):
    """Return the table of calm over seeds."""
    job = functools.partial(scenario_figures, "calm", {"dt_seconds": dt}, tuple(CALM))
    return [calm_table(pooled(job, seeds, workers), dt)]


def held_usd(records, kind, field="lots", market=0):
    """Return the hourly holdings of a kind at the first spot price, so that only lots move them.

    A kind's lots are summed over markets: the kind has to trade one market only.
    """
    lots = records.kinds[field][:, records.kind_names.index(kind)]
    return lots * market_facts(records, market)["lot"] * records.series[market]["spot"][0]


def in_days(values, seconds, days):
    """Return the mean of values between two days.

    Examples
    --------
    >>> in_days(np.array([1.0, 2.0, 3.0]), 86400.0 * np.arange(3), (1, 3))
    2.5
    """
    return mean(values[(seconds >= days[0] * DAY_SECONDS) & (seconds < days[1] * DAY_SECONDS)])


def lowest_mean(values, window=PEAK_WINDOW_HOURS):
    """Return the smallest mean over `window` successive values, and the index of its middle.

    Examples
    --------
    >>> lowest_mean(np.array([0.0, -2.0, -4.0, 0.0]), 2)
    (-3.0, 2)
    """
    means = np.convolve(values, np.full(window, 1 / window), "valid")
    place = int(means.argmin())
    return float(means[place]), place + window // 2


def crowd_figures(records, market=0):
    """Return the figures of a crowd of shorts: its positions, funding and carry over time.

    Amounts in quote currency; "first" and "late" are the days `FIRST` and `LATE`.
    """
    return {
        **position_figures(records, market),
        **rate_figures(records, market),
        **carry_figures(records, market),
    }


def position_figures(records, market):
    """Return the crowd's peak, its day, and what is left of it later."""
    seconds = records.kinds["seconds"][:, 0]
    shorts = held_usd(records, "directional_short", market=market)
    peak, place = lowest_mean(shorts[seconds < FIRST[1] * DAY_SECONDS])
    day = seconds[place] / DAY_SECONDS
    return {
        "crowd_peak_usd": -peak,
        "crowd_peak_day": day,
        "crowd_late_usd": -in_days(shorts, seconds, LATE),
        "crowd_left_2_days_later": ratio(in_days(shorts, seconds, (day + 1.5, day + 2.5)), peak),
    }


def rate_figures(records, market):
    """Return funding early and late, its minimum, and the share of settlements at the cap."""
    settled = records.settlements[records.settlements["market"] == market]
    interval = market_facts(records, market)["interval_seconds"]
    rate = settled["rate"] * (FUNDING_SECONDS / interval) * BPS
    return {
        "funding_first_bps_8h": in_days(rate, settled["seconds"], FIRST),
        "funding_lowest_bps_8h": float(rate.min()),
        "funding_late_bps_8h": in_days(rate, settled["seconds"], LATE),
        "capped_share": mean(settled["capped"]),
    }


def carry_figures(records, market):
    """Return the perpetual and spot positions of arbitrageurs early and late."""
    seconds = records.kinds["seconds"][:, 0]
    carry, spot = (held_usd(records, "arbitrage", field, market) for field in ("lots", "spot_lots"))
    return {
        "carry_first_usd": in_days(carry, seconds, FIRST),
        "carry_late_usd": in_days(carry, seconds, LATE),
        "carry_spot_late_usd": in_days(spot, seconds, LATE),
    }


def crowding_figures(changes, seed):
    """Return the figures of one run of crowded shorts."""
    records = run(load("short-crowding", changes), seed).records
    figures = summarize(records)
    received = {f"received_{kind}": usd for kind, usd in figures["funding_by_kind"].items()}
    return {key: figures[key] for key in CROWDED} | crowd_figures(records) | received


def paired_differences(results, others, key):
    """Return the differences of a figure by seed, where it is known in both runs."""
    pairs = ((one[key], other[key]) for one, other in zip(results, others, strict=True))
    return np.array([one - other for one, other in pairs if None not in (one, other)])


def crowding(seeds, dt, workers):
    """Return the table of crowded shorts beside the control in which shorts bear any funding."""
    results, control = (
        pooled(functools.partial(crowding_figures, {"dt_seconds": dt, **changes}), seeds, workers)
        for changes in ({}, CONTROL)
    )
    title = f"short-crowding, dt {dt:g} s, {len(results)} seeds; control: shorts bear any funding"
    columns = ("figure", "mean", "95 %", "between seeds", "control", "95 %", "difference, 95 %")
    made = table(title, *columns)
    for key in results[0]:
        own, other = numbers(of_seeds(results, key)), numbers(of_seeds(control, key))
        made.add_row(key, *own, *other[:2], numbers(paired_differences(results, control, key))[1])
    return [made]


def costless(seeds, dt, workers):
    """Return the table of the mean premium index under costless patient arbitrage.

    A row per cost of carry, beside the closed form
    (`perplab.analysis.estimators.closed_forms.damped_premium`).
    """
    columns = ("carry per year", "premium mean, bp", "95 %", "between seeds", "closed form")
    made = table(
        f"costless-carry, dt {dt:g} s, {len(seeds)} seeds",
        *columns,
        f"within {WITHIN_BPS:g}",
        "basis sd over hours, bp",
    )
    for carry, expected in CARRIES.items():
        changes = {"dt_seconds": dt, "populations.arbitrage.hurdle_per_year": carry}
        made.add_row(f"{carry:.0%}", *carry_cells(changes, expected, seeds, workers))
    return [made]


def carry_cells(changes, expected, seeds, workers):
    """Return the cells of one cost of carry; `expected` is the closed form, basis points."""
    keys = ("premium_mean_bps", "basis_sd_bps")
    job = functools.partial(scenario_figures, "costless-carry", changes, keys)
    results = pooled(job, seeds, workers)
    values = of_seeds(results, "premium_mean_bps")
    return [
        *numbers(values),
        f"{expected:.2f}",
        verdict(values, expected - WITHIN_BPS, expected + WITHIN_BPS),
        number(mean(of_seeds(results, "basis_sd_bps"))),
    ]


def response(seeds, dt, workers):
    """Return the table of the response of the basis to a parent order, between twin runs."""
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
    parser.add_argument("--dt", type=float, default=60.0, help="seconds per step")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    for made in STUDIES[chosen.study](range(chosen.seeds), chosen.dt, chosen.workers):
        Console(width=160).print(made)


if __name__ == "__main__":
    main()
