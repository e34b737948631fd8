"""How like a real market a replayed run is: the same figures of both, on the same hours, and how their bases go together."""

import numpy as np

from perplab.analysis.estimators.series import (
    FUNDING_SECONDS,
    HOUR_SECONDS,
    WARMUP_HOURS,
    basis_bps,
    deviation,
    hourly_closes,
    known,
    mean,
    of_market,
    run_seconds,
    warmup,
)
from perplab.analysis.metrics.summary import funding_figures

SHARED = (
    "funding_mean_bps_8h",
    "funding_sd_bps_8h",
    "funding_pinned_share",
    "funding_negative_share",
)
WORDS = (
    ("basis, mean", "basis_mean_bps", "bp"),
    ("basis, standard deviation", "basis_sd_bps", "bp"),
    ("funding, mean", "funding_mean_bps_8h", "bp per 8 h"),
    ("funding, standard deviation", "funding_sd_bps_8h", "bp per 8 h"),
    ("settlements at the interest rate", "funding_pinned_share", "share"),
    ("settlements below 0", "funding_negative_share", "share"),
)
TOGETHER = (
    ("hourly basis, correlation of the two", "basis_correlation", ""),
    ("hourly basis, root mean square of the gap", "basis_rmse_bps", "bp"),
)


def replay_fit(records, real, warmup_hours=WARMUP_HOURS, market=0):
    """Return a simulated run against the real market over the same time, or None without a real one.

    Parameters
    ----------
    records : Records
    real : dict or None
        From `perplab.analysis.metrics.replay_reference.real_market`.

    Returns
    -------
    dict
        `simulated` and `real`: basis at the hours known in both, funding of the settlements of each; `basis_correlation`,
        `basis_rmse_bps` of the hourly bases; `hours`, `settlements` (simulated, real), `funding_source`, and `rows`, which says them.
    """
    if real is None:
        return None
    first = warmup(records, warmup_hours)
    ours, theirs = hourly_bases(records, real, first, market)
    rates = {
        "simulated": settled(records, first, market),
        "real": real_rates(records, real, first, market),
    }
    told = {
        name: basis_rows(basis) | funding_rows(records, rates[name], market)
        for name, basis in (("simulated", ours), ("real", theirs))
    }
    counts = [len(part) for part in rates.values()]
    return told | {
        "basis_correlation": known(
            float(np.corrcoef(ours, theirs)[0, 1])
            if len(ours) > 2 and np.ptp(ours) > 0 and np.ptp(theirs) > 0
            else np.nan
        ),
        "basis_rmse_bps": known(
            float(np.sqrt(np.mean((ours - theirs) ** 2))) if len(ours) else np.nan
        ),
        "hours": len(ours),
        "settlements": counts,
        "funding_source": real["funding_source"],
        "rows": f"{len(ours)} hours known in both, {counts[0]} simulated and {counts[1]} real settlements from hour {first / HOUR_SECONDS:g} on; "
        f"real funding: {real['funding_source']}",
    }


def hourly_bases(records, real, first, market):
    """Return the simulated and the real basis, basis points, at the whole hours at which both are known."""
    closes = hourly_closes(records.series[market], first)
    hours = np.ceil((closes["seconds"] - 1e-6) / HOUR_SECONDS).astype(int)
    there = np.round(np.asarray(real["seconds"], float) / HOUR_SECONDS, 6)
    whole = (there == np.round(there)) & np.isfinite(real["basis_bps"])
    by_hour = dict(
        zip(
            there[whole].astype(int).tolist(),
            np.asarray(real["basis_bps"], float)[whole].tolist(),
            strict=True,
        )
    )
    both = np.array([hour in by_hour for hour in hours.tolist()], bool)
    return basis_bps(closes["mid"], closes["spot"])[both], np.array(
        [by_hour[hour] for hour in hours[both].tolist()]
    )


def settled(records, first, market):
    """Return the simulated rates, fractions per interval of the venue."""
    rows = records.settlements
    return rows["rate"][(rows["market"] == market) & (rows["seconds"] > first)]


def real_rates(records, real, first, market):
    """Return the real rates within the run, fractions per interval of the venue."""
    seconds, rates = np.asarray(real["funding_seconds"], float), np.asarray(real["funding"], float)
    chosen = np.isfinite(rates) & (seconds > first) & (seconds <= run_seconds(records))
    return rates[chosen] / (FUNDING_SECONDS / of_market(records.meta["interval_seconds"], market))


def basis_rows(basis):
    """Return mean and standard deviation of hourly bases."""
    return {"basis_mean_bps": known(mean(basis)), "basis_sd_bps": known(deviation(basis))}


def funding_rows(records, rates, market):
    """Return the figures of rates, those at the interest rate to a relative 1e-9 (files round)."""
    interest = of_market(records.meta["interest"], market) / of_market(
        records.meta["divisor"], market
    )
    rates = np.where(np.isclose(rates, interest, rtol=1e-9, atol=0.0), interest, rates)
    told = funding_figures(rates, interest, of_market(records.meta["interval_seconds"], market))
    return {key: known(told[key]) for key in SHARED}


def comparison_rows(real):
    """Return ``(words, simulated, real, unit)`` of each figure; what the two have together stands under real."""
    rows = [(words, real["simulated"][key], real["real"][key], unit) for words, key, unit in WORDS]
    return rows + [(words, None, real[key], unit) for words, key, unit in TOGETHER]
