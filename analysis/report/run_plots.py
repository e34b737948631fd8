"""The figures of a single run's report, with their captions."""

import pandas as pd

from perplab.analysis import figures
from perplab.analysis.estimators.series import forced_events, market_facts, run_seconds
from perplab.analysis.figures.price_panels import bars_of, duration_text
from perplab.analysis.metrics.cascade import forest, trees
from perplab.analysis.metrics.losses import loss_network
from perplab.analysis.metrics.replay_reference import real_market
from perplab.analysis.metrics.scenario_words import acting_of
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.json_files import from_json
from perplab.sim.errors import PerplabError

PRICE = (
    "Top: spot price and perpetual mid price, USD; triangles are the first forced trade of each "
    "liquidated account, at the mark price. "
    "Bottom: basis, bp of spot."
)
FUNDING = (
    "Top: funding rate of each settlement, bp per 8 h, drawn over the interval it ends. Below: "
    "cumulative funding received by kind of trader (negative: paid), USD; further panels enlarge "
    "the smaller amounts, without the kinds that dominate."
)
OPEN_INTEREST = (
    "Top: open interest at the mark price, USD. Bottom: notional liquidated at the mark price, USD "
    "per {}, by side of the position."
)
EQUITY = (
    "Change of equity since the start of the run by kind of trader, USD; further panels "
    "enlarge the smaller changes, without the kinds that dominate."
)
PHASES = (
    "Predicted funding rate (bp per 8 h) against basis (bp of spot). The colour of a cell is the "
    "time spent in it, minutes, on a logarithmic scale."
)
LEVERAGE = (
    "Leverage (notional over equity, logarithmic axis) of the accounts with open positions and "
    "positive equity at the end of the run, stacked by kind of trader."
)
TREES = (
    "The largest liquidation trees, by number of accounts. A dot is an account: its area is the "
    "liquidated notional, its colour what pushed it below maintenance. A line leads from the "
    "account whose liquidation order did so. Time in minutes."
)
LOSSES = (
    "Transfers from liquidated kinds to those that took over their positions. Width and number are "
    "the loss against the mark price, USD."
)


def run_drawings(scenario, records):
    """Return the figures of a run by name, each with its caption."""
    return {
        **time_drawings(records, real_of(scenario), acting_of(scenario)),
        **leverage_drawings(records),
        **cascade_drawings(records),
    }


def time_drawings(records, real, acting, market=0):
    """Return the figures that every run has."""
    beside = " With the real market for comparison, the basis at hourly closes." if real else ""
    spans = "; ".join(f"{word} from hour {first:g} to {last:g}" for first, last, word in acting)
    shaded = f" Shaded: {spans}." if spans else ""
    rows = pd.DataFrame(records.series[market])
    interval = market_facts(records, market)["interval_seconds"]
    return {
        "price_and_basis": (
            f"{PRICE}{beside}{shaded}",
            lambda: figures.price_and_basis_figure(records, real, market, acting),
        ),
        "funding": (
            f"{FUNDING}{beside}",
            lambda: figures.funding_figure(records, real, market),
        ),
        "open_interest_and_liquidations": (
            OPEN_INTEREST.format(duration_text(bars_of(run_seconds(records))[0])),
            lambda: figures.open_interest_figure(records, market),
        ),
        "equity_by_kind": (EQUITY, lambda: figures.equity_figure(records)),
        "phase_portrait": (
            PHASES,
            lambda: figures.single_panel(
                lambda axes: figures.phase_portrait(rows, axes, interval), width=4.4
            ),
        ),
    }


def real_of(scenario):
    """Return the real market of a stored scenario if its files are still there, else None."""
    if scenario.get("comparison") is None:
        return None
    try:
        checked = Scenario.model_validate(from_json(scenario))
        return real_market(checked, rulebook_of(next(iter(checked.all_markets.values()))))
    except (OSError, ValueError, PerplabError):
        return None


def leverage_drawings(records):
    """Return the figure of leverage, if positions are open at the end."""
    if not (records.positions["equity"] > 0).any():
        return {}
    kinds = [records.kind_names[kind] for kind in records.positions["kind"]]
    frame = pd.DataFrame(records.positions).assign(kind=kinds)
    return {
        "leverage": (
            LEVERAGE,
            lambda: figures.single_panel(
                lambda axes: figures.leverage_histogram(frame, axes), width=4.8
            ),
        )
    }


def cascade_drawings(records, market=0):
    """Return the figures of liquidation trees and loss transfers, as far as there are any."""
    graph = forest(forced_events(records, market), market_facts(records, market)["lot"])
    losses, drawn = loss_network(records), {}
    if any(row["size"] > 1 for row in trees(graph)):
        drawn["cascade_trees"] = (
            TREES,
            lambda: figures.single_panel(lambda axes: figures.cascade_trees(graph, axes), 7.0, 3.8),
        )
    if any(flow["loss"] for *_, flow in losses.edges(data=True)):
        drawn["losses"] = (
            LOSSES,
            lambda: figures.single_panel(lambda axes: figures.loss_flows(losses, axes), 5.0, 2.8),
        )
    return drawn
