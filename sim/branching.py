"""A branch under other rules or traits: what may change in flight, and how it is written into a running state."""

import dataclasses

import numpy as np

from sim.errors import Fault, ParameterError

FIXED_SECTIONS = ("contract", "trading")
ACCOUNT_TRAITS = ("capital_usd", "margin_share", "borrow_share", "wake_seconds", "latency_seconds", "leverage", "isolated")
VIEW_FIELDS = ("interval_seconds", "interest", "damper", "damper_mode", "cap", "floor", "divisor", "funding_on", "band", "maximum_leverage")


def adopt(market, setup):
    """Let a market go on under another setup: its rulebooks and the traits of its traders.

    Parameters
    ----------
    market : PerpetualMarket
        Changed in place.
    setup : sim.setup.Setup
        As the market's own but for rules and traits.

    Raises
    ------
    ParameterError
        If something else differs: markets, contracts, places of trade, numbers and kinds of traders, or what an account was opened
        with (`ACCOUNT_TRAITS`).
    """
    faults = [*market_faults(market.setup, setup), *population_faults(market.setup, setup)]
    if faults:
        raise ParameterError(*faults)
    for m, adopted in enumerate(setup.markets):
        write_rules(market.tables, m, adopted.rulebook)
    write_traits(market, setup)
    market.setup = dataclasses.replace(market.setup, markets=setup.markets, populations=setup.populations)


def places(setup):
    """Return the asset of each market and which of them share a venue: their names may change with the rules."""
    venues = list(dict.fromkeys(market.venue for market in setup.markets))
    return [(venues.index(market.venue), market.asset) for market in setup.markets]


def market_faults(before, after):
    """Return what of the markets differs that cannot change in flight."""
    if places(before) != places(after) or before.dt != after.dt:
        yield Fault("markets", [m.venue for m in after.markets], "the same markets and step as before the branch")
        return
    for old, new in zip(before.markets, after.markets, strict=True):
        for section in FIXED_SECTIONS:
            if getattr(old.rulebook, section) != getattr(new.rulebook, section):
                yield Fault(f"changes.{section}", section, "the same after the branch: it cannot change in flight")


def population_faults(before, after):
    """Return what of the populations differs that cannot change in flight."""
    if [(p.name, p.kind, p.number) for p in before.populations] != [(p.name, p.kind, p.number) for p in after.populations]:
        yield Fault("populations", [p.name for p in after.populations], "the same kinds and numbers after the branch")
        return
    for old, new in zip(before.populations, after.populations, strict=True):
        for trait in ACCOUNT_TRAITS:
            declared = new.kind.traits.traits.get(trait)
            default = None if declared is None else declared.default
            if not np.array_equal(old.traits.get(trait, default), new.traits.get(trait, default)):
                yield Fault(f"populations.{new.name}.{trait}", trait, "the same after the branch: accounts are open already")


def write_rules(tables, m, rulebook):
    """Write the numbers of a rulebook over those of a running market, and what traders see of them."""
    market, view = tables["market"][m], tables["view"][m]
    venue = tables["venue"][int(market["venue"])]
    rulebook.fill(venue, market)
    for field in VIEW_FIELDS:
        view[field] = market[field]
    view["taker_fee"], view["maker_fee"] = venue["taker_fee"], venue["maker_fee"]
    view["maintenance_fraction"] = market["tier_fraction"][0]
    market["safe_low"], market["safe_high"] = 0.0, 0.0


def write_traits(market, setup):
    """Write the traits that differ into the rows of a population; the memory of its rule stays."""
    first = dict.fromkeys(market.kinds, 0)
    for old, new in zip(market.setup.populations, setup.populations, strict=True):
        rows = slice(first[new.kind], first[new.kind] + new.number)
        first[new.kind] += new.number
        for trait in {**old.traits, **new.traits}:
            default = new.kind.traits.traits[trait].default
            before, after = (traits.get(trait, default) for traits in (old.traits, new.traits))
            if not np.array_equal(before, after):
                market.traits[market.kinds.index(new.kind)][trait][rows] = after
