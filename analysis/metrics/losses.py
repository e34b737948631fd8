"""Who gained, who lost, and who took what was liquidated; the network of losses."""

import collections

import numpy as np

from perplab.analysis.estimators.series import forced_events, market_facts, ratio
from perplab.analysis.metrics.cascade import liquidated_notional, notional, of_liquidations
from perplab.sim.state.codes import ADL, FORCED_ORDER, FUND_ADL, NO_ROW, TAKEOVER

BOOK, FUND = "book", "insurance fund"
ABSORBERS = {"share_book": FORCED_ORDER, "share_fund": TAKEOVER, "share_adl": ADL}
LEGS = ("perpetual", "spot", "funding", "fees")
"""Sources of a trader's profit. The perpetual's is trades, and what liquidation took or forgave;
spot's is trades and borrow interest."""
OF_PROFIT = ("funding_by_kind", "fees_by_kind")
PROFIT_COLUMNS = ("profit (USD)", "of which funding (USD)", "of which fees (USD)")


def rows_of_kind(records, kind):
    """Return the recorded rows of one kind."""
    return records.kinds[:, records.kind_names.index(kind)]


def legs_of(rows):
    """Return the profit since the first row by leg, integer units; they add up to all profit.

    Parameters
    ----------
    rows : numpy.ndarray of KIND_SERIES
        Of one kind.

    Returns
    -------
    dict of str to numpy.ndarray of int
    """
    spot, funding, fees = (
        rows[field] - rows[field][0] for field in ("spot_profit", "funding", "fees")
    )
    perpetual = rows["equity"] - rows["equity"][0] - spot - funding - fees
    return dict(zip(LEGS, (perpetual, spot, funding, fees), strict=True))


def profit_rows(summary, meta):
    """Return ``(who, profit, funding, fees)`` of all participants, in USD; each column sums to 0.

    The participants are the kinds of trader, the venues' insurance funds and fees, and the external
    world (the spot market and the lender), which loses what the others gain, since the ledger's
    total never changes. Funding that traders do not pay each other passes through the fund, as do
    fees of liquidation.

    Parameters
    ----------
    summary : dict
        From `perplab.analysis.metrics.summary.summarize`.
    meta : dict
        `Records.meta`.
    """
    rows = [
        (kind.replace("_", " "), profit, *(summary[key][kind] for key in OF_PROFIT))
        for kind, profit in summary["pnl_by_kind"].items()
    ]
    venues, unit = meta["venues"], meta["unit"]
    fund = sum(venue["fund_equity"] - venue["fund_initial"] for venue in venues) * unit
    fees = sum(venue["fees"] for venue in venues) * unit
    funding, paid = (-sum(row[k] for row in rows) for k in (2, 3))
    rows += [(FUND, fund, funding, paid - fees), ("venue, fees", fees, 0.0, fees)]
    return [*rows, ("external (spot, borrow)", -sum(row[1] for row in rows), 0.0, 0.0)]


def loss_network(records, market=0, by="kind"):
    """Return who took over liquidated positions from whom, and who gained, as a directed graph.

    Parameters
    ----------
    records : perplab.sim.state.recorder.Records
        With `record.trades` the makers of liquidation orders are known; without it they are the
        node "book".
    market : int
    by : {"kind", "trader"}

    Returns
    -------
    networkx.DiGraph
        Edges lead from the liquidated account to its counterparty. `notional`: quote currency, at
        the mark of the event. `loss`: quote currency, what the counterparty gained against that
        mark; for the fund also fees and the margin left over. Negative where the liquidated account
        gained: a deficit that the fund paid, a bankruptcy price better than the mark.
    """
    import networkx as nx

    flows = collections.defaultdict(lambda: np.zeros(2))
    name = namer(records, by)
    for source, target, amounts in transfers(records, market):
        flows[name(source), name(target)] += amounts
    graph = nx.DiGraph()
    for (source, target), (amount, loss) in flows.items():
        graph.add_edge(source, target, notional=float(amount), loss=float(loss))
    return graph


