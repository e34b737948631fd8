"""The study of forced trading: a cascade of longs by depth.

Depths are the providers' `level_usd`, with inventory limits in proportion, each with the scenario's
spot, which moves with trades, and with that of the small market, which hardly does, so that only
the perpetual's own book amplifies.
"""

from perplab.analysis.metrics.cascade import ABSORBERS
from perplab.analysis.studies.measures.forced_trading import fall_run
from perplab.analysis.studies.study import Arm, Figure, Setting, Study
from perplab.scenarios.files.loader import load

LEVELS_USD = (1_400.0, 7_000.0, 280.0)
DEEP = {"spot.permanent_impact_bps": 0.02}


def depth_changes(story, level_usd):
    """Return the changes to a scenario that set the depth of its book."""
    providers = load(story).populations["providers"].traits
    limit = providers["inventory_limit_usd"] * level_usd / providers["level_usd"]
    return {
        "populations.providers.level_usd": level_usd,
        "populations.providers.inventory_limit_usd": limit,
    }


def cascade_arms(story):
    """Return the cascade by depth and spot, the scenario's own first."""
    return tuple(
        Arm(f"level_usd {level:g}{words}", story, depth_changes(story, level) | spot)
        for words, spot in (("", {}), (", spot hardly moves", DEEP))
        for level in LEVELS_USD
    )


USD = "quote currency"
CASCADE = Study(
    name="cascade",
    question="How much of the liquidated notional do liquidations themselves bring about?",
    arms=cascade_arms,
    measure=fall_run,
    figures={
        "amplification": Figure("amplification", "share"),
        "liquidated_usd": Figure("liquidated notional", USD),
        "liquidated_twin_usd": Figure("the same in the twin", USD),
        "liquidations": Figure("accounts liquidated"),
        "branching_ratio": Figure("branching ratio", "share"),
        "endogenous_fallen_in_twin": Figure(
            "triggered accounts that fall in the twin too", "share"
        ),
        "rounds_max": Figure("most consecutive rounds"),
        "open_interest_usd": Figure("open interest before", USD),
        "depth_usd": Figure("depth before", USD),
        "open_interest_over_depth": Figure("open interest over depth"),
        "open_interest_fall": Figure("fall of open interest", "share"),
        **{key: Figure(key.replace("_", " "), "share") for key in ABSORBERS},
        "fund_received_usd": Figure("received by the fund", USD),
        "fund_paid_usd": Figure("paid by the fund", USD),
        "fund_change_usd": Figure("change of the fund", USD),
        "basis_before_bps": Figure("basis before", "bp"),
        "basis_lowest_bps": Figure("lowest basis", "bp"),
        "basis_lowest_twin_bps": Figure("lowest basis in the twin", "bp"),
        "basis_after_6h_bps": Figure("basis 6 h later", "bp"),
        "basis_after_24h_bps": Figure("basis 24 h later", "bp"),
        "spot_displaced_bps": Figure("displacement of spot", "bp"),
    },
    compared=("amplification", "liquidated_usd", "branching_ratio"),
    effects=("amplification",),
    settings=(Setting("long-cascade"),),
    control="the no-impact twin of each run; across arms, the scenario's own depth and spot.",
    literature="a branching ratio of .1 to .2, 88 % of forced selling within 30 min, 63 % absorbed "
    "off the book, in one event at Hyperliquid (Garcia Seuma 2026 [SEC]).",
)
STUDIES = (CASCADE,)
