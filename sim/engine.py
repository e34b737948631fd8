"""One step of the market: spot, trading with premium samples, mark, settlement, risk, record.

`advance` runs a number of steps. It stops early when Python has work to do: a fault
(``run["fault"]``), events or full buffers to store, a ladder to widen. The next block of the spot
path is drawn between calls.
"""

from perplab.sim.compiler.entries import entry
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.band import recentre
from perplab.sim.exchange.book import cancel_expired
from perplab.sim.exchange.spot_orders import trade_in_spot
from perplab.sim.exchange.stop_orders import stops_are_due, trigger_stops
from perplab.sim.funding.settlement import accrue, settle
from perplab.sim.laws.adl import deleverages_pool, watches_peak
from perplab.sim.prices.index_price import update_index
from perplab.sim.prices.mark_price import update_mark
from perplab.sim.prices.view import update_public_averages
from perplab.sim.risk.fund_unwinding import deleverage_fund, fund_unwinds, unwind_fund
from perplab.sim.risk.liquidation import liquidation_round
from perplab.sim.risk.loss_sharing import note_peak
from perplab.sim.risk.pool_adl import run_pool_adl
from perplab.sim.risk.screening import all_safe, screen_changed
from perplab.sim.series import record_kinds, record_markets
from perplab.sim.spot.move import move_spot
from perplab.sim.state.codes import NO_FAULT
from perplab.sim.state.records import (
    assets,
    events,
    kind_series,
    market_at,
    markets,
    prints,
    run_row,
    series,
    settlements,
    venue_at,
    venues,
    view_at,
)
from perplab.sim.streams import MOST_ROUNDS, occasion
from perplab.sim.traders.turns import act_awake, act_fast
from perplab.sim.traders.wakes import wake


@kernel
def settle_due(world, seconds):
    """Accrue continuous funding and settle the intervals that end by `seconds`."""
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        if market["continuous"] == 1 and market["funding_on"] == 1:
            accrue(world, m)
        if seconds - market["settled_seconds"] >= market["interval_seconds"] - 1e-6:
            settle(world, m, seconds)
            count_down(world, m, seconds)


@kernel
def count_down(world, m, seconds):
    """Publish the seconds from `seconds` to the end of the interval of market m."""
    market = market_at(world, m)
    view_at(world, m)["seconds_to_settlement"] = market["interval_seconds"] - (
        seconds - market["settled_seconds"]
    )


@kernel
def forced_trades_due(world, v):
    """Return whether stops, the fund or liquidations may trade at venue v after trades in spot.

    The fast class requotes first: its quotes have not seen the spot orders of the step.
    """
    moved = False
    for m in range(markets(world).shape[0]):
        market = market_at(world, m)
        if market["venue"] == v:
            moved = moved or view_at(world, m)["spot_moved"] != 0.0
    if not moved:
        return False
    screen_changed(world)
    return stops_are_due(world, v) or fund_unwinds(world, v) or not all_safe(world, v)


@entry("none", 2, "float64")
def risk(world, v, seconds):
    """Trigger stop orders of venue v, then run the liquidation rounds that fit into a step.

    A step shorter than a round has one only if a round ends in it.
    """
    run, venue = run_row(world, 0), venue_at(world, v)
    if forced_trades_due(world, v):
        act_fast(world, occasion(run["step"], MOST_ROUNDS + 1), 1)
        if run["fault"] != NO_FAULT:
            return
    trigger_stops(world, v)
    unwind_fund(world, v, run["dt"])
    if watches_peak(venue["adl_law"]):
        note_peak(world, v)
    if deleverages_pool(venue["adl_law"]):
        run_pool_adl(world, v)
    deleverage_fund(world, v)
    if int(seconds / venue["round_seconds"]) == int((seconds - run["dt"]) / venue["round_seconds"]):
        return
    for round_index in range(max(int(min(run["dt"] / venue["round_seconds"], MOST_ROUNDS)), 1)):
        room = events(world).shape[0] - run["event_count"]
        if room < 4 * run["open_count"] or liquidation_round(world, v, round_index) == 0:
            break
        run["rounds_max"] = max(run["rounds_max"], round_index + 1)
        now = seconds + (round_index + 1) * venue["round_seconds"]
        trade_in_spot(world)
        act_fast(world, occasion(run["step"], round_index + 1), 1)
        if run["fault"] != NO_FAULT:
            return
        for m in range(markets(world).shape[0]):
            if market_at(world, m)["venue"] == v:
                update_mark(world, m, min(now, seconds + run["dt"]))
                view_at(world, m)["forced_lots"] = 0
        deleverage_fund(world, v)
        if run["fault"] != NO_FAULT:
            return


@entry("none", 1)
def begin(world):
    """Move spot and index, set the time that traders see, cancel expired orders."""
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
    """Update countdown, mark and public averages of every market at the end of trading.

    A settlement follows at that mark, so in the step that ends an interval the countdown is at 0
    and the rate in force is still the old one.
    """
    for m in range(markets(world).shape[0]):
        count_down(world, m, seconds)
        update_mark(world, m, seconds)
        update_public_averages(world, m)


@kernel
def step(world):
    """Run one step; after a fault stop at once, with everything as the trader at fault saw it."""
    run = run_row(world, 0)
    seconds = (run["step"] + 1) * run["dt"]
    begin(world)
    trade_in_spot(world)
    act_fast(world, run["step"], 0)
    act_awake(world, wake(world))
    if run["fault"] != NO_FAULT:
        return
    trade_in_spot(world)
    value_all(world, seconds)
    if run["fault"] == NO_FAULT:
        settle_due(world, seconds)
    for v in range(venues(world).shape[0]):
        if run["fault"] == NO_FAULT:
            risk(world, v, seconds)
    if run["fault"] != NO_FAULT:
        return
    run["step"] += 1
    if run["step"] % run["record_steps"] == 0 or run["step"] % run["kind_record_steps"] == 0:
        record(world)


@entry("none", 1)
def record(world):
    """Write the rows of the series that are due at this step."""
    run = run_row(world, 0)
    if run["step"] % run["record_steps"] == 0:
        record_markets(world)
    if run["step"] % run["kind_record_steps"] == 0:
        record_kinds(world)


@kernel
def must_stop(world):
    """Return whether Python has work to do.

    That is a fault, events to store, a buffer filling up or a ladder that is too narrow.
    """
    run = run_row(world, 0)
    return (
        run["fault"] != NO_FAULT
        or run["event_count"] > 0
        or run["wider"] > 0
        or run["series_count"] >= series(world).shape[0]
        or run["kind_series_count"] >= kind_series(world).shape[0]
        or run["settlement_count"] > settlements(world).shape[0] - markets(world).shape[0]
        or 2 * run["print_count"] > prints(world).shape[0]
    )


@kernel
def advance(world, steps):
    """Run up to `steps` steps; return the number done, negative if Python has work to do."""
    for done in range(steps):
        step(world)
        if must_stop(world):
            return -(done + 1)
    return steps
