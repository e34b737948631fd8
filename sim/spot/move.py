"""The step of spot: the exogenous path and the impact of flow."""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.impact.displacement import (
    add_flow,
    displacement_of,
    displaces,
    over_reference,
    slope_at,
    take_flow,
    thin_out,
    trade_factor,
)
from perplab.sim.impact.ledger import hand_over, makers_health, makers_trade, relax
from perplab.sim.spot.process import YEAR_SECONDS
from perplab.sim.state.codes import (
    LARGEST_NOTIONAL,
    LEAST_TICKS,
    MOST_TICKS,
    PRICE_OUTSIDE,
    SPOT_HELD_OUTSIDE,
)
from perplab.sim.state.records import asset_at, end_with, market_at, markets, path_at, run_row

LOG_RANGE = math.log(MOST_TICKS / LEAST_TICKS)


@kernel
def log_price_within(world, a, log_price):
    """Return a log price of asset a, clipped to what its markets' ticks can represent.

    A clipped price ends the run (``run["fault"]``).
    """
    nearest = log_price
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            lowest = math.log(LEAST_TICKS * market_at(world, m)["tick"])
            nearest = max(lowest, min(nearest, lowest + LOG_RANGE))
    if nearest != log_price:
        end_with(world, PRICE_OUTSIDE, a)
    return nearest


@kernel
def feed_sentiment(asset, dt):
    """Add to sentiment what past returns feed: the log price over its exponential mean."""
    if asset["sentiment_return_weight"] != 0.0:
        now = math.log(asset["spot"])
        share = 1.0 - math.exp(-dt / asset["sentiment_return_seconds"])
        asset["sentiment_log_mean"] += share * (now - asset["sentiment_log_mean"])
        asset["sentiment"] += asset["sentiment_return_weight"] * (now - asset["sentiment_log_mean"])


@kernel
def check_spot_held(world, a):
    """End the run if the spot that traders hold of an asset leaves 64-bit units in value."""
    asset = asset_at(world, a)
    held = asset["borrow_lots"] - asset["outside_lots"]
    if held * asset["spot"] * asset["units_per_tick"] / asset["tick"] > LARGEST_NOTIONAL:
        end_with(world, SPOT_HELD_OUTSIDE, a)


@kernel
def spot_impact(asset):
    """Return the log price by which one unit of quote currency moves spot at once."""
    law = asset["displacement"]
    if displaces(law):
        return slope_at(law, asset["permanent_impact"], asset["spot"])
    return asset["permanent_impact"] + asset["transient_impact"]


@hot_kernel
def push_linearly(asset, programme, dt):
    """Return the log price after the linear impact of the last step's flow and a programme's."""
    flow = asset["flow"] + programme
    asset["permanent"] += asset["permanent_impact"] * (
        flow + asset["discovery"] * asset["perp_flow"]
    )
    asset["transient"] = (
        asset["transient"] * math.exp(-dt / asset["impact_seconds"])
        + asset["transient_impact"] * flow
    )
    return asset["exogenous"] + asset["permanent"] + asset["transient"]


@hot_kernel
def run_programme(asset, programme):
    """Add a programme's trade at the present price to the step's flow; makers take it."""
    law = asset["displacement"]
    flow = programme / over_reference(law, asset["spot"])
    paid = programme * trade_factor(law, flow, asset["permanent_impact"])
    makers_trade(asset["ledger"], flow, paid)
    add_flow(law, flow)


@hot_kernel
def displace(asset, programme, dt):
    """Return the log price after the displacement by the last step's flow, and its decay."""
    law, ledger = asset["displacement"], asset["ledger"]
    if programme != 0.0:
        run_programme(asset, programme)
    asset["permanent"] += asset["permanent_impact"] * take_flow(law)
    undisplaced = asset["exogenous"] + asset["permanent"]
    price = over_reference(law, math.exp(undisplaced + displacement_of(law)))
    relax(law, ledger, price, dt)
    hand_over(law, ledger, price, dt)
    return undisplaced + displacement_of(law)


@hot_kernel
def answer_price(asset, dt):
    """Let the depth of spot answer its price, under the law of displacement."""
    law, price = asset["displacement"], asset["spot"]
    if displaces(law):
        health = makers_health(asset["ledger"], over_reference(law, price))
        thin_out(law, math.log(price), health, dt)


@kernel
def move_spot(world, a):
    """Move the spot of an asset: exogenous path, then impact of the previous step's flow."""
    run, asset = run_row(world, 0), asset_at(world, a)
    drawn, dt = path_at(world, run["step"] - run["path_start"], a), run["dt"]
    asset["exogenous_move"] = drawn["log_price"] - asset["exogenous"]
    asset["exogenous"], asset["sentiment"] = drawn["log_price"], drawn["sentiment"]
    if displaces(asset["displacement"]):
        log_price = displace(asset, drawn["flow"], dt)
    else:
        log_price = push_linearly(asset, drawn["flow"], dt)
    asset["flow"], asset["perp_flow"] = 0.0, 0.0
    asset["spot"] = math.exp(log_price_within(world, a, log_price))
    answer_price(asset, dt)
    feed_sentiment(asset, dt)
    check_spot_held(world, a)
    interest = asset["spot"] * asset["borrow_rate"] * dt / YEAR_SECONDS
    asset["borrow_index"] += interest * asset["units_per_tick"] / asset["tick"]
