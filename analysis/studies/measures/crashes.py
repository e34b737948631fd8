"""A fall of spot on a crowded market, beside its no-impact twin; and the moves of a calm month.

The fall is looked for, and what is liquidated is counted, from the news to three hours after it
(`perplab.analysis.estimators.price_moves`); profits are counted to the end of the run. A run
*cascades* if the perpetual falls by more than `CASCADE_PCT` within 35 minutes.
"""

import math

import numpy as np

from perplab.analysis.estimators.price_moves import (
    FALL_SECONDS,
    WATCH_SECONDS,
    between_rows,
    largest_fall,
    low_row,
    moves,
    price_amplification,
    rebound,
    rows_at,
    traded_prices,
)
from perplab.analysis.estimators.series import (
    BPS,
    HOUR_SECONDS,
    basis_bps,
    forced_events,
    market_facts,
    plain,
    ratio,
)
from perplab.analysis.metrics.cascade import (
    between,
    liquidated_notional,
    notional,
    of_liquidations,
)
from perplab.analysis.metrics.losses import absorbed_shares
from perplab.analysis.studies.measures.run_figures import activity_figures, warmup_hours
from perplab.sim.state.codes import ADL, FUND_ADL, NO_ROW

CASCADE_PCT = 8.0
BURST_SECONDS = 180.0
VOLUME_SECONDS, VOLUME_BEFORE_SECONDS = 300.0, 6 * HOUR_SECONDS
PROFITING = ("provider", "carry", "speculator", "value_bidder", "day_trader")
THOUSAND = 1e3
CRASH = (
    *("cascades", "fall", "spot_fall", "twin_fall", "price_amplification", "low_minutes"),
    *("rebound", "basis_low", "basis_mean", "open_interest_change", "depth_left"),
    "volume_multiple",
    *("liquidated", "share_book", "share_fund", "share_adl", "first_adl_seconds"),
    *("adl_of_liquidation", "adl_burst", "adl_of_fund"),
    *("makers_profit", "late_profit", "latent_profit"),
    *(f"profit_{kind}" for kind in PROFITING),
    *("perpetual_leads", "spot_leads", "open_interest_per_depth", "depth_before"),
    *(
        "providers_inventory",
        "depth_spot_left",
        "spot_displaced",
        "displaced_minutes",
        "liquidated_before",
    ),
)
MONTH = ("large_move", "largest_move", "liquidated_a_day")


def crash_run(outcomes):
    """Return the figures of a run: of its fall if the scenario has a shock, else of its month."""
    outcome, found = outcomes["base"], dict.fromkeys((*CRASH, *MONTH))
    if not outcome.scenario.shocks:
        return plain(found | month_figures(outcome.records))
    start = outcome.scenario.shocks[0].at_hours * HOUR_SECONDS
    return plain(found | crash_figures(outcome.records, outcome.twin, start))


def branched_run(outcomes):
    """Return the figures of a run, and those of each branch with its name before them."""
    found = crash_run(outcomes)
    for name in outcomes:
        if name != "base":
            apart = crash_run({"base": outcomes[name]})
            found |= {f"{name} {key}": value for key, value in apart.items()}
    return found


def month_figures(records, market=0):
    """Return the largest move within 35 minutes after the warm-up, %, and what is liquidated.

    ``large_move`` is 1 if the move is beyond `CASCADE_PCT`, else 0; ``liquidated_a_day`` is % of
    open interest.
    """
    first, series = warmup_hours(records), records.series[market]
    late = series["seconds"] >= first * HOUR_SECONDS
    fall, rise = (100.0 * each[late] for each in moves(series))
    largest = max(fall.min(), rise.max(), key=abs) if late.any() else math.nan
    return {
        "large_move": float(abs(largest) > CASCADE_PCT),
        "largest_move": float(largest),
        "liquidated_a_day": activity_figures(records, first)["liquidated_per_open_interest"],
    }


