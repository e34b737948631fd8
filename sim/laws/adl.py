"""Auto-deleveraging and shared losses.

Who takes a position that the insurance fund cannot, at what price, and who bears a loss.

References: Binance, Insurance funds (a largest net notional, by default the size of the fund; what
would go beyond is closed by ADL); Hyperliquid, Auto-deleveraging (accounts below zero); BitMEX,
Auto Deleveraging (rank); Deribit, Insurance (winners); OKX, clawback until 2019 (winners) and ADL
from 30 % below the fund's eight-hour peak; Drift protocol v2, social loss (open interest); GMX v2
and Synthetix v3 (the pool bears it); GMX v2, ADL of a pool (profit over pool beyond 85 %, until 77
%).
"""

import math

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.choices import Choice
from perplab.sim.laws.liquidation import bankruptcy_price


class AdlPrice(Choice):
    """The price at which counterparties are closed."""

    BANKRUPTCY, PREVIOUS_MARK, MARK = range(3)


class AdlRank(Choice):
    """The order of the queue."""

    PROFIT_TIMES_MARGIN_RATIO, PRICE_RATIO_TIMES_LEVERAGE, PROFIT_TIMES_LEVERAGE = range(3)


class AdlSelection(Choice):
    """Who is taken: the queue in order, the queue in random order, or all in proportion to size."""

    RANKED, RANDOM, PRO_RATA = range(3)


class LossSharing(Choice):
    """Who bears what the fund cannot.

    Counterparties by ADL, winners, everybody with open interest, or the fund itself.
    """

    ADL, WINNERS, OPEN_INTEREST, FUND = range(4)


ADL_LAW = row(
    ("adl_price", "i8"),  # AdlPrice
    ("adl_rank", "i8"),  # AdlRank
    ("adl_selection", "i8"),  # AdlSelection
    ("loss_sharing", "i8"),  # LossSharing
    ("adl_below_zero", "i8"),  # whether ADL closes accounts below zero whatever the fund has
    ("fund_drawdown", "f8"),  # fall of the fund from its peak at which it stops; 1: when spent
    (
        "pool_trigger",
        "f8",
    ),  # profit of a side over the pool's value; 0: no ADL of a pool
    ("pool_target", "f8"),
)


@kernel
def signed_score(gain, factor):
    """Return a gain times a factor of risk, a loss divided by it.

    Winners rank before losers, the riskier first among winners.

    References
    ----------
    .. [1] BitMEX, Auto Deleveraging: profit in per cent times effective leverage, divided by it
           where the profit is negative.

    Examples
    --------
    >>> signed_score(0.01, 2.0) > signed_score(-0.001, 20.0) > signed_score(-0.01, 20.0)
    True
    """
    return gain * factor if gain > 0.0 else gain / factor


@kernel
def adl_score(law, is_long, notional, entry, equity, profit, maintenance):
    """Return the ADL score of a position; higher goes first.

    Parameters
    ----------
    law : ADL_LAW record
    is_long : bool
    notional, entry : float, units
        Value at the mark and at entry, at least 1.
    equity, profit, maintenance : float, units
        Equity of the margin account, at least 1; unrealised profit; maintenance margin of the
        account.
    """
    if law["adl_rank"] == AdlRank.PROFIT_TIMES_MARGIN_RATIO:
        return signed_score(profit / max(equity - profit, 1.0), maintenance / equity)
    if law["adl_rank"] == AdlRank.PROFIT_TIMES_LEVERAGE:
        return signed_score(profit / entry, notional / equity)
    return (notional / entry if is_long else entry / notional) * notional / equity


@kernel
def draws_queue(law):
    """Return whether the queue is in random order."""
    return law["adl_selection"] == AdlSelection.RANDOM


@kernel
def takes_all_pro_rata(law):
    """Return whether all counterparties are taken in proportion to their size."""
    return law["adl_selection"] == AdlSelection.PRO_RATA


@kernel
def adl_ticks(law, mark, previous_mark, equity, lots, units_per_price, tick):
    """Return the price of ADL in ticks, at least 1.

    A bankruptcy price is rounded against the counterparty.

    Parameters
    ----------
    law : ADL_LAW record
    mark, previous_mark, tick : float, quote currency
    equity : float, units
    lots : int
        Signed, of the bankrupt position.
    units_per_price : float
    """
    if law["adl_price"] == AdlPrice.PREVIOUS_MARK:
        return np.int64(max(round(previous_mark / tick), 1.0))
    if law["adl_price"] == AdlPrice.MARK:
        return np.int64(max(round(mark / tick), 1.0))
    price = bankruptcy_price(mark, equity, lots, units_per_price) / tick
    price = min(price, 1e18)
    return np.int64(max(math.ceil(price) if lots > 0 else math.floor(price), 1))


@kernel
def deleverages(law):
    """Return whether ADL closes the positions that the fund cannot take over."""
    return law["loss_sharing"] == LossSharing.ADL


@kernel
def deleverages_below_zero(law):
    """Return whether an account below zero is closed by ADL whatever the fund has."""
    return law["adl_below_zero"] == 1


@kernel
def watches_peak(law):
    """Return whether the fund stops at a share below its peak."""
    return law["fund_drawdown"] < 1.0


@kernel
def fund_floor(law, peak):
    """Return the equity of the fund below which it carries no further loss, units."""
    return peak * (1.0 - law["fund_drawdown"]) if law["fund_drawdown"] < 1.0 else 0.0


@kernel
def shares_losses(law):
    """Return whether traders pay for a loss beyond the fund."""
    return (
        law["loss_sharing"] == LossSharing.OPEN_INTEREST
        or law["loss_sharing"] == LossSharing.WINNERS
    )


@kernel
def loss_weight(law, size, profit):
    """Return the weight of a position in a shared loss.

    It has `size` lots and an unrealised `profit` in units.
    """
    return float(size) if law["loss_sharing"] == LossSharing.OPEN_INTEREST else max(profit, 0.0)


@kernel
def loss_part(law, mine, total, units):
    """Return the units that weight `mine` of `total` pays of a loss.

    Notes
    -----
    By open interest each lot pays the same number of units, rounded up. By profit a winner's part
    is rounded down, and none pays more than its profit.

    Examples
    --------
    >>> law = np.zeros(1, ADL_LAW)[0]
    >>> law["loss_sharing"] = LossSharing.OPEN_INTEREST
    >>> int(loss_part(law, 7.0, 11.0, 100_000_000)) // 7
    9090910
    >>> law["loss_sharing"] = LossSharing.WINNERS
    >>> int(loss_part(law, 50.0, 171.0, 10_000))
    50
    """
    if law["loss_sharing"] == LossSharing.OPEN_INTEREST:
        return np.int64(mine) * np.int64(math.ceil(units / total))
    return np.int64(math.floor(min(float(units), total) * (mine / total)))


@hot_kernel
def deleverages_pool(law):
    """Return whether a pool's winners are ever closed."""
    return law["pool_trigger"] > 0.0


@kernel
def pool_is_over(law, share):
    """Return whether a side's profit, as a share of the pool, is beyond the trigger."""
    return share > law["pool_trigger"]


@kernel
def pool_is_above_target(law, share):
    """Return whether a side's profit, as a share of the pool, is still above the target."""
    return share > law["pool_target"]
