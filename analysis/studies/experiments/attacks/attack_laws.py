"""Laws of spot impact that attacks run under, and why nothing is claimed under some."""

import math
from typing import NamedTuple

from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of

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


def laws_of(story, changes=()):
    """Return the laws of spot to run a scenario with changes under by name, its own first.

    Providers of a scenario with displacement hedge in spot and price the hedge: no other law is
    needed. But they do so within their inventory limits only.
    """
    if not load(story).spot.displacement:
        return SPOT_LAWS
    scenario = load(story, changes)
    providers = scenario.populations["providers"]
    room = providers.number * providers.traits["inventory_limit_usd"]
    attacker = scenario.populations["attacker"].traits
    beyond = largest_position(attacker, funding_seconds(scenario)) > room
    return {"displacement": SpotLaw({}, BEYOND_PROVIDERS if beyond else "")}


def funding_seconds(scenario):
    """Return the funding interval of a scenario."""
    return 3_600.0 * rulebook_of(scenario.market).funding.interval_hours


def largest_position(attacker, funding_interval):
    """Return the largest position in the perpetual that an attacker plans, in quote currency.

    It counts the pushes that it expects: it wakes at random, at most once a step, and has the ends
    of funding intervals in proportion, which an attack shorter than an interval may have or not.

    Parameters
    ----------
    attacker : mapping
        Its traits, as a scenario states them.
    funding_interval : float, seconds

    Examples
    --------
    >>> plan = {"side": -1, "size_usd": 3e6, "perp_push_usd": 1e5, "attack_hours": 1.0}
    >>> largest_position({**plan, "wake_seconds": 60}, 28_800.0)
    3000000.0
    >>> largest_position({**plan, "wake_seconds": 30}, 28_800.0)
    9000000.0
    """
    window = min(1.0, attacker.get("attack_seconds", math.inf) / funding_interval)
    wakes = window * 3_600.0 * attacker["attack_hours"] / attacker["wake_seconds"]
    built = attacker["side"] * attacker["size_usd"]
    return max(abs(built), abs(built + wakes * attacker["perp_push_usd"]))
