"""Rulebooks between which every key of a rulebook matters: the library and variants of it."""

import functools

from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names

SMALL = {"contract.tick": 1.0, "contract.lot": 0.001, "fund.initial": 200.0}
NO_ADAPTIVE = dict.fromkeys(
    f"premium.{key}"
    for key in ("increase", "decrease", "stable_imbalance", "decreasing_imbalance", "maximum_rate")
)
VARIANTS = (
    # sources of an index that deviate and pause
    (
        "binance",
        {"index.weights": [3.0, 2.0, 1.0, 1.0], "index.clamp": 0.001, "index.exclusion": 0.002}
        | {"index.deviation_bps": 10.0, "index.deviation_seconds": 300.0}
        | {"index.outages_per_day": 50.0, "index.outage_seconds": 900.0}
        | {"index.stale_seconds": 300.0},
    ),
    # premium: few votes a minute, trimmed; thin books; open interest and its quiet zone
    (
        "dydx-v4",
        {"premium.law": "mid", "premium.impact_notional": None, "premium.minimum_votes": 5}
        | {"premium.trim": 0.2, "premium.quantum": 1e-5},
    ),
    ("binance", {"premium.impact_notional": 1e5, "index.window_seconds": 3_600.0}),
    (
        "gmx-v2",
        NO_ADAPTIVE
        | {"premium.law": "open_interest", "premium.factor": 0.01, "premium.exponent": 1.1}
        | {"premium.minimum_rate": 0.0},
    ),
    (
        "gmx-v2",
        {"premium.stable_imbalance": 0.6, "premium.decreasing_imbalance": 0.5}
        | {"premium.decrease": 1e-7, "premium.minimum_rate": 0.0},
    ),
    # funding: rates at their bounds; shorter intervals at the cap; a pool with few fees
    ("hyperliquid", {"funding.cap": 1e-4, "funding.floor": 5e-5}),
    ("deribit", {"funding.step_limit": 2e-5}),
    (
        "binance",
        {"funding.interval_hours": 2.0, "funding.cap": 2e-5}
        | {"funding.short_interval_hours": 0.5, "funding.restore_after": 2},
    ),
    ("drift-v2", {"funding.interest_rate": 0.01, "funding.period_hours": 1.0, "funding.cap": 0.05}),
    # mark and index: a basis that counts in part; a mark near the index
    (
        "bybit",
        {
            "mark.inputs": [
                {"input": "index_plus_shrunk_basis", "window_seconds": 60.0, "basis_limit": 0.002}
            ]
        },
    ),
    ("deribit", {"mark.clamp": 0.0005}),
    # margin and liquidation: tiers, and open interest, of the size of a small market
    (
        "okx",
        {
            "margin.tiers": [
                [0.0, 0.004, 100.0],
                [2_000.0, 0.006, 75.0],
                [5_000.0, 0.008, 50.0],
                [8_000.0, 0.01, 40.0],
                [12_000.0, 0.015, 33.0],
            ]
        },
    ),
    ("dydx-v4", {"margin.open_interest_low_usd": 5e3, "margin.open_interest_high_usd": 1e5}),
    # margin by concentration and limits of positions
    (
        "binance",
        {"margin.concentration_slope": 0.2, "margin.concentration_free_usd": 2e3},
    ),
    ("binance", {"margin.position_limit_usd": 4e3, "margin.position_limit_share": 0.1}),
    # a pool that its traders use up, and one whose traders win
    ("gmx-v2", {"trading.limit_usd": 3e4}),
    ("gmx-v2", {"adl.pool_trigger": 0.02, "adl.pool_target": 0.01}),
)
"""Rulebooks for keys that matter under none of the library: a name and changes of it."""


@functools.cache
def bases():
    """Return the rulebooks to perturb: the variants, then the library, with a coarse tick."""
    named = [*VARIANTS, *((name, {}) for name in rulebook_names())]
    return [load_rulebook(name).changed(SMALL | changes) for name, changes in named]
