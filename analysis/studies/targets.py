"""Ranges in which moments of the stories should be, and the moments of real markets.

All ranges and all real figures that studies compare with are here. A range was stated before the
runs that are judged by it. Basis in bp, funding in bp per 8 h, returns in % a year.
"""

import math

import numpy as np

from perplab.analysis.estimators.closes import HOUR
from perplab.analysis.studies.real import block_moments, read_real, year_blocks
from perplab.sim.errors import Fault, ParameterError

RANGES = {
    "calm": {
        "basis_mean": (-5, -3.5),
        "basis_sd": (1.2, 2.4),
        "basis_change_sd": (1.2, 2.2),
        "basis_acf_1h": (0.35, 0.60),
        "basis_acf_8h": (0.15, 0.40),
        "basis_change_acf_1h": (-0.50, -0.30),
        "funding_mean": (0.2, 0.7),
        "funding_sd": (0.3, 1),
        "funding_pinned": (0.15, 0.45),
        "funding_negative": (0.08, 0.30),
        "funding_acf_1": (0.4, 0.65),
        "funding_basis": (0.6, 0.85),
        "funding_return_7d": (0.2, 0.45),
        "return_volume": (0.4, 0.7),
        "return_basis_change": (0.1, 0.4),
        "return_kurtosis": (3, None),
        "open_interest_change_sd": (0.9, 1.8),
        "volume_per_open_interest": (2, 4),
        "return_provider": (0, 20),
        "return_carry": (0, None),
        "ruined_share": (0, 0),
    },
    "bull": {
        "funding_mean": (2.3, 3.3),
        "funding_sd": (1.6, 2.8),
        "funding_pinned": (0.3, 0.5),
        "funding_above": (0.3, 0.55),
        "basis_mean": (2.5, 6),
        "basis_sd": (4, 6.5),
        "ruined_share": (0, 0),
    },
    "regimes": {
        "funding_acf_1": (0.70, 0.85),
        "funding_acf_9": (0.45, 0.7),
        "funding_acf_21": (0.3, 0.55),
        "funding_month_sd": (1.2, 2.2),
        "funding_mean": (0.8, 1.8),
        "ruined_share": (0, 0),
    },
    "small": {
        "basis_mean": (-6, -2),
        "basis_sd": (1, 4),
        "funding_mean": (0, 1),
        "funding_sd": (0.3, 1),
        "funding_acf_1": (0.4, 0.85),
        "funding_pinned": (0.2, 0.6),
        "funding_negative": (0.05, 0.3),
    },
}
"""By story: low and high of each figure; None where a side is open."""

CRASH_RANGES = {
    "news 0": {"cascades": (0, 0)},
    "news -2 %": {"cascades": (0, 0.25)},
    "news -4 %": {
        "cascades": (0.55, 1),
        "fall": (-15.5, -10),
        "price_amplification": (0.35, 1),
        "low_minutes": (15, 45),
        "rebound": (0.3, 0.65),
        "basis_low": (-160, -50),
        "open_interest_change": (-35, -15),
        "depth_left": (0, 0.2),
        "volume_multiple": (15, math.inf),
        "share_adl": (0.05, 0.4),
    },
    "news -6 %": {"cascades": (0.8, 1)},
    "leverage 2, no stops": {"fall": (-5, -3)},
    "constant depth": {"price_amplification": (-math.inf, 0.2)},
    "calm": {"large_move": (0, 0.25), "largest_move": (0, 12), "liquidated_a_day": (0, 1)},
}
"""Ranges of the study ten-october by arm, and of a calm month: figures in %, bp and shares."""

OCTOBER = {
    "fall": "-13.1",
    "low_minutes": "35",
    "rebound": ".50 to .64",
    "basis_low": "-155 (low / low); -51 (close)",
    "open_interest_change": "-21 (2 h)",
    "depth_left": ".1 (top of book)",
    "volume_multiple": "42",
    "share_adl": ".38 (Hyperliquid)",
    "first_adl_seconds": "62 (Hyperliquid)",
    "adl_of_liquidation": ".50 (Hyperliquid)",
    "adl_burst": ".61 (Hyperliquid)",
    "adl_of_fund": ".95 (Hyperliquid)",
    "profit_provider": "lost or left",
}
"""Figures of 10 October 2025 by that of the study: BTCUSDT perpetual at Binance where no venue is
named. Bars of 5 minutes; open interest by the venue; ADL from the published fills of Hyperliquid.
"""

BY_INTERVAL = ("return_provider", "return_carry")
"""Figures of which the lower end of the interval, not the mean, must be above the low end."""

YEARS = {"calm": 2022, "small": 2022, "bull": 2021, "regimes": None}
"""The real year of each story; None is all of 2020 to 2023 at once."""

OPEN_INTEREST = {"open_interest_change_sd": (1.63, 0.323)}
"""BTCUSDT perpetual at Binance, hourly, 28 November 2023 to 17 October 2024, 10 blocks."""

