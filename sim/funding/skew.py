"""The funding rate of a market whose law follows open interest."""

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.amm_fills import trader_skew
from perplab.sim.laws.skew_funding import skew_rate
from perplab.sim.state.records import market_at, view_at


@hot_kernel
def trader_interest(world, m):
    """Return the long and the short lots of traders, floats."""
    longs, skew = view_at(world, m)["open_interest"], trader_skew(world, m)
    both = longs - max(-skew, 0)
    return float(both), float(both - skew)


@entry("float64", 2, "float64")
def imbalance_rate(world, m, elapsed):
    """Return the rate after `elapsed` more seconds, and remember what carries over."""
    market = market_at(world, m)
    long_lots, short_lots = trader_interest(world, m)
    charged, market["skew_rate_carried"] = skew_rate(
        market["skew_law"],
        market["skew_rate_carried"],
        long_lots,
        short_lots,
        elapsed,
        market["lot"],
    )
    return charged
