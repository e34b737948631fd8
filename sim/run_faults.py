"""Why a run stopped early, as an error: a rule broke its contract, or a price left its range."""

from perplab.sim.compiler.rules import raised
from perplab.sim.errors import Fault, ParameterError, RuleError
from perplab.sim.state.codes import BAD_COUNT, LEAST_TICKS, MOST_TICKS, PRICE_OUTSIDE, RULE_RAISED
from perplab.sim.traders.order_check import fault_text


def raise_fault(market):
    """Raise the fault that the compiled step has recorded; do nothing if there is none.

    Raises
    ------
    RuleError
        If a rule raised, or returned an invalid count or order.
    ParameterError
        If a spot price is outside what the markets' ticks can represent.
    """
    run = market.tables["run"][0]
    if run["fault"] == PRICE_OUTSIDE:
        raise price_error(market, int(run["fault_row"]))
    if run["fault"]:
        raise rule_error(market, run) from next(iter(raised), None)


def rule_error(market, run):
    """Return the error of a rule that broke its contract."""
    i, k = int(run["fault_trader"]), int(run["fault_row"])
    trader, order = market.tables["trader"][i], market.tables["order_row"][k]
    if run["fault"] == RULE_RAISED:
        what = "raised (NUMBA_DISABLE_JIT=1 shows where)"
    elif run["fault"] == BAD_COUNT:
        what = "returned a count outside its buffer"
    else:
        fault = fault_text(order, int(trader["slots"]), len(market.tables["market"]))
        what = f"wrote an invalid order in row {k}: {fault}; {order}"
    kind, step = market.kinds[int(trader["kind"])].__name__, market.step_number - 1
    return RuleError(f"the rule of {kind} (trader {i}, step {step}) {what}")


def price_error(market, a):
    """Return the error of a spot price that the markets' ticks cannot represent."""
    asset, markets = market.tables["asset"][a], market.tables["market"]
    ticks = markets["tick"][markets["asset"] == a]
    log_price = float(asset["exogenous"] + asset["permanent"] + asset["transient"])
    low, high = LEAST_TICKS * ticks.max(), MOST_TICKS * ticks.min()
    return ParameterError(
        Fault(
            f"spot.{market.setup.assets[a].name}",
            f"exp({log_price:.4g}) at step {market.step_number - 1}",
            f"between {low:g} and {high:g}, {LEAST_TICKS} to {MOST_TICKS} ticks, throughout the"
            " run: its path, shocks or impact are too strong",
        )
    )
