"""Figures of forced trading around one event: a fall of spot against its twin, or an attack.

Amounts are in quote currency, bases in basis points of spot, shares plain fractions, times in
seconds since the start.

*A fall.* Amplification n = 1 - L_twin / L counts from the start of the fall to six hours after its
end. The twin branches off at its start or before; its forced positions go to the fund at the mark.

*An attack.* The control is the same seed without the attacker. Liquidations of shorts in excess of
the control's are divided by what took the equity. Most of the spread over seeds of an attacker's
profit is luck: spot moved while it was exposed. Luck is the control's returns times the attacker's
exposure. Where spot cannot be foreseen it is zero in expectation: subtracting it leaves the mean
and narrows its interval. Where a path of spot is put in, it takes out what that path earned too.
"""

import math

import numpy as np

from perplab.analysis.estimators.series import (
    BPS,
    FUNDING_SECONDS,
    HOUR_SECONDS,
    basis_bps,
    forced_events,
    known_mid,
    market_facts,
    mean,
    ratio,
    venue_events,
    venue_facts,
)
from perplab.analysis.metrics.cascade import (
    AFTERMATH_SECONDS,
    amplification,
    between,
    branching_ratio,
    forest,
    liquidated_notional,
    liquidation_count,
    notional_by_channel,
    of_liquidations,
    rounds_max,
)
from perplab.analysis.metrics.losses import absorbed_shares
from perplab.sim.state.codes import ENDOGENOUS

ATTACKER = "manipulation"
HALF_HOUR_SECONDS = HOUR_SECONDS / 2


def fall_figures(records, twin, start, end, market=0):
    """Return the figures of a fall of spot between two times, in seconds, of a run and its twin.

    Returns
    -------
    dict of str to float
        Of liquidations, the market before the fall, who absorbed them, the fund, and the basis.
    """
    lot, series = market_facts(records, market)["lot"], records.series[market]
    forced, twin_forced = (
        between(forced_events(each, market), start, end + AFTERMATH_SECONDS)
        for each in (records, twin)
    )
    return {
        "amplification": amplification(forced, twin_forced),
        **liquidation_figures(forced, twin_forced, lot, rounds_per_step(records, market)),
        **market_figures(series, lot, start, end),
        **absorbed_shares(forced, lot),
        **fund_figures(records, start, market),
        **overshoot_figures(series, twin.series[market], start, end),
    }


def rounds_per_step(records, market):
    """Return the liquidation rounds of a market's venue that fit into a step, at least 1."""
    return max(int(records.meta["dt"] / venue_facts(records, market)["round_seconds"]), 1)


def liquidation_figures(forced, twin_forced, lot, rounds):
    """Return size and shape of the liquidations; `rounds` is the number of rounds in a step."""
    return {
        "liquidated_usd": liquidated_notional(forced, lot),
        "liquidated_twin_usd": liquidated_notional(twin_forced, lot),
        "liquidations": liquidation_count(forced),
        "branching_ratio": branching_ratio(forest(forced, lot)),
        "endogenous_fallen_in_twin": fallen_in_twin(forced, twin_forced),
        "rounds_max": rounds_max(forced, rounds),
    }


def fallen_in_twin(forced, twin_forced):
    """Return the share of endogenously liquidated accounts that are liquidated in the twin too.

    Near 1, forced trading decides when these accounts fall, not whether they do.

    Examples
    --------
    >>> from perplab.sim.state.event_rows import EVENT
    >>> forced = np.zeros(2, EVENT)
    >>> forced["trader"], forced["parent"] = [3, 4], [0, 0]
    >>> forced["cause"] = [ENDOGENOUS, ENDOGENOUS]
    >>> fallen_in_twin(forced, forced[:1])
    0.5
    """
    triggered = np.unique(forced["trader"][forced["cause"] == ENDOGENOUS])
    return ratio(np.isin(triggered, twin_forced["trader"]).sum(), len(triggered))


def market_figures(series, lot, start, end):
    """Return open interest, bid depth and the fall of open interest.

    Depth is of bids within 10 bp, the mean over the hour before the fall.
    """
    before, after = row_at(series, start), row_at(series, end + HOUR_SECONDS)
    hour = between(series, start - HOUR_SECONDS, start)
    interest = float(before["open_interest"] * before["mark"] * lot)
    depth = mean(hour["depth_bid"] * hour["mark"]) * lot
    return {
        "open_interest_usd": interest,
        "depth_usd": depth,
        "open_interest_over_depth": ratio(interest, depth),
        "open_interest_fall": 1 - ratio(after["open_interest"], before["open_interest"]),
    }


def row_at(series, seconds):
    """Return the last row recorded not after a time."""
    return series[max(np.searchsorted(series["seconds"], seconds + 1e-6, side="right") - 1, 0)]


