"""The tables of a run.

Built from a setup, checked for size, connected to compiled code, written to a file and read back.
"""

import math

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.setup import never_acts
from perplab.sim.state.codes import LARGEST_UNITS, LEAST_TICKS, NO_ROW
from perplab.sim.state.event_rows import EVENT, FORCED, KIND_SERIES, PRINT, SERIES, SETTLEMENT
from perplab.sim.state.initial_markets import fill_asset, fill_market, fill_run, start_price
from perplab.sim.state.initial_traders import fill_traders
from perplab.sim.state.market_rows import ASSET, MARKET, RUN, VENUE, VIEW
from perplab.sim.state.trader_rows import (
    ACCOUNT,
    DEPTH,
    DRAW,
    HOLDING,
    KIND,
    LEVEL,
    ORDER,
    ORDER_ROW,
    PATH,
    POSITION,
    TRADER,
    WORD,
)
from perplab.sim.state.widen import LARGEST_WINDOW

WHEEL, PATH_STEPS, ORDER_ROWS, REMEMBERED = 4096, 4096, 128, 4096
LEAST_WINDOW = 4096


SERIES_ROWS, KIND_ROWS, SETTLEMENT_ROWS, PRINT_ROWS = 2048, 256, 4096, 65536


class Layout:
    """Names, rows and numbers of what a setup holds.

    Venues, assets, populations, trader rows and order slots.
    """

    def __init__(self, setup):
        self.venues = list(dict.fromkeys(market.venue for market in setup.markets))
        self.assets = [asset.name for asset in setup.assets]
        self.kinds = list(dict.fromkeys(population.kind for population in setup.populations))
        self.traders = sum(population.number for population in setup.populations)
        self.rows = self.traders + len(self.venues)
        self.slots = sum(
            population.number * population.kind.slots for population in setup.populations
        )
        self.unit = setup.markets[0].rulebook.contract.unit


def build_tables(setup, seed):
    """Return the tables of a run at time 0 and the traits of each kind.

    Parameters
    ----------
    setup : Setup
    seed : int

    Returns
    -------
    tables : dict of str to numpy.ndarray
    traits : list of numpy.ndarray
        One structured array a kind, a row a trader.

    Raises
    ------
    ParameterError
        If all money in the market would not fit 64-bit units, there is nobody to trade, or a kind
        has nothing that wakes it.
    """
    layout = Layout(setup)
    if layout.traders == 0:
        raise ParameterError(Fault("populations", 0, "at least one trader"))
    faults = [
        Fault(
            f"populations.{population.name}.kind",
            population.kind.__name__,
            "a kind that acts: it " + never_acts(population.kind),
        )
        for population in setup.populations
        if never_acts(population.kind)
    ]
    if faults:
        raise ParameterError(*faults)
    tables = empty_tables(setup, layout)
    fill_run(tables["run"][0], setup, layout, seed)
    for a, asset in enumerate(setup.assets):
        fill_asset(tables["asset"][a], asset, setup, layout)
    for m, market in enumerate(setup.markets):
        fill_market(tables, m, market, setup, layout)
    traits = fill_traders(tables, setup, layout, seed)
    total = sum(
        float(tables["account"][field].sum(dtype=float)) for field in ("collateral", "cash")
    )
    if total >= LARGEST_UNITS:
        raise ParameterError(
            Fault(
                "total money",
                total * layout.unit,
                f"below {LARGEST_UNITS * layout.unit:g} (64-bit units)",
            )
        )
    return tables, traits


def empty_tables(setup, layout):
    """Return all tables zeroed, with their sizes."""
    window = max(window_ticks(market, setup) for market in setup.markets)
    shapes = table_shapes(setup, layout, window)
    tables = {name: np.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()}
    tables["timer_wheel"][:] = NO_ROW
    return tables


def table_shapes(setup, layout, window):
    """Return shape and row type of each table, for ladders of `window` ticks.

    The table ``fast`` has a row for each trader of the fast class, here none.
    """
    venues, assets, markets = len(layout.venues), len(layout.assets), len(setup.markets)
    positions = layout.rows * markets
    return {
        "run": (1, RUN),
        "venue": (venues, VENUE),
        "asset": (assets, ASSET),
        "market": (markets, MARKET),
        "view": (markets, VIEW),
        "trader": (layout.rows, TRADER),
        "account": ((layout.rows, venues), ACCOUNT),
        "position": ((layout.rows, markets), POSITION),
        "holding": ((layout.rows, assets), HOLDING),
        "order": (max(layout.slots, 1), ORDER),
        "level": ((markets, window), LEVEL),
        "depth": ((markets, window), DEPTH),
        "word": ((markets, window // 64), WORD),
        "summary_word": ((markets, max(window // 4096, 1)), WORD),
        "kind": (len(layout.kinds), KIND),
        "draw": (1, DRAW),
        "order_row": (ORDER_ROWS, ORDER_ROW),
        "timer_wheel": (WHEEL, "i8"),
        "wake_next": (layout.rows, "i8"),
        "wake_step": (layout.rows, "i8"),
        "awake": (layout.rows, "i8"),
        "awake_key": (layout.rows, "u8"),
        "fast": (0, "i8"),
        "open_position": (positions, "i8"),
        "stop_tick": ((layout.rows, markets), "i8"),
        "changed_position": (positions + 1, "i8"),
        "liquidatable": (positions, "i8"),
        "hedging": (layout.rows * assets, "i8"),
        "sent_spot": (layout.rows * assets, "i8"),
        "path": ((PATH_STEPS, assets), PATH),
        "forced": (REMEMBERED, FORCED),
        "event": (16 * positions + 1024, EVENT),
        "settlement": (SETTLEMENT_ROWS + markets, SETTLEMENT),
        "print": (PRINT_ROWS if setup.print_trades else 0, PRINT),
        "series": ((SERIES_ROWS, markets), SERIES),
        "kind_series": ((KIND_ROWS, len(layout.kinds)), KIND_SERIES),
    }


def window_ticks(market, setup):
    """Return the ladder's size.

    The next power of two of eight times the band at the starting price.
    """
    contract, price = market.rulebook.contract, start_price(setup, market.asset)
    if bound := tick_bound(contract, price):
        raise ParameterError(Fault("contract.tick", contract.tick, bound))
    ticks = 8 * contract.band * price / contract.tick
    return 2 ** math.ceil(math.log2(max(ticks, LEAST_WINDOW)))


def tick_bound(contract, price):
    """Return what a contract's tick must be at a starting price, an empty string if it is."""
    least, most = 8 * contract.band * price / LARGEST_WINDOW, price / LEAST_TICKS
    if least <= contract.tick <= most:
        return ""
    return (
        f"between {least:g} and {most:g}: a starting price of {price:g} needs a ladder "
        f"of at most {LARGEST_WINDOW} ticks"
    )


def price_bound(contract):
    """Return between what a starting price must be for a contract's tick."""
    low, high = LEAST_TICKS * contract.tick, LARGEST_WINDOW * contract.tick / (8 * contract.band)
    return f"between {low:g} and {high:g}, for the tick of {contract.tick:g} (contract.tick)"
