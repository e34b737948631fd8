"""Liquidation: who, how much, at what limit, at what fee; takeover and ADL price.

Looked at is the first order of a trader in a step, and what follows it, where the trader had not
traded or moved money in the step: its account is then that of the step before.

References: Binance, "Liquidation Protocols"; dYdX v4, liquidations module (fillable price); Drift
v2, liquidation math; OKX and BitMEX (tiers); Hyperliquid, "Liquidations".
"""

import math

import numpy as np

from tests.conformance.margin import maintenance, open_lots, order_limit
from tests.conformance.rules import unit_value, units

READS = ("liquidation", "margin", "contract", "adl")
ORDER, TAKEOVER, ADL = range(3)


class Case:
    """A trader at its first event of a step: lots, equity and maintenance (units) at the mark."""

    def __init__(self, tape, rules, step, trader):
        self.step, self.trader, self.rules = step, trader, rules
        rows = tape.events[step]
        self.events = rows[rows["trader"] == trader]
        before, now = tape.position[step - 1][trader], tape.position[step][trader]
        self.lots, self.mark, self.unit = (
            int(before["lots"]),
            self.events["mark"][0],
            unit_value(rules),
        )
        received = int(now["all_funding"]) - int(before["all_funding"])
        money = int(tape.account["collateral"][step - 1][trader]) + received
        self.balance = money + int(before["quote"])
        self.equity = self.balance + self.lots * self.mark * self.unit
        open_interest = open_lots(tape, step) if concentrates(rules) else 0
        self.maintenance = float(maintenance(rules, self.lots, self.mark, open_interest))
        self.notional = abs(self.lots) * self.mark * self.unit
        self.at_once = self.equity < rules["liquidation"]["takeover_share"] * self.maintenance
        prints = tape.prints[step]
        self.fills = prints[(prints["taker"] == trader) & (prints["forced"] == 1)]
        self.paused = tape.account["pause_until"][step - 1][trader]
        self.pause_after = tape.account["pause_until"][step][trader]

    @property
    def bankruptcy(self):
        """Return the price at which equity is zero."""
        return self.mark - self.equity / (self.lots * self.unit)


def concentrates(rules):
    """Return whether margin depends on open interest, which liquidations change."""
    return bool(rules["margin"].get("concentration_slope"))


def cases(tape, rules):
    """Yield the cases that the tables show in full.

    Where margin depends on open interest, that is known at the first liquidation of a step.
    """
    for step in tape.forced.nonzero()[0]:
        prints = tape.prints[step][tape.prints[step]["forced"] == 0]
        busy = {*prints["taker"].tolist(), *prints["maker"].tolist()}
        forced = tape.prints[step][tape.prints[step]["forced"] == 1]
        busy |= {*forced["maker"].tolist(), *tape.events[step]["counterparty"].tolist()}
        traders = list(dict.fromkeys(tape.events[step]["trader"].tolist()))
        for trader in traders[:1] if concentrates(rules) else traders:
            moved = [
                tape.account[f][step][trader] - tape.account[f][step - 1][trader]
                for f in ("cash", "incoming")
            ]
            single = tape.position["isolated"][step - 1][trader] == 0
            if trader not in busy and not any(moved) and single:
                yield Case(tape, rules, step, trader)


def tier_step(case):
    """Return the lots that bring a position down by the venue's number of tiers."""
    tiers, down = case.rules["margin"]["tiers"], case.rules["liquidation"].get("tiers_down", 1)
    floors = [units(case.rules, tier[0]) for tier in tiers]
    tier = np.searchsorted(floors, case.notional, side="right") - 1
    return abs(case.lots) * (1.0 - floors[max(tier + 1 - down, 0)] / case.notional) + 1.0


def just_enough(case):
    """Return the lots whose closing restores maintenance and a buffer."""
    rules, size = case.rules["liquidation"], abs(case.lots)
    shortage = case.maintenance * (1.0 + rules["buffer"]) - case.equity
    fraction = margin_fraction(case)
    if fraction <= rules["fee"]:
        return math.inf
    return shortage / (case.notional / size * (fraction - rules["fee"]))


def margin_fraction(case):
    """Return the maintenance that closing a little frees, as a fraction of what is closed."""
    tiers, unit = case.rules["margin"]["tiers"], case.rules["contract"]["unit"]
    tier = [tier for tier in tiers if tier[0] / unit <= case.notional][-1]
    slope = case.rules["margin"].get("size_slope", 0.0) * case.rules["contract"]["lot"]
    return tier[1] + 2.0 * slope * abs(case.lots)


def closes_share(case):
    """Return whether the order is for the first share, or another one."""
    rules, law = case.rules["liquidation"], case.rules["liquidation"].get("close_fraction")
    fresh = case.paused < case.events["seconds"][0] - max(rules["pause_seconds"], 60.0)
    partial = rules["first_share"] < 1.0 and case.notional > units(
        case.rules, rules["first_notional"]
    )
    return partial and law in (None, "first_share", "each_share") and (fresh or law == "each_share")


