"""Collateral of a speculator: it follows the position that it builds, and is not topped up after a
loss.

These kernels serve the rule of `perplab.agents.speculator`; `me` has its traits and memory.
"""

from perplab.agents.orders import equity_of, units_of, usd_of
from perplab.sim.compiler.jit import hot_kernel

BUFFER = 1.1
"""Collateral moved to the venue over position / target leverage."""
EXCESS, SHORTAGE, SMALLEST = 1.6, 0.9, 0.2
"""Equity over what is needed above which it withdraws, below which it deposits; smallest move."""
LEAST_POSITION = 0.1


@hot_kernel
def collateral_needed(me, position, view, largest_usd):
    """Return the equity for the larger of goal and position at the target leverage, float units."""
    held_usd = usd_of(view, position["lots"])
    usd = max(abs(me["goal_usd"]), abs(held_usd), LEAST_POSITION * largest_usd)
    short = held_usd < 0.0 or (held_usd == 0.0 and me["goal_usd"] < 0.0)
    leverage = me["target_leverage"]
    if short:
        leverage = min(leverage, me["short_leverage_limit"])
    return units_of(view, usd / leverage * BUFFER)


@hot_kernel
def margin_transfer(me, account, wallet, position, view, largest_usd):
    """Return the units to move to the venue (negative: to the wallet), 0 for none."""
    if account["incoming"] != 0:
        return 0
    needed = collateral_needed(me, position, view, largest_usd)
    equity = equity_of(account, position, view)
    if equity > EXCESS * needed:
        worth = min(equity - BUFFER * needed, 0.9 * account["collateral"])
        return -int(worth) if worth > SMALLEST * needed else 0
    grows = abs(me["goal_usd"]) > BUFFER * abs(usd_of(view, position["lots"]))
    if equity < SHORTAGE * needed and grows and me["working"] == 1.0:
        return int(max(min(needed - equity, wallet["cash"]), 0.0))
    return 0


@hot_kernel
def supports(me, account, view, usd):
    """Return whether the collateral is at least half of what a position of `usd` should have."""
    return account["collateral"] >= 0.5 * units_of(view, usd / me["target_leverage"])
