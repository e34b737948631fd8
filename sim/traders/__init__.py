"""Traders in the step: who acts when, how a decision runs, and edits between two steps.

Here are the timer wheel of wakes, the order of turns, the call of a trader's rule and the check of
the orders that it writes. What a trader believes and sends is no matter of this folder: the kinds
of trader are in `perplab.agents`.
"""

from perplab.sim.traders.connection import connect
from perplab.sim.traders.edit import retire, turn_period, write_trait
from perplab.sim.traders.order_check import fault_text, order_fault
from perplab.sim.traders.turns import act_awake, act_fast
from perplab.sim.traders.wakes import reschedule, schedule_all, wake

__all__ = [
    "act_awake",
    "act_fast",
    "connect",
    "fault_text",
    "order_fault",
    "reschedule",
    "retire",
    "schedule_all",
    "turn_period",
    "wake",
    "write_trait",
]
