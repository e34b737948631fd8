"""Figures of forced trading around one event of a run: a fall of spot against its twin, an attack against its control.

Amounts are in quote currency, bases in basis points of spot, shares plain fractions, times seconds since the start.

*A fall.* Amplification n = 1 - L_twin / L counts from the start of the fall to six hours after its end; the twin branches
off at its start or before, and its forced positions go to the fund at the mark.

*An attack.* The control is the same seed without the attacker. Liquidations of shorts in excess of the control's are divided
by what took the equity. The attacker's profit is the change of all he owns over the whole run, fees paid. Most of its spread
is luck, spot having moved while he was exposed: the control's returns times his exposure, in expectation nothing. Taken
off, the mean stays and its interval narrows; figures come both ways.
"""

import math

import numpy as np

from perplab.analysis.estimators.series import HOUR_SECONDS, basis_bps, known_mid, mean, ratio
from perplab.analysis.metrics.cascade import (
    AFTERMATH_SECONDS,
    absorbed_shares,
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
from perplab.analysis.metrics.summary import ROUND_SECONDS
from perplab.sim.state.records import ENDOGENOUS

ATTACKER = "manipulation"
LOOK_SECONDS = HOUR_SECONDS / 2


def cascade_figures(records, twin, start, end):
    """Return the figures of a fall of spot between two times, in seconds, of a run and its twin.

    Returns
    -------
    dict of str to float
        Of the liquidations, the market before the fall, what absorbed them, the fund, and the basis.
    """
    forced, twin_forced = (
        between(each.events, start, end + AFTERMATH_SECONDS) for each in (records, twin)
    )
    return {
        "amplification": amplification(forced, twin_forced),
        **liquidation_figures(forced, twin_forced, records.meta),
        **market_figures(records.series[0], records.meta["lot"], start, end),
        **absorbed_shares(forced, records.meta["lot"]),
        **fund_figures(records, start),
        **overshoot_figures(records.series[0], twin.series[0], start, end),
    }


def liquidation_figures(forced, twin_forced, meta):
    """Return size and shape of the liquidations."""
    return {
        "liquidated_usd": liquidated_notional(forced, meta["lot"]),
        "liquidated_twin_usd": liquidated_notional(twin_forced, meta["lot"]),
        "liquidations": liquidation_count(forced),
        "branching_ratio": branching_ratio(forest(forced, meta["lot"])),
        "endogenous_fallen_in_twin": fallen_in_twin(forced, twin_forced),
        "rounds_max": rounds_max(forced, max(int(meta["dt"] / ROUND_SECONDS), 1)),
    }


def fallen_in_twin(forced, twin_forced):
    """Return the share of accounts liquidated endogenously (pushed by another's forced order) that are liquidated in the exact twin too.

    Near 1, forced trading decides when these accounts fall, not whether they do.

    Examples
    --------
    >>> from perplab.sim.state.records import EVENT
    >>> forced = np.zeros(2, EVENT)
    >>> forced["trader"], forced["parent"], forced["cause"] = [3, 4], [0, 0], [ENDOGENOUS, ENDOGENOUS]
    >>> fallen_in_twin(forced, forced[:1])
    0.5
    """
    pushed = np.unique(forced["trader"][forced["cause"] == ENDOGENOUS])
    return ratio(np.isin(pushed, twin_forced["trader"]).sum(), len(pushed))


def market_figures(series, lot, start, end):
    """Return open interest, depth (bids within 10 bp, mean of the hour before the fall) and the fall of open interest."""
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


def fund_figures(records, start):
    """Return what the insurance fund got and lost from `start` to the end of the run.

    Returns
    -------
    dict of str to float
        `fund_received_usd`: liquidation fees, surpluses and the purses of positions taken over, less debts covered;
        `fund_paid_usd`: what it then lost on those positions; `fund_change_usd`: the first less the second.
    """
    series, unit = records.series[0], records.meta["unit"]
    received = float(between(records.events, start, math.inf)["fund_change"].sum()) * unit
    change = float(series["fund"][-1] - row_at(series, start)["fund"]) * unit
    return {
        "fund_received_usd": received,
        "fund_paid_usd": round(received - change, 2),
        "fund_change_usd": change,
    }


def overshoot_figures(series, twin_series, start, end):
    """Return the basis before the fall, at its lowest until an hour after it, and 6 and 24 hours after it.

    Before and after are half-hour means. `spot_displaced_bps` is spot an hour after the fall against the twin's: what forced
    selling did to the common value.
    """
    until = end + HOUR_SECONDS
    spot, twin_spot = (row_at(each, until)["spot"] for each in (series, twin_series))
    return {
        "basis_before_bps": basis_mean(series, start - LOOK_SECONDS, start),
        "basis_lowest_bps": basis_lowest(series, start, until),
        "basis_lowest_twin_bps": basis_lowest(twin_series, start, until),
        **{
            f"basis_after_{hours}h_bps": basis_mean(
                series, end + hours * HOUR_SECONDS - LOOK_SECONDS, end + hours * HOUR_SECONDS
            )
            for hours in (6, 24)
        },
        "spot_displaced_bps": float(spot / twin_spot - 1) * 1e4,
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
    return (
        float(known_basis(series, start, end).min(initial=math.inf))
        if len(known_basis(series, start, end))
        else math.nan
    )


def weapon_figures(records, control, start, end):
    """Return what an attack between two times, in seconds, did and earned.

    Returns
    -------
    dict of str to float
        Liquidated notional of shorts in both runs, the excess and its parts; the attacker's profit and where it came from; what
        moved: index, basis, funding.
    """
    lot = records.meta["lot"]
    by_channel, without = (
        notional_by_channel(forest(of_shorts(each.events), lot)) for each in (records, control)
    )
    excess = {
        f"excess_{channel}_usd": by_channel[channel] - without[channel] for channel in without
    }
    return {
        "liquidated_shorts_usd": sum(by_channel.values()),
        "liquidated_control_usd": sum(without.values()),
        "excess_usd": sum(excess.values()),
        **excess,
        **attacker_figures(records, control.series[0]),
        **moved_figures(records, control, start, end),
    }


def of_shorts(events):
    """Return the events of nodes whose forced trades buy: the liquidations of shorts."""
    kept = of_liquidations(events)
    return kept[np.isin(kept["node"], kept["node"][kept["lots"] > 0])]


def attacker_figures(records, control_series):
    """Return the attacker's profit, net of luck too, its funding, and what was left of his position at the end."""
    rows = records.kinds[:, records.kind_names.index(ATTACKER)]
    unit, lot, spot = records.meta["unit"], records.meta["lot"], records.series[0]["spot"][-1]
    profit = float(rows["equity"][-1] - rows["equity"][0]) * unit
    luck = luck_of(rows, records.series[0], control_series, lot)
    return {
        "attacker_profit_usd": profit,
        "attacker_profit_without_luck_usd": profit - luck,
        "attacker_luck_usd": luck,
        "attacker_funding_usd": float(rows["funding"][-1]) * unit,
        "attacker_spot_peak_usd": float(rows["spot_lots"].max() * lot * spot),
        "attacker_left_usd": float(
            (abs(rows["lots"][-1]) + abs(rows["spot_lots"][-1])) * lot * spot
        ),
    }


def luck_of(rows, series, control_series, lot):
    """Return the profit from the control's spot returns on an exposure, perpetual and spot together, quote currency.

    Parameters
    ----------
    rows : numpy.ndarray of KIND_SERIES
        Of one kind; between two rows its exposure is the mean of both.
    series, control_series : numpy.ndarray of SERIES
    lot : float
    """
    exposure = (rows["lots"] + rows["spot_lots"]) * lot * prices_at(series, rows["seconds"])
    returns = np.diff(np.log(prices_at(control_series, rows["seconds"])))
    return float((0.5 * (exposure[1:] + exposure[:-1]) * returns).sum())


def prices_at(series, seconds):
    """Return the spot prices recorded last at some times."""
    return series["spot"][np.searchsorted(series["seconds"], seconds + 1e-6, side="right") - 1]


def moved_figures(records, control, start, end):
    """Return index at the end of the attack, mean basis in it, mean funding until 8 hours after it; beside the control's."""
    series, other = records.series[0], control.series[0]
    until = end + 8 * HOUR_SECONDS
    return {
        "index_moved_bps": float(row_at(series, end)["index"] / row_at(other, end)["index"] - 1)
        * 1e4,
        "basis_bps": basis_mean(series, start, end),
        "basis_control_bps": basis_mean(other, start, end),
        "funding_bps_8h": funding_bps(records, start, until),
        "funding_control_bps_8h": funding_bps(control, start, until),
    }


def funding_bps(records, start, end):
    """Return the mean funding rate of the settlements between two times, basis points per 8 h."""
    interval_hours = records.meta["interval_seconds"] / HOUR_SECONDS
    return mean(between(records.settlements, start + 1, end + 1)["rate"]) * 8 / interval_hours * 1e4