def order_lots(case):
    """Return the lots of the first order."""
    rules, size = case.rules["liquidation"], abs(case.lots)
    law = rules.get("close_fraction", "first_share")
    if closes_share(case):
        return math.ceil(size * rules["first_share"])
    if law in ("first_share", "each_share"):
        return size
    if case.notional <= units(case.rules, rules["first_notional"]):
        return size
    if law == "half":
        wanted = 0.5 * size if case.equity >= 0.5 * case.maintenance else size
    else:
        wanted = tier_step(case) if law == "tier_step" else just_enough(case)
    wanted = min(wanted, size * rules.get("maximum_share", 1.0))
    return max(min(math.ceil(wanted - 1e-6), size), 1)


def limit_price(case):
    """Return the price beyond which the order does not go, None if only the band limits it."""
    if case.rules["liquidation"]["order_limit"] == "band":
        return None
    return order_limit(case.rules, case.lots, case.mark, case.equity, case.maintenance)


def beyond_limit(case):
    """Return how many fills of the first order are beyond its limit price."""
    limit, tick = limit_price(case), case.rules["contract"]["tick"]
    if limit is None or len(case.events) > 1 and case.events["kind"][1] == ORDER:
        return 0
    prices, side = case.fills["tick"] * tick, math.copysign(1.0, case.lots)
    return int(np.sum((prices - limit) * side < -1e-6))


def fund_part(case):
    """Return what the first order brings the fund: fee, surplus or deficit, units."""
    event, rules = case.events[0], case.rules["liquidation"]
    closed, side = abs(int(event["lots"])), math.copysign(1.0, case.lots)
    after = case.equity + side * (int(event["value"]) - closed * case.mark * case.unit)
    left = max(math.floor(after), 0)
    fee = min(math.ceil(int(event["value"]) * rules["fee"]), left)
    part = fee - int(fee * (1.0 - rules.get("fund_share", 1.0)))
    if closed < abs(case.lots):
        return part
    if rules.get("surplus_owner", "trader") == "fund":
        part += left - fee
    return part + min(after, 0.0)


def adl_price(case, tape):
    """Return the price of ADL, None where the mark before is not in the tables."""
    law, tick = case.rules["adl"]["price"], case.rules["contract"]["tick"]
    if law == "bankruptcy":
        price = case.bankruptcy / tick
        return max(math.ceil(price) if case.lots > 0 else math.floor(price), 1) * tick
    if law == "previous_mark" and case.events["round"][0] > 0:
        return None
    mark = tape.view["mark"][case.step - 1] if law == "previous_mark" else case.mark
    return max(round(mark / tick), 1) * tick


def compare_order(case):
    """Yield an order's excess over its size, fills beyond the limit, and the fund's part."""
    event = case.events[0]
    yield "order beyond its size", case.step, max(abs(event["lots"]) - order_lots(case), 0), 0
    yield "fill beyond its limit", case.step, beyond_limit(case), 0
    yield "fee, surplus, deficit", case.step, event["fund_change"], fund_part(case)
    if closes_share(case) and len(case.events) == 1:
        until = event["seconds"] + case.rules["liquidation"]["pause_seconds"]
        yield "pause", case.step, case.pause_after, until


def compare_transfer(case, tape):
    """Yield value and proceeds of a takeover, or the price of ADL."""
    event, tick = case.events[0], case.rules["contract"]["tick"]
    if event["kind"] == TAKEOVER:
        at_tick = case.lots * round(case.mark / tick) * round(case.unit * tick)
        yield "takeover", case.step, event["fund_change"], case.balance + at_tick
        yield "takeover", case.step, event["value"], round(case.notional)
    price = adl_price(case, tape) if event["kind"] == ADL else None
    if price is not None:
        seen = event["value"] / abs(int(event["lots"])) / case.unit
        yield "ADL price", case.step, seen, price


def taken_over_early(case):
    """Return whether the first event is no order, though the venue sends one and waits for it.

    An order that filled nothing leaves no event; the venue may take over what it leaves.
    """
    waits = not case.rules["liquidation"].get("takeover_after_order", False)
    return bool(case.events[0]["kind"] != ORDER and not case.at_once and waits)


def compare(tape, rules):
    """Yield equity, bankruptcy price and what happened at every case that the tables show."""
    sizes = []
    for case in cases(tape, rules):
        event = case.events[0]
        yield "equity", case.step, event["equity"], math.floor(case.equity)
        yield "bankruptcy price", case.step, event["bankruptcy_price"], case.bankruptcy
        yield "liquidated above maintenance", case.step, int(case.equity >= case.maintenance), 0
        yield "order or takeover", case.step, event["kind"] == ORDER, len(case.fills) > 0
        yield "takeover too early", case.step, taken_over_early(case), False
        if event["kind"] == ORDER:
            sizes.append((abs(event["lots"]), order_lots(case)))
            yield from compare_order(case)
        else:
            yield from compare_transfer(case, tape)
    if sizes:
        yield "no order of its size", 0, any(seen == wanted for seen, wanted in sizes), True
