"""One step of the market, in the order of the house: spot, trading, premium, settlement, mark and risk, record.

`advance` runs a number of steps; it stops early when a rule breaks its contract (``run["fault"]``). Buffers of events are
emptied, and the next block of the spot path is drawn, between calls.
"""

import math

import numpy as np

from perplab.sim.exchange.book import cancel_expired
from perplab.sim.compiler.jit import call_act, entry, fetch, hot_kernel, kernel
from perplab.sim.risk.liquidation import liquidation_round, unwind_fund
from perplab.sim.risk.loss_sharing import note_peak
from perplab.sim.series import record_kinds, record_markets
from perplab.sim.state.records import (
    LEAST_TICKS,
    MOST_TICKS,
    NO_FAULT,
    PRICE_OUTSIDE,
    RULE_RAISED,
    account_at,
    asset_at,
    assets,
    awake,
    awake_at,
    awake_key_at,
    draw_at,
    events,
    fast,
    fast_at,
    holding_at,
    kind_at,
    kind_series,
    market_at,
    markets,
    order_at,
    path_at,
    position_at,
    prints,
    put_awake,
    put_awake_key,
    put_wake_next,
    put_wake_step,
    put_wheel,
    run_row,
    series,
    settlements,
    trader_at,
    venue_at,
    venues,
    view_at,
    wake_next_at,
    wake_step_at,
    wheel,
    wheel_at,
)
from perplab.sim.funding.premium_samples import sample_premium
from perplab.sim.funding.settlement import accrue, settle
from perplab.sim.streams import below, below_at, exponential, key_at
from perplab.sim.prices.mark_price import recentre, update_index, update_mark, update_public_averages
from perplab.sim.risk.pool_adl import close_winners

YEAR_SECONDS = 31_536_000.0
LOG_RANGE = math.log(MOST_TICKS / LEAST_TICKS)
AHEAD, FEW = 6, 2_000     # traders to look ahead; how many of them the processor's cache holds by itself
WAKE, ORDER_OF_ACTION, FIRST_ROUND = 1 << 40, 1 << 41, 1 << 42
_PHASE = np.uint64(40)


@kernel
def log_price_within(world, a, log_price):
    """Return a log price of asset a; outside what its markets' ticks can hold the run ends, and the nearest price that they can stands in."""
    nearest = log_price
    for m in range(markets(world).shape[0]):
        if market_at(world, m)["asset"] == a:
            lowest = math.log(LEAST_TICKS * market_at(world, m)["tick"])
            nearest = max(lowest, min(nearest, lowest + LOG_RANGE))
    if nearest != log_price:
        run_row(world, 0)["fault"], run_row(world, 0)["fault_row"] = PRICE_OUTSIDE, a
    return nearest


@kernel
def move_spot(world, a):
    """Move the spot of an asset: its exogenous path, then the impact of the flow of the step before."""
    run, asset = run_row(world, 0), asset_at(world, a)
    drawn = path_at(world, run["step"] - run["path_start"], a)
    flow, dt = asset["flow"] + drawn["flow"], run["dt"]
    asset["exogenous"], asset["sentiment"] = drawn["log_price"], drawn["sentiment"]
    asset["permanent"] += asset["permanent_impact"] * (flow + asset["discovery"] * asset["perp_flow"])
    asset["transient"] = asset["transient"] * math.exp(-dt / asset["impact_seconds"]) + asset["transient_impact"] * flow
    asset["flow"], asset["perp_flow"] = 0.0, 0.0
    asset["spot"] = math.exp(log_price_within(world, a, asset["exogenous"] + asset["permanent"] + asset["transient"]))
    asset["borrow_index"] += asset["spot"] * asset["borrow_rate"] * dt / YEAR_SECONDS * asset["units_per_tick"] / asset["tick"]


@kernel
def act(world, i, key):
    """Let trader i see the market and act, drawing from the stream `key`."""
    run = run_row(world, 0)
    if call_act(kind_at(world, trader_at(world, i)["kind"])["act_at"], world, i, key) < 0:
        run["fault"], run["fault_trader"] = RULE_RAISED, i


@hot_kernel
def draw_wake(world, i, step):
    """Draw the trader's next wake after `step`: an exponential time in whole steps; for one that never wakes, `step` itself."""
    run, trader, rng, due = run_row(world, 0), trader_at(world, i), draw_at(world, 0), step
    if 0.0 < trader["wake_seconds"] < 1e15:
        rng["key"], rng["draws"] = key_at(trader["key"], WAKE + step), 0
        due += 1 + np.int64(exponential(rng) * trader["wake_seconds"] / run["dt"])
    put_wake_step(world, i, due)


