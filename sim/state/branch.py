"""A branch under other rules or traits: what may change in flight, and how it is written into a running state."""

import dataclasses

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.mark import changed_inputs, starts_at_price
from perplab.sim.state.build import fill_spot_view, fill_terms, show_rules

FIXED_OF_RUN = {
    "dt": "dt_seconds",
    "record_seconds": "record_seconds",
    "premium_samples": "premium_sample_seconds",
    "print_trades": "record.trades",
}
FIXED_OF_ASSET = {"process": "price", "shocks": "shocks", "sentiment": "sentiment"}
FIXED_SECTIONS = ("contract", "trading")
ACCOUNT_TRAITS = (
    "capital_usd",
    "margin_share",
    "borrow_share",
    "wake_seconds",
    "latency_seconds",
    "leverage",
    "isolated",
)
IN_FLIGHT = "before the branch: it cannot change in flight"


def adopt(market, setup):
    """Let a market go on under another setup: its rulebooks, the terms of trading in spot and the traits of its traders.

    Parameters
    ----------
    market : PerpetualMarket
        Changed in place.
    setup : perplab.sim.setup.Setup
        As the market's own but for rules, terms and traits.

    Raises
    ------
    ParameterError
        If something else differs: see `differences`.
    """
    faults = list(differences(market.setup, setup))
    if faults:
        raise ParameterError(*faults)
    kept = [
        with_fund_of(old, new) for old, new in zip(market.setup.markets, setup.markets, strict=True)
    ]
    for m, adopted in enumerate(kept):
        write_rules(market.tables, m, adopted.rulebook)
    for a, asset in enumerate(setup.assets):
        fill_terms(market.tables["asset"][a], asset, setup)
    for view, adopted in zip(market.tables["view"], kept, strict=True):
        fill_spot_view(view, market.tables["asset"][market.layout.assets.index(adopted.asset)])
    write_traits(market, setup)
    market.setup = dataclasses.replace(
        market.setup, assets=setup.assets, markets=kept, populations=setup.populations
    )


def with_fund_of(old, new):
    """Return a market under new rules with what its fund was given at the start: that is history."""
    initial = old.rulebook.fund.initial
    return (
        new
        if new.rulebook.fund.initial == initial
        else dataclasses.replace(new, rulebook=new.rulebook.changed({"fund.initial": initial}))
    )


def differences(before, after):
    """Return what differs between two setups and cannot change in flight, as faults with the keys of a scenario.

    Those are the clock and what is recorded, the spot price with its shocks, the number and order of assets, markets and
    venues, contracts and places of trade, what a fund was given, numbers and kinds of traders, and what an account was opened
    with (`ACCOUNT_TRAITS`).
    """
    yield from changes_of(before, after, FIXED_OF_RUN)
    if [asset.name for asset in before.assets] != [asset.name for asset in after.assets]:
        yield Fault(
            "assets",
            [asset.name for asset in after.assets],
            f"{[asset.name for asset in before.assets]} as {IN_FLIGHT}",
        )
    else:
        for a, (old, new) in enumerate(zip(before.assets, after.assets, strict=True)):
            yield from changes_of(old, new, FIXED_OF_ASSET, f"assets.{a}.")
    yield from market_faults(before, after)
    yield from population_faults(before, after)


def changes_of(old, new, keys, prefix=""):
    """Return a fault for each attribute that differs; `keys` says by what name a scenario knows it."""
    for name, key in keys.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Fault(prefix + key, after, f"{before!r} as {IN_FLIGHT}")


def places(setup):
    """Return the asset of each market and which of them share a venue: their names may change with the rules."""
    venues = list(dict.fromkeys(market.venue for market in setup.markets))
    return [(venues.index(market.venue), market.asset) for market in setup.markets]


def market_faults(before, after):
    """Return what of the markets differs that cannot change in flight."""
    if places(before) != places(after):
        yield Fault(
            "markets", [m.venue for m in after.markets], "the same markets as before the branch"
        )
        return
    for m, (old, new) in enumerate(zip(before.markets, after.markets, strict=True)):
        for section in FIXED_SECTIONS:
            one, other = getattr(old.rulebook, section), getattr(new.rulebook, section)
            yield from changes_of(
                one,
                other,
                {name: name for name in type(one).model_fields},
                f"markets.{m}.changes.{section}.",
            )
        if old.rulebook.name == new.rulebook.name:
            yield from changes_of(
                old.rulebook.fund,
                new.rulebook.fund,
                {"initial": "initial"},
                f"markets.{m}.changes.fund.",
            )


def population_faults(before, after):
    """Return what of the populations differs that cannot change in flight."""
    if [(p.name, p.kind, p.number) for p in before.populations] != [
        (p.name, p.kind, p.number) for p in after.populations
    ]:
        yield Fault(
            "populations",
            [p.name for p in after.populations],
            "the same kinds and numbers after the branch",
        )
        return
    for old, new in zip(before.populations, after.populations, strict=True):
        for trait in ACCOUNT_TRAITS:
            declared = new.kind.traits.traits.get(trait)
            default = None if declared is None else declared.default
            if not np.array_equal(old.traits.get(trait, default), new.traits.get(trait, default)):
                yield Fault(
                    f"populations.{new.name}.{trait}",
                    trait_text(new, trait, default),
                    "the same after the branch: accounts are open already",
                )


def trait_text(population, trait, default):
    """Return the value of a trait, or how its values are spread."""
    values = np.unique(population.traits.get(trait, default))
    return float(values[0]) if len(values) == 1 else f"from {values[0]:g} to {values[-1]:g}"


def write_rules(tables, m, rulebook):
    """Write the numbers of a rulebook over those of a running market, and what traders see of them."""
    market, view = tables["market"][m], tables["view"][m]
    venue = tables["venue"][int(market["venue"])]
    before = market["mark_law"].copy()
    rulebook.fill(venue, market)
    for k in changed_inputs(before, market["mark_law"]):
        starts_high = starts_at_price(market["mark_law"], k)
        market["mark_average"][k] = view["mark"] if starts_high else 0.0
        market["forced_average"][k] = 0.0
    show_rules(view, market, venue)
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