def crash_figures(records, twin, start, market=0):
    """Return the figures of a fall that news at `start` (seconds) begins.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
    twin : Records or None
        Without impact of liquidation orders.
    """
    series, end = records.series[market], start + WATCH_SECONDS
    fall, low = largest_fall(series, start, end), low_row(series, start, end)
    spot = series["spot"][between_rows(series, start, end)]
    found = {
        "cascades": float(100.0 * fall < -CASCADE_PCT),
        "fall": 100.0 * fall,
        "spot_fall": 100.0 * (spot.min() / spot[0] - 1.0),
        "low_minutes": (series["seconds"][low] - start) / 60.0,
        "rebound": rebound(series, start, low),
        **book_figures(series, start, low, market_facts(records, market)["lot"]),
        **liquidation_figures(records, start, market),
        **spot_profits(records, start, market),
        **kind_profits(records, start),
        **lead_figures(series, start, end),
    }
    if twin is not None:
        other = twin.series[market]
        found["twin_fall"] = 100.0 * largest_fall(other, start, end)
        found["price_amplification"] = price_amplification(series, other, start)
    return found


def book_figures(series, start, low, lot):
    """Return basis, open interest, depth and volume through the fall.

    Open interest is that 35 minutes after the low, over that at the news. Depth is of bids within
    10 bp, the worst minute over the mean of the hour before; that of spot the lowest over its own
    at the news. Volume is that of the busiest five minutes over their median in six hours before.
    """
    window = between_rows(series, start, start + WATCH_SECONDS)
    prices, interest = traded_prices(series), series["open_interest"]
    at, later = rows_at(series, start), rows_at(series, series["seconds"][low] + FALL_SECONDS)
    depth = series["depth_bid"] * prices * lot
    before = depth[between_rows(series, start - HOUR_SECONDS, start)].mean()
    impact, displaced = series["spot_impact"][window], series["displacement"][window]
    basis = basis_bps(prices[window], series["spot"][window])
    return {
        "basis_low": float(basis.min()),
        "basis_mean": float(basis.mean()),
        "open_interest_change": 100.0 * (ratio(interest[later], interest[at]) - 1.0),
        "open_interest_per_depth": ratio(interest[at] * prices[at] * lot, before),
        "depth_before": before,
        "depth_left": ratio(minute_means(depth[window], series["seconds"][window]).min(), before),
        "volume_multiple": volume_multiple(series, start),
        "depth_spot_left": ratio(impact[0], impact.max()),
        "spot_displaced": float(displaced.min()) * BPS,
        "displaced_minutes": displaced_minutes(displaced, series["seconds"][window]),
    }


def displaced_minutes(displaced, seconds):
    """Return the minutes from the largest displacement of spot until half of it is left.

    Examples
    --------
    >>> displaced_minutes(np.array([0.0, -0.04, -0.03, -0.01]), np.array([0.0, 60.0, 120.0, 180.0]))
    2.0
    """
    lowest = int(displaced.argmin())
    back = np.flatnonzero(displaced[lowest:] >= 0.5 * displaced[lowest])
    return float(seconds[lowest + back[0]] - seconds[lowest]) / 60.0 if len(back) else math.nan


