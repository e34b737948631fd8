"""Who lost to whom in liquidations: a network of traders or kinds, the book and the fund."""

import collections

import numpy as np

from perplab.analysis.estimators.series import forced_events, of_market
from perplab.analysis.metrics.cascade import of_liquidations
from perplab.sim.state.records import FORCED_ORDER

BOOK, FUND = "book", "insurance fund"


def loss_network(records, market=0, by="kind"):
    """Return who took over liquidated positions from whom, and who gained by it, as a directed graph.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
        With `record.trades` the makers of forced orders are known; without it they are the node "book".
    market : int
    by : {"kind", "trader"}

    Returns
    -------
    networkx.DiGraph
        An edge leads from the liquidated to who took the other side. `notional`: quote currency, at the mark of the event. `loss`: quote
        currency, what passed to the other side against that mark; to the fund also fees and what was left of the purse. Negative where the
        liquidated was spared: a debt that the fund bore, a bankruptcy price better than the mark.
    """
    import networkx as nx

    flows = collections.defaultdict(lambda: np.zeros(2))
    name = namer(records, by)
    for source, target, amounts in transfers(records, market):
        flows[name(source), name(target)] += amounts
    graph = nx.DiGraph()
    graph.add_edges_from(
        (source, target, {"notional": float(amounts[0]), "loss": float(amounts[1])})
        for (source, target), amounts in flows.items()
    )
    return graph


def namer(records, by):
    """Return the function that names a trader's node: the kind or the number; the fund and the book have their own."""
    kinds = np.repeat(*np.array(records.meta["trader_kinds"]).T)

    def name(trader):
        if trader == BOOK:
            return BOOK
        if trader >= len(kinds):
            return FUND
        return records.kind_names[kinds[trader]] if by == "kind" else int(trader)

    return name


def transfers(records, market):
    """Yield ``(liquidated, other side, (notional, loss))`` of each part of each forced trade, in quote currency."""
    unit, lot, fund = (
        records.meta["unit"],
        of_market(records.meta["lot"], market),
        records.meta["traders"],
    )
    events = of_liquidations(forced_events(records, market))
    for event in events:
        yield event["trader"], fund, (0.0, event["fund_change"] * unit)
    value = np.sign(events["lots"]) * (
        events["value"] * unit - np.abs(events["lots"]) * events["mark"] * lot
    )
    amounts = np.column_stack([np.abs(events["lots"]) * events["mark"] * lot, value])
    into_book = events["kind"] == FORCED_ORDER
    for event, pair in zip(events[~into_book], amounts[~into_book], strict=True):
        yield event["trader"], event["counterparty"], pair
    yield from book_transfers(
        events[into_book],
        amounts[into_book],
        forced_prints(records, market),
        of_market(records.meta["tick"], market) * lot,
    )


def forced_prints(records, market):
    """Return the trades of forced orders by (step, taker)."""
    chosen = records.prints[(records.prints["market"] == market) & (records.prints["forced"] == 1)]
    found = collections.defaultdict(list)
    for row in chosen:
        found[int(row["step"]), int(row["taker"])].append(row)
    return found


def book_transfers(events, amounts, made, tick_value):
    """Yield the transfers of forced orders: to their makers where these are known, else to the book.

    Notes
    -----
    Several slices of one account in one step share its makers: the loss is divided by each maker's own price against their mean mark.
    """
    groups = collections.defaultdict(lambda: np.zeros(3))
    for event, pair in zip(events, amounts, strict=True):
        groups[int(event["step"]), int(event["trader"])] += (*pair, abs(event["lots"]))
    for (step, trader), (notional, loss, lots) in (
        (key, sums) for key, sums in groups.items() if sums[2] > 0
    ):
        trades = made.get((step, trader), ())
        for trade in trades:
            at_mark = notional * trade["lots"] / lots
            yield (
                trader,
                trade["maker"],
                (at_mark, trade["side"] * (trade["lots"] * trade["tick"] * tick_value - at_mark)),
            )
        if not trades:
            yield trader, BOOK, (notional, loss)
