"""The real perpetual of a replayed file, to draw beside the simulated one."""

import math

import numpy as np

from perplab.analysis.estimators.series import BPS, FUNDING_SECONDS, basis_bps
from perplab.scenarios.files.replay_comparison import has_perp, real_funding
from perplab.sim.laws.averages import moved
from perplab.sim.laws.funding import SEEN, funding_rate
from perplab.sim.spot.processes import Replay


def real_market(scenario, rulebook):
    """Return the real basis and funding over the window that a scenario replays.

    Parameters
    ----------
    scenario : perplab.scenarios.files.schema.Scenario
    rulebook : perplab.sim.rulebook.rulebook.Rulebook
        Its law turns the real premium into the proxy of funding where no funding file is given.

    Returns
    -------
    dict or None
        As `perplab.analysis.figures.run_figures.figures` takes it: `seconds`, `basis_bps` (both
        empty without a perpetual's price), `funding_seconds`, `funding` (fraction per 8 h) and
        `funding_source` in words. None where the files have neither basis nor funding.

    Raises
    ------
    ParameterError
        If a file cannot be read, or a value of it.
    """
    process, compared = next(iter(scenario.all_assets.values())).price, scenario.comparison
    if compared is None or not isinstance(process, Replay):
        return None
    funding = None if compared.funding_file is None else funding_of_file(compared, process)
    if not has_perp(compared, process):
        return funding and {"seconds": np.empty(0), "basis_bps": np.empty(0)} | funding
    real = process.real_perpetual(compared.perp_column)
    seconds, perpetual, spot = real["seconds"], real["perp"], real["spot"]
    basis = {"seconds": seconds, "basis_bps": basis_bps(perpetual, spot)}
    return basis | (funding or funding_by_law(seconds, perpetual, spot, rulebook))


def funding_by_law(seconds, perpetual, spot, rulebook):
    """Return the funding that a rulebook's law gives on the basis of each bar, a proxy.

    Parameters
    ----------
    seconds : numpy.ndarray
        Times of the bars since the start of the run.
    perpetual, spot : numpy.ndarray, quote currency
        Their basis stands for the premium index, which a file of prices does not hold: bid and
        ask are unknown. The perpetual's price is NaN where it is unknown.
    rulebook : Rulebook

    Returns
    -------
    dict
        `funding_seconds`, `funding` (fraction per 8 h), `funding_source`.

    Notes
    -----
    Intervals end at multiples of the funding interval since the start. Bars count with their number
    in the interval as weight where the venue weighs samples by a ramp, equally otherwise; an
    interval without a known basis has no rate (NaN), and so has every interval where funding is off
    or follows open interest. Step limits, lags, cut intervals and other averages are left out.
    """
    law, interval = rulebook.funding_law, 3600.0 * rulebook.funding.interval_hours
    basis, seen = basis_bps(perpetual, spot) / BPS, seen_by_law(seconds, perpetual)
    follows_premium = rulebook.funding.enabled and not rulebook.premium.follows_skew
    known, ramp = np.isfinite(basis) & follows_premium, rulebook.premium.weights_rise
    place = np.ceil(seconds / interval).astype(int)
    ends = np.arange(1, place.max(initial=0) + 1)
    rates = [rate_of_bars(law, basis, seen, known & (place == end), ramp) for end in ends]
    return {
        "funding_seconds": ends * interval,
        "funding": np.array(rates) * FUNDING_SECONDS / interval,
        "funding_label": "law on the real basis",
        "funding_source": f"the {rulebook.name} formula on the mean real basis of each interval",
    }


def rate_of_bars(law, basis, seen, mine, ramp):
    """Return the rate of an interval from its bars (`mine`: a mask); NaN without any."""
    if not mine.any():
        return float("nan")
    return funding_rate(law, average(basis[mine], ramp), seen[np.flatnonzero(mine)[-1]])


def seen_by_law(seconds, prices):
    """Return what a funding law may look at beside the premium, a SEEN record a bar.

    The volatility is that of the engine: the root of an exponential mean, over an hour, of squared
    log changes a second. A rate that follows open interest is unknown from prices and is 0.
    """
    seen, variance = np.zeros(len(seconds), SEEN), 0.0
    changes = np.diff(np.log(prices), prepend=np.nan)
    elapsed = np.diff(seconds, prepend=np.nan)
    for k, (change, dt) in enumerate(zip(changes, elapsed, strict=True)):
        if np.isfinite(change) and dt > 0:
            variance = moved(variance, change * change / dt, 1.0 - math.exp(-dt / 3600.0))
        seen["volatility"][k] = math.sqrt(variance)
    return seen


def average(values, ramp):
    """Return the mean of successive samples, weighted 1, 2, 3, ... under a ramp; NaN of none.

    Examples
    --------
    >>> average(np.array([0.0, 3.0]), True), average(np.array([0.0, 3.0]), False)
    (2.0, 1.5)
    """
    if not len(values):
        return float("nan")
    return float(np.average(values, weights=np.arange(1, len(values) + 1) if ramp else None))


def funding_of_file(compared, process):
    """Return the real funding of a file, its times counted from the start of the replay."""
    funding = real_funding(compared, process)
    return {
        "funding_seconds": funding.unix - process.span_unix[0],
        "funding": funding.rates,
        "funding_source": funding.source,
    }
