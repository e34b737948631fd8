"""Figures of one recorded run: the metric catalogue and the summary, liquidation cascades, losses,
branches, replays against real prices, and stylised facts. Estimators that know nothing of a run's
venue or traders belong in `estimators`; drawing belongs in `figures`, studies over several runs in
`studies`. `stylised_facts` and `replay_reference` are imported from their modules, since they load
pandas.
"""

from perplab.analysis.metrics.branches import since, summary_since
from perplab.analysis.metrics.cascade import (
    amplification,
    branching_ratio,
    cascade_figures,
    forest,
    liquidated_notional,
    liquidation_count,
    trees,
)
from perplab.analysis.metrics.catalogue import (
    Metric,
    all_metrics,
    label,
    metric,
    metric_of,
    tabled_metrics,
)
from perplab.analysis.metrics.episodes import attack_figures, fall_figures
from perplab.analysis.metrics.losses import absorbed_shares, loss_network, profit_rows
from perplab.analysis.metrics.peg_metrics import basis_figures, funding_figures
from perplab.analysis.metrics.replay_fit import compare_replay
from perplab.analysis.metrics.summary import MarketRun, market_run, summarize

__all__ = [
    "MarketRun",
    "Metric",
    "absorbed_shares",
    "all_metrics",
    "amplification",
    "attack_figures",
    "basis_figures",
    "branching_ratio",
    "cascade_figures",
    "compare_replay",
    "fall_figures",
    "forest",
    "funding_figures",
    "label",
    "liquidated_notional",
    "liquidation_count",
    "loss_network",
    "market_run",
    "metric",
    "metric_of",
    "profit_rows",
    "since",
    "summarize",
    "summary_since",
    "tabled_metrics",
    "trees",
]
