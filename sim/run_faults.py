"""Why a run stopped early, as an error: a broken rule, or a price or money out of range."""

from perplab.sim.compiler.loop_budget import MOST_ITERATIONS, budget_is_spent
from perplab.sim.compiler.rules import raised
from perplab.sim.errors import Fault, ParameterError, RuleError
from perplab.sim.impact.displacement import displacement_of
from perplab.sim.state.codes import (
    BAD_COUNT,
    FUNDING_OUTSIDE,
    LARGEST_NOTIONAL,
    LARGEST_UNITS,
    LEAST_TICKS,
    MOST_TICKS,
    OPEN_INTEREST_OUTSIDE,
    PRICE_OUTSIDE,
    RULE_RAISED,
    SPOT_HELD_OUTSIDE,
    WEALTH_OUTSIDE,
)
from perplab.sim.traders.order_check import fault_text

RAISED = "raised (NUMBA_DISABLE_JIT=1 shows where)"

MONEY = {
    OPEN_INTEREST_OUTSIDE: ("market", "value of open interest", LARGEST_NOTIONAL),
    FUNDING_OUTSIDE: ("market", "funding paid by open interest", LARGEST_NOTIONAL),
    SPOT_HELD_OUTSIDE: ("asset", "value of spot held", LARGEST_NOTIONAL),
    WEALTH_OUTSIDE: ("trader", "wealth", LARGEST_UNITS),
}
"""Table, amount and bound of the faults about money."""


def raise_fault(market):
    """Raise the fault that the compiled step has recorded; do nothing if there is none.

    Raises
    ------
    RuleError
        If a rule raised, or returned an invalid count or order.
    ParameterError
        If a spot price is outside what the markets' ticks can represent, or an amount of money
        outside what 64-bit units can.
    """
    run = market.tables["run"][0]
    fault, row = int(run["fault"]), int(run["fault_row"])
    if fault == PRICE_OUTSIDE:
        raise price_error(market, row)
    if fault in MONEY:
        raise money_error(market, fault, row)
    if fault:
        raise rule_error(market, run) from next(iter(raised), None)


def rule_error(market, run):
    """Return the error of a rule that broke its contract, with the file and line of the rule."""
    i, k = int(run["fault_trader"]), int(run["fault_row"])
    trader, order = market.tables["trader"][i], market.tables["order_row"][k]
    kind, step = market.kinds[int(trader["kind"])], market.step_number - 1
    code = kind.decide.function.__code__
    place = f" ({code.co_filename}:{code.co_firstlineno})"
    if run["fault"] == RULE_RAISED:
        what, place = why_raised(market, kind, i) or RAISED + place, ""
    elif run["fault"] == BAD_COUNT:
        what = "returned a count outside its buffer"
    else:
        fault = fault_text(order, int(trader["slots"]), len(market.tables["market"]))
        what = f"wrote an invalid order in row {k}: {fault}; {order}"
    return RuleError(f"the rule of {kind.__name__} (trader {i}, step {step}) {what}{place}")


def why_raised(market, kind, i):
    """Return why the last call of a guarded rule raised; '' if unknown.

    The guard leaves the rows of trader i as they were, so the plain rule is called on them again.
    """
    if kind.trusted or kind.decide.cached:
        return ""
    if budget_is_spent():
        code = kind.decide.function.__code__
        place = f"{code.co_filename}:{code.co_firstlineno}"
        return f"went through loops more than {MOST_ITERATIONS:,} times in a decision ({place})"
    return kind.decide.fault_on(kind, rows_of(market, i))


def rows_of(market, i):
    """Return copies of the seven arguments that the rule of trader i gets."""
    tables = market.tables
    trader = tables["trader"][i]
    number, first, slots = (int(trader[name]) for name in ("number", "first_slot", "slots"))
    rows = (
        market.traits[int(trader["kind"])][number : number + 1],
        tables["account"][i],
        tables["position"][i],
        tables["view"],
        tables["order"][first : first + slots],
        tables["draw"],
        tables["order_row"],
    )
    return [part.copy() for part in rows]


def price_error(market, a):
    """Return the error of a spot price that the markets' ticks cannot represent."""
    asset, markets = market.tables["asset"][a], market.tables["market"]
    ticks = markets["tick"][markets["asset"] == a]
    displaced = asset["transient"] + displacement_of(asset["displacement"])
    log_price = float(asset["exogenous"] + asset["permanent"] + displaced)
    low, high = LEAST_TICKS * ticks.max(), MOST_TICKS * ticks.min()
    return ParameterError(
        Fault(
            f"spot.{market.setup.assets[a].name}",
            f"exp({log_price:.4g}) at step {market.step_number - 1}",
            f"between {low:g} and {high:g}, {LEAST_TICKS} to {MOST_TICKS} ticks, throughout the"
            " run: its path, shocks or impact are too strong",
        )
    )


def money_error(market, fault, row):
    """Return the error of an amount of money that 64-bit units cannot represent."""
    table, amount, most = MONEY[fault]
    names = {
        "market": [one.venue for one in market.setup.markets],
        "asset": market.layout.assets,
    }
    name = names[table][row] if table in names else row
    most *= market.layout.unit
    return ParameterError(
        Fault(
            f"{table} {name}",
            f"{amount} beyond {most:g} at step {market.step_number - 1}",
            "less, in 64-bit units, throughout the run: wealth, shocks or leverage are too large",
        )
    )
