"""A parent order: a fixed amount traded evenly over time (TWAP). A probe, not a belief.

Belief
    None. It is the treatment of an experiment: it is the only difference between twin runs that
    share every random number, so the difference of their prices is the response to a known order.
Orders
    From start_hours on, at every wake, the market order that brings its position to schedule: the
    lots that size_usd (negative sells) was worth at the mark of its first wake, times the share of
    ``work_seconds`` that has passed. What is missing after twice that time is given up; the
    position is then held. By default it never starts.
Literature
    Bouchaud, Bonart, Donier and Gould (2018), "Trades, Quotes and Prices", on parent orders and the
    decay of impact.
"""

from perplab.agents.orders import (
    lots_of,
    whole,
    write_market,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits

HOUR = 3_600.0

TRAITS = Traits(
    wake_seconds=Trait(60, "s", "mean time between orders", low=0),
    start_hours=Trait(float("inf"), "h", "start, from the start of the run", low=0),
    work_seconds=Trait(3_600, "s", "time over which it trades", low=1),
    size_usd=Trait(-1_000_000, "quote currency", "total amount traded; negative sells"),
    capital_usd=Trait(50_000_000, "quote currency", "initial wealth", low=0),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={"target_lots": 0.0},
)


@rule(TRAITS)
def work(me, accounts, positions, views, mine, rng, orders):
    """Catch up with the schedule."""
    market = int(me["market"])
    view = views[market]
    passed = (view["seconds"] - me["start_hours"] * HOUR) / me["work_seconds"]
    if not 0.0 < passed < 2.0:
        return 0
    if me["target_lots"] == 0.0:
        me["target_lots"] = lots_of(view, abs(me["size_usd"]))
    side = 1 if me["size_usd"] > 0.0 else -1
    lacking = whole(me["target_lots"] * min(passed, 1.0)) - side * positions[market]["lots"]
    return write_market(orders, 0, market, side, lacking, 0) if lacking > 0 else 0


class ParentOrder(Trader):
    """A fixed order worked over time (see the module)."""

    kind, traits, decide, slots = "parent_order", TRAITS, work, 0
