"""Impact prices: the average price of trading a notional against the book.

References: Binance, FAQ 360033525031; dYdX v4, perpetuals module.
"""

from tests.conformance.rules import unit_value, units
from tests.conformance.tape import book_sides

READS = ("premium", "contract")
IMPACT = ("impact", "impact_plus_pending", "impact_or_zero", "impact_mean")


def average_price(side, notional, tick, unit, index):
    """Return ``(price, thin)`` of trading a notional (units); what the side lacks costs the index.

    `side` holds (ticks, lots), the best first; `unit` is the value of a lot at a price of 1.
    """
    left, lots = notional, 0.0
    for ticks, size in side:
        value = size * ticks * tick * unit
        if value >= left:
            return notional / ((lots + left / (ticks * tick * unit)) * unit), False
        left, lots = left - value, lots + size
    return notional / ((lots + left / (index * unit)) * unit), left > 0.0


def impact_prices(tape, rules, step, notional):
    """Return ``((bid, thin), (ask, thin))`` of the book at the end of a step."""
    unit, index, tick = unit_value(rules), tape.view["index"][step], rules["contract"]["tick"]
    bids, asks = book_sides(tape, step)
    return (
        average_price(bids, notional, tick, unit, index),
        average_price(asks, notional, tick, unit, index),
    )


def uses_book(rules):
    """Return whether samples are taken from the impact prices of a book."""
    return rules["premium"]["law"] in IMPACT and rules["trading"]["venue_type"] == "book"


def compare(tape, rules):
    """Yield the published impact prices of every quiet step."""
    if not uses_book(rules):
        return
    notional = units(rules, rules["premium"]["impact_notional"])
    for step in tape.quiet.nonzero()[0]:
        (bid, _), (ask, _) = impact_prices(tape, rules, step, notional)
        yield "impact price", step, tape.view["impact_bid"][step], bid
        yield "impact price", step, tape.view["impact_ask"][step], ask