REAL = {
    2022: OPEN_INTEREST
    | {
        "basis_mean": (-4.34, 0.516),
        "basis_sd": (1.74, 0.477),
        "basis_change_sd": (1.73, 0.405),
        "basis_acf_1h": (0.482, 0.118),
        "basis_acf_8h": (0.25, 0.0968),
        "basis_acf_24h": (0.138, 0.0991),
        "basis_change_acf_1h": (-0.4, 0.0557),
        "funding_mean": (0.375, 0.225),
        "funding_sd": (0.695, 0.397),
        "funding_pinned": (0.306, 0.164),
        "funding_negative": (0.224, 0.1),
        "funding_above": (0, 0),
        "funding_acf_1": (0.518, 0.104),
        "funding_acf_9": (0.015, 0.162),
        "funding_acf_21": (0.00263, 0.174),
        "funding_basis": (0.759, 0.0843),
        "funding_return_7d": (0.292, 0.217),
        "return_volume": (0.608, 0.0206),
        "return_basis_change": (0.167, 0.0477),
        "return_kurtosis": (9.62, 5.39),
        "return_abs_acf_1h": (0.209, 0.092),
    },
    2021: {
        "basis_mean": (4.62, 5.64),
        "basis_sd": (5.4, 2.36),
        "basis_change_sd": (3.76, 2.16),
        "basis_acf_1h": (0.726, 0.154),
        "basis_acf_8h": (0.522, 0.205),
        "basis_acf_24h": (0.433, 0.212),
        "basis_change_acf_1h": (-0.317, 0.0951),
        "funding_mean": (2.82, 2.56),
        "funding_sd": (2.33, 1.7),
        "funding_pinned": (0.424, 0.228),
        "funding_negative": (0.0731, 0.142),
        "funding_above": (0.435, 0.326),
        "funding_acf_1": (0.577, 0.189),
        "funding_acf_9": (0.253, 0.154),
        "funding_acf_21": (-0.0169, 0.16),
        "funding_basis": (0.809, 0.121),
        "funding_return_7d": (0.375, 0.285),
        "return_volume": (0.571, 0.0361),
        "return_basis_change": (0.262, 0.101),
        "return_kurtosis": (7.24, 3.97),
        "return_abs_acf_1h": (0.134, 0.0497),
    },
    None: {
        "basis_mean": (-0.221, 3.93),
        "basis_sd": (7.12, 3.1),
        "basis_change_sd": (3.65, 1.4),
        "basis_acf_1h": (0.853, 0.13),
        "basis_acf_8h": (0.728, 0.187),
        "basis_acf_24h": (0.68, 0.22),
        "basis_change_acf_1h": (-0.351, 0.0919),
        "funding_mean": (1.37, 1.08),
        "funding_sd": (2.57, 1.51),
        "funding_pinned": (0.407, 0.0826),
        "funding_negative": (0.134, 0.0643),
        "funding_above": (0.19, 0.196),
        "funding_acf_1": (0.791, 0.0863),
        "funding_acf_9": (0.601, 0.233),
        "funding_acf_21": (0.442, 0.143),
        "funding_basis": (0.829, 0.0592),
        "funding_return_7d": (0.375, 0.103),
        "return_volume": (0.4, 0.081),
        "return_basis_change": (0.347, 0.147),
        "return_kurtosis": (58, 55.9),
        "return_abs_acf_1h": (0.295, 0.0593),
        "funding_month_sd": (1.79, 1.1),
    },
}
"""Real figures by year: mean over the twelve blocks of 30 days and their standard deviation; for
all years at once the figure of the four years, and the standard deviation of single years.

Computed by `perplab.analysis.studies.real` from BTCUSDT perpetual and spot at Binance: closes of
1-hour bars and 8-hour rates, 2020 to 2023; the hours in which either market was closed are unknown.
"""


def real_figures(story, prices=None, rates=None):
    """Return the real figures of a story: value and standard deviation by name.

    They are computed from two files if these are given, and taken from `REAL` otherwise.

    Parameters
    ----------
    story : str
    prices, rates : path, optional
        See `perplab.analysis.studies.real.read_real`.

    Raises
    ------
    ParameterError
        If one of the files is given without the other, or a file is refused.
    """
    if (prices is None) != (rates is None):
        raise ParameterError(Fault("--real", str(prices), "given together with --real-rates"))
    year = YEARS.get(story, 2022)
    if prices is None:
        return REAL[year]
    series, closed = read_real(prices, rates)
    if year is not None:
        blocks = year_blocks(series, closed, year)
        if not blocks:
            bound = f"hourly bars of at least 30 days of {year}, the year of {story}"
            raise ParameterError(Fault("--real", str(prices), bound))
        return OPEN_INTEREST | spread(blocks)
    years = (closed - HOUR).astype("datetime64[s]").astype("datetime64[Y]")
    edges = [*np.flatnonzero(np.diff(years.astype(int))) + 1, len(closed)]
    parts = [
        block_moments(series, first, last)
        for first, last in zip([0, *edges[:-1]], edges, strict=True)
    ]
    everything, apart = block_moments(series, 0, len(closed)), spread(parts)
    return {key: (value, apart[key][1]) for key, value in everything.items()}


def spread(blocks):
    """Return mean and standard deviation of each figure over blocks, NaN of too few.

    Examples
    --------
    >>> spread([{"a": 1.0}, {"a": 3.0}])
    {'a': (2.0, 1.4142135623730951)}
    """
    return {
        key: (
            float(np.mean([block[key] for block in blocks])),
            float(np.std([block[key] for block in blocks], ddof=1)) if len(blocks) > 1 else np.nan,
        )
        for key in (blocks[0] if blocks else ())
    }


def is_inside(key, bounds, mean, low):
    """Return whether the mean over seeds of a figure is in its range; None if it is unknown.

    For figures of `BY_INTERVAL` the lower end of the interval decides at the low end.

    Examples
    --------
    >>> is_inside("basis_sd", (1, 2), 1.5, 0.9), is_inside("return_carry", (0, None), 3.0, -1.0)
    (True, False)
    """
    if mean is None:
        return None
    least = low if key in BY_INTERVAL and low is not None else mean
    above = bounds[0] is None or least >= bounds[0]
    return bool(above and (bounds[1] is None or mean <= bounds[1]))
