"""Predatory trading: a run beside its branch "alone", in which the predators never begin.

Costs are in units of g D^2: permanent impact per amount times the square of what the seller must
sell. Theory is that of the spot market's own law (`temporary_seconds`), not of traders' beliefs.
"""

import math

import numpy as np

from perplab.analysis.estimators.predatory_trading import predation_costs, predation_overshoot
from perplab.analysis.estimators.series import BPS, market_facts, plain
from perplab.analysis.metrics.episodes import row_at
from perplab.sim.state.initial_markets import IMPACT_NOTIONAL


def predation_run(outcomes):
    """Return costs of the seller, gains of the predators and the overshoot, measured and in theory.

    The overshoot is known where temporary impact and volatility do not hide it.
    """
    outcome = outcomes["base"]
    spot, seller = outcome.scenario.spot, outcome.scenario.populations["seller"].traits
    moved = spot.permanent_impact_bps / BPS / IMPACT_NOTIONAL * seller["size_usd"]
    ratio = temporary_seconds(spot, outcome.scenario.dt_seconds) / seller["horizon_seconds"]
    cost, alone = (seller_cost(outcomes[name].records) for name in ("base", "alone"))
    extra, gain = predation_costs(ratio, int(seller["predators"]))
    quiet = ratio == 0 and spot.price.volatility == 0
    scale = moved * seller["size_usd"]
    return plain(
        {
            "impact_ratio": ratio,
            "extra_cost": (cost - alone) / scale,
            "extra_cost_theory": extra,
            "gain": earned(outcome.records, "predator") / scale,
            "gain_theory": gain,
            "overshoot": passed_below(outcome.records) / moved if quiet else math.nan,
            "overshoot_theory": predation_overshoot(seller["predators"]) if quiet else math.nan,
        }
    )


def temporary_seconds(spot, dt):
    """Return temporary over permanent impact of spot trades at a steady rate, in seconds.

    Parameters
    ----------
    spot : perplab.scenarios.files.schema.Asset
    dt : float, seconds per step

    Notes
    -----
    At q per step the transient impact at the start of a step is kappa q / (1 - exp(-dt / tau)), and
    a trade pays half its own on top. The rate is q / dt.
    """
    left = -math.expm1(-dt / spot.impact_seconds)
    return spot.transient_impact_bps / spot.permanent_impact_bps * dt * (1 / left + 0.5)


def kind_rows(records, kind):
    """Return the hourly rows of a kind."""
    return records.kinds[:, records.kind_names.index(kind)]


def earned(records, kind):
    """Return the profit of a kind, quote currency."""
    equity = kind_rows(records, kind)["equity"]
    return float(equity[-1] - equity[0]) * records.meta["unit"]


def seller_cost(records):
    """Return what the seller got less than its amount was worth at the start, quote currency."""
    rows, lot = kind_rows(records, "distressed_seller"), market_facts(records)["lot"]
    first, last = (row_at(records.series[0], at)["spot"] for at in rows["seconds"][[0, -1]])
    sold = -float(rows["spot_lots"][-1]) * lot
    return sold * float(first - last) - earned(records, "distressed_seller")


def passed_below(records):
    """Return how far spot fell below its last value, as a log price."""
    spot = records.series[0]["spot"]
    return float(np.log(spot[-1] / spot.min()))
