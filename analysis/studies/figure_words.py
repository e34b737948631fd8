"""Words and units of the figures that `perplab.analysis.studies.measures.measured_run` returns."""

from perplab.analysis.estimators.moments import MOMENTS
from perplab.analysis.studies.study import Figure
from perplab.analysis.studies.targets import RANGES

KINDS = ("day_trader", "speculator", "carry", "provider")
SMALL_MARKET_KINDS = ("noise", "directional_long", "directional_short", "arbitrage", "liquidity")

FIGURES = {
    **{key: Figure(words, unit) for key, (words, unit) in MOMENTS.items()},
    "funding_month_sd": Figure("standard deviation of monthly mean funding", "bp per 8 h"),
    "basis_acf_24h": Figure("autocorrelation of the basis at 24 h"),
    "return_abs_acf_1h": Figure("autocorrelation of absolute hourly returns at 1 h"),
    "basis_gap_95": Figure("95th percentile of the distance of the basis from its median", "bp"),
    "half_life_hours": Figure("half-life of the basis", "h"),
    "reversion_inside": Figure("hourly reversion inside the dead band", "share"),
    "reversion_outside": Figure("hourly reversion outside the dead band", "share"),
    "hours_outside_share": Figure("hours outside the dead band", "share"),
    "tracking_error": Figure("root mean square of the basis", "bp"),
    "rate_mean": Figure("mean rate in force", "bp per 8 h"),
    "rate_sd": Figure("standard deviation of the rate in force", "bp per 8 h"),
    "open_interest_usd": Figure("open interest", "quote currency"),
    "volume_per_open_interest": Figure("volume over open interest", "a day"),
    "liquidated_per_open_interest": Figure("liquidated share of open interest", "% a day"),
    "depth_10bp_usd": Figure("depth within 10 bp of the mid, a side", "quote currency"),
    "open_interest_per_depth": Figure("open interest over depth"),
    "liquidations": Figure("accounts liquidated"),
    "fund_change_usd": Figure("change of the insurance fund", "quote currency"),
    "one_sided_share": Figure("one-sided-book share"),
    **{
        f"return_{kind}": Figure(f"profit of kind {kind} on its capital", "% a year")
        for kind in (*KINDS, *SMALL_MARKET_KINDS)
    },
    "ruined_share": Figure("share of kinds ruined"),
    "premium_mean": Figure("mean premium", "bp"),
    "return_sd_over_spot": Figure("standard deviation of hourly returns over that of spot's"),
    "conservation_error_units": Figure("change of all money", "units"),
}
"""Words and unit of each figure of a run, by name."""


def figures_named(*keys):
    """Return some of `FIGURES`, in this order."""
    return {key: FIGURES[key] for key in keys}


def with_range(key, story):
    """Return a figure with its range in a story, if it has one."""
    low, high = RANGES.get(story, {}).get(key, (None, None))
    return FIGURES[key]._replace(low=low, high=high)
