"""The funding rate in force and the predicted rate."""

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.funding import funding_rate, limited
from perplab.sim.laws.premium import truncated
from perplab.sim.state.records import MEDIAN_OF_VOTES, market_at, venue_at, view_at


@hot_kernel
def average_premium(world, m):
    """Return the average premium of the running interval; 0 where there was no sample."""
    market, view = market_at(world, m), view_at(world, m)
    if market["premium_average"] > MEDIAN_OF_VOTES:
        return view["average_premium"]
    if market["weight_sum"] <= 0.0:
        return 0.0
    average = market["premium_sum"] / market["weight_sum"]
    return (
        truncated(average, market["premium_quantum"])
        if market["premium_average"] == MEDIAN_OF_VOTES
        else average
    )


@hot_kernel
def rate_in_force(world, m, average, step_limit):
    """Return the funding rate that an average premium gives, no further than `step_limit` from the rate in force."""
    market, before = market_at(world, m), view_at(world, m)["funding_rate"]
    rate = funding_rate(
        average,
        market["interest"],
        market["damper"],
        market["damper_mode"],
        market["cap"],
        market["divisor"],
    )
    return limited(before, max(rate, market["floor"]), step_limit)


@kernel
def publish_predicted_rate(world, m):
    """Publish the rate that the next settlement would charge as things stand; the one in force if the venue hides it."""
    market, view = market_at(world, m), view_at(world, m)
    view["predicted_funding"] = view["funding_rate"]
    if (
        venue_at(world, market["venue"])["hide_prediction"] == 0
        and market["funding_on"] == 1
        and market["lag"] == 0
    ):
        view["predicted_funding"] = rate_in_force(
            world, m, view["average_premium"], market["step_limit"]
        )
