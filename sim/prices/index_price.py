"""The index price of a market."""

from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.amm_fills import quote_pool
from perplab.sim.laws.amm import is_pool
from perplab.sim.laws.averages import clamp
from perplab.sim.laws.index import has_sources, lagged_index
from perplab.sim.prices.sources import price_of_sources
from perplab.sim.state.codes import MOST_TICKS
from perplab.sim.state.records import asset_at, market_at, run_row, view_at


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
    law = market["index_law"]
    now = price_of_sources(world, m) if has_sources(law) else asset["spot"]
    index = lagged_index(law, view["index"], now, run["dt"])
    view["index"] = clamp(index, market["tick"], MOST_TICKS * market["tick"])
    if is_pool(market["amm_law"]):
        quote_pool(world, m)
