"""Kernels through which tests look into compiled code.

They are in their own module because the compiler's cache remembers the name under which a module
was imported, and that of a test file depends on pytest's import mode.
"""

import numpy as np

from perplab.sim.clearing.maintenance import account_health
from perplab.sim.compiler.hints import highest_bit, lowest_bit
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.book import cancel_expired
from perplab.sim.exchange.level_bitmap import next_price
from perplab.sim.exchange.orders import submit
from perplab.sim.exchange.spot_orders import trade_in_spot
from perplab.sim.funding.premium_samples import sample_premium
from perplab.sim.funding.settlement import accrue, settle
from perplab.sim.risk.fund_unwinding import deleverage_fund
from perplab.sim.risk.liquidation import liquidation_round
from perplab.sim.risk.liquidation_orders import limit_tick, order_lots
from perplab.sim.risk.loss_sharing import share_loss
from perplab.sim.risk.pool_adl import run_pool_adl
from perplab.sim.risk.screening import below_maintenance, find_liquidatable
from perplab.sim.state.records import order_rows, orders, positions, run_row, view_at
from perplab.sim.streams import below, exponential, key_at, mix, normal, uniform


@kernel
def drive(world, senders, messages, outcomes, bests):
    """Submit a sequence of messages; a sender of -1 lets a step go by, in which orders expire."""
    run = run_row(world, 0)
    for k in range(senders.shape[0]):
        if senders[k] >= 0:
            order_rows(world)[0] = messages[k]
            outcomes[k] = submit(world, senders[k], 0)
        else:
            run["step"] += 1
            if run["next_expiry_step"] <= run["step"]:
                cancel_expired(world)
        bests[k, 0], bests[k, 1] = view_at(world, 0)["best_bid"], view_at(world, 0)["best_ask"]


@kernel
def finish(world):
    """End the trading of a step."""
    trade_in_spot(world)


@kernel
def one_round(world, v, round_index):
    """Run a liquidation round."""
    return liquidation_round(world, v, round_index)


@kernel
def deleverage_once(world, v):
    """Close the fund's positions if its equity is below zero."""
    deleverage_fund(world, v)


@kernel
def settle_at(world, m, seconds):
    """Settle funding."""
    settle(world, m, seconds)


@kernel
def accrue_at(world, m):
    """Charge a step's share of continuous funding."""
    accrue(world, m)


@kernel
def share_of_loss(world, m, units):
    """Let the open positions share a loss."""
    return share_loss(world, m, units)


@kernel
def asked(world, i, m, found):
    """Set found to the lots and the limit of the next liquidation order of a position."""
    health = account_health(world, i, m)
    found[1] = limit_tick(world, i, m, health)
    found[0] = order_lots(world, i, m, health)


@kernel
def look(world, v):
    """Set the safe intervals of a venue anew."""
    find_liquidatable(world, v)


@kernel
def one_sample(world, m):
    """Take one premium sample."""
    sample_premium(world, m)


@kernel
def find_below(world, found):
    """Set found[i, m] for each position that is below maintenance."""
    for i in range(found.shape[0]):
        for m in range(found.shape[1]):
            found[i, m] = below_maintenance(world, i, m)


@kernel
def nearest(world, tick, found):
    """Set found to the occupied ticks at or below, and at or above, a tick."""
    found[0], found[1] = next_price(world, 0, 1, tick), next_price(world, 0, -1, tick)


@kernel
def draw_many(rng, out, which):
    """Fill out with draws: 0 uniform, 1 exponential, 2 normal, else integers below `which`."""
    for k in range(out.shape[0]):
        if which == 0:
            out[k] = uniform(rng)
        elif which == 1:
            out[k] = exponential(rng)
        elif which == 2:
            out[k] = normal(rng)
        else:
            out[k] = below(rng, which)


@kernel
def key_chain(key, numbers, out):
    """Fill out with the keys of sub-streams, and the mixed words themselves."""
    for k in range(numbers.shape[0]):
        out[k, 0], out[k, 1] = key_at(key, numbers[k]), mix(np.uint64(numbers[k]))


@kernel
def sum_and_slice(values, rows):
    """Take slices and rows of arrays, as kernels do, and sum them."""
    total, half = 0.0, values[: values.shape[0] // 2]
    for k in range(half.shape[0]):
        total += half[k]
    for k in range(rows.shape[0]):
        row = rows[k]
        total += row["lots"]
    return total


@kernel
def table_slices(world):
    """Sum over slices of tables."""
    total = 0
    for i in range(positions(world).shape[0]):
        total += positions(world)[i].shape[0] + orders(world)[0:2].shape[0]
    return total


@kernel
def bits(words, out):
    """Fill out with the places of the lowest and highest set bits."""
    for k in range(words.shape[0]):
        out[k, 0], out[k, 1] = lowest_bit(words[k]), highest_bit(words[k])


@kernel
def pool_adl(world, v):
    """Run pool ADL at a venue."""
    run_pool_adl(world, v)
