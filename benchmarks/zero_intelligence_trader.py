"""The zero-intelligence trader as a kind of perplab, for (b)."""

import math

from benchmarks.zero_intelligence import ACTING_SHARE, MOST_LOTS, REACH_TICKS, SLOTS
from perplab.agents.trader import (
    Trader,
    Trait,
    Traits,
    rule,
    write_cancel,
    write_limit,
    write_market,
)
from perplab.sim.streams import below, uniform

STEP_SECONDS = 1.0
TRAITS = Traits(
    wake_seconds=Trait(
        -STEP_SECONDS / math.log(1.0 - ACTING_SHARE),
        "s",
        "such that it wakes each step with probability .1",
        low=0,
    ),
    capital_usd=Trait(
        1_000_000, "quote currency", "money at the start, far more than it needs", low=0
    ),
)


@rule(TRAITS)
def act_at_random(me, accounts, positions, views, mine, rng, orders):
    """Send one message, as README.md defines."""
    quarter, side = below(rng, 4), 1 if uniform(rng) < 0.5 else -1
    if quarter == 3:
        return write_market(orders, 0, 0, side, 1 + below(rng, MOST_LOTS), 0)
    slot = below(rng, SLOTS)
    if quarter == 2:
        for step in range(SLOTS):
            if mine[(slot + step) % SLOTS]["lots"] > 0:
                return write_cancel(orders, 0, 0, (slot + step) % SLOTS)
    view = views[0]
    opposite = view["best_ask"] if side > 0 else view["best_bid"]
    if opposite == 0:
        opposite = int(view["index"] / view["tick"])
    tick = opposite - side * (1 + below(rng, REACH_TICKS))
    return write_limit(orders, 0, 0, slot, side, tick, 1 + below(rng, MOST_LOTS), 0, 0.0)


class ZeroIntelligence(Trader):
    """A trader that draws its messages."""

    kind, traits, decide, slots = "zero_intelligence", TRAITS, act_at_random, SLOTS
    trusted = True