@hot_kernel
def put_on_wheel(world, i, step):
    """Put trader i at the head of its bucket's list, if it wakes after `step`."""
    bucket = wake_step_at(world, i) & (wheel(world).shape[0] - 1)
    if wake_step_at(world, i) > step:
        put_wake_next(world, i, wheel_at(world, bucket))
        put_wheel(world, bucket, i)


@kernel
def schedule(world, i, step):
    """Put the trader's next wake after `step` on the wheel."""
    draw_wake(world, i, step)
    put_on_wheel(world, i, step)


@kernel
def wake(world):
    """Take the traders whose time has come off the wheel into the list of the awake; return their number."""
    step, count = run_row(world, 0)["step"], 0
    bucket = step & (wheel(world).shape[0] - 1)
    i = wheel_at(world, bucket)
    put_wheel(world, bucket, -1)
    while i >= 0:
        following = wake_next_at(world, i)
        if wake_step_at(world, i) <= step:
            put_awake(world, count, i)
            count += 1
        else:
            put_on_wheel(world, i, step)
        i = following
    return count


@kernel
def shuffle(world, list_, count, occasion):
    """Shuffle the first `count` of a list in place (Fisher and Yates), by the run's own draws."""
    key = key_at(run_row(world, 0)["key"], occasion)
    for k in range(count - 1, 0, -1):
        other = np.uint64(below_at(key, count - k, k + 1))
        list_[k], list_[other] = list_[other], list_[k]


@entry("none", 3)
def act_fast(world, occasion, every):
    """Let the fast class act in random order: those due at this step, or all of them (`every`) between rounds."""
    step = run_row(world, 0)["step"]
    shuffle(world, fast(world), fast(world).shape[0], ORDER_OF_ACTION + occasion)
    for k in range(fast(world).shape[0]):
        i = fast_at(world, k)
        period, phase = trader_at(world, i)["fast"], np.int64(trader_at(world, i)["key"] >> _PHASE)
        if (every == 1 or (step + phase) % period == 0) and run_row(world, 0)["fault"] == NO_FAULT:
            act(world, i, key_at(trader_at(world, i)["key"], occasion))


@entry("none", 1)
def sample_all(world):
    """Take one premium sample in every market."""
    for m in range(markets(world).shape[0]):
        sample_premium(world, m)


@hot_kernel
def fetch_trader(world, i):
    """Bring the rows of a trader who acts soon into the processor's cache; without effect on anything else."""
    fetch(trader_at(world, i))
    fetch(account_at(world, i, 0))
    fetch(holding_at(world, i, 0))
    fetch(position_at(world, i, 0))


@hot_kernel
def fetch_belongings(world, i):
    """Bring traits and order slots of a trader who acts next into the cache; its own row is there already."""
    trader = trader_at(world, i)
    if trader["slots"] > 0:
        fetch(order_at(world, trader["first_slot"]))
        fetch(order_at(world, trader["first_slot"] + min(trader["slots"], 3) - 1))


@kernel
def sample_here(world, place_key, here, gaps):
    """Take the premium samples whose random place is the gap `here`; return the next gap that has any."""
    rng, following = draw_at(world, 0), gaps
    rng["key"], rng["draws"] = place_key, 0
    for _ in range(run_row(world, 0)["premium_samples"]):
        place = below(rng, gaps)
        if place == here:
            sample_all(world)
        elif place > here:
            following = min(following, place)
    return following


