"""What a run's records say beyond its summary: persistence, tails, clustering, price discovery, profit, hazard; each with an interval.

Intervals are 95 %. Where rows depend on each other they come from the stationary block bootstrap (Politis and Romano, 1994, J. American
Statistical Association 89; `arch.bootstrap`) with blocks of a day on average and a fixed seed, so that a run has one interval; where a
closed form is used, the docstring names it.
"""

import math

import numpy as np
import pandas as pd

from analysis.metrics import BPS, basis_bps, known_mid, of_market
from sim.errors import Fault, ParameterError

DAY_MINUTES, YEAR_HOURS = 1_440.0, 8_760.0
DRAWS, SEED = 400, 20_260
TAIL_SHARE = 0.05
Z = 1.959963984540054


def bootstrapped(statistic, values, block, draws=DRAWS):
    """Return ``(value, low, high)`` of a statistic of dependent rows.

    Parameters
    ----------
    statistic : callable
        Of an array of rows, in order.
    values : numpy.ndarray
        One row a time.
    block : float
        Mean length of a block, rows.

    Raises
    ------
    ParameterError
        If `arch` is not installed.
    """
    try:
        from arch.bootstrap import StationaryBootstrap
    except ImportError:
        raise ParameterError(Fault("facts", "arch", "installed: pip install perplab[stats]")) from None
    if len(values) < 8:
        return math.nan, math.nan, math.nan
    sampler = StationaryBootstrap(max(min(block, len(values) / 4), 2.0), values, seed=SEED)
    drawn = np.array([statistic(data[0]) for data, _ in sampler.bootstrap(draws)], float)
    low, high = np.nanpercentile(drawn, [2.5, 97.5], method="nearest") if np.isfinite(drawn).any() else (math.nan, math.nan)
    return float(statistic(values)), float(low), float(high)


def half_life(pairs):
    """Return the half-life, in rows, of an error correction: change = a + k * level before, ln 2 / -ln(1 + k).

    Parameters
    ----------
    pairs : numpy.ndarray, shape (rows, 2)
        Level before, and the change that followed. Infinite where the level does not revert.

    Examples
    --------
    >>> levels = 0.5 ** np.arange(12)
    >>> round(half_life(np.column_stack([levels[:-1], np.diff(levels)])), 9)
    1.0
    """
    before, change = pairs[:, 0], pairs[:, 1]
    slope = np.cov(before, change, bias=True)[0, 1] / max(before.var(), 1e-300)
    if not -1.0 < slope < 0.0:
        return math.inf if slope >= 0 else 0.0
    return math.log(2.0) / -math.log1p(slope)


def hill(returns, share=TAIL_SHARE):
    """Return the tail index of absolute returns, ``(value, low, high)``: Hill (1975, Annals of Statistics 3), value +- 1.96 value / sqrt(k).

    Examples
    --------
    >>> sample = (1.0 - (np.arange(20_000) + 0.5) / 20_000) ** (-1 / 3)
    >>> round(hill(sample)[0], 2)
    3.0
    """
    size = np.sort(np.abs(returns[np.isfinite(returns)]))[::-1]
    k = int(len(size) * share)
    if k < 10 or size[k] <= 0:
        return math.nan, math.nan, math.nan
    index = 1.0 / np.mean(np.log(size[:k] / size[k]))
    return float(index), float(index * (1 - Z / math.sqrt(k))), float(index * (1 + Z / math.sqrt(k)))


def autocorrelation_of(lag):
    """Return the statistic of the autocorrelation at a lag, in rows."""
    def statistic(values):
        if len(values) <= lag + 2 or values.std() == 0:
            return math.nan
        return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])
    return statistic


def kurtosis(values):
    """Return the excess kurtosis.

    Examples
    --------
    >>> kurtosis(np.array([-1.0, 1.0, -1.0, 1.0]))
    -2.0
    """
    centred = values - values.mean()
    return float((centred**4).mean() / max((centred**2).mean() ** 2, 1e-300) - 3.0)


def price_discovery(log_perpetual, log_spot, lags=5):
    """Return the perpetual's component share and the bounds of its information share.

    Returns
    -------
    tuple of (float, float, float)
        Gonzalo and Granger (1995) component share; lower and upper Hasbrouck (1995) information share, over both orders.

    Notes
    -----
    The component share is unknown (NaN) where the adjustments do not both point towards each other: they are too slow to be told
    from zero. A vector error correction of the two log prices with the cointegrating vector (1, -1), estimated by `statsmodels`.
    """
    from statsmodels.tsa.vector_ar.vecm import VECM

    model = VECM(np.column_stack([log_perpetual, log_spot]), k_ar_diff=lags, coint_rank=1, deterministic="ci").fit()
    alpha = model.alpha[:, 0]
    weights = np.array([alpha[1], -alpha[0]]) / (alpha[1] - alpha[0])
    shares = [information_share(weights, model.sigma_u, order) for order in ((0, 1), (1, 0))]
    return float(weights[0]) if 0.0 <= weights[0] <= 1.0 else math.nan, min(shares), max(shares)


def information_share(weights, covariance, order):
    """Return the first series' share of the variance of the common price, by the Cholesky factor of one order."""
    factor = np.linalg.cholesky(covariance[np.ix_(order, order)])
    parts = (weights[list(order)] @ factor) ** 2
    return float(parts[list(order).index(0)] / parts.sum())


def sharpe(hourly):
    """Return the Sharpe ratio per year of hourly profits, without a riskless rate."""
    return float(hourly.mean() / hourly.std() * math.sqrt(YEAR_HOURS)) if len(hourly) and hourly.std() > 0 else math.nan


