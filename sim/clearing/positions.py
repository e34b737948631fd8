"""The open positions of a state, with the equity behind each."""

import numpy as np

from perplab.sim.state.event_rows import OPEN_POSITION


def open_positions(tables):
    """Return the open positions of all traders (without funds), by trader and market.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        Of a market's state.

    Returns
    -------
    numpy.ndarray of OPEN_POSITION
        `value`, units: entry value of the lots, negative if short. `notional` and `equity`, units
        at the mark: of the margin account behind the position, which is its isolated margin or
        the account of all cross positions at the venue. Their ratio is the leverage.
    """
    positions = tables["position"][: int(tables["run"]["traders"][0])]
    market, mark = tables["market"], tables["view"]["mark"]
    worth = positions["lots"] * (mark * market["units_per_price"])
    isolated = positions["isolated"] != 0
    notional, equity = np.abs(worth), positions["isolated_margin"] + positions["quote"] + worth
    for venue in range(len(tables["venue"])):
        cross = ~isolated & (market["venue"] == venue)
        cross_equity = tables["account"]["collateral"][: len(positions), venue] + (
            (positions["quote"] + worth) * cross
        ).sum(axis=1)
        notional = np.where(cross, (np.abs(worth) * cross).sum(axis=1)[:, None], notional)
        equity = np.where(cross, cross_equity[:, None], equity)
    trader, m = np.nonzero(positions["lots"])
    rows = np.zeros(len(trader), OPEN_POSITION)
    rows["trader"], rows["kind"], rows["market"] = trader, tables["trader"]["kind"][trader], m
    rows["lots"], rows["mark"] = positions["lots"][trader, m], mark[m]
    rows["value"] = -positions["quote"][trader, m]
    rows["notional"], rows["equity"] = notional[trader, m], equity[trader, m]
    return rows
