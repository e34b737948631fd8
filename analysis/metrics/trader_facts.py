"""Facts of traders: leverage, liquidations and their trees, attackers, profit by kind."""

import numpy as np

from perplab.analysis.estimators.block_intervals import (
    binomial_limits,
    block_interval,
    bootstrap_interval,
)
from perplab.analysis.estimators.estimates import YEAR_HOURS, branching, drawdown_of, sharpe
from perplab.analysis.estimators.fact_rows import exact_fact, interval_fact, level_fact
from perplab.analysis.estimators.series import DAY_SECONDS, HOUR_SECONDS, run_seconds
from perplab.analysis.metrics.cascade import forest, liquidation_count, trees
from perplab.analysis.metrics.episodes import ATTACKER, shorts_by_channel
from perplab.analysis.metrics.losses import absorbed_shares, legs_of, rows_of_kind

MINUTE_SECONDS = 60.0
QUOTE = "quote currency"
ABSORBER_NAMES = {"share_book": "book", "share_fund": "fund", "share_adl": "ADL"}


def leverage_facts(run):
    """Yield the leverage of the positions open at the end of the run."""
    rows = run.records.positions
    rows = rows[(rows["market"] == run.market) & (rows["equity"] > 0)]
    leverage = rows["notional"] / rows["equity"]
    for name, share in (("median", 0.5), ("upper decile", 0.9)):
        found = bootstrap_interval(lambda values, share=share: np.quantile(values, share), leverage)
        yield interval_fact(
            f"leverage at the end, {name}", found, "1", "of open positions; bootstrap over them"
        )


def hazard_facts(run):
    """Yield liquidations per trader-year, over all traders of the run, with or without a position.

    Liquidations cluster in falls and trees, and one run has few falls: over seeds of `small` the
    variance of their count is 5 to 8 times its mean (1 for a Poisson count). So one run gives no
    honest limits.
    """
    count, days = liquidation_count(run.events), run_seconds(run.records) / DAY_SECONDS
    yield exact_fact(
        "liquidations per trader-year",
        count / (days * run.meta["traders"]) * YEAR_HOURS / 24,
        "1",
        "over all traders of the run; clustered: CI only over seeds",
    )


def cascade_facts(run):
    """Yield size and reach of the trees of liquidations, and who absorbed the forced lots."""
    lot = run.facts["lot"]
    rows = trees(forest(run.events, lot))
    if not rows:
        return
    yield from tree_facts(rows)
    for name, share in absorbed_shares(run.events, lot).items():
        yield exact_fact(f"liquidated notional, share of {ABSORBER_NAMES[name]}", share, "fraction")


def tree_facts(rows):
    """Yield the facts of the trees of a run; `rows` are those of `cascade.trees`."""
    sizes = np.array([[row["size"], row["endogenous"]] for row in rows], float)
    yield interval_fact(
        "branching ratio of liquidations",
        branching_interval(sizes),
        "1",
        "endogenous accounts over all; bootstrap over trees, exact if none",
    )
    yield interval_fact(
        "liquidations per tree",
        bootstrap_interval(lambda drawn: drawn[:, 0].mean(), sizes),
        "1",
        "bootstrap over trees",
    )
    yield exact_fact("largest tree", max(row["size"] for row in rows), "liquidations", "count")
    yield exact_fact("deepest tree", max(row["depth"] for row in rows), "generations", "count")
    longest = max(row["seconds"] for row in rows) / MINUTE_SECONDS
    yield exact_fact("longest tree", longest, "min", "first to last forced trade")


def branching_interval(sizes):
    """Return the branching ratio of trees, ``(value, low, high)``.

    Without an endogenous node the limits are the exact ones of a share that none of so many trees
    has.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (trees, 2)
        Nodes, endogenous nodes.

    Examples
    --------
    >>> [round(x, 3) for x in branching_interval(np.array([[1.0, 0.0]] * 42))]
    [0.0, 0.0, 0.084]
    """
    if not sizes[:, 1].any():
        return 0.0, *binomial_limits(False, len(sizes))
    return bootstrap_interval(branching, sizes)


def attack_facts(run):
    """Yield the attacker's profit and its sources, and what took the equity of liquidated shorts.

    Nothing without an attacker.
    """
    if ATTACKER not in run.records.kind_names:
        return
    rows, unit = rows_of_kind(run.records, ATTACKER), run.meta["unit"]
    legs = {leg: float(units[-1]) * unit for leg, units in legs_of(rows).items()}
    price = run.facts["lot"] * float(run.series["spot"][-1])
    left = abs(rows["lots"][-1]) + abs(rows["spot_lots"][-1])
    for name, amount in (
        ("profit", float(rows["equity"][-1] - rows["equity"][0]) * unit),
        *((f"of it {leg}", amount) for leg, amount in legs.items()),
        ("largest spot holding", float(rows["spot_lots"].max()) * price),
        ("still held at the end", float(left) * price),
    ):
        how = "exact, of this run; against a control: perplab study attack-value"
        yield exact_fact(f"attacker: {name}", amount, QUOTE, how)
    for channel, amount in shorts_by_channel(run.records, run.market).items():
        yield exact_fact(f"liquidated shorts, equity taken by {channel}", amount, QUOTE)


def profit_facts(run):
    """Yield profit, Sharpe ratio and drawdown of each kind of trader."""
    records = run.records
    equity = hourly(records.kinds)["equity"] * run.meta["unit"]
    for k, name in enumerate(records.kind_names):
        profits = np.diff(equity[:, k])
        yield level_fact(
            records, f"{name}: profit per hour", block_interval(np.mean, profits), QUOTE
        )
        yield level_fact(
            records,
            f"{name}: Sharpe ratio",
            block_interval(sharpe, profits),
            "per square root of a year",
            "hourly profits; six blocks of time",
        )
        yield exact_fact(
            f"{name}: largest drawdown",
            drawdown_of(profits),
            QUOTE,
            "exact, of hourly wealth in this run",
        )


def hourly(kinds):
    """Return the rows of kinds at full hours and the last one."""
    chosen = kinds["seconds"][:, 0] % HOUR_SECONDS == 0
    chosen[-1:] = True
    return kinds[chosen]
