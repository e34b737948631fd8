"""Public averages that traders see."""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.amm_fills import pool_room
from perplab.sim.exchange.book import depth_to
from perplab.sim.exchange.impact_price import book_mid
from perplab.sim.laws.amm import is_pool
from perplab.sim.laws.averages import moved
from perplab.sim.state.records import market_at, run_row, view_at

DEPTH_BAND = 0.001


@hot_kernel
def depth_near(world, m, side, tick):
    """Return the lots of a side (+1: bids) as far as a tick, of the book or of the pool."""
    market = market_at(world, m)
    if is_pool(market["amm_law"]):
        return pool_room(world, m, -side, tick * market["tick"])
    return depth_to(world, m, side, tick)


@hot_kernel
def update_volatility(run, view):
    """Bring the volatility of spot up to date: its exponential mean square over an hour."""
    log_spot, before = math.log(view["spot"]), view["seen"]["volatility"]
    change = log_spot - view["log_spot"]
    variance = moved(before * before, change * change / run["dt"], run["weight_1h"])
    view["seen"]["volatility"], view["log_spot"] = math.sqrt(variance), log_spot


@hot_kernel
def update_trends(run, view, log_mid):
    """Bring the distances of the log mid from its exponential means up to date."""
    view["log_mid"] = log_mid
    view["log_mid_1h"] = moved(view["log_mid_1h"], log_mid, run["weight_1h"])
    view["log_mid_1d"] = moved(view["log_mid_1d"], log_mid, run["weight_1d"])
    view["log_mid_7d"] = moved(view["log_mid_7d"], log_mid, run["weight_7d"])
    view["trend_1h"] = log_mid - view["log_mid_1h"]
    view["trend_1d"] = log_mid - view["log_mid_1d"]
    view["trend_7d"] = log_mid - view["log_mid_7d"]


@kernel
def update_public_averages(world, m):
    """Bring basis, depth, trends and volatility of a view up to date at the end of trading."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    update_volatility(run, view)
    mid = book_mid(world, m)
    if mid > 0.0:
        log_mid = math.log(mid)
        update_trends(run, view, log_mid)
        view["basis_mid"] = mid / view["spot"] - 1.0
        view["mid_110m"] = moved(
            view["mid_110m"], log_mid - math.log(view["spot"]), run["weight_110m"]
        )
        reach = int(mid / market["tick"] * DEPTH_BAND)
        centre = int(mid / market["tick"])
        view["depth_bid"] = depth_near(world, m, 1, centre - reach)
        view["depth_ask"] = depth_near(world, m, -1, centre + reach)
    else:
        view["depth_bid"] = depth_to(world, m, 1, market["window_low"])
        view["depth_ask"] = depth_to(world, m, -1, market["window_low"] + market["window"])
