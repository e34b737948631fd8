"""The sources of an index: each a spot price with a deviation of its own.

A source's deviation is drawn by the run's counter, so treatments of one seed share it; shocks of
the timeline move one source.
"""

import math

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.index import (
    deviation_step,
    has_outages,
    index_of_sources,
    is_out,
    source_count,
)
from perplab.sim.state.records import asset_at, draw_at, market_at, path_at, run_row
from perplab.sim.streams import INDEX_SOURCES, key_at, normal, uniform


@kernel
def move_sources(world, m):
    """Let each source of a market deviate from spot for another step."""
    run, market, rng = run_row(world, 0), market_at(world, m), draw_at(world, 0)
    law, state, dt = market["index_law"], market["sources"], run["dt"]
    spot, now = asset_at(world, market["asset"])["spot"], run["step"] * dt
    shift = path_at(world, run["step"] - run["path_start"], market["asset"])["source"]
    kept, fresh = deviation_step(law, dt)
    rng["key"], rng["draws"] = key_at(key_at(run["key"], INDEX_SOURCES + m), run["step"]), 0
    for k in range(source_count(law)):
        if fresh > 0.0:
            drawn = normal(rng)
            state["source_deviation"][k] = kept * state["source_deviation"][k] + fresh * drawn
        if has_outages(law):
            begins, length = uniform(rng), uniform(rng)
            if is_out(law, state, k, begins, length, now, dt):
                continue
        away = state["source_deviation"][k] + shift[k]
        state["source_price"][k] = spot * math.exp(away) if away != 0.0 else spot
        state["source_seconds"][k] = now


@entry("float64", 2)
def price_of_sources(world, m):
    """Return the index of a market with several sources before its lag, quote currency."""
    run, market = run_row(world, 0), market_at(world, m)
    move_sources(world, m)
    return index_of_sources(market["index_law"], market["sources"], run["step"] * run["dt"])
