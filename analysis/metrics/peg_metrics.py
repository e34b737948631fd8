"""Metrics of the peg: the basis at hourly closes, and the funding rates that were settled."""

import functools
import math
from typing import NamedTuple

import numpy as np

from perplab.analysis.estimators.series import (
    BPS,
    FUNDING_SECONDS,
    WARMUP_HOURS,
    autocorrelation,
    basis_bps,
    deviation,
    mean,
    ratio,
)
from perplab.analysis.estimators.unit_root import (
    SHORTEST_REGRESSION,
    WALK_LEVEL,
    WEEK_HOURS,
    median_half_life,
    random_walk_share,
)
from perplab.analysis.metrics.catalogue import NO_DIMENSION, evaluate, metric

HALF_LIFE_HOURS = WEEK_HOURS + SHORTEST_REGRESSION + WARMUP_HOURS


class Closes(NamedTuple):
    """Hourly closes of the perpetual and of spot, in the same unit."""

    perpetual: np.ndarray
    spot: np.ndarray

    @property
    def basis(self):
        """Basis in basis points of spot."""
        return basis_bps(self.perpetual, self.spot)


class FundingRates(NamedTuple):
    """Settled funding rates.

    Attributes
    ----------
    rates : numpy.ndarray, fraction per interval
    interest : float, fraction per interval
        The rate that the formula gives inside its dead band, computed as the venue computes it, so
        that "at the interest rate" can be tested with ==.
    interval_seconds : float, seconds
    """

    rates: np.ndarray
    interest: float
    interval_seconds: float

    @property
    def bps_8h(self):
        """Rates in basis points per 8 h."""
        return self.rates * (FUNDING_SECONDS / self.interval_seconds) * BPS


def half_life_unknown(summary, hours, twin):
    """Return why a run of some hours has no half-life of the basis."""
    if hours < HALF_LIFE_HOURS:
        return f"run too short: {HALF_LIFE_HOURS:g} h needed"
    return "not distinguishable from a random walk"


def funding_unknown(summary, hours, twin):
    """Return why a figure of the settlements is unknown."""
    if summary.get("funding_mean_bps_8h") is None:
        return "no settlement"
    return "too few rates, or equal ones"


basis_metric = functools.partial(metric, group="basis", of="closes")
funding_metric = functools.partial(metric, group="funding", of="funding", unknown=funding_unknown)


@basis_metric("basis, mean", "bp", signed=True, sweep_table="peg")
def basis_mean_bps(closes):
    """Return the mean basis."""
    return mean(closes.basis)


@basis_metric("basis, standard deviation", "bp", sweep_table="peg")
def basis_sd_bps(closes):
    """Return the standard deviation of the basis."""
    return deviation(closes.basis)


@basis_metric("basis, half-life", "h", unknown=half_life_unknown)
def basis_half_life_hours(closes):
    """Return the half-life of the basis; see `half_life_hours`."""
    return half_life_hours(closes.basis)


@basis_metric("return sd, perpetual over spot", NO_DIMENSION)
def perp_to_spot_return_sd(closes):
    """Return the ratio of the standard deviations of hourly log returns."""
    perpetual, spot = (deviation(np.diff(np.log(prices))) for prices in closes)
    return ratio(perpetual, spot)


@metric("premium index, mean", "bp", group="basis", signed=True)
def premium_mean_bps(run):
    """Return the mean premium index at hourly closes."""
    return mean(run.hourly["premium"]) * BPS


@funding_metric("funding, mean", "bp per 8 h", signed=True, sweep_table="peg")
def funding_mean_bps_8h(funding):
    """Return the mean rate."""
    return mean(funding.bps_8h)


@funding_metric("funding, standard deviation", "bp per 8 h", sweep_table="activity")
def funding_sd_bps_8h(funding):
    """Return the standard deviation of the rates."""
    return deviation(funding.bps_8h)


@funding_metric("funding, first autocorrelation", NO_DIMENSION, signed=True)
def funding_acf1(funding):
    """Return the autocorrelation of successive rates."""
    return autocorrelation(funding.rates)


@funding_metric("settlements at the interest rate", "share")
def funding_at_interest_share(funding):
    """Return the share of rates that equal the interest rate."""
    return mean(funding.rates == funding.interest)


@funding_metric("settlements below 0", "share")
def funding_negative_share(funding):
    """Return the share of rates below 0."""
    return mean(funding.rates < 0)


@funding_metric("settlements in [0, interest rate)", "share")
def funding_below_interest_share(funding):
    """Return the share of rates that are not negative and below the interest rate."""
    return mean((funding.rates >= 0) & (funding.rates < funding.interest))


def half_life_hours(basis):
    """Return the half-life of the deviation of an hourly basis from its 7-day mean, in hours.

    NaN where a random walk explains the basis as well (`perplab.analysis.estimators.unit_root`).
    """
    return median_half_life(basis) if random_walk_share(basis) <= WALK_LEVEL else math.nan


def basis_figures(perpetual, spot):
    """Return the metrics of two hourly price series by key, of real prices too."""
    return evaluate("closes", Closes(perpetual, spot))


def funding_figures(rates, interest, interval_seconds):
    """Return the metrics of funding rates by key; parameters as in `FundingRates`."""
    return evaluate("funding", FundingRates(rates, interest, interval_seconds))
