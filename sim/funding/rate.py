"""The funding rate in force and the predicted rate."""

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.funding import funding_rate, limited
from perplab.sim.laws.premium_average import interval_average
from perplab.sim.state.records import market_at, venue_at, view_at


@hot_kernel
def average_premium(world, m):
    """Return the average premium of the running interval; 0 where there was no sample."""
    market = market_at(world, m)
    return interval_average(
        market["average_law"], market["premium_sums"], view_at(world, m)["average_premium"]
    )


@hot_kernel
def rate_in_force(world, m, average, share):
    """Return the rate of an average premium, within `share` of the step limit."""
    law, view = market_at(world, m)["funding_law"], view_at(world, m)
    return limited(law, view["funding_rate"], funding_rate(law, average, view["seen"]), share)


@kernel
def publish_predicted_rate(world, m):
    """Publish the rate that the next settlement would charge as things stand.

    The one in force if the venue hides it.
    """
    market, view = market_at(world, m), view_at(world, m)
    view["predicted_funding"] = view["funding_rate"]
    hidden = venue_at(world, market["venue"])["hide_prediction"] == 1
    if not hidden and market["funding_on"] == 1 and market["lag"] == 0:
        view["predicted_funding"] = rate_in_force(world, m, view["average_premium"], 1.0)
