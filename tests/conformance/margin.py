"""Maintenance margin, and that nobody below it is left alone when a round was due.

References: Binance, "Leverage and Margin of USD-M Futures" (tiers with deductions); Deribit,
article 25944738177565 (fractions that rise with size).
"""

import math

import numpy as np

from tests.conformance.rules import unit_value
from tests.conformance.tape import first_mark

READS = ("margin", "contract")


def deductions(tiers):
    """Return the deductions that make maintenance continuous, in quote currency."""
    result = [0.0]
    for low, high in zip(tiers, tiers[1:]):
        result.append(result[-1] + high[0] * (high[1] - low[1]))
    return result


def open_lots(tape, step):
    """Return the open interest at the end of trading in a step, before its liquidation rounds.

    Where there were any, positions are those of the step before after its ordinary trades.
    """
    if not tape.forced[step]:
        return int(tape.view["open_interest"][step])
    held = tape.position["lots"][step - 1].astype(np.int64)
    for each in tape.prints[step]:
        if not each["forced"] and each["taker"] != tape.fund:
            held[each["taker"]] += each["side"] * each["lots"]
            held[each["maker"]] -= each["side"] * each["lots"]
    return int(held[held > 0].sum())


def concentration(rules, size, notional, open_lots):
    """Return the margin of positions for their share of open interest, units."""
    margin, share = rules["margin"], size / np.maximum(np.maximum(open_lots, size), 1)
    free = margin.get("concentration_free_usd", 0.0) / rules["contract"]["unit"]
    return margin["concentration_slope"] * share * np.maximum(notional - free, 0.0)


def maintenance(rules, lots, price, open_lots=0):
    """Return the maintenance margin of positions of `lots` at a price, units.

    `open_lots` is the open interest, which matters only for concentrated positions.
    """
    tiers, unit = rules["margin"]["tiers"], rules["contract"]["unit"]
    size = np.abs(lots)
    notional = size * price * unit_value(rules)
    place = np.searchsorted([tier[0] / unit for tier in tiers], notional, side="right") - 1
    fraction = np.array([tier[1] for tier in tiers])[place]
    slope = rules["margin"].get("size_slope", 0.0) * rules["contract"]["lot"]
    deduction = np.array(deductions(tiers))[place] / unit
    needed = notional * (fraction + slope * size) - deduction
    if rules["margin"].get("concentration_slope"):
        needed = needed + concentration(rules, size, notional, open_lots)
    return needed


def equity(rules, position, account, price):
    """Return the equity behind positions at a price, units."""
    base = np.where(position["isolated"] == 1, position["isolated_margin"], account["collateral"])
    return base + position["quote"] + position["lots"] * (price * unit_value(rules))


def uninvolved(tape, step):
    """Return the traders that neither traded nor had an event in a step."""
    rows = uninvolved_in_events(tape, step)
    for field in ("taker", "maker"):
        rows[[i for i in tape.prints[step][field] if i < tape.fund]] = False
    return rows


def round_is_due(tape, rules, step):
    """Return whether a liquidation round ends in a step."""
    length, end = rules["liquidation"]["round_seconds"], step * tape.dt
    return math.floor(end / length) != math.floor((end - tape.dt) / length)


def order_limit(rules, lots, mark, own, needed):
    """Return the price beyond which a liquidation order does not go; none at a venue's band."""
    unit, rules = unit_value(rules), rules["liquidation"]
    if rules["order_limit"] == "band":
        return np.where(lots > 0, 0.0, np.inf)
    if rules["order_limit"] == "bankruptcy":
        return mark - own / (lots * unit)
    lost = rules["bankruptcy_adjustment"] * (1.0 - own / needed)
    reach = np.clip(lost, 0.0, 1.0) * rules["spread_to_maintenance"] * needed
    return mark - reach / (lots * unit)


def finds_an_order(tape, rules, step, lots, limit):
    """Return which positions' liquidation orders the book at the end of the step could fill.

    An order that filled nothing leaves no event, and a venue that does not take over what an order
    leaves has then done nothing.
    """
    view, tick = tape.view[step], rules["contract"]["tick"]
    best = np.where(lots > 0, view["best_bid"], view["best_ask"]) * tick
    reached = np.where(lots > 0, best >= limit, best <= limit)
    takes_over = rules["liquidation"].get("takeover_after_order", False)
    return (best > 0) & reached | takes_over


def left_alone(tape, rules, step):
    """Return how many positions below maintenance have been left alone in a step."""
    position, account = tape.position[step][: tape.fund], tape.account[step][: tape.fund]
    forced = tape.forced[step]
    mark = first_mark(tape, step)
    own = equity(rules, position, account, mark)
    needed = maintenance(rules, position["lots"], mark, open_lots(tape, step))
    paused = (tape.market["mark_seconds"][step] < account["pause_until"]) & (
        own >= rules["liquidation"]["takeover_share"] * needed
    )
    lots = np.where(position["lots"] != 0, position["lots"], 1)
    limit = order_limit(rules, lots, mark, own, needed)
    below = (position["lots"] != 0) & (own < needed) & ~paused
    below &= finds_an_order(tape, rules, step, lots, limit)
    return int(np.sum(below & uninvolved(tape, step) if forced else below))


def beyond_limit(tape, rules, step):
    """Return how many accounts a step has left with a larger position, beyond the limit.

    The limit is met at the mark of the order, that of the step before: nobody's orders rest longer.
    Open interest moves within a step, so the most that it can have been counts.
    """
    margin, value = rules["margin"], unit_value(rules) * tape.view["mark"][step - 1]
    before, after = (np.abs(tape.position["lots"][k][: tape.fund]) for k in (step - 1, step))
    grown = (after > before) & uninvolved_in_events(tape, step)
    traded = sum(int(part) for part in tape.prints[step]["lots"])
    most = int(tape.view["open_interest"][step - 1 : step + 1].max()) + traded
    limit = margin["position_limit_usd"] / rules["contract"]["unit"]
    limit = max(limit, margin.get("position_limit_share", 0.0) * most * value)
    return int(np.sum(grown & (after * value > limit)))


def uninvolved_in_events(tape, step):
    """Return the traders without an event in a step: ADL may turn a position."""
    rows = np.ones(tape.fund, bool)
    for field in ("trader", "counterparty"):
        rows[[i for i in tape.events[step][field] if i < tape.fund]] = False
    return rows


def compare(tape, rules):
    """Yield positions left alone and beyond a limit in each step, and the printed deductions."""
    tiers = rules["margin"]["tiers"]
    for tier, deduction in zip(tiers, deductions(tiers)):
        if len(tier) > 3:
            yield "printed deduction", 0, tier[3], round(deduction, 2)
    shared = np.diff(tape.venue["shared_loss"], prepend=0) != 0
    for step in range(1, tape.steps + 1):
        if "position_limit_usd" in rules["margin"]:
            yield "positions beyond the limit", step, beyond_limit(tape, rules, step), 0
        if round_is_due(tape, rules, step) and not shared[step]:
            yield "positions left alone", step, left_alone(tape, rules, step), 0