@hot_kernel
def act_some(world, first, end, count):
    """Let those of the `count` awake act who stand from `first` to before `end`."""
    run = run_row(world, 0)
    ahead = AHEAD if run["traders"] > FEW else count
    for k in range(first, end):
        if k + ahead < count:
            fetch_trader(world, awake_at(world, k + AHEAD))
            fetch_belongings(world, awake_at(world, k + AHEAD // 2))
        if run["fault"] == NO_FAULT:
            act(world, awake_at(world, k), awake_key_at(world, k))


@kernel
def act_awake(world, count):
    """Let the awake act in random order, and sample the premium at random places between them."""
    run = run_row(world, 0)
    step = run["step"]
    shuffle(world, awake(world), count, step)
    for k in range(count):
        i = awake_at(world, k)
        put_awake_key(world, k, key_at(trader_at(world, i)["key"], step))
        draw_wake(world, i, step)
    for k in range(count):
        put_on_wheel(world, awake_at(world, k), step)
    place_key = key_at(run["key"], WAKE + step)
    sampled_at = sample_here(world, place_key, -1, count + 1)
    done = 0
    while sampled_at <= count:
        act_some(world, done, sampled_at, count)
        done, sampled_at = sampled_at, sample_here(world, place_key, sampled_at, count + 1)
    act_some(world, done, count, count)


@kernel
def settle_due(world, seconds):
    """Accrue funding where it is continuous, settle where an interval ends by `seconds`, count down the others."""
    for m in range(markets(world).shape[0]):
        market, view = market_at(world, m), view_at(world, m)
        if market["continuous"] == 1 and market["funding_on"] == 1:
            accrue(world, m)
        if seconds - market["settled_seconds"] >= market["interval_seconds"] - 1e-6:
            settle(world, m, seconds)
        view["seconds_to_settlement"] = market["interval_seconds"] - (seconds - market["settled_seconds"])


@entry("none", 2, "float64")
def risk(world, v, seconds):
    """Run the liquidation rounds of venue v that fit into a step; a short step has one only if a round ends in it."""
    run, venue = run_row(world, 0), venue_at(world, v)
    unwind_fund(world, v, run["dt"])
    if venue["trigger_fall"] < 1.0:
        note_peak(world, v)
    if venue["winners_trigger"] > 0.0:
        close_winners(world, v)
    if int(seconds / venue["round_seconds"]) == int((seconds - run["dt"]) / venue["round_seconds"]):
        return
    for number in range(max(int(run["dt"] / venue["round_seconds"]), 1)):
        room = events(world).shape[0] - run["event_count"]
        if room < 4 * run["held_count"] or liquidation_round(world, v, number) == 0:
            break
        run["rounds_max"] = max(run["rounds_max"], number + 1)
        now = seconds + (number + 1) * venue["round_seconds"]
        act_fast(world, FIRST_ROUND * (number + 1) + run["step"], 1)
        for m in range(markets(world).shape[0]):
            if market_at(world, m)["venue"] == v:
                update_mark(world, m, min(now, seconds + run["dt"]))
                view_at(world, m)["forced_lots"] = 0


@entry("none", 1)
def begin(world):
    """Move spot and index, set the clocks that traders see, drop expired orders."""
    run = run_row(world, 0)
    for a in range(assets(world).shape[0]):
        move_spot(world, a)
    for m in range(markets(world).shape[0]):
        update_index(world, m)
        recentre(world, m)
        view_at(world, m)["seconds"] = run["step"] * run["dt"]
    if run["next_expiry_step"] <= run["step"]:
        cancel_expired(world)


@entry("none", 1, "float64")
def value_all(world, seconds):
    """Set mark and public averages of every market at the end of trading."""
    for m in range(markets(world).shape[0]):
        update_mark(world, m, seconds)
        update_public_averages(world, m)


@kernel
def step(world):
    """Run one step."""
    run = run_row(world, 0)
    seconds = (run["step"] + 1) * run["dt"]
    begin(world)
    act_fast(world, run["step"], 0)
    act_awake(world, wake(world))
    settle_due(world, seconds)
    value_all(world, seconds)
    for v in range(venues(world).shape[0]):
        risk(world, v, seconds)
    run["step"] += 1
    if run["step"] % run["record_steps"] == 0 or run["step"] % run["kind_record_steps"] == 0:
        record(world)


@entry("none", 1)
def record(world):
    """Keep the rows of the series that are due at this step."""
    run = run_row(world, 0)
    if run["step"] % run["record_steps"] == 0:
        record_markets(world)
    if run["step"] % run["kind_record_steps"] == 0:
        record_kinds(world)


@kernel
def must_stop(world):
    """Return whether the run must go back to Python: a fault, forced events to keep, a buffer filling up, a ladder too narrow."""
    run = run_row(world, 0)
    return (run["fault"] != NO_FAULT or run["event_count"] > 0 or run["wider"] > 0
            or run["series_count"] >= series(world).shape[0] or run["kind_series_count"] >= kind_series(world).shape[0]
            or run["settlement_count"] > settlements(world).shape[0] - markets(world).shape[0]
            or 2 * run["print_count"] > prints(world).shape[0])


@kernel
def advance(world, steps):
    """Run up to `steps` steps; return the number done, negative if Python must empty buffers or look at a fault."""
    for done in range(steps):
        step(world)
        if must_stop(world):
            return -(done + 1)
    return steps


@kernel
def schedule_all(world):
    """Put every trader's first wake on the wheel; the fast class has a rhythm of its own."""
    for i in range(run_row(world, 0)["traders"]):
        if trader_at(world, i)["fast"] == 0:
            schedule(world, i, -1)
