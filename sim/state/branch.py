"""A branch under other rules or traits: what may change in flight, and how it is changed."""

import dataclasses

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.mark import changed_inputs, starts_at_price
from perplab.sim.state.initial_markets import fill_spot_view, fill_terms, show_rules

FIXED_OF_RUN = {
    "dt": "dt_seconds",
    "record_seconds": "record_seconds",
    "wealth_seconds": "record.wealth_seconds",
    "premium_samples": "premium_sample_seconds",
    "print_trades": "record.trades",
}
FIXED_OF_ASSET = {
    "process": "price",
    "shocks": "shocks",
    "sentiment": "sentiment",
    "small_takers": "small_takers",
}
FIXED_SECTIONS = ("contract", "trading")
ACCOUNT_TRAITS = (
    "capital_usd",
    "margin_share",
    "borrow_share",
    "wake_seconds",
    "latency_seconds",
    "leverage",
    "isolated",
    "taker_discount_bps",
    "maker_discount_bps",
)
IN_FLIGHT = "before the branch: it cannot change in flight"


def adopt(market, setup):
    """Continue a market under another setup: rulebooks, terms of spot trading, traits.

    Parameters
    ----------
    market : PerpetualMarket
        Changed in place.
    setup : perplab.sim.setup.Setup
        As the market's own except for rules, terms and traits.

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
    """Return a market under new rules with the fund's initial amount of the old ones."""
    initial = old.rulebook.fund.initial
    return (
        new
        if new.rulebook.fund.initial == initial
        else dataclasses.replace(new, rulebook=new.rulebook.changed({"fund.initial": initial}))
    )


def differences(before, after):
    """Yield a fault, with the key of a scenario, for each difference that cannot change in flight.

    These are the clock and what is recorded, the spot price with its shocks, number and order of
    assets, markets and venues, contracts and venue types, a fund's initial amount, numbers and
    kinds of traders, and the traits that accounts are opened with (`ACCOUNT_TRAITS`).
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
            if (old.displacement is None) != (new.displacement is None):
                law = "linear" if old.displacement is None else "displacement"
                yield Fault(f"assets.{a}.displacement", "another law", f"{law} as {IN_FLIGHT}")
    yield from market_faults(before, after)
    yield from population_faults(before, after)


def changes_of(old, new, keys, prefix=""):
    """Yield a fault for each attribute that differs; `keys` maps attributes to scenario keys."""
    for name, key in keys.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Fault(prefix + key, after, f"{before!r} as {IN_FLIGHT}")


def places(setup):
    """Return (venue's index, asset) of each market; a venue's name may change with its rules."""
    venues = list(dict.fromkeys(market.venue for market in setup.markets))
    return [(venues.index(market.venue), market.asset) for market in setup.markets]


def market_faults(before, after):
    """Yield a fault for each difference between markets that cannot change in flight."""
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
    """Yield a fault for each difference between populations that cannot change in flight."""
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
    """Return the value of a trait, or the range of its values in words."""
    values = np.unique(population.traits.get(trait, default))
    return float(values[0]) if len(values) == 1 else f"from {values[0]:g} to {values[-1]:g}"


def write_rules(tables, m, rulebook):
    """Write the numbers of a rulebook into a running market and into its view."""
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
    """Write the traits that differ into the rows of a population; its memory is unchanged."""
    first = dict.fromkeys(market.kinds, 0)
    for old, new in zip(market.setup.populations, setup.populations, strict=True):
        rows = slice(first[new.kind], first[new.kind] + new.number)
        first[new.kind] += new.number
        for trait in {**old.traits, **new.traits}:
            default = new.kind.traits.traits[trait].default_of(new.number)
            before, after = (traits.get(trait, default) for traits in (old.traits, new.traits))
            if not np.array_equal(before, after):
                market.traits[market.kinds.index(new.kind)][trait][rows] = after
