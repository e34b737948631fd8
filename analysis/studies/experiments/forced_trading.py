"""The study of forced trading: a cascade of longs by speed and depth.

Speeds are minutes in which the news of the scenario arrives. Depths of the perpetual's book are the
providers' `level_usd`, with inventory limits in proportion. In one arm spot is so deep that only
the perpetual's own book amplifies.
"""

from perplab.analysis.metrics.losses import ABSORBERS
from perplab.analysis.studies.measures.forced_trading import fall_run
from perplab.analysis.studies.study import Arm, Figure, Setting, Study
from perplab.scenarios.files.loader import load

MINUTES = (90.0, 30.0)
DEPTHS = (0.2, 5.0)
DEEP = {"spot.displacement.depth": 1e11, "spot.permanent_impact_bps": 0}


def depth_changes(story, factor):
    """Return the changes to a scenario that multiply the depth of its book."""
    providers = load(story).populations["providers"].traits
    return {
        f"populations.providers.{trait}": providers[trait] * factor
        for trait in ("level_usd", "inventory_limit_usd")
    }


def cascade_arms(story):
    """Return the scenario, and the scenario with one speed or depth changed at a time."""
    changed = {f"in {minutes:g} minutes": {"shocks.0.minutes": minutes} for minutes in MINUTES}
    changed |= {f"depth x {factor:g}": depth_changes(story, factor) for factor in DEPTHS}
    changed["in 30 minutes, spot hardly moves"] = {"shocks.0.minutes": 30.0} | DEEP
    arms = (Arm(name, story, changes) for name, changes in changed.items())
    return (Arm("as it is", story), *arms)


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
    control="the no-impact twin of each run; across arms, the scenario as it is.",
    literature="a branching ratio of .1 to .2, 88 % of forced selling within 30 min, 63 % absorbed "
    "off the book, in one event at Hyperliquid (Garcia Seuma 2026 [SEC]).",
)
STUDIES = (CASCADE,)