def drawdown(wealth):
    """Return the largest fall of wealth from its peak.

    Examples
    --------
    >>> drawdown(np.array([3.0, 5.0, 1.0, 6.0]))
    4.0
    """
    return float((np.maximum.accumulate(wealth) - wealth).max(initial=0.0))


def rate_interval(count, exposure):
    """Return ``(rate, low, high)`` of events over an exposure: exact Poisson limits (Garwood, 1936).

    Examples
    --------
    >>> [round(x, 3) for x in rate_interval(10, 5.0)]
    [2.0, 0.959, 3.678]
    """
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return count / exposure, float(low / exposure), float(chi2.ppf(0.975, 2 * count + 2) / 2 / exposure)


def facts(records, market=0):
    """Return the facts of a run as a frame: fact, value, low, high, unit, how.

    Parameters
    ----------
    records : sim.recorder.Records
    market : int

    Returns
    -------
    pandas.DataFrame
    """
    rows = [*basis_facts(records, market), *return_facts(records, market), *funding_facts(records, market), *profit_facts(records),
            *hazard_facts(records, market)]
    return pd.DataFrame(rows, columns=["fact", "value", "low", "high", "unit", "how"])


def basis_facts(records, market):
    """Return facts of the basis and of the quoted spread."""
    series = records.series[market]
    minutes = (series["seconds"][1] - series["seconds"][0]) / 60.0 if len(series) > 1 else 1.0
    basis = basis_bps(known_mid(series), series["spot"])
    basis = basis[np.isfinite(basis)]
    day = DAY_MINUTES / minutes
    yield "basis, mean", *bootstrapped(np.mean, basis, day), "bp", "block bootstrap"
    yield "basis, standard deviation", *bootstrapped(np.std, basis, day), "bp", "block bootstrap"
    yield "tracking error", *bootstrapped(lambda values: np.sqrt(np.mean(values**2)), basis, day), "bp", "root mean square; block bootstrap"
    for scale in (1, 10, 60):
        step = max(round(scale / minutes), 1)
        kept = basis[::step]
        pairs = np.column_stack([kept[:-1], np.diff(kept)]) if len(kept) > 8 else np.zeros((0, 2))
        value, low, high = bootstrapped(half_life, pairs, day / step)
        hours = step * minutes / 60.0
        yield f"basis, half-life at {step * minutes:g} min", value * hours, low * hours, high * hours, "h", "error correction; block bootstrap"
    quoted = (series["best_ask"] - series["best_bid"]) / series["mid"] * BPS
    quoted = quoted[(series["best_bid"] > 0) & (series["best_ask"] > 0)]
    yield "quoted spread, mean", *bootstrapped(np.mean, quoted, day), "bp", "block bootstrap"


def return_facts(records, market):
    """Return facts of the perpetual's returns, and who finds the price."""
    series = records.series[market]
    mid = known_mid(series)
    returns = np.diff(np.log(mid))
    returns = returns[np.isfinite(returns)]
    yield "tail index of returns", *hill(returns), "1", "Hill, largest 5 %; closed form"
    yield "excess kurtosis of returns", *bootstrapped(kurtosis, returns, 60.0), "1", "block bootstrap"
    for lag in (1, 60):
        yield f"autocorrelation of absolute returns, lag {lag}", *bootstrapped(autocorrelation_of(lag), np.abs(returns), 240.0), "1", "block bootstrap"
    known = np.isfinite(mid)
    if known.sum() > 200:
        share, low, high = price_discovery(np.log(mid[known]), np.log(series["spot"][known]))
        yield "perpetual's component share", share, math.nan, math.nan, "1", "Gonzalo-Granger, VECM"
        yield "perpetual's information share", 0.5 * (low + high), low, high, "1", "Hasbrouck, VECM; bounds over both orders"


def funding_facts(records, market):
    """Return facts of the settled rates and of who paid."""
    settled = records.settlements[records.settlements["market"] == market]
    interval = of_market(records.meta["interval_seconds"], market)
    rates, day = settled["rate"] * BPS * 28_800.0 / interval, 86_400.0 / interval
    yield "funding, mean", *bootstrapped(np.mean, rates, day), "bp per 8 h", "block bootstrap"
    yield "funding, standard deviation", *bootstrapped(np.std, rates, day), "bp per 8 h", "block bootstrap"
    yield "funding, first autocorrelation", *bootstrapped(autocorrelation_of(1), rates, 3 * day), "1", "block bootstrap"
    paid = settled["long_paid"] * records.meta["unit"]
    yield "funding paid by longs, a settlement", *bootstrapped(np.mean, paid, day), "quote currency", "block bootstrap"


def profit_facts(records):
    """Return Sharpe ratio and drawdown of each kind's wealth."""
    for k, name in enumerate(records.kind_names):
        wealth = records.kinds["equity"][:, k] * records.meta["unit"]
        yield f"{name}: Sharpe ratio", *bootstrapped(sharpe, np.diff(wealth), 24.0), "per square root of a year", "hourly profits; block bootstrap"
        yield f"{name}: largest drawdown", drawdown(wealth), math.nan, math.nan, "quote currency", "hourly wealth"


def hazard_facts(records, market):
    """Return how often a trader is liquidated."""
    from analysis.metrics import forced_events, liquidation_count

    count, days = liquidation_count(forced_events(records, market)), records.meta["steps"] * records.meta["dt"] / 86_400.0
    yield "liquidations, a trader and year", *(365.0 * x for x in rate_interval(count, days * records.meta["traders"])), "1", "Poisson, exact limits"
