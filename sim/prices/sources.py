"""The index of several sources: each a spot price with a deviation of its own, put together by the venue's law.

A source's deviation is an Ornstein-Uhlenbeck process drawn by the run's counter, so treatments of one seed share it; shocks of the timeline move a source
alone; in an outage its price stands still. Laws: the mean of prices kept within a fraction of their median (``clamped_mean``), the weighted median
(``weighted_median``). A source without news for longer than the venue waits, or too far from the median, has no weight; if none has any, the last index stands.

References: Binance and OKX, price index (3 % around the median; Binance: nothing new for 5 min, no weight); Deribit, index (.5 %); Bybit, index (beyond 5 %
from the median, or 15 min old: out); dYdX v4 and Hyperliquid, oracles (weighted medians).
"""

import math

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.index import clamped_mean, weighted_median
from perplab.sim.state.records import CLAMPED_MEAN, asset_at, draw_at, market_at, path_at, run_row
from perplab.sim.streams import INDEX_SOURCES, key_at, normal, uniform


@kernel
def stand_still(market, rng, k, now, dt):
    """Return whether source k is in an outage: one begins at the venue's rate and lasts an exponential time."""
    begins, length = uniform(rng), uniform(rng)
    if now >= market["source_back"][k] and begins < -math.expm1(-market["outages"] * dt):
        market["source_back"][k] = now - market["outage_seconds"] * math.log(1.0 - length)
    return now < market["source_back"][k]


@kernel
def move_sources(world, m):
    """Let each source of a market deviate from spot for another step."""
    run, market, rng = run_row(world, 0), market_at(world, m), draw_at(world, 0)
    spot, now = asset_at(world, market["asset"])["spot"], run["step"] * run["dt"]
    shift = path_at(world, run["step"] - run["path_start"], market["asset"])["source"]
    kept = math.exp(-run["dt"] / market["deviation_seconds"])
    fresh = market["deviation"] * math.sqrt(1.0 - kept * kept)
    rng["key"], rng["draws"] = key_at(key_at(run["key"], INDEX_SOURCES + m), run["step"]), 0
    for k in range(market["index_sources"]):
        if fresh > 0.0:
            market["source_deviation"][k] = kept * market["source_deviation"][k] + fresh * normal(
                rng
            )
        if market["outages"] > 0.0 and stand_still(market, rng, k, now, run["dt"]):
            continue
        away = market["source_deviation"][k] + shift[k]
        market["source_price"][k] = spot * math.exp(away) if away != 0.0 else spot
        market["source_seconds"][k] = now


@kernel
def weights_in_force(prices, seconds, weights, count, oldest, exclusion, kept):
    """Write into `kept` the weights of the sources that count, and return their sum.

    Parameters
    ----------
    prices, weights, kept : array of float
    seconds : array of float
        When each source had its last price.
    count : int
    oldest : float, seconds
        A source whose last price is from before this has no weight.
    exclusion : float, fraction
        One further than this from the weighted median of the others and itself has none either.

    Examples
    --------
    >>> import numpy as np
    >>> kept = np.zeros(3)
    >>> float(weights_in_force(np.array([100.0, 90.0, 101.0]), np.array([900.0, 900.0, 500.0]), np.ones(3), 3, 600.0, 0.05, kept)), kept.tolist()
    (1.0, [0.0, 1.0, 0.0])
    """
    total = 0.0
    for k in range(count):
        kept[k] = weights[k] if seconds[k] >= oldest else 0.0
        total += kept[k]
    if total > 0.0 and exclusion < math.inf:
        middle, total = weighted_median(prices, kept, count), 0.0
        for k in range(count):
            if abs(prices[k] / middle - 1.0) > exclusion:
                kept[k] = 0.0
            total += kept[k]
    return total


@entry("float64", 2)
def price_of_sources(world, m):
    """Return the index of a market with several sources before its lag, quote currency; where all agree, their price to the bit."""
    run, market = run_row(world, 0), market_at(world, m)
    move_sources(world, m)
    count, prices, weights = (
        market["index_sources"],
        market["source_price"],
        market["source_weight"],
    )
    oldest = run["step"] * run["dt"] - market["stale_seconds"]
    total = weights_in_force(
        prices,
        market["source_seconds"],
        market["index_weight"],
        count,
        oldest,
        market["exclusion"],
        weights,
    )
    lowest, highest = math.inf, 0.0
    for k in range(count):
        if weights[k] > 0.0:
            lowest, highest = min(lowest, prices[k]), max(highest, prices[k])
    if total > 0.0 and lowest == highest:
        market["source_index"] = lowest
    elif total > 0.0 and market["index_law"] == CLAMPED_MEAN:
        market["source_index"] = clamped_mean(prices, weights, count, market["index_clamp"])
    elif total > 0.0:
        market["source_index"] = weighted_median(prices, weights, count)
    return market["source_index"]