def namer(records, by):
    """Return the function that names a trader's node, by kind or by number; also book and fund."""
    kinds = np.repeat(*np.array(records.meta["trader_kinds"]).T)

    def name(trader):
        if trader == BOOK:
            return BOOK
        if trader >= len(kinds):
            return FUND
        return records.kind_names[kinds[trader]] if by == "kind" else int(trader)

    return name


def transfers(records, market):
    """Yield ``(liquidated, counterparty, (notional, loss))`` of forced trades, quote currency."""
    facts, unit, fund = market_facts(records, market), records.meta["unit"], records.meta["traders"]
    forced = forced_events(records, market)
    events = forced[(forced["node"] != NO_ROW) | (forced["kind"] == FUND_ADL)]
    events = events[np.argsort(events["sequence"], kind="stable")]
    for event in events[events["kind"] != FUND_ADL]:
        yield event["trader"], fund, (0.0, event["fund_change"] * unit)
    at_mark = notional(events, facts["lot"])
    amounts = np.column_stack(
        [at_mark, np.sign(events["lots"]) * (events["value"] * unit - at_mark)]
    )
    into_book = events["kind"] == FORCED_ORDER
    for event, pair in zip(events[~into_book], amounts[~into_book], strict=True):
        yield event["trader"], event["counterparty"], pair
    yield from book_transfers(
        events[into_book],
        amounts[into_book],
        forced_prints(records, market),
        facts["tick"] * facts["lot"],
    )


def forced_prints(records, market):
    """Return the trades of liquidation orders by (step, taker)."""
    chosen = records.prints[(records.prints["market"] == market) & (records.prints["forced"] == 1)]
    found = collections.defaultdict(list)
    for row in chosen:
        found[int(row["step"]), int(row["taker"])].append(row)
    return found


def book_transfers(events, amounts, made, tick_value):
    """Yield the transfers of liquidation orders to their makers if known, otherwise to the book.

    Notes
    -----
    Several slices of one account in one step share its makers: the loss is divided by each maker's
    own price against the slices' mean mark.
    """
    groups = collections.defaultdict(lambda: np.zeros(3))
    for event, pair in zip(events, amounts, strict=True):
        groups[int(event["step"]), int(event["trader"])] += (*pair, abs(event["lots"]))
    for (step, trader), (value, loss, lots) in groups.items():
        if not lots > 0:
            continue
        trades = made.get((step, trader), ())
        for trade in trades:
            at_mark = value * trade["lots"] / lots
            paid = trade["lots"] * trade["tick"] * tick_value
            yield trader, trade["maker"], (at_mark, trade["side"] * (paid - at_mark))
        if not trades:
            yield trader, BOOK, (value, loss)


def absorbed_shares(events, lot):
    """Return the shares of the liquidated notional taken by the book, the fund and ADL.

    What ADL closes of the fund's positions is taken by ADL, not by the fund, at the mean mark of
    the takeovers and at most as many lots.

    Examples
    --------
    >>> rows = [(TAKEOVER, -10, 100.0, 0), (FUND_ADL, -4, 90.0, NO_ROW)]
    >>> form = [("kind", "i8"), ("lots", "i8"), ("mark", "f8"), ("node", "i8"), ("sequence", "i8")]
    >>> events = np.array([(*row, k) for k, row in enumerate(rows)], form)
    >>> {name: float(share) for name, share in absorbed_shares(events, 1.0).items()}
    {'share_book': 0.0, 'share_fund': 0.6, 'share_adl': 0.4}
    """
    chosen = of_liquidations(events)
    values, total = notional(chosen, lot), liquidated_notional(events, lot)
    taken = {name: values[chosen["kind"] == kind].sum() for name, kind in ABSORBERS.items()}
    passed_on = taken["share_fund"] * passed_on_share(events)
    taken["share_fund"] -= passed_on
    taken["share_adl"] += passed_on
    return {name: ratio(value, total) for name, value in taken.items()}


def passed_on_share(events):
    """Return the share of the lots taken over by the fund that ADL then closed; 0 of none."""
    lots = np.abs(events["lots"])
    taken, closed = (lots[events["kind"] == kind].sum() for kind in (TAKEOVER, FUND_ADL))
    return min(closed / taken, 1.0) if taken else 0.0
