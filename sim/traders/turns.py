"""Which traders act in a step, and in what order."""

import numpy as np

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.hints import fetch
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.rules import call_act
from perplab.sim.funding.premium_samples import sample_premium
from perplab.sim.state.codes import NO_FAULT, RULE_RAISED
from perplab.sim.state.records import (
    account_at,
    awake,
    awake_at,
    awake_key_at,
    draw_at,
    fast,
    fast_at,
    holding_at,
    kind_at,
    markets,
    order_at,
    position_at,
    put_awake_key,
    run_row,
    trader_at,
)
from perplab.sim.streams import (
    DECISION,
    ORDER_OF_TURNS,
    ORDER_OF_WAKES,
    SAMPLE_TIMES,
    below,
    below_at,
    key_at,
)
from perplab.sim.traders.wakes import add_to_wheel, draw_wake

AHEAD, FEW = 6, 2_000
"""How many traders ahead to prefetch; number of traders whose rows the cache holds anyway."""
_PHASE = np.uint64(40)


@kernel
def act(world, i, key):
    """Let trader i see the market and act, with draws from the stream `key`."""
    run = run_row(world, 0)
    if call_act(kind_at(world, trader_at(world, i)["kind"])["act_at"], world, i, key) < 0:
        run["fault"], run["fault_trader"] = RULE_RAISED, i


@kernel
def shuffle(world, list_, count, number):
    """Shuffle the first `count` of a list in place (Fisher and Yates).

    The draws are those of sub-stream `number` of the run's key.
    """
    key = key_at(run_row(world, 0)["key"], number)
    for k in range(count - 1, 0, -1):
        other = np.uint64(below_at(key, count - k, k + 1))
        list_[k], list_[other] = list_[other], list_[k]


@entry("none", 3)
def act_fast(world, number, every):
    """Let the fast class act in random order: those due at this step, or all of it if `every` is 1.

    `number` is the `perplab.sim.streams.occasion` to draw for: the step, or a liquidation round.
    """
    step = run_row(world, 0)["step"]
    shuffle(world, fast(world), fast(world).shape[0], ORDER_OF_TURNS + number)
    for k in range(fast(world).shape[0]):
        i = fast_at(world, k)
        period, phase = trader_at(world, i)["fast"], np.int64(trader_at(world, i)["key"] >> _PHASE)
        if (every == 1 or (step + phase) % period == 0) and run_row(world, 0)["fault"] == NO_FAULT:
            act(world, i, key_at(trader_at(world, i)["key"], DECISION + number))


@entry("none", 1)
def sample_all(world):
    """Take one premium sample in every market."""
    for m in range(markets(world).shape[0]):
        sample_premium(world, m)


@hot_kernel
def fetch_trader(world, i):
    """Prefetch the rows of a trader that acts soon."""
    fetch(trader_at(world, i))
    fetch(account_at(world, i, 0))
    fetch(holding_at(world, i, 0))
    fetch(position_at(world, i, 0))


@hot_kernel
def fetch_orders(world, i):
    """Prefetch the order slots of a trader that acts next; its own row is in the cache already."""
    trader = trader_at(world, i)
    if trader["slots"] > 0:
        fetch(order_at(world, trader["first_slot"]))
        fetch(order_at(world, trader["first_slot"] + min(trader["slots"], 3) - 1))


@kernel
def sample_in_gap(world, key, gap, gaps):
    """Take the premium samples that fall into a gap between two decisions.

    Return the next gap with a sample, `gaps` if there is none. Each call draws the gaps of all
    samples of the step again, from the stream `key`, so no list of them is stored.
    """
    rng, following = draw_at(world, 0), gaps
    rng["key"], rng["draws"] = key, 0
    for _ in range(run_row(world, 0)["premium_samples"]):
        drawn = below(rng, gaps)
        if drawn == gap:
            sample_all(world)
        elif drawn > gap:
            following = min(following, drawn)
    return following


@hot_kernel
def act_some(world, first, end, count):
    """Let the traders `first` to ``end - 1`` of the `count` awake act."""
    run = run_row(world, 0)
    ahead = AHEAD if run["traders"] > FEW else count
    for k in range(first, end):
        if k + ahead < count:
            fetch_trader(world, awake_at(world, k + AHEAD))
            fetch_orders(world, awake_at(world, k + AHEAD // 2))
        if run["fault"] == NO_FAULT:
            act(world, awake_at(world, k), awake_key_at(world, k))


@kernel
def act_awake(world, count):
    """Let the awake act in random order; sample the premium in random gaps between them.

    Nothing more is done after a fault: what the trader saw stays as it was, for `run_faults`.
    """
    run = run_row(world, 0)
    step = run["step"]
    shuffle(world, awake(world), count, ORDER_OF_WAKES + step)
    for k in range(count):
        i = awake_at(world, k)
        put_awake_key(world, k, key_at(trader_at(world, i)["key"], DECISION + step))
        draw_wake(world, i, step)
    for k in range(count):
        add_to_wheel(world, awake_at(world, k), step)
    sample_key = key_at(run["key"], SAMPLE_TIMES + step)
    sampled_at = sample_in_gap(world, sample_key, -1, count + 1)
    done = 0
    while sampled_at <= count and run["fault"] == NO_FAULT:
        act_some(world, done, sampled_at, count)
        done, sampled_at = sampled_at, sample_in_gap(world, sample_key, sampled_at, count + 1)
    act_some(world, done, count, count)
