"""When traders wake: exponential times on a timer wheel."""

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.records import (
    draw_at,
    put_awake,
    put_timer_wheel,
    put_wake_next,
    put_wake_step,
    run_row,
    timer_wheel,
    timer_wheel_at,
    trader_at,
    wake_next_at,
    wake_step_at,
)
from perplab.sim.streams import WAITING_TIME, exponential, key_at

LONGEST_WAIT = 2.0**61  # steps


@hot_kernel
def draw_wake(world, i, step):
    """Draw the step of the trader's next wake: an exponential time after `step`, in whole steps.

    It is `step` itself for a trader that never wakes.
    """
    run, trader, rng, due = run_row(world, 0), trader_at(world, i), draw_at(world, 0), step
    if 0.0 < trader["wake_seconds"] < 1e15:
        rng["key"], rng["draws"] = key_at(trader["key"], WAITING_TIME + step), 0
        waiting = exponential(rng) * trader["wake_seconds"] / run["dt"]
        due += 1 + np.int64(min(waiting, LONGEST_WAIT))
    put_wake_step(world, i, due)


@hot_kernel
def add_to_wheel(world, i, step):
    """Put trader i at the head of its bucket's list if it wakes after `step`."""
    bucket = wake_step_at(world, i) & (timer_wheel(world).shape[0] - 1)
    if wake_step_at(world, i) > step:
        put_wake_next(world, i, timer_wheel_at(world, bucket))
        put_timer_wheel(world, bucket, i)


@kernel
def schedule(world, i, step):
    """Put the trader's next wake after `step` on the wheel."""
    draw_wake(world, i, step)
    add_to_wheel(world, i, step)


@kernel
def wake(world):
    """Move the traders due at this step from the wheel to the list of awake; return how many."""
    step, count = run_row(world, 0)["step"], 0
    bucket = step & (timer_wheel(world).shape[0] - 1)
    i = timer_wheel_at(world, bucket)
    put_timer_wheel(world, bucket, -1)
    while i >= 0:
        following = wake_next_at(world, i)
        if wake_step_at(world, i) <= step:
            put_awake(world, count, i)
            count += 1
        else:
            add_to_wheel(world, i, step)
        i = following
    return count


@kernel
def schedule_all(world):
    """Put the first wake of each trader on the wheel, except the fast class."""
    for i in range(run_row(world, 0)["traders"]):
        if trader_at(world, i)["fast"] == 0:
            schedule(world, i, -1)


@kernel
def remove_from_wheel(world, i):
    """Take trader i off the wheel if it is there."""
    bucket = wake_step_at(world, i) & (timer_wheel(world).shape[0] - 1)
    before, here = -1, timer_wheel_at(world, bucket)
    while here >= 0 and here != i:
        before, here = here, wake_next_at(world, here)
    if here != i:
        return
    if before < 0:
        put_timer_wheel(world, bucket, wake_next_at(world, i))
    else:
        put_wake_next(world, before, wake_next_at(world, i))


@kernel
def change_wait(world, i, seconds):
    """Give a trader that acts another mean waiting time; its next wait changes in proportion.

    The waiting time is that of the same draw. The fast class has turns instead.
    """
    trader = trader_at(world, i)
    if seconds != trader["wake_seconds"] and trader["fast"] == 0:
        remove_from_wheel(world, i)
        trader["wake_seconds"] = seconds
        schedule(world, i, run_row(world, 0)["step"])


@kernel
def reschedule(world, i):
    """Redraw the trader's next wake; exponential waiting times have no memory."""
    remove_from_wheel(world, i)
    if trader_at(world, i)["fast"] == 0:
        schedule(world, i, run_row(world, 0)["step"] - 1)
