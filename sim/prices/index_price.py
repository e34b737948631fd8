"""The index price of a market."""

import math

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.amm import is_pool
from perplab.sim.laws.averages import clamp
from perplab.sim.laws.index import has_sources, lagged_index
from perplab.sim.prices.sources import price_of_sources
from perplab.sim.spot.move import spot_impact
from perplab.sim.state.codes import MOST_TICKS
from perplab.sim.state.records import asset_at, draw_at, market_at, run_row, view_at
from perplab.sim.streams import LAST_SECOND, key_at, normal


@kernel
def last_second(world, view, a):
    """Return the exogenous log move of spot in the last second of the step: a Brownian bridge.

    Given the move of the step, the second's is normal, by the public volatility. A shorter step is
    all of it. Trades of the step before are seen at once.
    """
    run, rng = run_row(world, 0), draw_at(world, 0)
    move, share = asset_at(world, a)["exogenous_move"], min(1.0 / run["dt"], 1.0)
    if share == 1.0:
        return move
    rng["key"], rng["draws"] = key_at(key_at(run["key"], LAST_SECOND + a), run["step"]), 0
    return share * move + view["seen"]["volatility"] * math.sqrt(1.0 - share) * normal(rng)


@kernel
def update_index(world, m):
    """Set index and spot of a market's view from its asset; the index lags by its window."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    asset = asset_at(world, market["asset"])
    view["spot"], view["sentiment"], view["borrow_rate"] = (
        asset["spot"],
        asset["sentiment"],
        asset["borrow_rate"],
    )
    view["spot_impact"], view["spot_moved"], view["spot_waiting"] = spot_impact(asset), 0.0, 0.0
    view["last_second"] = last_second(world, view, market["asset"])
    law = market["index_law"]
    now = price_of_sources(world, m) if has_sources(law) else asset["spot"]
    index = lagged_index(law, view["index"], now, run["dt"])
    view["index"] = clamp(index, market["tick"], MOST_TICKS * market["tick"])
    if is_pool(market["amm_law"]):
        quote_pool(world, m)
