"""A small cascade in a spot market of constant depth, and what a closed form says of it beforehand.

The closed form is n = phi beta g OI / q: of a fall p of the mark, accounts worth G(p) OI are
liquidated, g = G / p; the part beta of them is sold into the book and the part phi of that is
hedged in spot, whose depth is q. So p = news + phi beta G(p) OI / q, and n = 1 - news / p.
"""

import math

import numpy as np

from perplab.analysis.estimators.price_moves import rows_at, traded_prices
from perplab.analysis.estimators.series import HOUR_SECONDS, market_facts, plain
from perplab.analysis.metrics.cascade import between, liquidated_notional
from perplab.analysis.metrics.losses import absorbed_shares
from perplab.scenarios.files.validation import rulebook_of

MEASURED_SECONDS = 600.0
"""From the news to the prices that are compared."""
DISTANCES = tuple(round(0.0025 * k, 4) for k in range(33))
"""Falls of the mark at which account states are looked at."""
FIGURES = (
    *("fall", "twin_fall", "spot_fall", "amplification"),
    *("share_book", "liquidated_usd", "interest_usd"),
)
STATES = tuple(f"liquidated_at_{distance:g}" for distance in DISTANCES)


def corner_run(outcomes):
    """Return falls and amplification after a shock, and states of accounts at the end of the run.

    The fall is of the log price, positive, over ten minutes from the news; ``liquidated_at_X`` is
    the share of open interest whose long accounts are below maintenance if the mark falls by X from
    that at the end.
    """
    outcome = outcomes["base"]
    records, found = outcome.records, dict.fromkeys((*FIGURES, *STATES))
    found |= state_figures(records, rulebook_of(outcome.scenario.market).margin)
    start = outcome.scenario.shocks[0].at_hours * HOUR_SECONDS
    found |= event_figures(records, start)
    found["fall"] = log_fall(records, start)
    found["spot_fall"] = log_fall(records, start, spot=True)
    if outcome.twin is not None:
        found["twin_fall"] = log_fall(outcome.twin, start)
        found["amplification"] = 1.0 - found["twin_fall"] / found["fall"]
    return plain(found)


def log_fall(records, start, spot=False, market=0):
    """Return the fall of the log price of the perpetual, or of spot, over the time measured."""
    series = records.series[market]
    prices = series["spot"] if spot else traded_prices(series)
    before, after = prices[rows_at(series, [start, start + MEASURED_SECONDS])]
    return math.log(before / after)


def event_figures(records, start, market=0):
    """Return what was liquidated over the time measured, and the part that the book took."""
    lot = market_facts(records, market)["lot"]
    chosen = between(records.events, start, start + MEASURED_SECONDS)
    return {
        "share_book": absorbed_shares(chosen, lot)["share_book"],
        "liquidated_usd": liquidated_notional(chosen, lot),
    }


def state_figures(records, margin, market=0):
    """Return open interest and the share of it that is liquidated at each fall of the mark.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    margin : section of a rulebook
        Its tiers give the maintenance margin.
    """
    facts, unit = market_facts(records, market), records.meta["unit"]
    held = records.positions[records.positions["market"] == market]
    longs = held[held["lots"] > 0]
    amount = longs["lots"] * longs["mark"] * facts["lot"]
    equity, total = longs["equity"] * unit, amount.sum()
    shares = [
        float(amount[equity - amount * fall < maintenance(amount * (1 - fall), margin)].sum())
        / total
        for fall in DISTANCES
    ]
    return {"interest_usd": float(total), **dict(zip(STATES, shares, strict=True))}


def maintenance(notional, margin):
    """Return the maintenance margin of notionals, quote currency, by the largest tier line."""
    lines = [tier.maintenance_fraction * notional - tier.deduction for tier in margin.tiers]
    return np.max(lines, axis=0)


def closed_form(states, interest_usd, depth, passed, news):
    """Return the amplification n that account states and depth imply for news.

    Parameters
    ----------
    states : sequence of float
        Shares liquidated at each of `DISTANCES`.
    interest_usd, depth : float, quote currency
        Open interest; depth of spot per unit of log price.
    passed : float
        phi beta, the part of liquidated positions that reaches spot.
    news : float, log price, positive
        Fall that the news alone makes.

    Returns
    -------
    float

    Examples
    --------
    >>> round(closed_form([10 * d for d in DISTANCES], 1e6, 1e8, 1.0, 0.02), 2)  # n = g OI / q
    0.1
    """
    fall = news
    for _ in range(1_000):
        share = float(np.interp(-math.expm1(-fall), DISTANCES, states))
        fall = news + passed * share * interest_usd / depth
    return 1.0 - news / fall