def fund_figures(records, start, market=0):
    """Return what the venue's insurance fund received and lost from `start` to the end of the run.

    Returns
    -------
    dict of str to float
        `fund_received_usd`: liquidation fees, surpluses and margin of positions taken over, less
        deficits covered; `fund_paid_usd`: what it then lost on those positions; `fund_change_usd`:
        the first less the second.
    """
    series, unit = records.series[market], records.meta["unit"]
    events = between(venue_events(records, market), start, math.inf)
    received = float(events["fund_change"].sum()) * unit
    change = float(series["fund"][-1] - row_at(series, start)["fund"]) * unit
    return {
        "fund_received_usd": received,
        "fund_paid_usd": round(received - change, 2),
        "fund_change_usd": change,
    }


def overshoot_figures(series, twin_series, start, end):
    """Return the basis before the fall, its minimum until an hour after it, and 6 and 24 h later.

    Before and after are half-hour means. `spot_displaced_bps` is spot an hour after the fall
    against the twin's: the effect of forced selling on the common value.
    """
    until = end + HOUR_SECONDS
    spot, twin_spot = (row_at(each, until)["spot"] for each in (series, twin_series))
    later = {hours: end + hours * HOUR_SECONDS for hours in (6, 24)}
    return {
        "basis_before_bps": basis_mean(series, start - HALF_HOUR_SECONDS, start),
        "basis_lowest_bps": basis_lowest(series, start, until),
        "basis_lowest_twin_bps": basis_lowest(twin_series, start, until),
        **{
            f"basis_after_{hours}h_bps": basis_mean(series, at - HALF_HOUR_SECONDS, at)
            for hours, at in later.items()
        },
        "spot_displaced_bps": float(spot / twin_spot - 1) * BPS,
    }


def known_basis(series, start, end):
    """Return the known bases between two times, basis points."""
    rows = between(series, start, end)
    basis = basis_bps(known_mid(rows), rows["spot"])
    return basis[np.isfinite(basis)]


def basis_mean(series, start, end):
    """Return the mean basis between two times, NaN past the end of the run."""
    return mean(known_basis(series, start, end)) if end <= series["seconds"][-1] + 1 else math.nan


def basis_lowest(series, start, end):
    """Return the lowest basis between two times, NaN without any."""
    basis = known_basis(series, start, end)
    return float(basis.min()) if len(basis) else math.nan


def attack_figures(records, control, start, end, market=0):
    """Return the effect of an attack between two times, in seconds.

    Returns
    -------
    dict of str to float
        Liquidated notional of shorts in both runs, the excess and its parts; index, basis and
        funding beside the control's.
    """
    by_channel, without = (shorts_by_channel(each, market) for each in (records, control))
    excess = {
        f"excess_{channel}_usd": by_channel[channel] - without[channel] for channel in without
    }
    return {
        "liquidated_shorts_usd": sum(by_channel.values()),
        "liquidated_control_usd": sum(without.values()),
        "excess_usd": sum(excess.values()),
        **excess,
        **moved_figures(records, control, start, end, market),
    }


def of_shorts(events):
    """Return the events of nodes whose forced trades buy: the liquidations of shorts."""
    chosen = of_liquidations(events)
    return chosen[np.isin(chosen["node"], chosen["node"][chosen["lots"] > 0])]


def shorts_by_channel(records, market=0):
    """Return the liquidated notional of shorts by what took their equity, quote currency."""
    events = of_shorts(forced_events(records, market))
    return notional_by_channel(forest(events, market_facts(records, market)["lot"]))


def luck_of(rows, series, control_series, lot):
    """Return the profit of an exposure, perpetual and spot, from the control's spot returns.

    Parameters
    ----------
    rows : numpy.ndarray of KIND_SERIES
        Of one kind; between two rows its exposure is the mean of both.
    series, control_series : numpy.ndarray of SERIES
    lot : float, base currency

    Returns
    -------
    float, quote currency
    """
    exposure = (rows["lots"] + rows["spot_lots"]) * lot * prices_at(series, rows["seconds"])
    returns = np.diff(np.log(prices_at(control_series, rows["seconds"])))
    return float((0.5 * (exposure[1:] + exposure[:-1]) * returns).sum())


def prices_at(series, seconds, name="spot"):
    """Return the last recorded prices at some times, the first ones before them."""
    places = np.searchsorted(series["seconds"], seconds + 1e-6, side="right") - 1
    return series[name][np.maximum(places, 0)]


def moved_figures(records, control, start, end, market=0):
    """Return index at the end of an attack, mean basis in it, mean funding until 8 h after it.

    Each beside the control's; the index as a difference from it.
    """
    series, other = records.series[market], control.series[market]
    until = end + FUNDING_SECONDS
    return {
        "index_moved_bps": float(row_at(series, end)["index"] / row_at(other, end)["index"] - 1)
        * BPS,
        "basis_bps": basis_mean(series, start, end),
        "basis_control_bps": basis_mean(other, start, end),
        "funding_bps_8h": funding_bps(records, start, until, market),
        "funding_control_bps_8h": funding_bps(control, start, until, market),
    }


def funding_bps(records, start, end, market=0):
    """Return the mean rate of a market's settlements between two times, basis points per 8 h."""
    interval_hours = market_facts(records, market)["interval_seconds"] / HOUR_SECONDS
    rows = records.settlements[records.settlements["market"] == market]
    return mean(between(rows, start + 1, end + 1)["rate"]) * 8 / interval_hours * BPS
