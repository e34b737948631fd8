"""Crypto.com: a loss shared by the winners in proportion to their profit."""

from tests.markets import USD, World, round_rules
from tests.probes import share_of_loss


def shared(loss, profits):
    """Give traders long positions with the profits of the table, and socialise a loss."""
    world, names = (
        World(round_rules("deribit", contract__tick=1.0), traders=len(profits) + 1),
        list(profits),
    )
    other = len(profits)
    world.own(other, 1e9)
    for i, name in enumerate(names):
        world.own(i, 1e8)
        world.trade(i, other, profits[name] // 10)
    world.mark(21_000.0)
    before = [world.collateral_usd(i) for i in range(len(names))]
    assert abs(int(world.call(share_of_loss, 0, loss * USD)) - loss * USD) < len(names)
    return {"share": {name: before[i] - world.collateral_usd(i) for i, name in enumerate(names)}}


ADAPTERS = {"socialised_loss": shared}
