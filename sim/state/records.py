"""The tables that hold the whole state of a run: their row types, units and accessors.

Money is counted in integer units of the quote currency (`MoneyUnit` of the scenario, 1e-6 by
default), sizes in integer lots, prices of orders and fills in integer ticks. Prices that enter no
booking (spot, index, mark) are floats in quote currency. Times are seconds since the start unless a
name ends in ``_step``. Long is positive, cash received is positive, rates are plain fractions per
the interval that their name or comment states.

Traders stand in rows 0..N-1 and the insurance fund of venue v in row N+v of every table that has a
row a trader.
"""

import numpy as np

from perplab.sim.compiler.jit import kernel
from perplab.sim.compiler.tables import span, table, writer
from perplab.sim.state.codes import NO_FAULT
from perplab.sim.state.event_rows import EVENT, FORCED, KIND_SERIES, PRINT, SERIES, SETTLEMENT
from perplab.sim.state.market_rows import ASSET, MARKET, RUN, VENUE, VIEW
from perplab.sim.state.trader_rows import (
    ACCOUNT,
    DEPTH,
    DRAW,
    HOLDING,
    KIND,
    LEVEL,
    ORDER,
    ORDER_ROW,
    PATH,
    POSITION,
    TRADER,
    WORD,
)

run_rows, run_row = table("run", RUN)
venues, venue_at = table("venue", VENUE)
assets, asset_at = table("asset", ASSET)
markets, market_at = table("market", MARKET)
views, view_at = table("view", VIEW)
traders, trader_at = table("trader", TRADER)
accounts, account_at = table("account", ACCOUNT, 2)
positions, position_at = table("position", POSITION, 2)
holdings, holding_at = table("holding", HOLDING, 2)
orders, order_at = table("order", ORDER)
levels, level_at = table("level", LEVEL, 2)
depths, depth_at = table("depth", DEPTH, 2)
words, word_at = table("word", WORD, 2)
summary_words, summary_word_at = table("summary_word", WORD, 2)
kinds, kind_at = table("kind", KIND)
draws, draw_at = table("draw", DRAW)
order_rows, order_row_at = table("order_row", ORDER_ROW)
timer_wheel, timer_wheel_at = table("timer_wheel", np.dtype("i8"))
wake_next, wake_next_at = table("wake_next", np.dtype("i8"))
wake_step, wake_step_at = table("wake_step", np.dtype("i8"))
awake, awake_at = table("awake", np.dtype("i8"))
awake_keys, awake_key_at = table("awake_key", np.dtype("u8"))
fast, fast_at = table("fast", np.dtype("i8"))
open_list, open_position_at = table("open_position", np.dtype("i8"))
path, path_at = table("path", PATH, 2)
stop_ticks, stop_tick_at = table("stop_tick", np.dtype("i8"), 2)
changed_positions, changed_position_at = table("changed_position", np.dtype("i8"))
liquidatable, liquidatable_at = table("liquidatable", np.dtype("i8"))
hedging, hedging_at = table("hedging", np.dtype("i8"))
sent_spot, sent_spot_at = table("sent_spot", np.dtype("i8"))
forced, forced_at = table("forced", FORCED)
events, event_at = table("event", EVENT)
settlements, settlement_at = table("settlement", SETTLEMENT)
prints, print_at = table("print", PRINT)
series, series_at = table("series", SERIES, 2)
kind_series, kind_series_at = table("kind_series", KIND_SERIES, 2)
put_depth, put_word, put_summary_word = (writer(name) for name in ("depth", "word", "summary_word"))
put_timer_wheel, put_wake_next, put_wake_step = (
    writer(name) for name in ("timer_wheel", "wake_next", "wake_step")
)
put_awake, put_awake_key = writer("awake"), writer("awake_key")
put_stop_tick = writer("stop_tick")
put_hedging, put_sent_spot = writer("hedging"), writer("sent_spot")
put_open_position, put_changed_position = writer("open_position"), writer("changed_position")
some_accounts, some_positions, some_orders, some_depths = (
    span(name) for name in ("account", "position", "order", "depth")
)


@kernel
def end_with(world, fault, row):
    """End the run after this step with a fault about a row; the first fault counts."""
    run = run_row(world, 0)
    if run["fault"] == NO_FAULT:
        run["fault"], run["fault_row"] = fault, row
