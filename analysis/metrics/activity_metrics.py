"""Metrics of activity: open interest, volume, the state of the book, profit by kind, counters."""

import functools

import numpy as np

from perplab.analysis.estimators.series import mean, ratio
from perplab.analysis.metrics.catalogue import metric
from perplab.scenarios.files.kinds import kind_named
from perplab.sim.state.codes import OUTCOMES

YEAR_SECONDS = 31_536_000.0
HEDGED = 0.01
"""Spot held by traders over open interest, below which spot is too thin for those who hedge."""
SPOT_TRAITS = {"hedge_ratio", "borrow_share"}
"""Traits of kinds that trade in spot."""
RUINED_BELOW = 0.5
"""Equity over that at the start below which a kind of trader is ruined."""

market_metric = functools.partial(metric, group="market")
run_metric = functools.partial(metric, group="run")


@market_metric("open interest, mean", "USD", sweep_table="activity")
def open_interest_mean(run):
    """Return the mean open interest at the mark."""
    return mean(run.late["open_interest"] * run.late["mark"]) * run.facts["lot"]


@market_metric("volume", "USD", sweep_table="activity")
def volume(run):
    """Return the lots traded between rows at the later row's mark, summed; each trade once."""
    traded = np.diff(run.series["volume"], prepend=0)
    return float((traded * run.series["mark"]).sum() * run.facts["lot"])


@market_metric("trades", "trades", whole_run=True)
def trades(run):
    """Return the number of fills in the books of all markets."""
    return run.meta["trades"]


@market_metric("orders", "orders", whole_run=True)
def orders(run):
    """Return the number of order messages handled, refused ones included."""
    return run.meta["order_messages"]


@market_metric("one-sided book", "share")
def one_sided_book_share(run):
    """Return the share of rows without a bid or without an ask."""
    return mean(~((run.late["best_bid"] > 0) & (run.late["best_ask"] > 0)))


@market_metric("premium samples from a thin book", "share", whole_run=True)
def thin_premium_share(run):
    """Return the share of premium samples whose impact notional the book could not fill."""
    return ratio(run.facts["thin_samples"], run.facts["premium_samples"])


@metric("refused orders", "orders", whole_run=True)
def order_refusals(run):
    """Return the number of order messages by outcome, those carried out left out."""
    outcomes = run.meta["outcomes"]
    return {name: count for name, count in outcomes.items() if name != OUTCOMES[0]}


@metric("profit", "USD", signed=True)
def pnl_by_kind(run):
    """Return the change of equity of each kind of trader over the run."""
    return change_by_kind(run, "equity")


@metric("profit a year over capital", "share", signed=True, whole_run=True)
def return_by_kind(run):
    """Return the change of equity of each kind a year, over its equity at the start."""
    rows = run.records.kinds
    years = float(rows["seconds"][-1, 0] - rows["seconds"][0, 0]) / YEAR_SECONDS
    profits, first = change_by_kind(run, "equity"), rows["equity"][0] * run.meta["unit"]
    return {
        kind: profits[kind] / capital / years if capital > 0 and years > 0 else None
        for kind, capital in zip(run.records.kind_names, first.tolist(), strict=True)
    }


@market_metric("kinds ruined", "kinds", whole_run=True)
def ruined_kinds(run):
    """Return the number of kinds of traders that were ruined at some time of the run."""
    return int(is_ruined(run.records.kinds["equity"].astype(float)).sum())


def is_ruined(equity):
    """Return by kind whether equity, by time and kind, was ever below half of that at the start.

    Examples
    --------
    >>> is_ruined(np.array([[10.0, 10.0], [4.0, 6.0], [9.0, 7.0]])).tolist()
    [True, False]
    """
    return equity.min(axis=0) < RUINED_BELOW * equity[0]


@metric("funding received", "USD", signed=True)
def funding_by_kind(run):
    """Return the funding that each kind of trader received over the run, less what it paid."""
    return change_by_kind(run, "funding")


@metric("fees received", "USD", signed=True)
def fees_by_kind(run):
    """Return the trading fees that each kind of trader received over the run, less what it paid."""
    return change_by_kind(run, "fees")


def change_by_kind(run, field):
    """Return the change of an amount of each kind over the run, in quote currency."""
    rows = run.records.kinds[field]
    return {
        kind: int(rows[-1, k] - rows[0, k]) * run.meta["unit"]
        for k, kind in enumerate(run.records.kind_names)
    }


@metric("seed")
def seed(run):
    """Return the seed of the run."""
    return run.meta["seed"]


@metric("steps", "steps")
def steps(run):
    """Return the number of steps run."""
    return run.meta["steps"]


@run_metric("decisions", "decisions", whole_run=True)
def decisions(run):
    """Return the number of calls of traders' rules."""
    return run.meta["decisions"]


@run_metric("simulation time", "s", whole_run=True)
def wall_seconds(run):
    """Return the time that the simulation itself took."""
    return run.meta["wall_seconds"]


@run_metric("conservation error", "units")
def conservation_error_units(run):
    """Return the change of all money (traders, funds, fees, external), which is always 0."""
    return run.meta["conservation_error_units"]


def warnings_of(scenario, records):
    """Return sentences on what makes the figures of a run questionable; none is the rule.

    Spot under the law of displacement may be so thin that kinds which hedge in it do not trade.
    """
    (asset, *others), kinds = scenario.all_assets.values(), scenario.populations.values()
    hedgers = [one.kind for one in kinds if SPOT_TRAITS & set(kind_named(one.kind).traits.traits)]
    if others or not asset.displacement or not hedgers:
        return []
    held = np.abs(records.kinds["spot_lots"]).sum(axis=1).max()
    most = max(rows["open_interest"].max() for rows in records.series)
    if most == 0 or held > HEDGED * most:
        return []
    depth = asset.displacement.depth
    return [
        f"spot was too thin to hedge in: traders held at most {held / most:.2g} of open interest "
        f"in spot. A trade of {depth / 1e4:,.6g} USD moves it by 1 bp (spot.displacement.depth "
        f"{depth:.3g}), so {', '.join(sorted(set(hedgers)))} hardly trade"
    ]