def minute_means(values, seconds):
    """Return the mean of each successive minute that has a value.

    Examples
    --------
    >>> minute_means(np.array([1.0, 3.0, 5.0]), np.array([0.0, 30.0, 60.0]))
    array([2., 5.])
    """
    minutes = ((seconds - seconds[0]) // 60.0).astype(int)
    count = np.bincount(minutes)
    return np.bincount(minutes, values)[count > 0] / count[count > 0]


def volume_multiple(series, start):
    """Return the volume of the busiest five minutes over the median of the six hours before."""
    edges = np.arange(start - VOLUME_BEFORE_SECONDS, start + WATCH_SECONDS + 1, VOLUME_SECONDS)
    traded = np.diff(series["volume"][rows_at(series, edges)])
    before = int(VOLUME_BEFORE_SECONDS / VOLUME_SECONDS)
    return ratio(traded[before:].max(), np.median(traded[:before]))


def liquidation_figures(records, start, market=0):
    """Return what was liquidated, % of open interest, who absorbed it, and the timing of ADL.

    ``first_adl_seconds`` is from the first liquidation to the first ADL; ``adl_of_liquidation`` and
    ``adl_burst`` are the parts of ADL within three minutes of the first liquidation, and of the
    first ADL; ``adl_of_fund`` is the part that closed positions of the fund.
    """
    lot, series = market_facts(records, market)["lot"], records.series[market]
    events = between(forced_events(records, market), start, start + WATCH_SECONDS + 1)
    chosen = of_liquidations(events)
    at = series[rows_at(series, start)]
    interest_usd = at["open_interest"] * at["mark"] * lot
    before = liquidated_notional(between(forced_events(records, market), 0.0, start), lot)
    found = {
        "liquidated": 100.0 * ratio(notional(chosen, lot).sum(), interest_usd),
        "liquidated_before": 100.0 * ratio(before, interest_usd),
        **absorbed_shares(events, lot),
    }
    of_accounts = (events["kind"] == ADL) & (events["node"] != NO_ROW)
    adl = events[of_accounts | (events["kind"] == FUND_ADL)]
    if len(adl) and len(chosen):
        value, seconds = notional(adl, lot), adl["seconds"]
        first, first_adl = chosen["seconds"].min(), seconds.min()
        found["first_adl_seconds"] = first_adl - first
        found["adl_of_fund"] = value[adl["kind"] == FUND_ADL].sum() / value.sum()
        for name, since in (("adl_of_liquidation", first), ("adl_burst", first_adl)):
            found[name] = value[seconds <= since + BURST_SECONDS].sum() / value.sum()
    return found


def spot_profits(records, start, market=0):
    """Return what makers, late buyers and latent traders of spot made since the news, thousands.

    What latent traders held at the news, the other side of traders' spot, is left out.
    """
    series, kinds = records.series[market], records.kinds
    at, last = series[rows_at(series, start)], series[-1]
    hour = np.searchsorted(kinds["seconds"][:, 0], start + 1e-6, "right") - 1
    held = kinds["spot_lots"][hour].sum() * market_facts(records, market)["lot"]
    found = {
        name: (last[name] - at[name]) / THOUSAND
        for name in ("makers_profit", "late_profit", "latent_profit")
    }
    found["latent_profit"] += held * (last["spot"] - at["spot"]) / THOUSAND
    return found


def kind_profits(records, start):
    """Return the profit of kinds since the news, and the providers' inventory, thousands.

    Inventory is the mean of its size at whole hours, from that of the news on.
    """
    kinds, names = records.kinds, list(records.kind_names)
    hour = np.searchsorted(kinds["seconds"][:, 0], start + 1e-6, "right") - 1
    gain = (kinds["equity"][-1] - kinds["equity"][hour]) * records.meta["unit"] / THOUSAND
    found = {f"profit_{kind}": gain[names.index(kind)] for kind in PROFITING if kind in names}
    if "provider" in names:
        lots = np.abs(kinds["lots"][hour:, names.index("provider")]).mean()
        price = market_facts(records)["lot"] * records.series[0]["spot"][0]
        found["providers_inventory"] = lots * price / THOUSAND
    return found


def lead_figures(series, start, end):
    """Return correlations of a return with the other price's next one, by recorded row."""
    window = between_rows(series, start, end)
    perpetual, spot = (
        np.diff(np.log(prices[window])) for prices in (traded_prices(series), series["spot"])
    )
    return {
        "perpetual_leads": correlation(perpetual[:-1], spot[1:]),
        "spot_leads": correlation(spot[:-1], perpetual[1:]),
    }


def correlation(first, second):
    """Return the correlation of two samples, NaN where one does not vary.

    Examples
    --------
    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])), 9)
    1.0
    """
    if len(first) < 3 or not (np.ptp(first) and np.ptp(second)):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])
