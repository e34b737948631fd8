"""A crowd of shorts over time: its peak and what is left of it, funding, carry positions."""

import math

import numpy as np

from perplab.analysis.estimators.series import (
    BPS,
    DAY_SECONDS,
    FUNDING_SECONDS,
    market_facts,
    mean,
    plain,
    ratio,
)
from perplab.analysis.metrics.summary import summarize

FIRST, LATE = (1.0, 5.0), (20.0, 30.0)
PEAK_WINDOW_HOURS = 12
SUMMARY = (
    "funding_mean_bps_8h",
    "funding_sd_bps_8h",
    "basis_mean_bps",
    "basis_sd_bps",
    "open_interest_mean",
    "liquidations",
)


def crowd_run(outcomes):
    """Return the figures of crowded shorts, with funding received by kind."""
    records = outcomes["base"].records
    figures = summarize(records)
    received = {f"received_{kind}": usd for kind, usd in figures["funding_by_kind"].items()}
    return plain({key: figures[key] for key in SUMMARY} | crowd_figures(records) | received)


def held_usd(records, kind, field="lots", market=0):
    """Return the hourly holdings of a kind at the first spot price, so that only lots move them.

    A kind's lots are summed over markets: the kind has to trade one market only.
    """
    lots = records.kinds[field][:, records.kind_names.index(kind)]
    return lots * market_facts(records, market)["lot"] * records.series[market]["spot"][0]


def in_days(values, seconds, days):
    """Return the mean of values between two days.

    Examples
    --------
    >>> in_days(np.array([1.0, 2.0, 3.0]), 86400.0 * np.arange(3), (1, 3))
    2.5
    """
    return mean(values[(seconds >= days[0] * DAY_SECONDS) & (seconds < days[1] * DAY_SECONDS)])


def lowest_mean(values, window=PEAK_WINDOW_HOURS):
    """Return the smallest mean over `window` successive values, and the index of its middle.

    Examples
    --------
    >>> lowest_mean(np.array([0.0, -2.0, -4.0, 0.0]), 2)
    (-3.0, 2)
    """
    means = np.convolve(values, np.full(window, 1 / window), "valid")
    place = int(means.argmin())
    return float(means[place]), min(place + window // 2, len(values) - 1)


def crowd_figures(records, market=0):
    """Return the figures of a crowd of shorts: its positions, funding and carry over time.

    Amounts in quote currency; "first" and "late" are the days `FIRST` and `LATE`.
    """
    return {
        **position_figures(records, market),
        **rate_figures(records, market),
        **carry_figures(records, market),
    }


def position_figures(records, market):
    """Return the crowd's peak, its day, and what is left of it later."""
    seconds = records.kinds["seconds"][:, 0]
    shorts = held_usd(records, "directional_short", market=market)
    peak, place = lowest_mean(shorts[seconds < FIRST[1] * DAY_SECONDS])
    day = seconds[place] / DAY_SECONDS
    return {
        "crowd_peak_usd": -peak,
        "crowd_peak_day": day,
        "crowd_late_usd": -in_days(shorts, seconds, LATE),
        "crowd_left_2_days_later": ratio(in_days(shorts, seconds, (day + 1.5, day + 2.5)), peak),
    }


def rate_figures(records, market):
    """Return funding early and late, its minimum, and the share of settlements at the cap."""
    settled = records.settlements[records.settlements["market"] == market]
    interval = market_facts(records, market)["interval_seconds"]
    rate = settled["rate"] * (FUNDING_SECONDS / interval) * BPS
    return {
        "funding_first_bps_8h": in_days(rate, settled["seconds"], FIRST),
        "funding_lowest_bps_8h": float(rate.min()) if len(rate) else math.nan,
        "funding_late_bps_8h": in_days(rate, settled["seconds"], LATE),
        "capped_share": mean(settled["capped"]),
    }


def carry_figures(records, market):
    """Return the perpetual and spot positions of arbitrageurs early and late."""
    seconds = records.kinds["seconds"][:, 0]
    carry, spot = (held_usd(records, "arbitrage", field, market) for field in ("lots", "spot_lots"))
    return {
        "carry_first_usd": in_days(carry, seconds, FIRST),
        "carry_late_usd": in_days(carry, seconds, LATE),
        "carry_spot_late_usd": in_days(spot, seconds, LATE),
    }
