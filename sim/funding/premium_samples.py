"""Premium samples of a market: taken by the venue's law, averaged, and turned into the rate that is published.

Laws, with the average prices IB and IA of selling and buying the impact notional, the index I and the mark M:

========================  ==================================================================================
``impact``                (max(0, IB - I) - max(0, I - IA)) / I; what a thin book lacks is priced at the index
``impact_plus_pending``   the same against M, as a fraction of I, plus the rate in force, which M contains
``impact_or_zero``        as ``impact``, but a side thinner than the notional gives 0
``impact_mean``           (IB + IA) / (2 I) - 1
``mid``                   mid / I - 1
``mark``                  M / I - 1
``average_gap``           decaying average of the mid over that of the index, - 1
``open_interest`` ...     rates that follow open interest, by `perplab.sim.funding.skew`; traders see them as an interest
                          that does not move with the premium
========================  ==================================================================================

References: `sim/rulebooks` name the venues' documents.
"""

import math

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.impact_price import average_price, book_mid
from perplab.sim.funding.rate import publish_predicted_rate
from perplab.sim.funding.skew import imbalance_rate
from perplab.sim.laws.funding import clamp
from perplab.sim.laws.mark import decayed_average, moved
from perplab.sim.laws.premium import (
    median_of_votes,
    premium_index,
    sample_weight,
    trimmed_mean,
    truncated,
)
from perplab.sim.state.records import (
    AVERAGE_GAP,
    IMPACT,
    IMPACT_MEAN,
    IMPACT_OR_ZERO,
    IMPACT_PLUS_PENDING,
    LAST_SAMPLE,
    LINEAR_RAMP,
    MARK_PREMIUM,
    MID_PREMIUM,
    OPEN_INTEREST,
    RECURSIVE,
    VOTES,
    market_at,
    run_row,
    view_at,
)

MINUTE = 60.0


@hot_kernel
def take_impact_prices(world, m):
    """Publish the impact prices, count a thin sample, and return ``(bid, ask)``; the index where the law wants 0 of a thin side."""
    market, view = market_at(world, m), view_at(world, m)
    bid, thin_bid = average_price(world, m, 1, market["impact_notional"])
    ask, thin_ask = average_price(world, m, -1, market["impact_notional"])
    view["impact_bid"], view["impact_ask"] = bid, ask
    market["thin_samples"] += thin_bid or thin_ask
    if market["premium_law"] == IMPACT_OR_ZERO:
        return (view["index"] if thin_bid else bid), (view["index"] if thin_ask else ask)
    return bid, ask


@entry("float64", 2, "float64")
def sample_by_law(world, m, elapsed):
    """Return a sample of a market whose law is not ``impact``, before its limit and quantum."""
    market, view = market_at(world, m), view_at(world, m)
    law, index, mid = market["premium_law"], view["index"], book_mid(world, m)
    if law >= OPEN_INTEREST:
        rate = imbalance_rate(world, m, elapsed)
        view["interest"], view["damper"] = rate * market["divisor"], math.inf
        return rate
    if law == MARK_PREMIUM:
        return view["mark"] / index - 1.0
    if law == AVERAGE_GAP:
        market["mid_average"] = decayed_average(
            market["mid_average"], mid if mid > 0.0 else index, elapsed, market["premium_window"]
        )
        market["index_average"] = decayed_average(
            market["index_average"], index, elapsed, market["premium_window"]
        )
        return market["mid_average"] / market["index_average"] - 1.0
    if law == MID_PREMIUM:
        return mid / index - 1.0 if mid > 0.0 else 0.0
    bid, ask = take_impact_prices(world, m)
    if law == IMPACT_MEAN:
        return 0.5 * (bid + ask) / index - 1.0
    if law == IMPACT_PLUS_PENDING:
        return premium_index(bid, ask, view["mark"]) * view["mark"] / index + view["funding_rate"]
    return premium_index(bid, ask, index)


@kernel
def sample_premium(world, m):
    """Take one sample of the premium index and bring the running average and the predicted rate up to date."""
    run, market, view = run_row(world, 0), market_at(world, m), view_at(world, m)
    elapsed = run["dt"] / run["premium_samples"]
    if market["premium_law"] == IMPACT:
        bid, ask = take_impact_prices(world, m)
        premium = premium_index(bid, ask, view["index"])
    else:
        premium = sample_by_law(world, m, elapsed)
    premium = truncated(
        clamp(premium, -market["premium_limit"], market["premium_limit"]), market["premium_quantum"]
    )
    market["samples"] += 1
    market["all_samples"] += 1
    view["premium"] = premium
    if market["premium_average"] <= LINEAR_RAMP:
        weight = sample_weight(market["samples"], market["premium_average"])
        market["premium_sum"] += weight * premium
        market["weight_sum"] += weight
        view["average_premium"] = market["premium_sum"] / market["weight_sum"]
    else:
        average_by_law(world, m, premium, elapsed)
    view["premium_30m"] = moved(view["premium_30m"], premium, run["weight_30m"])
    view["premium_90m"] = moved(view["premium_90m"], premium, run["weight_90m"])
    publish_predicted_rate(world, m)


@kernel
def add_minute(market, sample):
    """Add a minute's sample to the sum of the interval; where tails are cut, let the sum be as many times the mean of what stays."""
    market["weight_sum"] += 1.0
    if market["trim"] == 0.0:
        market["premium_sum"] += sample
        return
    count = min(int(market["weight_sum"]), VOTES)
    market["minutes"][count - 1] = sample
    market["premium_sum"] = market["weight_sum"] * trimmed_mean(
        market["minutes"], count, market["trim"]
    )


@entry("none", 2, "float64", "float64")
def average_by_law(world, m, premium, elapsed):
    """Bring the average of a market up to date that is neither simple nor a ramp."""
    market, view = market_at(world, m), view_at(world, m)
    if market["premium_average"] == RECURSIVE:
        view["average_premium"] = decayed_average(
            view["average_premium"], premium, elapsed, market["premium_window"]
        )
    elif market["premium_average"] == LAST_SAMPLE:
        view["average_premium"] = premium
    else:
        market["votes"][min(market["vote_count"], VOTES - 1)] = premium
        market["vote_count"] = min(market["vote_count"] + 1, VOTES)
        market["vote_seconds"] += elapsed
        if market["vote_seconds"] > MINUTE - 1e-6:
            add_minute(
                market,
                median_of_votes(
                    market["votes"],
                    market["vote_count"],
                    market["minimum_votes"],
                    market["premium_quantum"],
                ),
            )
            market["vote_count"], market["vote_seconds"] = 0, 0.0
            view["average_premium"] = truncated(
                market["premium_sum"] / market["weight_sum"], market["premium_quantum"]
            )
