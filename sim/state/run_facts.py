"""What a run's records state beside their rows: contract numbers, counters and balances."""

import itertools

from perplab.sim.state.build import Layout
from perplab.sim.state.codes import OUTCOMES

COUNTERS = ("decisions", "order_messages", "trades", "rounds_max", "traders")
MARKET_NUMBERS = ("tick", "lot", "units_per_price", "interval_seconds")
MARKET_CODES = ("venue", "units_per_tick", "funding_on", "thin_samples")


def describe_run(tables, setup):
    """Return what holds for a whole run, and lists of what holds for one market or one venue.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray
        The state at the end of the run.
    setup : perplab.sim.setup.Setup

    Returns
    -------
    dict
        Run-wide numbers; `markets` and `venues`, a dict each, in the order of the tables. A
        market's `venue` is its place in `venues`.
    """
    run, layout = tables["run"][0], Layout(setup)
    kinds = tables["trader"]["kind"][: int(run["traders"])].tolist()
    return {
        "dt": setup.dt,
        "steps": int(run["step"]),
        "unit": layout.unit,
        **{field: int(run[field]) for field in COUNTERS},
        "record_seconds": float(run["record_steps"] * run["dt"]),
        "outcomes": dict(zip(OUTCOMES, run["outcomes"].tolist(), strict=False)),
        "trader_kinds": [[kind, len(list(those))] for kind, those in itertools.groupby(kinds)],
        "shock_seconds": [list(shock.seconds) for asset in setup.assets for shock in asset.shocks],
        "markets": [describe_market(tables, setup, m) for m in range(len(setup.markets))],
        "venues": [describe_venue(tables, setup, v, name) for v, name in enumerate(layout.venues)],
    }


def describe_market(tables, setup, m):
    """Return the contract numbers and counters of one market."""
    market = tables["market"][m]
    fund = tables["venue"]["fund_row"][market["venue"]]
    return {
        "asset": setup.assets[int(market["asset"])].name,
        **{field: float(market[field]) for field in MARKET_NUMBERS},
        **{field: int(market[field]) for field in MARKET_CODES},
        "funding_law": law_numbers(market["funding_law"]),
        "premium_samples": int(market["all_samples"]),
        "fund_lots": int(tables["position"]["lots"][fund, m]),
    }


def law_numbers(law):
    """Return the numbers of a law's record by field; `perplab.sim.laws` reads them back."""
    return {field: law[field].item() for field in law.dtype.names}


def describe_venue(tables, setup, v, name):
    """Return the insurance fund, fees and shared loss of one venue, in units of money."""
    venue = tables["venue"][v]
    rulebook = next(market.rulebook for market in setup.markets if market.venue == name)
    return {
        "name": name,
        "round_seconds": float(venue["round_seconds"]),
        "fund_initial": int(rulebook.units(rulebook.fund.initial)),
        "fund_equity": fund_equity(tables, v),
        "fees": int(venue["fees"]),
        "shared_loss": int(venue["shared_loss"]),
    }


def fund_equity(tables, v):
    """Return the equity of a venue's insurance fund at the mark, in units of money."""
    fund, markets = int(tables["venue"]["fund_row"][v]), tables["market"]
    profit = sum(
        int(position["quote"] + position["lots"] * view["mark"] * market["units_per_price"])
        for position, view, market in zip(
            tables["position"][fund], tables["view"], markets, strict=True
        )
    )
    return int(tables["account"]["collateral"][fund, v]) + profit
