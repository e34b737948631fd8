"""The index price of a market."""

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.funding import clamp
from perplab.sim.laws.mark import decayed_average
from perplab.sim.prices.sources import price_of_sources
from perplab.sim.state.records import (
    BOOK,
    MOST_TICKS,
    ONE_SOURCE,
    asset_at,
    market_at,
    run_row,
    view_at,
)


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
    now = asset["spot"] if market["index_law"] == ONE_SOURCE else price_of_sources(world, m)
    index = decayed_average(view["index"], now, run["dt"], market["index_window"])
    view["index"] = clamp(index, market["tick"], MOST_TICKS * market["tick"])
    if market["venue_type"] != BOOK:
        quote_pool(world, m)
