"""How close a replayed run is to the real market: the same figures of both, on the same hours."""

import numpy as np

from perplab.analysis.estimators.series import (
    FUNDING_SECONDS,
    HOUR_SECONDS,
    WARMUP_HOURS,
    basis_bps,
    deviation,
    funding_law_of,
    hourly_closes,
    known,
    market_facts,
    mean,
    run_seconds,
    warmup,
)
from perplab.analysis.metrics.catalogue import metric_of
from perplab.analysis.metrics.peg_metrics import funding_figures
from perplab.sim.laws.funding import interest_per_interval

COMPARED = (
    "basis_mean_bps",
    "basis_sd_bps",
    "funding_mean_bps_8h",
    "funding_sd_bps_8h",
    "funding_at_interest_share",
    "funding_negative_share",
)
JOINT = (
    ("hourly basis, correlation of the two", "basis_correlation", ""),
    ("hourly basis, root mean square difference", "basis_rmse_bps", "bp"),
)


def compare_replay(records, real, warmup_hours=WARMUP_HOURS, market=0):
    """Return a simulated run against the real market over the same time, None without a real one.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    real : dict or None
        From `perplab.analysis.metrics.replay_reference.real_market`.
    warmup_hours : float, hours
    market : int

    Returns
    -------
    dict
        `simulated` and `real`: basis at the hours known in both, funding of the settlements of
        each; `basis_correlation`, `basis_rmse_bps` of the hourly bases; `hours`, `settlements`
        (simulated, real), `funding_source`, and `rows`: these counts as a text.
    """
    if real is None:
        return None
    first = warmup(records, warmup_hours)
    simulated, actual = hourly_bases(records, real, first, market)
    ours, theirs = settled(records, first, market), real_rates(records, real, first, market)
    counts, source = [len(ours), len(theirs)], real["funding_source"]
    return {
        "simulated": basis_rows(simulated) | funding_rows(records, ours, market),
        "real": basis_rows(actual) | funding_rows(records, theirs, market),
        **joint_figures(simulated, actual),
        "hours": len(simulated),
        "settlements": counts,
        "funding_source": source,
        "rows": f"{len(simulated)} hours known in both, {counts[0]} simulated and {counts[1]} real "
        f"settlements from hour {first / HOUR_SECONDS:g} on; real funding: {source}",
    }


def joint_figures(simulated, real):
    """Return correlation and root mean square difference of two hourly bases, None if unknown."""
    varied = len(simulated) > 2 and np.ptp(simulated) > 0 and np.ptp(real) > 0
    correlation = float(np.corrcoef(simulated, real)[0, 1]) if varied else np.nan
    gap = float(np.sqrt(np.mean((simulated - real) ** 2))) if len(simulated) else np.nan
    return {"basis_correlation": known(correlation), "basis_rmse_bps": known(gap)}


def hourly_bases(records, real, first, market):
    """Return the simulated and the real basis, basis points, at the hours known in both."""
    closes = hourly_closes(records.series[market], first)
    hours = np.ceil((closes["seconds"] - 1e-6) / HOUR_SECONDS).astype(int).tolist()
    by_hour = real_basis_by_hour(real)
    both = np.array([hour in by_hour for hour in hours], bool)
    return basis_bps(closes["mid"], closes["spot"])[both], np.array(
        [by_hour[hour] for hour in hours if hour in by_hour]
    )


def real_basis_by_hour(real):
    """Return the known real basis, basis points, by whole hour since the start."""
    hours = np.round(np.asarray(real["seconds"], float) / HOUR_SECONDS, 6)
    basis = np.asarray(real["basis_bps"], float)
    chosen = (hours == np.round(hours)) & np.isfinite(basis)
    return dict(zip(hours[chosen].astype(int).tolist(), basis[chosen].tolist(), strict=True))


def settled(records, first, market):
    """Return the simulated rates, fractions per interval of the venue."""
    rows = records.settlements
    return rows["rate"][(rows["market"] == market) & (rows["seconds"] > first)]


def real_rates(records, real, first, market):
    """Return the real rates within the run, fractions per interval of the venue."""
    seconds, rates = np.asarray(real["funding_seconds"], float), np.asarray(real["funding"], float)
    chosen = np.isfinite(rates) & (seconds > first) & (seconds <= run_seconds(records))
    interval = market_facts(records, market)["interval_seconds"]
    return rates[chosen] / (FUNDING_SECONDS / interval)


def basis_rows(basis):
    """Return mean and standard deviation of hourly bases."""
    return {"basis_mean_bps": known(mean(basis)), "basis_sd_bps": known(deviation(basis))}


def funding_rows(records, rates, market):
    """Return the metrics of rates; within a relative 1e-9 a rate is at the interest rate.

    The tolerance allows for the rounding of files.
    """
    facts = market_facts(records, market)
    interest = interest_per_interval(funding_law_of(records, market))
    rates = np.where(np.isclose(rates, interest, rtol=1e-9, atol=0.0), interest, rates)
    figures = funding_figures(rates, interest, facts["interval_seconds"])
    return {key: known(figures[key]) for key in COMPARED if key in figures}


def comparison_rows(real):
    """Return ``(words, simulated, real, unit)`` of each figure; joint ones in column real."""
    rows = [
        (metric_of(key).words, real["simulated"][key], real["real"][key], metric_of(key).unit)
        for key in COMPARED
    ]
    return rows + [(words, None, real[key], unit) for words, key, unit in JOINT]
