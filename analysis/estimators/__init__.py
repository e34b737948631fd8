"""Statistics of recorded or real series: estimators of stylised facts with their intervals,
half-lives and unit-root tests, price discovery, responses to orders, closed forms, and differences
and sensitivities over the runs of a sweep. Which figures a run has, and what they are called,
belongs in `metrics`. Paired differences and sensitivity are imported from their modules, since they
load pandas.
"""

from perplab.analysis.estimators.block_intervals import (
    block_interval,
    bootstrap_interval,
    share_interval,
)
from perplab.analysis.estimators.closed_forms import (
    branching_total,
    continuous_inverse_price,
    continuous_price,
    damped_premium,
    dead_band,
    discrete_inverse_price,
    discrete_price,
    hitting_probability,
    liquidation_price_ratio,
)
from perplab.analysis.estimators.discovery import Discovery, price_discovery
from perplab.analysis.estimators.estimates import (
    autocorrelation_interval,
    effective_spread,
    half_life_interval,
    impact_exponent,
    tail_index,
)
from perplab.analysis.estimators.impulse_response import (
    mean_response,
    response,
    reversion_speed,
    split_reversion,
)
from perplab.analysis.estimators.predatory_trading import (
    equilibrium_costs,
    equilibrium_rates,
    predation_costs,
    predation_overshoot,
)
from perplab.analysis.estimators.series import (
    basis_bps,
    hourly_closes,
    market_facts,
    mean_interval,
    venue_facts,
)
from perplab.analysis.estimators.unit_root import median_half_life, random_walk_share

__all__ = [
    "Discovery",
    "autocorrelation_interval",
    "basis_bps",
    "block_interval",
    "bootstrap_interval",
    "branching_total",
    "continuous_inverse_price",
    "continuous_price",
    "damped_premium",
    "dead_band",
    "discrete_inverse_price",
    "discrete_price",
    "effective_spread",
    "equilibrium_costs",
    "equilibrium_rates",
    "half_life_interval",
    "hitting_probability",
    "hourly_closes",
    "impact_exponent",
    "liquidation_price_ratio",
    "market_facts",
    "mean_interval",
    "mean_response",
    "median_half_life",
    "predation_costs",
    "predation_overshoot",
    "price_discovery",
    "random_walk_share",
    "response",
    "reversion_speed",
    "share_interval",
    "split_reversion",
    "tail_index",
    "venue_facts",
]
