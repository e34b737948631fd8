"""Premium samples of a market.

Taken by the venue's law, averaged, and turned into the rate that is published.
"""

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.impact_price import average_price, book_mid
from perplab.sim.funding.rate import publish_predicted_rate
from perplab.sim.funding.skew import imbalance_rate
from perplab.sim.laws.averages import moved
from perplab.sim.laws.premium import (
    bounded_sample,
    impact_price,
    is_impact_premium,
    notional_of,
    premium_index,
    sample_by_impact,
    sample_by_price,
    takes_impact_prices,
)
from perplab.sim.laws.premium_average import add_weighted, is_weighted, update_average
from perplab.sim.laws.skew_funding import follows_skew
from perplab.sim.state.records import market_at, run_row, view_at


@hot_kernel
def take_impact_prices(world, m):
    """Publish the impact prices, count a thin sample, and return ``(bid, ask)`` as they enter the
    sample.
    """
    market, view = market_at(world, m), view_at(world, m)
    law = market["premium_law"]
    bid, thin_bid = average_price(world, m, 1, notional_of(law))
    ask, thin_ask = average_price(world, m, -1, notional_of(law))
    view["impact_bid"], view["impact_ask"] = bid, ask
    market["thin_samples"] += thin_bid or thin_ask
    index = view["index"]
    return impact_price(law, bid, thin_bid, index), impact_price(law, ask, thin_ask, index)


@entry("float64", 2, "float64")
def sample_by_law(world, m, elapsed):
    """Return a sample of a market whose law is not the common one, before limit and quantum."""
    market, view = market_at(world, m), view_at(world, m)
    if follows_skew(market["skew_law"]):
        return imbalance_rate(world, m, elapsed)
    law = market["premium_law"]
    if not takes_impact_prices(law):
        return sample_by_price(law, market["gap_state"], book_mid(world, m), view, elapsed)
    bid, ask = take_impact_prices(world, m)
    return sample_by_impact(law, bid, ask, view)


@kernel
def sample_premium(world, m):
    """Take one sample of the premium index; bring its average and the predicted rate up to date."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    elapsed = run["dt"] / run["premium_samples"]
    if is_impact_premium(market["premium_law"]):
        bid, ask = take_impact_prices(world, m)
        premium = premium_index(bid, ask, view["index"])
    else:
        premium = sample_by_law(world, m, elapsed)
    premium = bounded_sample(market["premium_law"], premium)
    market["premium_sums"]["samples"] += 1
    market["all_samples"] += 1
    view["premium"] = premium
    if is_weighted(market["average_law"]):
        view["average_premium"] = add_weighted(
            market["average_law"], market["premium_sums"], premium
        )
    else:
        average_by_law(world, m, premium, elapsed)
    view["seen"]["skew_rate"] = view["average_premium"]
    view["premium_30m"] = moved(view["premium_30m"], premium, run["weight_30m"])
    view["premium_90m"] = moved(view["premium_90m"], premium, run["weight_90m"])
    publish_predicted_rate(world, m)


@entry("none", 2, "float64", "float64")
def average_by_law(world, m, premium, elapsed):
    """Bring the average of a market up to date that is no weighted mean of samples."""
    market, view = market_at(world, m), view_at(world, m)
    view["average_premium"] = update_average(
        market["average_law"], market["premium_sums"], view["average_premium"], premium, elapsed
    )
