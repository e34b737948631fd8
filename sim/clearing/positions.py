"""The positions that stand open at a moment, with the equity behind each."""

import numpy as np

from perplab.sim.state.records import OPEN_POSITION


def open_positions(tables):
    """Return the open positions of all traders (without funds), by trader and market.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        Of a market's state.

    Returns
    -------
    numpy.ndarray of OPEN_POSITION
        `value`: what was paid for the lots (received, if short), units. `notional` and `equity`, units: of the whole purse that stands behind
        the position at the mark: its own, if isolated, else all cross positions of the account at the venue. Leverage is their ratio.
    """
    positions = tables["position"][: int(tables["run"]["traders"][0])]
    market, mark = tables["market"], tables["view"]["mark"]
    worth = positions["lots"] * (mark * market["units_per_price"])
    apart = positions["isolated"] != 0
    notional, equity = np.abs(worth), positions["isolated_margin"] + positions["quote"] + worth
    for venue in range(len(tables["venue"])):
        cross = ~apart & (market["venue"] == venue)
        purse = tables["account"]["collateral"][: len(positions), venue] + (
            (positions["quote"] + worth) * cross
        ).sum(axis=1)
        notional = np.where(cross, (np.abs(worth) * cross).sum(axis=1)[:, None], notional)
        equity = np.where(cross, purse[:, None], equity)
    trader, m = np.nonzero(positions["lots"])
    rows = np.zeros(len(trader), OPEN_POSITION)
    rows["trader"], rows["kind"], rows["market"] = trader, tables["trader"]["kind"][trader], m
    rows["lots"], rows["value"], rows["mark"] = (
        positions["lots"][trader, m],
        -positions["quote"][trader, m],
        mark[m],
    )
    rows["notional"], rows["equity"] = notional[trader, m], equity[trader, m]
    return rows
