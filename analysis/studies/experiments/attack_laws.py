"""Laws of spot impact that attacks run under, and why nothing is claimed under some."""

from typing import NamedTuple

from perplab.scenarios.files.loader import load

NOT_FREE = (
    "linear impact with perp_price_discovery below 1 is not free of price manipulation, "
    "no claim rests on it"
)


class SpotLaw(NamedTuple):
    """A law of spot impact: changes to a scenario, and why nothing is claimed under it, if so."""

    changes: dict
    label: str = ""


SPOT_LAWS = {
    "linear": SpotLaw({}, NOT_FREE),
    "linear, discovery 1": SpotLaw(
        {"spot.perp_price_discovery": 1.0},
        "linear impact with perp_price_discovery 1 counts perpetual flow that is hedged in spot "
        "twice; it is not shown to be free of price manipulation, no claim rests on it",
    ),
    "displacement": SpotLaw(
        {
            "spot.transient_impact_bps": 0.0,
            "spot.displacement.depth": 3.333e8,
            "spot.displacement.curvature": 0.5,
            "spot.displacement.seconds": 3_600.0,
            "spot.displacement.thin_power": 0.0,
        },
        "displacement is free of price manipulation within spot, but providers of this scenario do "
        "not hedge there, so it is not across both markets, no claim rests on it",
    ),
}
"""By name, for scenarios whose own law is linear; the first is theirs. The depth of displacement
replaces transient impact of 3 bp per 100,000; the permanent part stays."""
BEYOND_PROVIDERS = (
    "the attacker's position exceeds what providers may hold together, where quotes no longer pay "
    "for hedges (docs/model.md); no claim rests on it"
)


def laws_of(story):
    """Return the laws of spot to run a scenario under by name, its own first.

    Providers of a scenario with displacement hedge in spot and price the hedge: no other law is
    needed. But they do so within their inventory limits only.
    """
    scenario = load(story)
    if not scenario.spot.displacement:
        return SPOT_LAWS
    providers, attacker = (scenario.populations[name] for name in ("providers", "attacker"))
    room = providers.number * providers.traits["inventory_limit_usd"]
    return {
        "displacement": SpotLaw({}, BEYOND_PROVIDERS if attacker.traits["size_usd"] > room else "")
    }
