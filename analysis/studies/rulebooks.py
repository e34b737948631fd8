"""The venues' rulebooks side by side, with the same traders and seeds.

``python -m perplab.analysis.studies.rulebooks calm`` prints a table in Markdown, one row per
rulebook: mean over seeds and its 95 % interval (Student's t). Everything but ``[market] rulebook``
is as in the scenario.
"""

import argparse
import functools

import numpy as np

from perplab.analysis.estimators.series import basis_bps, known_mid, mean
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.studies.seeds import markdown_lines, mean_cell, of_seeds, pooled
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run
from perplab.sim.rulebook.rulebook import rulebook_names

COLUMNS = {
    "basis_mean_bps": "basis, mean (bp)",
    "basis_sd_bps": "basis, sd (bp)",
    "tracking_error_bps": "tracking error (bp)",
    "funding_mean_bps_8h": "funding, mean (bp per 8 h)",
    "funding_sd_bps_8h": "funding, sd (bp per 8 h)",
    "liquidations": "accounts liquidated",
    "fund_thousand": "fund, change (thousand)",
}


def figures_of(scenario, changes, seed):
    """Return the figures of one run.

    Notes
    -----
    The tracking error is the root mean square of the basis over all recorded rows.
    """
    records = run(load(scenario, changes), seed).records
    figures = summarize(records)
    series = records.series[0]
    basis = basis_bps(known_mid(series), series["spot"])
    figures["tracking_error_bps"] = float(np.sqrt(mean(basis[np.isfinite(basis)] ** 2)))
    figures["fund_thousand"] = figures["insurance_fund_change"] / 1_000
    assert figures["conservation_error_units"] == 0
    return {key: figures[key] for key in COLUMNS}


def compared(scenario, names, seeds, workers, changes=()):
    """Yield the lines of the table of a scenario, one row per rulebook."""

    def cells(name):
        changed = {**dict(changes), "market.rulebook": name}
        results = pooled(functools.partial(figures_of, scenario, changed), seeds, workers)
        return [mean_cell(of_seeds(results, key)) for key in COLUMNS]

    rows = ((name, cells(name)) for name in names)
    return markdown_lines("rulebook", COLUMNS.values(), rows)


def main(arguments=None):
    """Compare rulebooks from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perplab.analysis.studies.rulebooks", description=__doc__
    )
    parser.add_argument("scenario", choices=("calm", "short-crowding"))
    parser.add_argument("--rulebooks", nargs="+", default=rulebook_names(), help="all by default")
    parser.add_argument("--seeds", type=int, default=20, help="seeds 0 to N - 1")
    parser.add_argument("--days", type=float, default=30.0, help="length of each run")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    for line in compared(
        chosen.scenario,
        chosen.rulebooks,
        range(chosen.seeds),
        chosen.workers,
        {"days": chosen.days},
    ):
        print(line, flush=True)


if __name__ == "__main__":
    main()
