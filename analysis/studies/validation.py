"""What `calm` shares with a real market and what it does not.

``python -m perplab.analysis.studies.validation moments|rules [--real FILE]`` prints tables in
Markdown: means over seeds with their 95 % intervals (Student's t).

*moments.* Features of hourly closes beside those of a file of real hourly prices, by year, in
blocks as long as the runs: the same functions on the same number of hours. The traders were
calibrated to the means and spreads of 2022. The other years and the features of time
(autocorrelations, changes, tails) were not used, so they test the calibration.
*rules.* Sensitivity of the figures to assumptions: the providers' rules, the arbitrageurs' capital,
the spot process, the step.
"""

import argparse
import functools

import numpy as np

from perplab.analysis.estimators.estimates import kurtosis
from perplab.analysis.estimators.series import (
    HOUR_SECONDS,
    WARMUP_HOURS,
    autocorrelation,
    basis_bps,
    deviation,
    hourly_closes,
    mean,
)
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.studies.seeds import markdown_lines, mean_cell, of_seeds, pooled
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run
from perplab.sim.market_data.series import NUMBER_OR_NONE, Column, read_series

DAYS = 30
CLUSTERED = {
    "spot.price": {"process": "stochastic_volatility", "initial_price": 30_000, "volatility": 0.55}
}
MODELS = {"calm": {}, "calm, stochastic volatility": CLUSTERED}
FEATURES = {
    "basis_mean": "basis, mean (bp)",
    "basis_sd": "basis, sd (bp)",
    "basis_change_sd": "hourly change of basis, sd (bp)",
    "basis_acf_1": "autocorrelation of basis, 1 h",
    "basis_acf_8": "8 h",
    "basis_acf_24": "24 h",
    "return_kurtosis": "excess kurtosis of hourly returns",
    "return_acf_abs": "autocorrelation of absolute returns, 1 h",
}
VARIANTS = {
    "as it is": {},
    "steps of 10 s": {"dt_seconds": 10},
    "spot of stochastic volatility": CLUSTERED,
    "providers anchored over 28 min": {"populations.providers.anchor_seconds": 1_650},
    "providers anchored over 440 min": {"populations.providers.anchor_seconds": 26_400},
    "providers' skew 7.5 bp": {"populations.providers.skew_bps": 7.5},
    "providers' skew 30 bp": {"populations.providers.skew_bps": 30},
    "quotes renewed every 2 min": {"populations.providers.latency_seconds": 120},
    "half the depth": {"populations.providers.level_usd": 3_500},
    "twice the depth": {"populations.providers.level_usd": 14_000},
    "half the arbitrageurs": {"populations.arbitrage.number": 20},
    "twice the arbitrageurs": {"populations.arbitrage.number": 80},
    "no belief in convergence": {"populations.arbitrage.convergence_share": 0},
}
RULED = {
    "basis_mean_bps": "basis, mean (bp)",
    "basis_sd_bps": "basis, sd (bp)",
    "funding_mean_bps_8h": "funding, mean (bp per 8 h)",
    "funding_sd_bps_8h": "funding, sd (bp per 8 h)",
    "funding_at_interest_share": "funding at the interest rate",
    "funding_negative_share": "funding negative",
    "liquidations": "accounts liquidated",
}


def features(perpetual, spot):
    """Return the features of two series of hourly prices.

    Examples
    --------
    >>> found = features(np.array([101.0, 102.0, 100.0, 101.0] * 20), np.full(80, 100.0))
    >>> round(found["basis_mean"], 6), round(found["basis_sd"], 2), round(found["basis_acf_8"], 2)
    (100.0, 70.71, 0.9)
    """
    basis, returns = basis_bps(perpetual, spot), np.diff(np.log(perpetual))
    return {
        "basis_mean": mean(basis),
        "basis_sd": deviation(basis),
        "basis_change_sd": deviation(np.diff(basis)),
        **{f"basis_acf_{lag}": autocorrelation(basis, lag) for lag in (1, 8, 24)},
        "return_kurtosis": kurtosis(returns),
        "return_acf_abs": autocorrelation(np.abs(returns)),
    }


def model_features(changes, seed):
    """Return the features of one run of `calm`."""
    records = run(load("calm", {"days": DAYS, **changes}), seed).records
    closes = hourly_closes(records.series[0], HOUR_SECONDS * WARMUP_HOURS)
    return features(closes["mid"], closes["spot"])


def real_features(path, year):
    """Return the features of blocks of a real year, each as long as a run less its warm-up."""
    hours = int(24 * DAYS - WARMUP_HOURS)
    columns = [Column(name, NUMBER_OR_NONE) for name in ("perp", "spot")]
    series = read_series(str(path), columns, "timestamp")
    perpetual, spot = series.values["perp"], series.values["spot"]
    years = series.unix.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    chosen = (years == year) & np.isfinite(perpetual) & np.isfinite(spot)
    perpetual, spot = perpetual[chosen], spot[chosen]
    return [
        features(perpetual[first : first + hours], spot[first : first + hours])
        for first in range(0, len(spot) - hours + 1, 24 * DAYS)
    ]


def moments(seeds, workers, real):
    """Return the lines of the table of features, the model beside real years."""
    columns = {
        name: pooled(functools.partial(model_features, changes), seeds, workers)
        for name, changes in MODELS.items()
    }
    if real:
        columns |= {f"BTC {year}": real_features(real, year) for year in (2022, 2020, 2021, 2023)}
    rows = (
        (name, [mean_cell(of_seeds(results, key)) for results in columns.values()])
        for key, name in FEATURES.items()
    )
    return markdown_lines("", columns, rows)


def ruled_figures(changes, seed):
    """Return the figures of one run of `calm` under a changed assumption."""
    figures = summarize(run(load("calm", {"days": DAYS, **changes}), seed).records)
    return {key: figures[key] for key in RULED}


def rules(seeds, workers, real):
    """Return the lines of the table of figures, a row per assumption."""

    def cells(changes):
        results = pooled(functools.partial(ruled_figures, changes), seeds, workers)
        return [mean_cell(of_seeds(results, key)) for key in RULED]

    rows = ((name, cells(changes)) for name, changes in VARIANTS.items())
    return markdown_lines("", RULED.values(), rows)


STUDIES = {"moments": moments, "rules": rules}


def main(arguments=None):
    """Print one study from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perplab.analysis.studies.validation", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument(
        "--real", help="hourly prices of real markets: columns timestamp, perp, spot"
    )
    parser.add_argument("--seeds", type=int, default=30, help="seeds 0 to N - 1")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    for line in STUDIES[chosen.study](range(chosen.seeds), chosen.workers, chosen.real):
        print(line, flush=True)


if __name__ == "__main__":
    main()
